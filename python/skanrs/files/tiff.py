"""TIFF by tifffile: one file of one or many pages, ImageJ, OME and BigTIFF; or a file a slice.

Pages are what such files store in one piece; each is read when a box needs it. Sizes of voxels
come from ImageJ's and OME's metadata, and from what `skanrs` itself writes; the plain resolution
tags are left alone, for printing programs fill them with whatever they like.
"""

import math
import re
import struct
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from .claims import check_ome, check_page, check_segment, may_unpack_to_much
from .errors import FileError, errors_logged_by, need
from .npy import read_planes
from .source import Array, Box, Source, in_one_unit, plain_unit, state_of, usable

__all__ = ['Tiff', 'TiffSlices']


class Tiff(Source):
    """A .tif or .tiff file that holds one image."""

    damaged = 'is cut off, damaged or no TIFF file'

    def _open(self) -> None:
        need('tifffile', self.path)
        import tifffile

        self._file: Any = None
        with errors_logged_by('tifffile') as errors:
            self._file = tifffile.TiffFile(self.path)
            self._check_chain()
            check_ome(str(self.path), self._file)
            if len(self._file.series) != 1:
                raise FileError(f'{self.path} holds {len(self._file.series)} images; one is needed')
            self._series = series = self._file.series[0]
            self._check_length()
        if errors:
            raise FileError(f'{self.path} is cut off or damaged ({errors[0]})')
        self._lock = threading.Lock()
        self.shape, self.dtype = tuple(series.shape), np.dtype(series.dtype)
        self.axes = series.axes
        if 'Z' not in self.axes:
            # Pages that nobody named are planes.
            self.axes = re.sub('[^YXCST]', 'Z', self.axes, count=1)
        # Axes that a page holds; those before them number the pages.
        page = series.pages[0] if len(series.pages) else series.keyframe
        self._page_axes = next(
            (
                count
                for count in range(1, len(self.shape) + 1)
                if _same(self.shape[len(self.shape) - count :], page.shape)
            ),
            len(self.shape),
        )
        lead = len(self.shape) - self._page_axes
        self.pieces = (1,) * lead + self.shape[lead:]
        if series.dataoffset is not None:
            self.pieces = (1, *self.shape[1:])
            if series.dataoffset + series.nbytes > self.path.stat().st_size:
                raise FileError(f'{self.path} is cut off')
        elif len(series.pages) != math.prod(self.shape[:lead]):
            raise FileError(
                f'{self.path} is damaged: it claims to be of shape {self.shape} '
                f'and holds {len(series.pages):,} pages'
            )
        self.spacing, self.unit = _size_of_voxels(self._file, series)

    def _check_chain(self) -> None:
        # Each page says where the next one is; tifffile follows some circles for ever.
        file, tiff = self._file.filehandle, self._file.tiff
        offset = self._file.pages.first.offset
        seen = set()
        while offset != 0:
            if offset in seen:
                raise FileError(f'{self.path} is damaged: its pages follow each other in a circle')
            seen.add(offset)
            try:
                file.seek(offset)
                (count,) = struct.unpack(tiff.tagnoformat, file.read(tiff.tagnosize))
                file.seek(offset + tiff.tagnosize + count * tiff.tagsize)
                (offset,) = struct.unpack(tiff.offsetformat, file.read(tiff.offsetsize))
            except (struct.error, OSError):
                # What is cut off is found by who reads the pages.
                return

    def _check_length(self) -> None:
        # tifffile fills what is missing at the end of a file with zeros.
        length = self.path.stat().st_size
        for page in self._series.pages:
            if page is None:
                continue
            ends = (
                start + count
                for start, count in zip(page.dataoffsets, page.databytecounts, strict=True)
            )
            if max(ends, default=0) > length:
                raise FileError(f'{self.path} is cut off')
            check_page(str(self.path), page)

    def _read(self, box: Box) -> Array:
        series = self._series
        if series.dataoffset is not None:
            dtype = self.dtype.newbyteorder(self._file.byteorder)
            return read_planes(
                self.path, tuple(series.shape), False, dtype, series.dataoffset, box
            ).astype(self.dtype, copy=False)
        lead = len(series.shape) - self._page_axes
        inside = box[lead:]
        block = np.empty([part.stop - part.start for part in box], self.dtype)
        pages = np.arange(len(series.pages)).reshape(series.shape[:lead])[box[:lead]]
        with errors_logged_by('tifffile') as errors:
            for index, number in np.ndenumerate(pages):
                page = series.pages[int(number)]
                if page is None:
                    block[index] = 0
                    continue
                # One at a time: tifffile's pages share the place in the file.
                with self._lock:
                    self._check_segments(page)
                    plane = page.asarray(maxworkers=1)
                block[index] = plane.reshape(series.shape[lead:])[inside]
        if errors:
            raise FileError(f'{self.path} is cut off or damaged ({errors[0]})')
        return block

    def _check_segments(self, page: Any) -> None:
        for start, count in zip(page.dataoffsets, page.databytecounts, strict=True):
            if may_unpack_to_much(page, count):
                self._file.filehandle.seek(start)
                check_segment(str(self.path), page, self._file.filehandle.read(count))

    def close(self) -> None:
        """Close the file."""
        if getattr(self, '_file', None) is not None:
            self._file.close()


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


def _same(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return [n for n in one if n != 1] == [n for n in other if n != 1]


def _by_number(path: Path) -> list[tuple[bool, int, str]]:
    """Order slice_9 before slice_10."""
    return [
        (part.isdecimal(), int(part) if part.isdecimal() else 0, part)
        for part in re.split(r'(\d+)', path.name)
    ]


def _size_of_voxels(file: Any, series: Any) -> tuple[tuple[float, ...] | None, str | None]:
    """Return size and unit along the axes of a series, 1 along those that are not of space."""
    sizes: dict[str, float] = {}
    unit = None
    if series.kind == 'ome':
        sizes, unit = _ome(file.ome_metadata, file.filehandle.path)
    elif series.kind == 'imagej':
        sizes, unit = _imagej(file)
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


def _ome(xml: str, name: str) -> tuple[dict[str, float], str | None]:
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


def _imagej(file: Any) -> tuple[dict[str, float], str | None]:
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
