"""TIFF by tifffile: one file of one or many pages, ImageJ, OME and BigTIFF.

A page is read as a whole when a box needs it.
"""

import math
import re
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileError, errors_logged_by, need
from .axes import axis_letters
from .npy import read_planes
from .ome import channel_names, check_ome, metadata_file, missing_files
from .size_checks import check_page, check_segment, may_unpack_to_much
from .source import Array, Box, Source
from .tiff_spacing import tiff_spacing

__all__ = ['Tiff']

DESCRIPTIVE_TAGS = {
    269, 271, 272, 280, 281, 282, 283, 285, 286, 287, 296, 297, 306, 315, 316, 318, 319,
    700, 33432, 33550, 33723, 33922, 34377, 34665, 34675, 34735, 34736, 34737, 34853,
}  # fmt: skip
"""Tags of dates, persons, devices, printing and maps: voxels and axes do not depend on them."""


class Tiff(Source):
    """A .tif or .tiff file that holds one image."""

    damaged = 'is cut off, damaged or no TIFF file'

    def _open(self) -> None:
        need('tifffile', self.name)
        import tifffile

        self._file: Any = None
        with errors_logged_by('tifffile') as errors:
            self._file = tifffile.TiffFile(self.path)
            self._check_chain()
            check_ome(self.name, self._file)
            if _are_planes(self._file.series):
                # The pages were written one by one, each with its own description.
                self._file.close()
                self._file = tifffile.TiffFile(self.path, is_shaped=False)
            if len(self._file.series) != 1:
                raise FileError(f'{self.name} holds {len(self._file.series)} images; one is needed')
            largest = self._file.series[0]
            self.levels = len(largest.levels)
            self._check_level()
            self._series = series = largest.levels[self._choice.level]
            self._check_parts()
            self._check_length()
        self._raise(errors)
        other = metadata_file(self._file)
        if other is not None:
            self._warn(
                f'the planes of the whole image are listed in {other}; this file is one part'
            )
        for error in errors:
            self._warn(f'a tag that no voxel depends on is damaged ({_code_of(error)})')
        self._lock = threading.RLock()
        self.shape, self.dtype = tuple(series.shape), np.dtype(series.dtype)
        self.axes = axis_letters(series.axes)
        # The last axes are those of a page; the axes before them number the pages.
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
                raise FileError(f'{self.name} is cut off')
        elif len(series.pages) != math.prod(self.shape[:lead]):
            raise FileError(
                f'{self.name} is damaged: it claims to be of shape {self.shape} '
                f'and holds {len(series.pages):,} pages'
            )
        self.spacing, self.unit = tiff_spacing(self._file, largest, self._sizes, self._in_one_unit)
        if self.spacing is not None and series is not largest:
            # A voxel of a level is as large as those of the largest one that it stands for.
            self.spacing = tuple(
                size * whole / length
                for size, whole, length in zip(
                    self.spacing, largest.shape, series.shape, strict=True
                )
            )
        if self._file.is_ome:
            self.channel_names = channel_names(self._file.ome_metadata)

    def _check_parts(self) -> None:
        """Raise `FileError` if planes are missing, which tifffile would read as zeros."""
        missing = sum(page is None for page in self._series.pages)
        if self._series.dataoffset is not None or not missing:
            return
        named = missing_files(self._file, self.path.parent)
        files = f'; missing: {", ".join(named)}' if named else ''
        raise FileError(f'{self.name} lacks {missing} of {len(self._series.pages)} planes{files}')

    def _check_chain(self) -> None:
        # Each page has the offset of the next one; tifffile does not detect every circle.
        file, tiff = self._file.filehandle, self._file.tiff
        offset = self._file.pages.first.offset
        seen = set()
        while offset != 0:
            if offset in seen:
                raise FileError(f'{self.name} is damaged: its pages follow each other in a circle')
            seen.add(offset)
            try:
                file.seek(offset)
                (count,) = struct.unpack(tiff.tagnoformat, file.read(tiff.tagnosize))
                file.seek(offset + tiff.tagnosize + count * tiff.tagsize)
                (offset,) = struct.unpack(tiff.offsetformat, file.read(tiff.offsetsize))
            except (struct.error, OSError):
                # Reading the pages reports that the file is cut off.
                return

    def _check_length(self) -> None:
        # tifffile reads missing bytes at the end of a file as zeros.
        absent = 0
        for page in self._series.pages:
            if page is None:
                continue
            ends = (
                start + count
                for start, count in zip(page.dataoffsets, page.databytecounts, strict=True)
            )
            if max(ends, default=0) > page.parent.filehandle.size:
                raise FileError(f'{self.name} is cut off')
            check_page(self.name, page)
            parts = zip(page.dataoffsets, page.databytecounts, strict=True) if page.size else ()
            absent += sum(0 in part for part in parts)
        if absent:
            self._warn(f'strips or tiles that are not stored ({absent:,}) are read as background')

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
                plane = self._read_page(int(number))
                block[index] = plane.reshape(series.shape[lead:])[inside]
        self._raise(errors)
        return block

    def _read_page(self, number: int) -> Array:
        # One at a time, because pages share the position in the file.
        with self._lock:
            page = self._series.pages[number]
            handle = page.parent.filehandle
            is_closed = handle.closed
            with _opened(handle):
                self._check_segments(page)
                if is_closed:
                    return np.asarray(page.asarray(maxworkers=1))
        # Holds the lock while it reads, not while it unpacks.
        return np.asarray(page.asarray(maxworkers=1, lock=self._lock))

    def _raise(self, errors: Sequence[str]) -> None:
        """Raise `FileError` for an error that tifffile logged, except those of descriptive tags."""
        for error in errors:
            if _code_of(error) not in DESCRIPTIVE_TAGS:
                raise FileError(f'{self.name} is cut off or damaged ({error})')

    def _check_segments(self, page: Any) -> None:
        for start, count in zip(page.dataoffsets, page.databytecounts, strict=True):
            if may_unpack_to_much(page, count):
                handle = page.parent.filehandle
                handle.seek(start)
                check_segment(self.name, page, handle.read(count))

    def paths(self) -> list[Path]:
        """Return the files of the pages."""
        pages = self._series.pages
        paths = {str(page.parent.filehandle.path) for page in pages if page is not None}
        return [Path(path) for path in sorted(paths)]

    def close(self) -> None:
        """Close the file."""
        if getattr(self, '_file', None) is not None:
            self._file.close()


def _same(shape: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    return [n for n in shape if n != 1] == [n for n in expected if n != 1]


def _are_planes(series: Sequence[Any]) -> bool:
    """Return whether these are the planes of a stack: 2D, of one shape and type."""
    kinds = {(item.kind, item.shape, item.dtype, item.axes) for item in series}
    kind, shape, _, _ = next(iter(kinds), ('', (), None, ''))
    return len(series) > 1 and len(kinds) == 1 and kind == 'shaped' and len(shape) == 2


def _code_of(error: str) -> int | None:
    """Return the code of the tag that an error message of tifffile names."""
    match = re.search(r'TiffTag\.fromfile.*<tifffile\.TiffTag (\d+) @', error)
    return int(match[1]) if match else None


@contextmanager
def _opened(handle: Any) -> Iterator[None]:
    """Open a file handle if it is closed: of several files, tifffile keeps only the first open."""
    closed = handle.closed
    if closed:
        handle.open()
    try:
        yield
    finally:
        if closed:
            handle.close()
