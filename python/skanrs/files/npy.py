"""numpy's own formats: .npy, of which any planes are read, and .npz, read as a whole."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from .claims import DEFLATE_RATIO, check_ratio
from .errors import FileError
from .source import Array, Box, Source, letters

__all__ = ['Npy', 'Npz']

MAGIC = np.lib.format.MAGIC_PREFIX

# A header that describes an image is some hundred bytes, and a spacing has a number for each axis.
LONGEST_HEADER = 1 << 16
MANY_AXES = 64

# How many bytes one compressed byte unpacks to at most, where there is a bound.
LARGEST_RATIOS = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: DEFLATE_RATIO}


class Header(NamedTuple):
    """What stands before the values."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    offset: int


class Npy(Source):
    """A .npy file; of it the planes that a box touches are read."""

    def _open(self) -> None:
        with self.path.open('rb') as file:
            header = _read_header(file, str(self.path))
        needed = header.offset + header.dtype.itemsize * _count(header.shape)
        if self.path.stat().st_size < needed:
            raise FileError(f'{self.path} is cut off or damaged')
        self._header = header
        self.shape, self.dtype = header.shape, header.dtype
        self.axes = letters(len(self.shape))
        self.pieces = _planes(self.shape, header.fortran)

    def _read(self, box: Box) -> Array:
        return read_planes(self.path, *self._header, box)


class Npz(Source):
    """A .npz file with the key ``image`` or a single array, and perhaps ``spacing``."""

    def _open(self) -> None:
        with self._archive() as archive:
            members = {
                name.removesuffix('.npy'): name
                for name in archive.namelist()
                if name.endswith('.npy')
            }
            key = _image_key(self.path, members)
            self._member, self._key = members[key], f'{self.path}, key {key!r},'
            with archive.open(self._member) as file:
                header = _read_header(file, self._key)
            # Checked before anything is allocated: a header may promise what is not there.
            needed = header.offset + header.dtype.itemsize * _count(header.shape)
            member = archive.getinfo(self._member)
            ratio = LARGEST_RATIOS.get(member.compress_type)
            if ratio is not None:
                check_ratio(self._key, member.file_size, member.compress_size, ratio)
            if member.file_size < needed:
                raise FileError(f'{self._key} is cut off or damaged')
            if 'spacing' in members and key != 'spacing':
                with archive.open(members['spacing']) as file:
                    self.spacing = _spacing(file, f"{self.path}, key 'spacing',")
        self.shape, self.dtype = header.shape, header.dtype
        self.axes = letters(len(self.shape))
        self.pieces = self._shape = self.shape
        self._image: Array | None = None

    def _archive(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.path)
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise FileError(f'{self.path} is cut off, damaged or no .npz file ({error})') from error

    def _read(self, box: Box) -> Array:
        if self._image is None:
            self._check_memory(tuple(slice(0, length) for length in self._shape))
            try:
                with self._archive() as archive, archive.open(self._member) as file:
                    self._image = _read_array(file, self._key)
            except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
                raise FileError(
                    f'{self.path} is cut off, damaged or no .npz file ({error})'
                ) from error
        return self._image[box]


def read_planes(
    path: Path, shape: tuple[int, ...], fortran: bool, dtype: np.dtype[Any], offset: int, box: Box
) -> Array:
    """Read a box of the array that begins at an offset of a file, by whole planes.

    Not mapped into memory: mapped pages would count as memory of this process.
    """
    slow = len(shape) - 1 if fortran else 0
    planes, rest = box[slow], [*box]
    plane_shape = shape[:slow] + shape[slow + 1 :]
    count = _count(plane_shape)
    length = planes.stop - planes.start
    values = np.fromfile(
        path, dtype, count * length, offset=offset + planes.start * count * dtype.itemsize
    )
    rest[slow] = slice(None)
    here = (*shape[:slow], length, *shape[slow + 1 :])
    return values.reshape(here, order='F' if fortran else 'C')[tuple(rest)]


def _image_key(path: Path, members: Mapping[str, str]) -> str:
    if 'image' in members:
        return 'image'
    others = [name for name in members if name != 'spacing']
    if len(others) == 1:
        return others[0]
    if not others:
        raise FileError(f'{path} holds no image')
    keys = ', '.join(sorted(others))
    raise FileError(f'{path} holds several arrays ({keys}); name the one that is meant `image`')


def _read_header(file: IO[bytes], name: str) -> Header:
    magic = file.read(len(MAGIC))
    if magic != MAGIC:
        raise FileError(f"{name} is not in numpy's format: it does not begin as such files do")
    file.seek(0)
    try:
        version = np.lib.format.read_magic(file)
        # numpy reads a header of any length before it looks at the length.
        if version > (1, 0) and int.from_bytes(file.read(4), 'little') > LONGEST_HEADER:
            raise ValueError('no header is so long')
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


def _read_array(file: IO[bytes], name: str) -> Array:
    """Read an array in numpy's own format; `name` says in messages where it stands."""
    _read_header(file, name)
    file.seek(0)
    try:
        array: Array = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, EOFError, SyntaxError, TypeError) as error:
        raise FileError(f'{name} is cut off or damaged') from error
    return array


def _spacing(file: IO[bytes], name: str) -> tuple[float, ...] | None:
    """Return the spacing of a file as numbers, None if it is something else."""
    header = _read_header(file, name)
    # Looked at before anything is allocated.
    if header.dtype.kind not in 'iuf' or len(header.shape) > 1 or _count(header.shape) > MANY_AXES:
        return None
    file.seek(0)
    return tuple(np.atleast_1d(_read_array(file, name)).tolist())


def _planes(shape: tuple[int, ...], fortran: bool) -> tuple[int, ...]:
    """Return the shape of a plane of neighbours in the file."""
    if len(shape) < 2:
        return shape
    return (*shape[:-1], 1) if fortran else (1, *shape[1:])


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count
