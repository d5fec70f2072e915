"""The interface of masks that writers read plane by plane, so that they may exceed memory."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ['Mask', 'dtype_of', 'planes_of']


class Mask(Protocol):
    """A mask in memory or on disk, of which boxes can be read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""

    def __getitem__(self, box: Any) -> Any:
        """Return a box as an array of bool, or of labels."""


def dtype_of(mask: Mask) -> np.dtype[Any]:
    """Return the type of a mask's elements, which are bool unless they are labels."""
    return np.dtype(getattr(mask, 'dtype', bool)).newbyteorder('=')


def planes_of(mask: Mask) -> Iterator[npt.NDArray[Any]]:
    """Yield the planes of a mask: one if it is 2D."""
    dtype = dtype_of(mask)
    if len(mask.shape) == 2:
        yield np.ascontiguousarray(mask[:, :], dtype)
        return
    for z in range(mask.shape[0]):
        yield np.ascontiguousarray(mask[z : z + 1], dtype)[0]
