"""Spacing and unit of a TIFF, from the metadata of ImageJ and OME, and of `skanrs` itself.

The plain resolution tags are not used alone: printing programs fill them with any values.
"""

from typing import Any
from xml.etree import ElementTree

from ..units import in_one_unit, plain_unit
from .source import usable

__all__ = ['tiff_spacing']


def tiff_spacing(file: Any, series: Any) -> tuple[tuple[float, ...] | None, str | None]:
    """Return size and unit along the axes of a series, 1 along those that are not of space."""
    sizes: dict[str, float] = {}
    unit = None
    if series.kind == 'ome':
        sizes, unit = _ome_spacing(file.ome_metadata, file.filehandle.path)
    elif series.kind == 'imagej':
        sizes, unit = _imagej_spacing(file)
    elif series.kind == 'shaped' and file.shaped_metadata:
        stored = usable(file.shaped_metadata[0].get('spacing'))
        if stored is not None and len(stored) == len(series.shape):
            return stored, plain_unit(file.shaped_metadata[0].get('unit'))
    if not {'X', 'Y'} <= set(sizes):
        return None, None
    # Without a distance between slices, z is as x: ImageJ shows it so.
    along = {'Z': sizes.get('Z', sizes['X']), **sizes}
    of_space = [along.get(axis, along['Z']) if axis not in 'CST' else 1.0 for axis in series.axes]
    spacing = usable(of_space)
    return spacing, unit if spacing else None


def _ome_spacing(xml: str, name: str) -> tuple[dict[str, float], str | None]:
    for element in ElementTree.fromstring(xml).iter():
        if element.tag.rpartition('}')[2] != 'Pixels':
            continue
        found = [axis for axis in 'ZYX' if f'PhysicalSize{axis}' in element.attrib]
        if not found:
            return {}, None
        units = [plain_unit(element.get(f'PhysicalSize{axis}Unit', 'µm')) for axis in found]
        sizes = [float(element.attrib[f'PhysicalSize{axis}']) for axis in found]
        spacing, unit = in_one_unit(sizes, units, name)
        return dict(zip(found, spacing, strict=True)), unit
    return {}, None


def _imagej_spacing(file: Any) -> tuple[dict[str, float], str | None]:
    metadata = file.imagej_metadata or {}
    unit = plain_unit(metadata.get('unit'))
    tags = file.pages[0].tags
    sizes = {}
    for axis in 'XY':
        tag = tags.get(f'{axis}Resolution')
        if tag is not None and tag.value[0] and unit is not None:
            sizes[axis] = tag.value[1] / tag.value[0]
    if 'spacing' in metadata and sizes:
        sizes['Z'] = float(metadata['spacing'])
    return sizes, unit
