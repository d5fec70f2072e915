"""Binary closing with a ball: dilation, then erosion.

A ball is a stack of rows. Each plane is widened along the last axis by one voxel at a time, and
the widened plane is added to all planes and rows whose row of the ball has that half length. The
cost is that of one pass over the image for each row of the ball, about 3 r² of them, and memory
for two more masks. Outside the image there is neither foreground to add nor background that
erodes, as in ``skimage.morphology.closing``.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ['close', 'closing_margin']

Mask = npt.NDArray[np.bool_]


def close(mask: Mask, radius: float) -> Mask:
    """Return the closing of a mask of two or three axes with a ball (in 2D a disc).

    Parameters
    ----------
    mask : ndarray of bool
        The mask; it is not changed.
    radius : float
        The ball has the voxels whose centres are at most this many voxels from its centre.

    Returns
    -------
    ndarray of bool
    """
    planes = mask if mask.ndim == 3 else mask[np.newaxis]
    closed = ~_dilate(~_dilate(planes, radius), radius)
    return closed.reshape(mask.shape)


def closing_margin(radius: float) -> int:
    """Return how far the closing of a voxel depends on the mask."""
    return 2 * math.floor(radius)


def _dilate(planes: Mask, radius: float) -> Mask:
    depth, height, width = planes.shape
    dilated = np.zeros_like(planes)
    rows: dict[int, list[tuple[int, int]]] = {}
    reach = math.floor(radius)
    for dz in range(-min(reach, depth - 1), min(reach, depth - 1) + 1):
        for dy in range(-min(reach, height - 1), min(reach, height - 1) + 1):
            left = radius * radius - dz * dz - dy * dy
            if left >= 0:
                rows.setdefault(math.isqrt(math.floor(left)), []).append((dz, dy))
    for z, plane in enumerate(planes):
        if not plane.any():
            continue
        wide = plane.copy()
        for half in range(max(rows, default=0) + 1):
            if 0 < half < width:
                wide[:, half:] |= plane[:, : width - half]
                wide[:, : width - half] |= plane[:, half:]
            for dz, dy in rows.get(half, ()):
                if 0 <= z + dz < depth:
                    to, origin = _overlap(dy, height)
                    dilated[z + dz, to] |= wide[origin]
    return dilated


def _overlap(shift: int, length: int) -> tuple[slice, slice]:
    """Return the rows that have a row at a distance of `-shift`, and those rows."""
    return (
        slice(max(0, shift), length + min(0, shift)),
        slice(max(0, -shift), length - max(0, shift)),
    )
