"""HDF5 by h5py: `file.h5:/name`, the name optional where the file holds one image.

The size of voxels is the attribute ``element_size_um`` of the dataset, as ilastik, PlantSeg and the
Fiji plugin write it, or ``spacing``.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileError, need
from .source import Array, Box, Source, letters, named_spacing, state_of

__all__ = ['Hdf5']


class Hdf5(Source):
    """A dataset of an HDF5 file."""

    damaged = 'is cut off, damaged or no HDF5 file'

    def __init__(self, path: Path, name: str | None, channel: int | None = None) -> None:
        self._name = name
        super().__init__(path, channel)

    def _open(self) -> None:
        need('h5py', self.path)
        import h5py

        self._h5 = self.path
        self._file: Any = None
        self._file = h5py.File(self.path, 'r')
        self._dataset = dataset = self._file[self._find(h5py)]
        self.path = Path(f'{self.path}:{dataset.name}')
        self.shape, self.dtype = dataset.shape, np.dtype(dataset.dtype)
        self.axes = letters(len(self.shape))
        self.pieces = dataset.chunks or (1, *self.shape[1:])
        self.unpacked = dataset.chunks or (1,) * len(self.shape)
        self.spacing = named_spacing(dataset.attrs, 'element_size_um', 'spacing')
        if 'element_size_um' in dataset.attrs:
            self.unit = 'µm'

    def _find(self, h5py: Any) -> str:
        images: list[str] = []

        def note(name: str, node: Any) -> None:
            if isinstance(node, h5py.Dataset) and node.ndim >= 2 and node.dtype.kind in 'biuf':
                images.append(f'/{name}')

        if self._name is not None:
            if self._name in self._file and isinstance(self._file[self._name], h5py.Dataset):
                return self._name
            self._file.visititems(note)
            there = ', '.join(sorted(images)) or 'none'
            raise FileError(f'{self.path} has no dataset {self._name}; images in it: {there}')
        self._file.visititems(note)
        if len(images) == 1:
            return images[0]
        if not images:
            raise FileError(f'{self.path} holds no image')
        first = sorted(images)[0]
        raise FileError(
            f'{self.path} holds several images ({", ".join(sorted(images))}); '
            f'name the one that is meant: {self.path}:{first}'
        )

    def _read(self, box: Box) -> Array:
        return np.asarray(self._dataset[box])

    def close(self) -> None:
        """Close the file."""
        if getattr(self, '_file', None) is not None:
            self._file.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._h5.absolute(), self._dataset.name, self._channel)

    def state(self) -> tuple[int, ...]:
        """Return what changes when the file does."""
        return state_of(self._h5)
