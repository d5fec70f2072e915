"""The blocks in which a lazy image is read: whole pieces of the file, nearly cubes."""

import itertools
import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from skanrs import threads
from skanrs._support.ordered_map import ordered_map
from skanrs._support.progress import advance

from ..errors import FileError
from .source import Source

if TYPE_CHECKING:
    import dask.array as da

__all__ = ['boxes_of', 'cut_slabs', 'grown_pieces', 'in_blocks', 'lazy_array', 'read_planes']

BLOCK_VOXELS = 1 << 24
"""Voxels of a block that is read, unless the pieces of the file are larger."""
CUT_VOXELS = 1 << 22
"""Voxels of a block that is cut from slabs, such as pages."""
SLABS = 4
"""The largest number of slabs that a block is cut from; all of them are in memory."""
MOST_BLOCKS = 1 << 20
"""The largest number of blocks; a small file can claim any shape."""
THICK = 64
"""Planes beyond which blocks are not joined."""


def in_blocks(source: Source, chunks: int | Sequence[int] | None) -> 'da.Array':
    """Return the image as a dask array in blocks of this shape, by default nearly cubes."""
    if chunks is not None:
        return lazy_array(source, _block_shape(chunks, source.shape))
    read = grown_pieces(source.pieces, source.shape, BLOCK_VOXELS)
    cut = cut_slabs(read, source.shape)
    _check_count(source, cut)
    return lazy_array(source, read).rechunk(cut)


def boxes_of(source: Source, start: int = 0, end: int | None = None) -> list[tuple[slice, ...]]:
    """Return boxes of whole pieces that cover the planes from `start` to `end`, all by default."""
    lengths = ((end if end is not None else source.shape[0]) - start, *source.shape[1:])
    block = grown_pieces(source.pieces, source.shape, BLOCK_VOXELS)
    starts = (range(0, length, side) for length, side in zip(lengths, block, strict=True))
    shift = (start, *(0,) * (source.ndim - 1))
    return [
        tuple(
            slice(at + first, min(at + side, length) + first)
            for at, side, length, first in zip(corner, block, lengths, shift, strict=True)
        )
        for corner in itertools.product(*starts)
    ]


def read_planes(source: Source, start: int, end: int) -> npt.NDArray[Any]:
    """Read planes of an image on all threads; `start` is where a piece begins."""
    planes = np.empty((end - start, *source.shape[1:]), source.dtype)
    boxes = boxes_of(source, start, end)

    def copy(box: tuple[slice, ...]) -> None:
        first, *others = box
        planes[(slice(first.start - start, first.stop - start), *others)] = source[box]

    for done, _ in enumerate(ordered_map(copy, boxes, threads.get_num_threads()), 1):
        advance(done / len(boxes))
    return planes


def _block_shape(chunks: int | Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of blocks as a tuple; raise an error that says what was expected."""
    try:
        block = tuple(operator.index(length) for length in np.atleast_1d(np.asarray(chunks)))
    except (TypeError, ValueError):
        raise TypeError(f'chunks: expected integers, got {chunks!r}') from None
    block = block * len(shape) if len(block) == 1 else block
    if len(block) != len(shape) or min(block) < 1:
        raise ValueError(
            f'chunks: expected 1 or {len(shape)} positive numbers for an image of shape'
            f' {tuple(shape)}, got {chunks!r}'
        )
    return block


def lazy_array(source: Source, chunks: Sequence[int]) -> 'da.Array':
    """Return the image of a source as a dask array in blocks of this shape."""
    try:
        import dask.array as da
    except ImportError as error:
        raise FileError(f"{source.name} needs dask: pip install 'skanrs[dask]'") from error
    from dask.base import tokenize

    _check_count(source, chunks)
    name = f'image-{tokenize(source.__reduce__()[1], source.state())}'
    return da.from_array(source, chunks=tuple(chunks), name=name, asarray=True)


def _check_count(source: Source, chunks: Sequence[int]) -> None:
    count = math.prod(
        -(-length // max(1, block)) for length, block in zip(source.shape, chunks, strict=False)
    )
    if count > MOST_BLOCKS:
        raise FileError(
            f'{source.name} claims an image of shape {source.shape}, which is {count:,} blocks; '
            f'up to {MOST_BLOCKS:,} are allowed; choose larger ones by chunks'
        )


def grown_pieces(pieces: Sequence[int], shape: Sequence[int], voxels: int) -> tuple[int, ...]:
    """Return the shape of blocks of whole pieces, nearly cubes of at most this many voxels."""
    block = [min(piece, length) or 1 for piece, length in zip(pieces, shape, strict=True)]
    while True:
        able = [axis for axis, length in enumerate(shape) if block[axis] < length]
        if not able:
            return tuple(block)
        axis = min(able, key=lambda axis: block[axis])
        larger = min(2 * block[axis], shape[axis])
        if math.prod(block) // block[axis] * larger > voxels:
            return tuple(block)
        block[axis] = larger


def cut_slabs(block: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """Return a shape nearer to a cube for blocks that are large and thin; else the same shape."""
    thin = min(block)
    if math.prod(block) <= CUT_VOXELS or 2 * thin >= max(block):
        return tuple(block)
    axis = list(block).index(thin)
    if thin < THICK:
        thin = min(SLABS * thin, THICK, max(1, shape[axis]))
    # The longer of the other axes gets what the shorter one leaves.
    others = sorted((length, at) for at, length in enumerate(block) if at != axis)
    cut, left = list(block), CUT_VOXELS // thin
    cut[axis] = thin
    for count, (length, at) in zip(range(len(others), 0, -1), others, strict=True):
        cut[at] = min(length, math.isqrt(left) if count == 2 else left)
        left //= cut[at]
    return tuple(cut)
