"""Images as arrays that the kernels know, and their foreground: linear indices and values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._support.typing import Array

from .elements import check_elements, foreground_bits

# A direction must fit 16 bits.
_MOST_AXES = 10


def as_image(image: Array, name: str) -> Array:
    """Return `image` as an array of a number of axes, and of elements, that the kernels know."""
    array = with_axes(image, name)
    check_elements(array.dtype, name)
    return array


def with_axes(image: Array, name: str) -> Array:
    array = np.asarray(image)
    if not 1 <= array.ndim <= _MOST_AXES:
        raise ValueError(f'{name}: expected 1 to {_MOST_AXES} axes, got {array.ndim}')
    return array


def foreground_nodes(image: Array) -> npt.NDArray[np.int64]:
    """Return the linear indices of the pixels that are not 0, ascending."""
    elements, mask = foreground_bits(image)
    return _core.foreground_indices(elements, mask, (0,) * image.ndim, image.shape)


def take(image: Array, nodes: npt.NDArray[np.int64]) -> Array:
    """Return the values of the pixels with these linear indices, without a copy of the image."""
    if image.flags.c_contiguous:
        return image.reshape(-1)[nodes]
    return image[np.unravel_index(nodes, image.shape)]


def coordinates_of(nodes: npt.NDArray[np.int64], shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return the coordinates of linear indices, one row each."""
    return np.ascontiguousarray(_core.unravel(nodes, shape).T)


def as_heights(values: Array) -> tuple[Array, bool]:
    """Return heights in a type that the kernel takes, and whether they were of half precision."""
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind not in 'iuf' or size > 8:
        raise TypeError(f'value_is_height: expected an image of numbers, got {values.dtype}')
    if kind == 'f' and not np.isfinite(values).all():
        raise ValueError('value_is_height: expected finite heights, but some are NaN or infinite')
    wide = {'i': np.int64, 'u': np.uint64, 'f': np.float32 if size < 8 else np.float64}[kind]
    return values.astype(wide, copy=False), size == 2


def pixel_values(image: Array, nodes: npt.NDArray[np.int64]) -> Array:
    """Return the values of pixels; none of an image of bool."""
    return np.empty(0, dtype=bool) if image.dtype == np.bool_ else take(image, nodes)
