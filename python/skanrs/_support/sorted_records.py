"""More records than memory holds, in the order of a field: sorted runs in a file, merged later.

Records with equal keys stay in the order in which they were appended. Cost: each record is written
once. Memory holds `RUN` bytes, and `LEAST` of each run while runs are merged.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from .records import Records
from .typing import Array

__all__ = ['SortedRecords']

RUN = 1 << 25
"""Bytes that are sorted in memory."""
LEAST = 1 << 16
"""Bytes of a run that are read at a time, or more if there are few runs."""


class SortedRecords:
    """A new file of records that are read in ascending order.

    Parameters
    ----------
    path : Path
        The file; it must not exist.
    dtype : dtype
        The type of a record, with the field of integers ``key``.
    """

    def __init__(self, path: Path, dtype: npt.DTypeLike) -> None:
        self._records = Records(path, dtype)
        self.dtype = self._records.dtype
        self._runs: list[range] = []
        self._waiting: list[Array] = []
        self._count = 0

    def append(self, records: Array) -> None:
        """Add records, in any order."""
        run = self._fitting(RUN)
        for start in range(0, len(records), run):
            part = records[start : start + run]
            self._waiting.append(part)
            self._count += len(part)
            if self._count >= run:
                self._write_run()

    def read(self) -> Iterator[Array]:
        """Iterate over the records, some at a time, in ascending order."""
        self._write_run()
        step = max(self._fitting(LEAST), self._fitting(RUN) // max(1, len(self._runs)))
        rest = list(self._runs)
        held = [np.empty(0, self._records.dtype) for _ in rest]
        while True:
            for number, run in enumerate(rest):
                if not len(held[number]) and run:
                    held[number] = self._records.read(run[:step])
                    rest[number] = run[step:]
            numbers = [number for number, records in enumerate(held) if len(records)]
            if not numbers:
                return
            # Up to the last record of the run that ends first, no other can come between.
            ends = [(held[number]['key'][-1], number) for number in numbers if rest[number]]
            key, last = min(ends, default=(0, -1))
            taken = []
            for number in numbers:
                count = len(held[number])
                if ends:
                    side: Literal['left', 'right'] = 'right' if number <= last else 'left'
                    count = int(np.searchsorted(held[number]['key'], key, side=side))
                taken.append(held[number][:count])
                held[number] = held[number][count:]
            yield _in_order(np.concatenate(taken))

    def groups(self) -> Iterator[Array]:
        """Iterate as `read` does, but records with equal keys come together."""
        left = np.empty(0, self.dtype)
        for part in self.read():
            records = np.concatenate([left, part])
            # The last key may go on in the next part.
            whole = int(np.searchsorted(records['key'], records['key'][-1]))
            if whole:
                yield records[:whole]
            left = records[whole:]
        if len(left):
            yield left

    def _fitting(self, size: int) -> int:
        """Return how many records so many bytes hold, one at least."""
        return max(1, size // self.dtype.itemsize)

    def _write_run(self) -> None:
        if self._count:
            self._runs.append(self._records.append(_in_order(np.concatenate(self._waiting))))
            self._waiting, self._count = [], 0


def _in_order(records: Array) -> Array:
    return records[np.argsort(records['key'], kind='stable')]
