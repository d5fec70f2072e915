"""Runs of neighbouring blocks along an axis."""

from collections.abc import Iterator, Sequence


def runs_of_blocks(lengths: Sequence[int], longest: float) -> Iterator[range]:
    """Yield runs of blocks of these lengths: at most `longest` together, or one block."""
    start, total = 0, 0
    for number, length in enumerate(lengths):
        if number > start and total + length > longest:
            yield range(start, number)
            start, total = number, 0
        total += length
    yield range(start, len(lengths))
