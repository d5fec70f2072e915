"""Label images of random objects that touch, as segmentations of cells and neurites are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .trees import checked_seed, checked_shape

_CORNERS = 4
"""Corners of the line through an elongated object."""


def touching_labels(
    shape: Sequence[int],
    *,
    count: int,
    elongated: bool = False,
    filled: float = 0.99,
    seed: int = 0,
) -> npt.NDArray[np.int32]:
    """Return a label image of objects that touch: each voxel is of the nearest one.

    Parameters
    ----------
    shape : sequence of three int
        Shape (z, y, x) of the volume, each at least 16.
    count : int
        How many objects there are.
    elongated : bool
        Whether an object lies around a line through the volume, as neurites do, so that the boxes
        around objects overlap. Else it lies around a point: a ball, flat where it meets others.
    filled : float
        The share of voxels that belong to objects; those farthest from all lines or points do not.
    seed : int
        The same seed gives the same objects.

    Returns
    -------
    (Z, Y, X) array of int32
        Labels from 1 to `count`, without those whose points others cover; 0 for the background.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    TypeError
        If `shape`, `count` or `seed` are not integers.

    Examples
    --------
    >>> from skanrs.datasets import touching_labels
    >>> labels = touching_labels((32, 32, 32), count=20)
    >>> labels.dtype, labels.max(), round(float((labels > 0).mean()), 2)
    (dtype('int32'), np.int32(20), 0.99)
    """
    from scipy import ndimage

    size = checked_shape(shape)
    if not isinstance(count, (int, np.integer)) or isinstance(count, bool):
        raise TypeError(f'count: expected an integer, got {count!r}')
    if not 0 < count < 2**31:
        raise ValueError(f'count: expected a number above 0 and below 2**31, got {count}')
    if not 0 < filled <= 1:
        raise ValueError(f'filled: expected a number above 0 and up to 1, got {filled!r}')
    random = np.random.default_rng(checked_seed(seed))
    middles = np.zeros(size, dtype=np.int32)
    for label in range(1, count + 1):
        voxels = _line(random, size) if elongated else random.integers(0, size, (1, 3))
        middles[tuple(voxels.T)] = label
    transform: Any = ndimage.distance_transform_edt(middles == 0, return_indices=True)
    distances, nearest = transform
    labels: npt.NDArray[np.int32] = middles[tuple(nearest)]
    labels[distances > np.quantile(distances, filled)] = 0
    return labels


def _line(random: np.random.Generator, size: Sequence[int]) -> npt.NDArray[np.int64]:
    """Return the voxels of a line with random corners, from a face of the volume on."""
    corners = random.uniform(0, np.array(size) - 1, (_CORNERS, 3))
    corners[0, random.integers(3)] = 0
    steps = np.abs(np.diff(corners, axis=0)).max(axis=1).astype(int) + 2
    parts = [
        np.linspace(start, end, count)
        for start, end, count in zip(corners[:-1], corners[1:], steps, strict=True)
    ]
    voxels: npt.NDArray[np.int64] = np.rint(np.concatenate(parts)).astype(np.int64)
    return voxels
