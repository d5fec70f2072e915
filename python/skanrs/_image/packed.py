"""Masks and skeletons in memory that are no arrays of bytes: a bit per voxel, or a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._support import progress
from skanrs._support.typing import Indices, Shape

from .image import as_image
from .position import in_three_axes

__all__ = ['ListedImage', 'PackedImage']


class PackedImage:
    """A mask of two or three axes, a bit per voxel.

    Parameters
    ----------
    shape : tuple of int
        Voxels along each axis; all are background.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.ndim = len(shape)
        self.clear()

    @property
    def voxels(self) -> int:
        """The number of voxels of the foreground."""
        return self.rows.count()

    def insert(self, block: npt.NDArray[Any], offset: Shape) -> None:
        """Add the voxels of a block that are not zero."""
        image = as_image(block, 'block')
        elements = image.elements.reshape(in_three_axes(image.shape, 1))
        self.rows.insert(elements, image.bits, in_three_axes(offset, 0))

    def clear(self) -> None:
        """Make all voxels background."""
        self.rows = _core.MaskRows(in_three_axes(self.shape, 1), (False,) * 3)

    def skeletonize(self, method: str, *, keep: bool) -> ListedImage:
        """Return the skeleton by a method of `method_of`.

        Without `keep` all voxels are background afterwards, which takes an eighth of a byte per
        voxel less memory.
        """
        with progress.call('skeletonize'):
            return ListedImage(self.shape, self.rows.skeletonize(method, keep))

    def unpack(self) -> npt.NDArray[np.bool_]:
        """Return the mask as an array."""
        mask = np.empty(self.shape, bool)
        self.rows.unpack(mask.view(np.uint8).reshape(in_three_axes(self.shape, 1)))
        return mask


@dataclass(frozen=True, eq=False)
class ListedImage:
    """A mask of few voxels, as their linear indices.

    Parameters
    ----------
    shape : tuple of int
        Voxels along each axis.
    indices : ndarray of int64
        The linear indices of the foreground, ascending.
    """

    shape: Shape
    indices: Indices

    @property
    def dtype(self) -> np.dtype[np.bool_]:
        """The type of the elements of a box."""
        return np.dtype(bool)

    def nodes(self) -> Indices:
        """Return the linear indices of the foreground, ascending."""
        return self.indices

    def __getitem__(self, box: Any) -> npt.NDArray[np.bool_]:
        box = box if isinstance(box, tuple) else (box,)
        box += (slice(None),) * (len(self.shape) - len(box))
        bounds = [part.indices(n)[:2] for part, n in zip(box, self.shape, strict=True)]
        (first, last), *others = bounds
        plane = int(np.prod(self.shape[1:], dtype=np.int64))
        planes = np.zeros((max(0, last - first), *self.shape[1:]), bool)
        low, high = np.searchsorted(self.indices, (first * plane, last * plane))
        planes.reshape(-1)[self.indices[low:high] - first * plane] = True
        return planes[(slice(None), *(slice(*bound) for bound in others))]
