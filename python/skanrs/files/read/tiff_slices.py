"""A stack of TIFF files of one plane each, in the order of the numbers in their names."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileError
from .source import Array, Box, Source, state_of
from .tiff import Tiff

__all__ = ['TiffSlices']


class TiffSlices(Source):
    """Files of one plane each, in the order of the numbers in their names."""

    damaged = 'is cut off, damaged or no TIFF file'

    def __init__(self, path: Path, files: list[Path], channel: int | None = None) -> None:
        self._slices = sorted(files, key=_by_number)
        super().__init__(path, channel)

    def _open(self) -> None:
        with Tiff(self._slices[0]) as first:
            plane = first.shape
            self.dtype = first.dtype
            self.spacing = None
        if len(plane) != 2:
            raise FileError(f'{self._slices[0]} is not a single slice: its shape is {plane}')
        self.shape = (len(self._slices), *plane)
        self.axes = 'zyx'
        self.pieces = (1, *plane)

    def _read(self, box: Box) -> Array:
        block = np.empty([part.stop - part.start for part in box], self.dtype)
        for index, path in enumerate(self._slices[box[0]]):
            with Tiff(path) as source:
                if (source.shape, source.dtype) != (self.shape[1:], self.dtype):
                    raise FileError(
                        f'{path} is of shape {source.shape} and {source.dtype}, '
                        f'{self._slices[0]} of {self.shape[1:]} and '
                        f'{self.dtype}: these are no slices of one image'
                    )
                block[index] = source[box[1:]]
        return block

    def __reduce__(self) -> tuple[Any, ...]:
        files = [path.absolute() for path in self._slices]
        return type(self), (self.path.absolute(), files, self._channel)

    def state(self) -> tuple[int, ...]:
        """Return what changes when a file does."""
        return tuple(number for path in self._slices for number in state_of(path))


def _by_number(path: Path) -> list[tuple[bool, int, str]]:
    """Order slice_9 before slice_10."""
    return [
        (part.isdecimal(), int(part) if part.isdecimal() else 0, part)
        for part in re.split(r'(\d+)', path.name)
    ]
