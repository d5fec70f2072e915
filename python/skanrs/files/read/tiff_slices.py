"""A stack of TIFF files, one for each plane, in the order of the numbers in their names."""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skanrs._support.by_number import by_number

from ..errors import FileError
from .choice import Choice
from .source import Array, Box, Source
from .tiff import Tiff

__all__ = ['TiffSlices']

MOST_GAPS = 8
"""The largest number of gaps that a warning lists."""


class TiffSlices(Source):
    """A folder or a pattern of TIFF files, one for each plane."""

    damaged = 'is cut off, damaged or no TIFF file'

    def __init__(
        self,
        path: Path,
        files: Sequence[Path],
        choice: Choice = Choice(),  # noqa: B008 - a tuple
    ) -> None:
        self._slices = sorted(
            (file.absolute() for file in files), key=lambda file: by_number(file.name)
        )
        # The channel is one of each slice.
        self._of_slice = choice._replace(axes=None)
        super().__init__(path, Choice(axes=choice.axes))

    def _open(self) -> None:
        with Tiff(self._slices[0], self._of_slice) as first:
            self.channels, self.channel_names = first.channels, first.channel_names
            plane = first.shape
            self.dtype = first.dtype
            self.warnings += first.warnings
        missing = _missing_numbers([file.name for file in self._slices])
        if missing:
            self._warn(
                f'slices are missing: {missing}; the slices beside a gap are read as neighbours'
            )
        if len(plane) != 2:
            raise FileError(
                f'{self._slices[0].name} in {self.name} is not a single slice: its shape is {plane}'
            )
        self.shape = (len(self._slices), *plane)
        self.axes = 'zyx'
        self.pieces = (1, *plane)

    def _read(self, box: Box) -> Array:
        block = np.empty([part.stop - part.start for part in box], self.dtype)
        for index, path in enumerate(self._slices[box[0]]):
            with Tiff(path, self._of_slice) as source:
                if (source.shape, source.dtype) != (self.shape[1:], self.dtype):
                    raise FileError(
                        f'{path.name} in {self.name} is of shape {source.shape} and '
                        f'{source.dtype}, '
                        f'{self._slices[0].name} of {self.shape[1:]} and '
                        f'{self.dtype}: they are not slices of one image'
                    )
                block[index] = source[box[1:]]
        return block

    def __reduce__(self) -> tuple[Any, ...]:
        choice = self._of_slice._replace(axes=self._choice.axes)
        return type(self), (self.path, self._slices, choice)

    def paths(self) -> list[Path]:
        """Return the files of the slices."""
        return self._slices


def _missing_numbers(names: Sequence[str]) -> str:
    """Return the numbers that are missing among names that differ by one number, as text.

    Numbers in equal steps, such as every tenth, are complete.
    """
    parts = [re.split(r'(\d+)', name) for name in names]
    if len({tuple(part[::2]) for part in parts}) != 1:
        return ''
    columns = [
        set(map(int, column)) for column in zip(*(part[1::2] for part in parts), strict=True)
    ]
    varying = [sorted(numbers) for numbers in columns if len(numbers) > 1]
    if len(varying) != 1 or len(varying[0]) < len(names):
        return ''
    numbers = varying[0]
    step = min(b - a for a, b in itertools.pairwise(numbers))
    gaps = [(a + step, b - step) for a, b in itertools.pairwise(numbers) if b - a > step]
    if any((b - a) % step for a, b in itertools.pairwise(numbers)):
        return ''
    shown = [str(a) if a == b else f'{a} to {b}' for a, b in gaps[:MOST_GAPS]]
    return ', '.join(shown) + (' and more' if len(gaps) > MOST_GAPS else '')
