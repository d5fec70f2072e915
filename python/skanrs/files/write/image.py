"""The interface of images that writers read plane by plane, so that they may exceed memory."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ['WritableImage', 'dtype_of', 'planes_of']


class WritableImage(Protocol):
    """A mask or an image of integers, in memory or on disk, of which boxes can be read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its elements."""

    def __getitem__(self, box: Any) -> Any:
        """Return a box, given by a slice for each axis, as an array."""


def dtype_of(image: WritableImage) -> np.dtype[Any]:
    """Return the type of an image's elements in the byte order of this machine."""
    return image.dtype.newbyteorder('=')


def planes_of(image: WritableImage) -> Iterator[npt.NDArray[Any]]:
    """Yield the planes of an image: one if it is 2D."""
    dtype = dtype_of(image)
    *before, rows, columns = (slice(0, length) for length in image.shape)
    if not before:
        yield np.ascontiguousarray(image[rows, columns], dtype)
        return
    for z in range(image.shape[0]):
        yield np.ascontiguousarray(image[z : z + 1, rows, columns], dtype)[0]
