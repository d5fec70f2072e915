"""Branch tables whose rows are on disk: write them part by part, and summarize them.

The summary equals that of the whole table to the last bit: sums add in numpy's pairwise order, and
medians are selected by the digits of the numbers.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from skanrs._support.records import Records
from skanrs.files import AtomicOutputs
from skanrs.files.write.tables import TableParts, parts_of

from .report import BRANCH_TYPES, Branches

if TYPE_CHECKING:
    from skanrs.branches.on_disk import TableOnDisk

__all__ = ['median_of', 'sum_of', 'write_rows']

PIECE = 1 << 20
"""Numbers that are read at a time."""


def write_rows(
    out: AtomicOutputs, paths: Sequence[Path], rows: 'TableOnDisk', scratch: Path, recipe: str
) -> Branches:
    """Write all outputs in one pass over the rows.

    Parameters
    ----------
    out : AtomicOutputs
        Where outputs are written and failures recorded.
    paths : sequence of Path
        The outputs, CSV or Parquet.
    rows : TableOnDisk
        The table.
    scratch : Path
        A folder for the lengths of the branches.
    recipe : str
        The recipe of the table.

    Returns
    -------
    Branches
        As `Branches.of` the whole table.
    """
    lengths = Records(scratch / 'lengths', np.float64)
    types = np.zeros(len(BRANCH_TYPES), dtype=np.int64)
    with ExitStack() as stack:
        writers = {}
        closers = {path: stack.enter_context(ExitStack()) for path in paths}
        for path, closer in closers.items():
            with out.attempt(path):
                file = closer.enter_context(out.new(path).open('xb'))
                writers[path] = closer.enter_context(TableParts(path, file, recipe))
        for part in parts_of(rows.parts()):
            for path, writer in writers.items():
                if path not in out.failed:
                    with out.attempt(path):
                        writer.write(part)
            lengths.append(part['branch_distance'].to_numpy())
            types += np.bincount(part['branch_type'], minlength=len(types))
        # What is left is written now, and the disk may be full.
        for path, closer in closers.items():
            with out.attempt(path):
                closer.close()
    return Branches(
        networks=rows.networks,
        by_type=tuple(types.tolist()),
        total_length=sum_of(lengths),
        median_length=median_of(lengths) if lengths.count else 0.0,
        median_radius=None,
    )


def sum_of(numbers: Records, chosen: range | None = None) -> float:
    """Return the sum of numbers as numpy adds them: the halves first, in blocks of eight."""
    chosen = range(numbers.count) if chosen is None else chosen
    if len(chosen) <= PIECE:
        return float(np.sum(numbers.read(chosen)))
    half = len(chosen) // 2
    half -= half % 8
    return sum_of(numbers, chosen[:half]) + sum_of(numbers, chosen[half:])


def median_of(numbers: Records) -> float:
    """Return the median of numbers that are positive or 0."""
    middle = {(numbers.count - 1) // 2, numbers.count // 2}
    return float(np.mean([_select(numbers, rank) for rank in sorted(middle)]))


def _select(numbers: Records, rank: int) -> np.float64:
    """Return the number at a place of the ascending order."""
    # Numbers that are not negative are in the order of their bits.
    selected = 0
    for shift in (48, 32, 16, 0):
        counts = np.zeros(1 << 16, dtype=np.int64)
        for bits in _bits(numbers):
            inside = bits if shift == 48 else bits[bits >> (shift + 16) == selected]
            counts += np.bincount((inside >> shift) & 0xFFFF, minlength=1 << 16)
        before = np.cumsum(counts)
        digit = int(np.searchsorted(before, rank, side='right'))
        rank -= int(before[digit - 1]) if digit else 0
        selected = selected << 16 | digit
    return np.int64(selected).view(np.float64)


def _bits(numbers: Records) -> Iterator[npt.NDArray[np.int64]]:
    for start in range(0, numbers.count, PIECE):
        chosen = range(start, min(start + PIECE, numbers.count))
        yield numbers.read(chosen).view(np.int64)
