"""Zarr 2 and 3 and OME-Zarr (0.4, 0.5), by zarr-python: the largest scale of an image.

The size of voxels is that of OME-Zarr's coordinate transformations, or the attribute ``spacing`` of
a plain array, as `skanrs` writes it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import FileError, need
from ..units import in_one_unit, plain_unit
from .source import Array, Box, Source, letters, named_spacing, usable

__all__ = ['Zarr']


class Zarr(Source):
    """A folder that is a zarr array, a group with one array, or an OME-Zarr image."""

    damaged = 'is damaged or no zarr'

    def _open(self) -> None:
        need('zarr', self.path)
        import zarr

        node = zarr.open(self.path, mode='r')
        names = ''
        if isinstance(node, zarr.Group):
            self._array, names = self._of_group(node)
        else:
            self._array = node
            self.spacing = named_spacing(node.attrs, 'spacing')
            self.unit = plain_unit(node.attrs.get('unit'))
            dimensions: Sequence[Any] = getattr(node.metadata, 'dimension_names', None) or ()
            if dimensions and all(isinstance(name, str) and name for name in dimensions):
                names = ''.join(name[0] for name in dimensions)
        array = self._array
        if _unpickles(array.metadata.to_dict()):
            raise FileError(f'{self.path} holds pickled Python objects, which are not read')
        self.shape, self.dtype = tuple(array.shape), np.dtype(array.dtype)
        self.axes = names or letters(len(self.shape))
        if len(self.axes) != len(self.shape):
            raise FileError(f'{self.path} names {len(self.axes)} axes of {len(self.shape)}')
        self.pieces, self.unpacked = tuple(array.shards or array.chunks), tuple(array.chunks)

    def _of_group(self, group: Any) -> tuple[Any, str]:
        attributes = dict(group.attrs)
        images = attributes.get('ome', attributes).get('multiscales')
        if not images:
            arrays = [array for _, array in group.arrays()]
            if len(arrays) == 1:
                self.spacing = named_spacing(arrays[0].attrs, 'spacing')
                return arrays[0], ''
            keys = ', '.join(sorted(name for name, _ in group.members())) or 'nothing'
            raise FileError(f'{self.path} is a group of several ({keys}); name one of them')
        image = images[0]
        largest = image['datasets'][0]
        array = group[largest['path']]
        # Before 0.4 axes were names only, or missing.
        axes = [
            axis if isinstance(axis, dict) else {'name': axis}
            for axis in image.get('axes', list('tczyx')[-array.ndim :])
        ]
        names = ''.join(_letter(axis) for axis in axes)
        scale = np.ones(array.ndim)
        known = False
        for transformation in [
            *largest.get('coordinateTransformations', ()),
            *image.get('coordinateTransformations', ()),
        ]:
            if transformation.get('type') == 'scale':
                scale, known = scale * transformation['scale'], True
        units = [plain_unit(axis.get('unit')) for axis in axes]
        of_space = [at for at, name in enumerate(names) if name not in 'tc']
        if known:
            sizes, self.unit = in_one_unit(
                [float(scale[at]) for at in of_space],
                [units[at] for at in of_space],
                self.path,
            )
            for at, size in zip(of_space, sizes, strict=True):
                scale[at] = size
            for at, name in enumerate(names):
                if name in 'tc':
                    scale[at] = 1
            self.spacing = usable(scale.tolist())
        return array, names

    def _read(self, box: Box) -> Array:
        return np.asarray(self._array[box])


def _unpickles(metadata: Any) -> bool:
    """Tell whether a codec of these metadata would unpickle, that is run, what it reads."""
    if isinstance(metadata, Mapping):
        return any(_unpickles(value) for value in metadata.values())
    if isinstance(metadata, (list, tuple)):
        return any(_unpickles(value) for value in metadata)
    if hasattr(metadata, 'codec_id'):
        return str(metadata.codec_id) == 'pickle'
    return isinstance(metadata, str) and metadata in ('pickle', 'numcodecs.pickle')


def _letter(axis: Mapping[str, Any]) -> str:
    kind = {'time': 't', 'channel': 'c'}.get(str(axis.get('type')))
    return kind or str(axis['name'])[0].lower()
