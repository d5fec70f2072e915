"""From an image file to its mask in memory, a bit per voxel.

A mask, or an image whose threshold is known, is packed piece by piece as it is read. Other images
are worked on in slabs of planes: smoothing, the range of the values, their histogram and the
comparison each happen in the cache. An image that fits the memory is one slab, read once; slabs
beyond that are read for each pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skanrs import smoothing, threads, threshold
from skanrs._gray.parts import Each, Part, smoothed, value_range
from skanrs._image.packed import PackedImage
from skanrs._support.ordered_map import ordered_map
from skanrs._support.progress import advance
from skanrs.files import Source
from skanrs.files.read.blocks import boxes_of, read_planes

from .options import Options
from .progress import Progress

__all__ = ['FoundMask', 'least_memory', 'packed_mask']

PLANES = 128
"""Planes of a slab, at least."""


class FoundMask(NamedTuple):
    """A mask and how it was found."""

    mask: PackedImage
    rule: threshold.Rule
    values: tuple[float, float] | None
    """The smallest and the largest value, if no voxel or every voxel is foreground."""


def least_memory(source: Source, options: Options) -> int:
    """Return how many bytes of an image are in memory at least while its mask is made."""
    voxels = source.size // max(1, source.shape[0])
    return 3 * min(source.shape[0], _planes(source, options)) * voxels * source.dtype.itemsize


def packed_mask(source: Source, options: Options, memory: int, progress: Progress) -> FoundMask:
    """Read an image and return its mask.

    Parameters
    ----------
    source : Source
        The image.
    options : Options
        The options, with sigma for each axis.
    memory : int
        Bytes that the image may take.
    progress : Progress
        Times and shows the stages.
    """
    mask = PackedImage(source.shape)
    if options.sigma is None and options.threshold != 'otsu':
        with progress.stage('reading'):
            rule = _pack_pieces(source, options, mask)
        each = _each_piece(source)
    else:
        slabs = _Slabs(source, options, memory)
        if slabs.is_whole:
            with progress.stage('reading'):
                slabs.read()
        stage = 'threshold' if options.sigma is None else 'smoothing and threshold'
        with progress.stage(stage):
            if options.threshold == 'otsu' and slabs.dtype.char in 'fd' and source.ndim == 3:
                image = source.nbytes if slabs.is_whole else least_memory(source, options)
                rule = threshold.pack_by_otsu(slabs, slabs.dtype, mask, memory - image)
            else:
                rule = threshold.find_rule(slabs.each, slabs.dtype, options.threshold)
                for part, first in slabs:
                    rule.pack(part, mask.rows, first)
        each = slabs.each
    values = value_range(each) if mask.voxels in (0, source.size) else None
    return FoundMask(mask, rule, values)


def _pack_pieces(source: Source, options: Options, mask: PackedImage) -> threshold.Rule:
    """Pack an image piece by piece, and find the rule meanwhile if it is a mask."""
    known = None
    if source.dtype.kind == 'b' or options.threshold is not None:
        known = threshold.find_rule(_each_piece(source), source.dtype, options.threshold)

    def pack(function: Callable[[Any], Any] | None) -> Iterator[Any]:
        for offset, piece in _pieces(source):
            if known is None or known.kind == 'nonzero':
                mask.insert(piece, offset)
            else:
                mask.insert(known(piece), offset)
            yield None if function is None else function(piece)

    if known is not None:
        for _ in pack(None):
            pass
        return known
    found = threshold.find_rule(pack, source.dtype)
    if found.kind == 'equal':
        # Neither value is zero, so all was packed.
        mask.clear()
        known = found
        for _ in pack(None):
            pass
    return found


def _each_piece(source: Source) -> Each:
    """Return what calls a function with each piece."""

    def each(function: Callable[[Any], Any]) -> Iterator[Any]:
        return (function(piece) for _, piece in _pieces(source))

    return each


def _pieces(source: Source) -> Iterator[tuple[tuple[int, ...], npt.NDArray[Any]]]:
    """Yield the pieces of an image with their offsets, read on all threads."""
    boxes = boxes_of(source)
    read = ordered_map(source.__getitem__, boxes, threads.get_num_threads())
    for done, (box, piece) in enumerate(zip(boxes, read, strict=True), 1):
        yield tuple(part.start for part in box), piece
        advance(done / len(boxes))


class _Slabs:
    """The slabs of an image, each with the margins that smoothing it needs."""

    def __init__(self, source: Source, options: Options, memory: int) -> None:
        self._source, self._sigma = source, options.sigma
        self._planes = _planes(source, options)
        self._margin = _margin(options)
        self._whole: npt.NDArray[Any] | None = None
        self.is_whole = (
            source.nbytes <= memory or self._planes >= source.shape[0] or source.ndim < 3
        )
        self.dtype = source.dtype
        if self._sigma is not None:
            self.dtype = np.result_type(source.dtype, np.float32)

    def read(self) -> None:
        """Read the whole image."""
        self._whole = read_planes(self._source, 0, self._source.shape[0])

    def each(self, function: Callable[[Any], Any]) -> Iterator[Any]:
        """Call a function with each slab."""
        return (function(part) for part, _ in self)

    def __iter__(self) -> Iterator[tuple[Part, int]]:
        """Yield the slabs, and the first plane of each."""
        if self._whole is not None:
            yield self._part(self._whole, 0, self._source.shape[0]), 0
            return
        depth, done = self._source.shape[0], 0
        held = read_planes(self._source, 0, 0)
        for start in range(0, depth, self._planes):
            end = min(depth, start + self._planes)
            # The planes that the margin before the next voxels to be done needs.
            first = max(0, done - self._margin)
            kept = held[held.shape[0] - (start - first) :] if start > first else held[:0]
            held = np.concatenate([kept, read_planes(self._source, start, end)])
            last = end if end == depth else max(done, end - self._margin)
            if last > done:
                yield self._part(held, done - first, last - first), done
            done = last

    def _part(self, image: npt.NDArray[Any], start: int, end: int) -> Part:
        if self._sigma is None:
            return image[start:end]
        return smoothed(image, self._sigma, (start, end))


def _margin(options: Options) -> int:
    return 0 if options.sigma is None else smoothing.margin(options.sigma[0])


def _planes(source: Source, options: Options) -> int:
    """Return the planes of a slab: whole pieces, and more than the margins."""
    piece = max(1, source.pieces[0])
    return -(-max(PLANES, 4 * _margin(options)) // piece) * piece
