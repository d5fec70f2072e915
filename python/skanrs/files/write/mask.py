"""The interface of masks that writers read plane by plane, so that they may exceed memory."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ['Mask', 'planes_of']


class Mask(Protocol):
    """A mask in memory or on disk, of which boxes can be read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""

    def __getitem__(self, box: Any) -> Any:
        """Return a box as an array of bool."""


def planes_of(mask: Mask) -> Iterator[npt.NDArray[np.bool_]]:
    """Yield the planes of a mask: one if it is 2D."""
    if len(mask.shape) == 2:
        yield np.ascontiguousarray(mask[:, :])
        return
    for z in range(mask.shape[0]):
        yield np.ascontiguousarray(mask[z : z + 1])[0]
