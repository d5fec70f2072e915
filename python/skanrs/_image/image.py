"""`Image`: an array whose axes and elements are checked once, where it is passed in."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._support.typing import Array, Indices, Shape

from .elements import check_elements, foreground_bits

MOST_AXES = 10
"""A direction must fit 16 bits."""


class Image(NamedTuple):
    """A checked array with its elements as the kernels read them."""

    name: str
    """The argument's name, for messages."""
    array: Array
    shape: Shape
    ndim: int
    dtype: np.dtype[Any]
    elements: npt.NDArray[np.generic]
    """The elements as unsigned integers, of the same shape."""
    bits: int
    """An element is foreground if it has any of these bits."""

    def nodes(self) -> Indices:
        """Return the linear indices of the foreground, ascending."""
        return _core.foreground_indices(self.elements, self.bits, (0,) * self.ndim, self.shape)

    def nodes_in(self, offset: Shape, shape: Shape) -> Indices:
        """Return the indices of the foreground in an image of which this is the block at offset."""
        return _core.foreground_indices(self.elements, self.bits, offset, shape)

    def values(self, nodes: Indices) -> Array:
        """Return the values of voxels; an empty array if the image is of bool."""
        return np.empty(0, bool) if self.dtype == np.bool_ else take(self.array, nodes)


def as_image(array: Any, name: str, *, least: int = 1, most: int = MOST_AXES) -> Image:
    """Check the number of axes and the elements of an array.

    Parameters
    ----------
    array : array_like
        The array; it is not copied unless its memory is not aligned.
    name : str
        The argument's name, for messages.
    least, most : int, optional
        How many axes it may have.

    Raises
    ------
    ValueError
        If the number of axes is out of range.
    TypeError
        If the elements are neither booleans nor real numbers.
    """
    checked = as_array(array, name)
    check_axes(checked.ndim, name, least, most)
    check_elements(checked.dtype, name)
    elements, bits = foreground_bits(checked)
    return Image(name, checked, checked.shape, checked.ndim, checked.dtype, elements, bits)


def as_array(array: Any, name: str) -> Array:
    """Return an argument as an array; raise a TypeError that names it if it is a sparse matrix."""
    refuse_sparse(array, name)
    return np.asarray(array)


def refuse_sparse(array: Any, name: str) -> None:
    """Raise a TypeError that names the argument if it is a sparse matrix."""
    if hasattr(array, 'toarray') and not hasattr(array, '__array__'):
        raise TypeError(
            f'{name}: expected a dense array, got a {type(array).__name__}; pass {name}.toarray()'
        )


def check_axes(ndim: int, name: str, least: int = 1, most: int = MOST_AXES) -> None:
    """Raise a ValueError if an argument has too few or too many axes."""
    if not least <= ndim <= most:
        if (least, most) == (2, 3):
            raise ValueError(f'{name}: expected a 2D or 3D array, got {ndim}D')
        raise ValueError(f'{name}: expected {least} to {most} axes, got {ndim}')


def take(image: Array, nodes: Indices) -> Array:
    """Return the values at linear indices without copying the image."""
    if image.flags.c_contiguous:
        return image.reshape(-1)[nodes]
    return image[np.unravel_index(nodes, image.shape)]


def as_heights(values: Array) -> tuple[Array, bool]:
    """Return heights in a type that the kernel takes, and whether they had half precision."""
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind not in 'iuf' or size > 8:
        raise TypeError(f'value_is_height: expected an image of numbers, got {values.dtype}')
    if kind == 'f' and not np.isfinite(values).all():
        raise ValueError('value_is_height: expected finite heights, got NaN or infinity')
    wide = {'i': np.int64, 'u': np.uint64, 'f': np.float32 if size < 8 else np.float64}[kind]
    return values.astype(wide, copy=False), size == 2
