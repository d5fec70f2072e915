"""Records of one type in a file: appended at the end, read in any part, by any thread."""

import threading
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Records:
    """A new file of records.

    Parameters
    ----------
    path : Path
        The file; it must not exist.
    dtype : dtype
        The type of a record.
    """

    def __init__(self, path: Path, dtype: npt.DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self.count = 0
        self._path = path
        self._lock = threading.Lock()
        path.touch(exist_ok=False)

    def append(self, records: Array) -> range:
        """Write records; return their numbers."""
        data = np.ascontiguousarray(records, self.dtype).data.cast('B')
        with self._lock:
            start = self.count
            if len(records):
                # Opened each time: thousands of such files may exist.
                with self._path.open('ab') as file:
                    file.write(data)
                self.count += len(records)
            return range(start, self.count)

    def read(self, numbers: range) -> Array:
        """Return the records with these consecutive numbers."""
        offset = numbers.start * self.dtype.itemsize
        return np.fromfile(self._path, self.dtype, len(numbers), offset=offset)

    def mapped(self, numbers: range | None = None, *, writable: bool = False) -> Array:
        """Return consecutive records, or all, as an array that is the file; one at least."""
        numbers = range(self.count) if numbers is None else numbers
        offset = numbers.start * self.dtype.itemsize
        mode: Literal['r+', 'r'] = 'r+' if writable else 'r'
        return np.memmap(self._path, self.dtype, mode, offset, shape=(len(numbers),))
