"""The pixels of a skeleton image, from an array in memory or from the blocks of a dask array."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple, TypeGuard

import numpy as np
import numpy.typing as npt

from ._pixel_graph import as_image, foreground_nodes, take

Array = npt.NDArray[Any]


class Pixels(NamedTuple):
    """The pixels of an image that are not 0."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    nodes: npt.NDArray[np.int64]
    """Their linear indices, ascending."""
    values: Array
    """Their values; none of an image of bool."""


def is_dask_array(array: object) -> TypeGuard[Any]:
    """Tell whether `array` is a dask array, without importing dask for the question."""
    module = sys.modules.get('dask.array')
    return module is not None and isinstance(array, module.Array)


def read_image(image: Any) -> Pixels:
    """Return the pixels of an image; blocks of a dask array are read once, in any order."""
    if is_dask_array(image):
        from skanrs._dask import read_blocks

        return Pixels(image.shape, image.dtype, *read_blocks(image))
    array = as_image(image, 'skeleton_image')
    nodes = foreground_nodes(array)
    return Pixels(array.shape, array.dtype, nodes, pixel_values(array, nodes))


def pixel_values(image: Array, nodes: npt.NDArray[np.int64]) -> Array:
    """Return the values of pixels; none of an image of bool."""
    return np.empty(0, dtype=bool) if image.dtype == np.bool_ else take(image, nodes)
