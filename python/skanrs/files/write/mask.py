"""Masks that are written piece by piece, so that they may be larger than memory."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ['Mask', 'planes_of']


class Mask(Protocol):
    """Voxels in memory or elsewhere; boxes of them can be had."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""

    def __getitem__(self, box: Any) -> Any:
        """Return a box as an array of bool."""


def planes_of(mask: Mask) -> Iterator[npt.NDArray[np.bool_]]:
    """Give the pages of a mask: its planes, or itself where it is flat."""
    if len(mask.shape) == 2:
        yield np.ascontiguousarray(mask[:, :])
        return
    for z in range(mask.shape[0]):
        yield np.ascontiguousarray(mask[z : z + 1])[0]
