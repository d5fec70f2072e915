"""NumPy's .npz format; an array in it is read as a whole."""

import math
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO

import numpy as np

from ..errors import FileError
from .axes import letters
from .npy import read_header
from .size_checks import DEFLATE_RATIO, check_ratio
from .source import Array, Box, Source

__all__ = ['Npz']

MANY_AXES = 64
"""More sizes than this are no spacing."""

# The largest ratio of each compression that has one.
LARGEST_RATIOS = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: DEFLATE_RATIO}


class Npz(Source):
    """A .npz file with the key ``image`` or a single array, and perhaps ``spacing``."""

    def _open(self) -> None:
        with self._archive() as archive:
            members = {
                name.removesuffix('.npy'): name
                for name in archive.namelist()
                if name.endswith('.npy')
            }
            key = _image_key(self.name, members)
            self._member, self._key = members[key], f'{self.name}, key {key!r},'
            with archive.open(self._member) as file:
                header = read_header(file, self._key)
            # Before anything is allocated: a header can claim any shape.
            needed = header.offset + header.dtype.itemsize * math.prod(header.shape)
            member = archive.getinfo(self._member)
            ratio = LARGEST_RATIOS.get(member.compress_type)
            if ratio is not None:
                check_ratio(self._key, member.file_size, member.compress_size, ratio)
            if member.file_size < needed:
                raise FileError(f'{self._key} is cut off or damaged')
            if 'spacing' in members and key != 'spacing':
                with archive.open(members['spacing']) as file:
                    self.spacing = self._spacing(file)
        self.shape, self.dtype = header.shape, header.dtype
        self.axes = letters(len(self.shape))
        self.pieces = self._shape = self.shape
        self._image: Array | None = None

    def _spacing(self, file: IO[bytes]) -> tuple[float, ...] | None:
        name = f"{self.name}, key 'spacing',"
        header = read_header(file, name)
        # Before anything is allocated.
        if header.dtype.kind not in 'iuf' or math.prod(header.shape) > MANY_AXES:
            self._warn("the key 'spacing' holds no sizes; the spacing is unknown")
            return None
        file.seek(0)
        return self._sizes(_read_array(file, name).ravel(), 'spacing')

    def _archive(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.path)
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise FileError(f'{self.name} is cut off, damaged or no .npz file ({error})') from error

    def _read(self, box: Box) -> Array:
        if self._image is None:
            self._check_memory(tuple(slice(0, length) for length in self._shape))
            try:
                with self._archive() as archive, archive.open(self._member) as file:
                    self._image = _read_array(file, self._key)
            except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
                raise FileError(
                    f'{self.name} is cut off, damaged or no .npz file ({error})'
                ) from error
        return self._image[box]


def _image_key(name: str, members: Mapping[str, str]) -> str:
    if 'image' in members:
        return 'image'
    images = [name for name in members if name != 'spacing']
    if len(images) == 1:
        return images[0]
    if not images:
        raise FileError(f'{name} holds no image')
    keys = ', '.join(sorted(images))
    raise FileError(f'{name} holds several arrays ({keys}); name the image `image`')


def _read_array(file: IO[bytes], name: str) -> Array:
    """Read an array in NumPy's format; `name` stands for it in messages."""
    read_header(file, name)
    file.seek(0)
    try:
        array: Array = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, EOFError, SyntaxError, TypeError) as error:
        raise FileError(f'{name} is cut off or damaged') from error
    return array
