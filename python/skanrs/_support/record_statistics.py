"""Sums and medians of numbers in a file: those of numpy for the whole array, to the last bit.

Sums add in numpy's pairwise order, and medians are selected by the digits of the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from .records import Records
from .typing import Array

__all__ = ['median_of', 'pieces_of', 'sum_of']

PIECE = 1 << 20
"""Numbers that are read at a time."""


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
    return (piece.view(np.int64) for piece in pieces_of(numbers, PIECE))


def pieces_of(records: Records, length: int) -> Iterator[Array]:
    """Iterate over all records, so many at a time."""
    for start in range(0, records.count, length):
        yield records.read(range(start, min(start + length, records.count)))
