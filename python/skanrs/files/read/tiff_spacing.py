"""Spacing and unit of a TIFF, from the metadata of ImageJ and OME, and of `skanrs` itself.

The resolution tags alone are not used: programs for printing fill them with arbitrary values.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..units import plain_unit
from .ome import AxisSizes, Sizes, ome_sizes

__all__ = ['tiff_spacing']

InOneUnit = Callable[
    [Sequence[float], Sequence[str | None]], tuple[tuple[float, ...] | None, str | None]
]


def tiff_spacing(
    file: Any, series: Any, sizes: Sizes, in_one_unit: InOneUnit
) -> tuple[tuple[float, ...] | None, str | None]:
    """Return spacing and unit of a series.

    Parameters
    ----------
    file : tifffile.TiffFile
        The file.
    series : tifffile.TiffPageSeries
        Its image.
    sizes, in_one_unit : callable
        Methods of the `Source`, which warn.

    Returns
    -------
    spacing : tuple of float or None
        A size for each axis, 1 along those not of space.
    unit : str or None
    """
    along: AxisSizes = {}
    if series.kind == 'ome':
        along = ome_sizes(file.ome_metadata, sizes)
    elif series.kind == 'imagej':
        along = _imagej_sizes(file, sizes)
    elif series.kind == 'shaped' and file.shaped_metadata:
        metadata = file.shaped_metadata[0]
        spacing = sizes(metadata['spacing'], 'spacing') if 'spacing' in metadata else None
        # One number is the distance between slices, after ImageJ's habit.
        if spacing is None or len(spacing) != len(series.shape):
            return None, None
        return spacing, plain_unit(metadata.get('unit'))
    if not {'X', 'Y'} <= set(along):
        return None, None
    # Without a distance between slices, z is as x: ImageJ shows it so.
    along.setdefault('Z', along['X'])
    of_space = [at for at, axis in enumerate(series.axes) if axis not in 'CST']
    pairs = [along.get(series.axes[at], along['Z']) for at in of_space]
    same, unit = in_one_unit([size for size, _ in pairs], [unit for _, unit in pairs])
    if same is None:
        return None, None
    sizes_at = dict(zip(of_space, same, strict=True))
    return tuple(sizes_at.get(at, 1.0) for at in range(len(series.axes))), unit


def _imagej_sizes(file: Any, sizes: Sizes) -> AxisSizes:
    metadata: Mapping[str, Any] = file.imagej_metadata or {}
    unit = plain_unit(metadata.get('unit'))
    if unit is None:
        return {}
    axes: AxisSizes = {}
    for axis in 'XY':
        tag = file.pages[0].tags.get(f'{axis}Resolution')
        if tag is not None and tag.value[0]:
            # Of y and z, units are there only where they differ from that of x.
            own = plain_unit(metadata.get(f'{axis.lower()}unit')) or unit
            axes[axis] = tag.value[1] / tag.value[0], own
    if axes and 'spacing' in metadata:
        size = sizes(metadata['spacing'], 'spacing')
        if size is None:
            return {}
        # ImageJ takes a negative distance as positive, and 0 for none.
        if size[0]:
            axes['Z'] = abs(size[0]), plain_unit(metadata.get('zunit')) or unit
    return axes
