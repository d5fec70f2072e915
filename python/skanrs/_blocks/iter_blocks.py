"""Iterating over the blocks of an array."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from skanrs._image.array_types import without_spacing
from skanrs._image.dask_arrays import is_dask_array
from skanrs._support.typing import Shape


def iter_blocks(array: Any, *, chunks: Any = None) -> Iterator[tuple[Any, Shape]]:
    """Iterate over the blocks of an array.

    Parameters
    ----------
    array : dask array, LazyImage, or anything with ``shape`` and slicing, such as a zarr array
        The array.
    chunks : int or sequence, optional
        The shape of the blocks: one length for all axes, or for each axis a length or the lengths
        of all its blocks. Without it, the array's own chunks; a numpy array is one block.

    Yields
    ------
    block : dask.delayed.Delayed, or a slice of `array`
        The block; for numpy a view.
    offset : tuple of int
        Where its first voxel lies in the array.

    Raises
    ------
    ValueError
        If chunks are of unknown sizes or do not fit the array.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> [(block.shape, offset) for block, offset in skanrs.iter_blocks(np.ones((3, 4)), chunks=2)]
    [((2, 2), (0, 0)), ((2, 2), (0, 2)), ((1, 2), (2, 0)), ((1, 2), (2, 2))]
    """
    array = without_spacing(array)
    if is_dask_array(array):
        from .tasks import delayed_blocks

        yield from delayed_blocks(array if chunks is None else array.rechunk(chunks), 'array')
        return
    shape = tuple(array.shape)
    if chunks is None:
        chunks = getattr(array, 'chunks', None) or shape
    lengths = _chunk_lengths(chunks, shape)
    bounds = [itertools.pairwise(itertools.accumulate(along, initial=0)) for along in lengths]
    for block in itertools.product(*bounds):
        slices = tuple(slice(start, stop) for start, stop in block)
        yield array[slices], tuple(start for start, _ in block)


def _chunk_lengths(chunks: Any, shape: Shape) -> list[list[int]]:
    """Return the lengths of the blocks along each axis."""

    def refuse(reason: str) -> ValueError:
        return ValueError(f'chunks: {reason}, got {chunks!r} for an array of shape {shape}')

    per_axis = (chunks,) * len(shape) if np.isscalar(chunks) else tuple(chunks)
    if len(per_axis) != len(shape):
        raise refuse(f'expected one number, or one for each of {len(shape)} axes')
    lengths = []
    given: Any
    for given, length in zip(per_axis, shape, strict=True):
        try:
            if not isinstance(given, Iterable):
                step = max(length, 1) if given in (-1, None) else operator.index(given)
                along = [min(step, length - at) for at in range(0, length, step)] or [0]
            else:
                along = [operator.index(part) for part in given]
        except (TypeError, ValueError):
            raise refuse('expected positive integers') from None
        if sum(along) != length or any(part < 0 for part in along):
            raise refuse('expected lengths that add up to that of the axis')
        lengths.append(along)
    return lengths
