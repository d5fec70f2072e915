"""The pixels of a skeleton image, from an array in memory or from the blocks of a dask array."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from skanrs._image.dask_arrays import is_dask_array
from skanrs._image.image import Image, as_image
from skanrs._support.typing import Array, Indices, Shape


class Pixels(NamedTuple):
    """The pixels of an image that are not 0."""

    shape: Shape
    dtype: np.dtype[Any]
    nodes: Indices
    """Their linear indices, ascending."""
    values: Array
    """Their values; none of an image of bool."""

    @classmethod
    def of_mask(cls, shape: Shape, nodes: Indices) -> Pixels:
        """Return the pixels of an image of which only the shape and the foreground matter."""
        return cls(shape, np.dtype(bool), nodes, np.empty(0, dtype=bool))


def read_image(image: Any, name: str) -> Pixels:
    """Return the pixels of an image; blocks of a dask array are read once, in any order."""
    if is_dask_array(image):
        from .tasks import read_blocks

        return Pixels(image.shape, image.dtype, *read_blocks(image, name))
    return pixels_of(as_image(image, name))


def pixels_of(image: Image) -> Pixels:
    """Return the pixels of a checked image."""
    nodes = image.nodes()
    return Pixels(image.shape, image.dtype, nodes, image.values(nodes))
