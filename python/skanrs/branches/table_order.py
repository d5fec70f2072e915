"""Records of paths, which are finished in any order, in the order of the rows of the table.

That is the order of their first voxels, then of their second ones; cycles come last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skanrs._support.sorted_records import SortedRecords
from skanrs._support.typing import Array

__all__ = ['InTableOrder']


class InTableOrder:
    """Two new files of records.

    Parameters
    ----------
    path : Path
        The file; that of cycles has a longer name.
    fields : sequence of tuple
        The fields of a record, besides ``key`` and ``second``: the linear indices of the first and
        the second voxel of the path.
    """

    def __init__(self, path: Path, fields: Sequence[tuple[Any, ...]]) -> None:
        self.dtype = np.dtype([('key', np.int64), ('second', np.int64), *fields])
        self._paths = SortedRecords(path, self.dtype)
        self._cycles = SortedRecords(path.with_name(f'{path.name}-of-cycles'), self.dtype)

    def append(self, records: Array, is_cycle: Array) -> None:
        """Add records, in any order."""
        self._cycles.append(records[is_cycle])
        self._paths.append(records[~is_cycle])

    def read(self) -> Iterator[Array]:
        """Iterate over the records, some at a time."""
        for records in (self._paths, self._cycles):
            for part in records.groups():
                yield part[np.lexsort((part['second'], part['key']))]
