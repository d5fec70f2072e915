"""TIFF by tifffile: one file of one or many pages, ImageJ, OME and BigTIFF.

A page is read as a whole when a box needs it.
"""

import math
import re
import struct
import threading
from typing import Any

import numpy as np

from ..errors import FileError, errors_logged_by, need
from .npy import read_planes
from .size_checks import check_ome, check_page, check_segment, may_unpack_to_much
from .source import Array, Box, Source
from .tiff_spacing import tiff_spacing

__all__ = ['Tiff']


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
        self.spacing, self.unit = tiff_spacing(self._file, series)

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


def _same(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return [n for n in one if n != 1] == [n for n in other if n != 1]
