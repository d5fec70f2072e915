"""Zarr 2 and 3 and OME-Zarr (0.4, 0.5), by zarr-python: one level of an image.

The spacing is that of OME-Zarr's coordinate transformations, or the attribute ``spacing`` of a
plain array, as `skanrs` writes it. Chunks that are not stored have the fill value.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import FileError, need
from ..units import plain_unit
from .axes import NOT_OF_SPACE, axis_letters, letters
from .source import Array, Box, Source

__all__ = ['Zarr']


class Zarr(Source):
    """A folder that is a zarr array, a group with one array, or an OME-Zarr image."""

    damaged = 'is damaged or no zarr'

    def _open(self) -> None:
        need('zarr', self.name)
        import zarr

        node = zarr.open(self.path, mode='r')
        if isinstance(node, zarr.Group):
            self._array, letters_of_axes = self._of_group(node)
        else:
            self._array = node
            letters_of_axes = self._of_array(node)
        array = self._array
        if _unpickles(array.metadata.to_dict()):
            raise FileError(f'{self.name} holds pickled Python objects, which are not read')
        self.shape, self.dtype = tuple(array.shape), np.dtype(array.dtype)
        self.axes = letters_of_axes or letters(len(self.shape))
        if len(self.axes) != len(self.shape):
            raise FileError(f'{self.name} names {len(self.axes)} axes of {len(self.shape)}')
        self.pieces, self.unpacked = tuple(array.shards or array.chunks), tuple(array.chunks)

    def _of_array(self, array: Any) -> str:
        """Read spacing and unit from the attributes of an array; return its axes."""
        self.spacing = self._attribute(array.attrs, 'spacing')
        unit = array.attrs.get('unit')
        if unit is not None and not isinstance(unit, str):
            self._warn(f'unit {unit!r} is not a text; the unit is unknown')
            unit = None
        self.unit = plain_unit(unit)
        return axis_letters(getattr(array.metadata, 'dimension_names', None) or ())

    def _of_group(self, group: Any) -> tuple[Any, str]:
        images = _multiscales(group)
        if not images:
            members = dict(group.members())
            # In a store of bioformats2raw each series is a group.
            inside = [
                node for node in members.values() if hasattr(node, 'members') and _multiscales(node)
            ]
            arrays = [node for node in members.values() if not hasattr(node, 'members')]
            if len(inside) == 1 and not arrays:
                return self._of_group(inside[0])
            if len(arrays) == 1 and not inside:
                return arrays[0], self._of_array(arrays[0])
            if not members:
                raise FileError(f'{self.name} holds no image')
            keys = ', '.join(sorted(members))
            raise FileError(f'{self.name} is a group of several ({keys}); name one of them')
        image = images[0]
        self.levels = len(image['datasets'])
        self._check_level()
        chosen = image['datasets'][self._choice.level]
        array = group[chosen['path']]
        self.channel_names = _channel_names(group)
        # Before version 0.4, axes are names or missing.
        axes = [
            axis if isinstance(axis, dict) else {'name': axis}
            for axis in image.get('axes', list('tczyx')[-array.ndim :])
        ]
        names = axis_letters([axis['name'] for axis in axes], [axis.get('type') for axis in axes])
        scale = np.ones(array.ndim)
        known = False
        for transformation in [
            *chosen.get('coordinateTransformations', ()),
            *image.get('coordinateTransformations', ()),
        ]:
            if transformation.get('type') == 'scale':
                sizes = self._sizes(transformation['scale'], 'scale')
                if sizes is not None and len(sizes) != array.ndim:
                    self._warn(f'scale has {len(sizes)} sizes for {array.ndim} axes')
                    sizes = None
                if sizes is None:
                    return array, names
                scale, known = scale * sizes, True
        of_space = [at for at, name in enumerate(names) if name not in NOT_OF_SPACE]
        if known:
            spacing, self.unit = self._in_one_unit(
                [float(scale[at]) for at in of_space],
                [plain_unit(axes[at].get('unit')) for at in of_space],
            )
            if spacing is not None:
                all_axes = np.ones(array.ndim)
                all_axes[of_space] = spacing
                self.spacing = tuple(all_axes.tolist())
        return array, names

    def _read(self, box: Box) -> Array:
        return np.asarray(self._array[box])


def _unpickles(metadata: Any) -> bool:
    """Return whether a codec in these metadata would unpickle data, which can run any code."""
    if isinstance(metadata, Mapping):
        return any(_unpickles(value) for value in metadata.values())
    if isinstance(metadata, (list, tuple)):
        return any(_unpickles(value) for value in metadata)
    if hasattr(metadata, 'codec_id'):
        return str(metadata.codec_id) == 'pickle'
    return isinstance(metadata, str) and metadata in ('pickle', 'numcodecs.pickle')


def _multiscales(group: Any) -> Any:
    """Return the images in the OME-Zarr attributes of a group."""
    attributes = dict(group.attrs)
    return attributes.get('ome', attributes).get('multiscales')


def _channel_names(group: Any) -> tuple[str, ...]:
    """Return the labels of the channels in the OME-Zarr attributes of a group, if all have one."""
    attributes = dict(group.attrs)
    omero = attributes.get('ome', attributes).get('omero') or {}
    labels = [channel.get('label') for channel in omero.get('channels') or ()]
    return tuple(map(str, labels)) if all(labels) else ()
