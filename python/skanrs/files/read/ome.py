"""OME's XML in a TIFF: the number of planes, the files they are in, the size of voxels."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ..errors import FileError
from ..units import plain_unit

__all__ = [
    'AxisSizes', 'Sizes', 'channel_names', 'check_ome', 'metadata_file', 'missing_files',
    'ome_sizes',
]  # fmt: skip

Sizes = Callable[[Any, str], tuple[float, ...] | None]
"""Parses a value with its name; returns its numbers, or None after a warning."""
AxisSizes = dict[str, tuple[float, str | None]]
"""Size and unit along X, Y and Z, those that are known."""
MOST_PLANES = 1 << 20
"""The largest number of planes that metadata may name: tifffile makes a list of them."""


def check_ome(name: str, file: Any) -> None:
    """Raise `FileError` if OME's metadata claim more planes than any file has."""
    if not file.is_ome:
        return
    try:
        root = ElementTree.fromstring(file.ome_metadata)
    except ElementTree.ParseError:
        # tifffile ignores this XML and reads the pages.
        return
    for element in root.iter():
        kind = element.tag.rpartition('}')[2]
        if kind == 'Pixels':
            sizes = {axis: int(element.get(f'Size{axis}', 1)) for axis in 'XYZCT'}
            _check_planes(name, math.prod(max(1, sizes[axis]) for axis in 'ZCT'))
            # tifffile expects this many pages of this size.
            parts = [part for part in element if part.tag.endswith('TiffData')]
            first = {int(part.get('IFD', 0)) for part in parts}
            pages = (file.pages[at] for at in ({0} if 0 in first else first | {0}))
            smallest = min(max(1, page.size) for page in pages)
            _check_planes(name, math.prod(sizes.values()) // smallest)
        elif kind == 'TiffData':
            for attribute in ('PlaneCount', 'NumPlanes'):
                _check_planes(name, int(element.get(attribute, 0)))
        elif kind.startswith('ModuloAlong') and 'Start' in element.attrib:
            start, end = float(element.attrib['Start']), float(element.attrib['End'])
            steps = (end - start) / float(element.get('Step', 1))
            _check_planes(name, int(steps) if math.isfinite(steps) else MOST_PLANES + 1)


def metadata_file(file: Any) -> str | None:
    """Return the file that has the metadata of this one, if OME says that another one has."""
    text = file.pages.first.description
    if 'BinaryOnly' not in text:
        return None
    try:
        elements = ElementTree.fromstring(text).iter()
    except ElementTree.ParseError:
        return None
    return next((e.get('MetadataFile') for e in elements if e.tag.endswith('}BinaryOnly')), None)


def missing_files(file: Any, folder: Path) -> list[str]:
    """Return the names of the files that the XML lists and the folder lacks."""
    if not file.is_ome:
        return []
    named = (
        element.get('FileName', '')
        for element in ElementTree.fromstring(file.ome_metadata).iter()
        if element.tag.endswith('}UUID')
    )
    return sorted({name for name in named if name and not (folder / name).exists()})


def ome_sizes(xml: str, sizes: Sizes) -> AxisSizes:
    """Return the sizes in the XML; none if one of them is not a number."""
    pixels = next(
        (
            element
            for element in ElementTree.fromstring(xml).iter()
            if element.tag.endswith('}Pixels')
        ),
        None,
    )
    axes: AxisSizes = {}
    for axis in 'ZYX':
        name = f'PhysicalSize{axis}'
        if pixels is not None and name in pixels.attrib:
            size = sizes(pixels.attrib[name], name)
            if size is None:
                return {}
            axes[axis] = size[0], plain_unit(pixels.get(f'{name}Unit', 'µm'))
    return axes


def channel_names(xml: str) -> tuple[str, ...]:
    """Return the names of the channels in the XML, if all have one."""
    names = [
        element.get('Name')
        for element in ElementTree.fromstring(xml).iter()
        if element.tag.endswith('}Channel')
    ]
    return tuple(map(str, names)) if all(names) else ()


def _check_planes(name: str, count: int) -> None:
    if count > MOST_PLANES:
        raise FileError(
            f'{name} is damaged: its metadata claim {count:,} planes; '
            f'up to {MOST_PLANES:,} are read'
        )
