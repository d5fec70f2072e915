"""NumPy's .npy format; only the planes that a box touches are read."""

import math
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from ..errors import FileError
from .axes import letters
from .source import Array, Box, Source

__all__ = ['Npy', 'read_header', 'read_planes']

MAGIC = np.lib.format.MAGIC_PREFIX

# Headers of images have about a hundred bytes.
LONGEST_HEADER = 1 << 16


class Header(NamedTuple):
    """The header of an array: its shape, order and type, and the offset of its values."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    offset: int


class Npy(Source):
    """A .npy file."""

    def _open(self) -> None:
        with self.path.open('rb') as file:
            header = read_header(file, self.name)
        needed = header.offset + header.dtype.itemsize * math.prod(header.shape)
        if self.path.stat().st_size < needed:
            raise FileError(f'{self.name} is cut off or damaged')
        self._header = header
        self.shape, self.dtype = header.shape, header.dtype
        self.axes = letters(len(self.shape))
        self.pieces = _planes(self.shape, header.fortran)

    def _read(self, box: Box) -> Array:
        return read_planes(self.path, *self._header, box)


def read_planes(
    path: Path, shape: tuple[int, ...], fortran: bool, dtype: np.dtype[Any], offset: int, box: Box
) -> Array:
    """Read a box of an array by whole planes; the array begins at an offset of a file.

    The file is not mapped: mapped pages would count as memory of this process.
    """
    slow = len(shape) - 1 if fortran else 0
    planes, rest = box[slow], [*box]
    plane_shape = shape[:slow] + shape[slow + 1 :]
    count = math.prod(plane_shape)
    length = planes.stop - planes.start
    values = np.fromfile(
        path, dtype, count * length, offset=offset + planes.start * count * dtype.itemsize
    )
    rest[slow] = slice(None)
    shape_of_box = (*shape[:slow], length, *shape[slow + 1 :])
    return values.reshape(shape_of_box, order='F' if fortran else 'C')[tuple(rest)]


def read_header(file: IO[bytes], name: str) -> Header:
    """Read a header; `name` stands for the file or the array in messages."""
    magic = file.read(len(MAGIC))
    if magic != MAGIC:
        raise FileError(f"{name} is not in numpy's format: it does not begin as such files do")
    file.seek(0)
    try:
        version = np.lib.format.read_magic(file)
        # NumPy reads a header of any length before it checks the length.
        if version > (1, 0) and int.from_bytes(file.read(4), 'little') > LONGEST_HEADER:
            raise ValueError('the header is too long')
        file.seek(len(MAGIC) + 2)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version if version < (3, 0) else (2, 0)]
        shape, fortran, dtype = read(file)
    except (ValueError, EOFError, SyntaxError, TypeError, KeyError) as error:
        raise FileError(f'{name} is cut off or damaged') from error
    if dtype.hasobject:
        raise FileError(
            f'{name} holds Python objects, which are not read; '
            'save an array of booleans, integers or floats'
        )
    return Header(shape, fortran, dtype, file.tell())


def _planes(shape: tuple[int, ...], fortran: bool) -> tuple[int, ...]:
    """Return the shape of a plane that is contiguous in the file."""
    if len(shape) < 2:
        return shape
    return (*shape[:-1], 1) if fortran else (1, *shape[1:])
