"""HDF5 by h5py: `file.h5:/name`; the name is optional if the file holds one image.

The spacing is the attribute ``element_size_um`` of the dataset, as ilastik, PlantSeg and the
Fiji plugin write it, or ``spacing``.
"""

import itertools
import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileError, need
from .axes import axis_letters, letters
from .choice import Choice
from .source import Array, Box, Source

__all__ = ['Hdf5']


class Hdf5(Source):
    """A dataset of an HDF5 file."""

    damaged = 'is cut off, damaged or no HDF5 file'

    def __init__(
        self,
        path: Path,
        inside: str | None,
        choice: Choice = Choice(),  # noqa: B008 - a tuple
    ) -> None:
        self._inside = inside
        super().__init__(path, choice)

    def _open(self) -> None:
        need('h5py', self.name)
        import h5py

        self._file: Any = None
        self._file = h5py.File(self.path, 'r')
        self._inside = self._find(h5py)
        self._dataset = dataset = self._file[self._inside]
        self.name = f'{self.name}:{self._inside}'
        self._check_parts(h5py)
        self.shape, self.dtype = dataset.shape, np.dtype(dataset.dtype)
        self.axes = self._axes() or letters(len(self.shape))
        self.pieces = dataset.chunks or (1, *self.shape[1:])
        self.unpacked = dataset.chunks or (1,) * len(self.shape)
        self.spacing = self._attribute(dataset.attrs, 'element_size_um', 'spacing')
        if 'element_size_um' in dataset.attrs:
            self.unit = 'µm'

    def _find(self, h5py: Any) -> str:
        if self._inside is not None:
            with suppress(KeyError, OSError):
                if isinstance(self._file[self._inside], h5py.Dataset):
                    return f'/{self._inside.lstrip("/")}'
        images, missing = _images(self._file, h5py)
        links = f'; it links to {missing[0]}, which cannot be opened' if missing else ''
        names = ', '.join(sorted(images))
        if self._inside is not None:
            raise FileError(
                f'{self.name} has no dataset {self._inside}; images in it: {names or "none"}{links}'
            )
        if len(images) == 1:
            return images[0]
        if not images:
            raise FileError(f'{self.name} holds no image{links}')
        raise FileError(
            f'{self.name} holds several images ({names}); '
            f'name one of them: {self.name}:{sorted(images)[0]}'
        )

    def _check_parts(self, h5py: Any) -> None:
        """Raise `FileError` if a file with a part of the image is missing: HDF5 reads zeros."""
        dataset = self._dataset
        folder = Path(dataset.file.filename).parent
        parts = dataset.virtual_sources() if dataset.is_virtual else ()
        for part in {(part.file_name, part.dset_name) for part in parts}:
            if part[0] == '.' or '%b' in part[1]:
                continue
            if '%b' in part[0]:
                gap = _gap(folder / part[0])
                if gap is not None:
                    raise FileError(f'{self.name} lacks a part: {gap} is missing')
                continue
            path = _linked_file(part[0], folder)
            if path is None:
                raise FileError(f'{self.name} lacks a part: {part[0]} is missing')
            with h5py.File(path, 'r') as file:
                if part[1] not in file:
                    raise FileError(f'{self.name} lacks a part: {part[0]} has no {part[1]}')
        left = dataset.nbytes
        for name, offset, size in dataset.external or ():
            path = _linked_file(name)
            if path is None:
                raise FileError(f'{self.name} lacks a part: {name} is missing')
            if path.stat().st_size < offset + min(size, left):
                raise FileError(f'{self.name} lacks a part: {name} is cut off')
            left -= min(size, left)

    def _axes(self) -> str | None:
        """Return the axes in ilastik's tags or in the labels of HDF5; None if there are none."""
        names = [dimension.label for dimension in self._dataset.dims]
        tags = self._dataset.attrs.get('axistags')
        if tags is not None:
            try:
                names = [axis['key'] for axis in json.loads(tags)['axes']]
            except (ValueError, TypeError, KeyError):
                self._warn('its axistags cannot be read; the axes are taken to be z, y, x')
        if len(names) != self._dataset.ndim or not any(names):
            return None
        return axis_letters(names)

    def _read(self, box: Box) -> Array:
        return np.asarray(self._dataset[box])

    def close(self) -> None:
        """Close the file."""
        if getattr(self, '_file', None) is not None:
            self._file.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self._inside, self._choice)


def _images(file: Any, h5py: Any) -> tuple[list[str], list[str]]:
    """Return the names of the images in a file, and the linked files that cannot be opened."""
    images: list[str] = []
    missing: list[str] = []
    seen = set()
    # Links last: an image with several names gets the one that is not a link.
    names, links = ['/'], list[str]()
    while names or links:
        name = names.pop() if names else links.pop(0)
        try:
            node = file[name]
        except (KeyError, OSError):
            link = file.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                missing.append(link.filename)
            continue
        about = h5py.h5o.get_info(node.id)
        if (about.fileno, about.addr) in seen:
            continue
        seen.add((about.fileno, about.addr))
        if isinstance(node, h5py.Group):
            for key in node:
                own = isinstance(node.get(key, getlink=True), h5py.HardLink)
                (names if own else links).append(f'{name.rstrip("/")}/{key}')
        elif isinstance(node, h5py.Dataset) and node.ndim >= 2 and node.dtype.kind in 'biuf':
            images.append(name)
    return images, missing


def _gap(pattern: Path) -> str | None:
    """Return the first missing name of files with the numbers from 0 on in place of %b."""
    numbered = re.compile(re.escape(pattern.name).replace('%b', '([0-9]+)', 1))
    found = (numbered.fullmatch(file.name) for file in pattern.parent.glob('*'))
    numbers = {int(match[1]) for match in found if match}
    first = next(number for number in itertools.count() if number not in numbers)
    if numbers and first > max(numbers):
        return None
    return pattern.name.replace('%b', str(first))


def _linked_file(name: str, *folders: Path) -> Path | None:
    """Return a file if it is where HDF5 looks: in these folders or the working folder."""
    files = (folder / name for folder in (*folders, Path()))
    return next((file for file in files if file.is_file()), None)
