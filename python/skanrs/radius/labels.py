"""Radii of the skeletons of label images: the distance to the nearest voxel of another value."""

from __future__ import annotations

from typing import Any

import numpy as np

from skanrs import _core
from skanrs._image.labels import LabelImage, bits_of, check_same_labels
from skanrs._image.position import in_three_axes
from skanrs._support.typing import Array, Indices

from .block import Grid, Radii


def radii_of_labels(
    nodes: Indices,
    labels: Array,
    mask: LabelImage,
    spacing: tuple[float, ...],
    border_is_background: bool,
) -> Radii:
    """Return the radius of each voxel in its own label.

    Raises
    ------
    ValueError
        If a voxel of the skeleton has another label in the mask.
    """
    grid = Grid(mask.image.shape, spacing, border_is_background)
    no_paths = np.zeros(1, np.int64), np.empty(0, np.int64)
    return _core.label_radii(*label_arguments(nodes, labels, no_paths, mask, grid))


def label_arguments(
    nodes: Indices, labels: Array, paths: tuple[Indices, Indices], mask: LabelImage, grid: Grid
) -> tuple[Array, tuple[Any, ...]]:
    """Return the label image and the skeletons of labels in it as the kernels take them.

    Parameters
    ----------
    nodes : ndarray of int64, shape (N,)
        The linear indices of the voxels of the skeletons.
    labels : ndarray, shape (N,)
        The label of each voxel.
    paths : tuple of two ndarrays of int64
        Where the voxels of each path begin, and the numbers of these voxels.
    mask : LabelImage
        The label image.
    grid : Grid
        The whole image.

    Raises
    ------
    ValueError
        If a voxel of the skeleton has another label in the mask.
    """
    check_same_labels(labels, nodes, mask)
    image = mask.image.elements.reshape(in_three_axes(grid.shape, 1))
    _, spacing, border = grid.in_3d()
    # Labels are equal to those of the mask, so that its dtype holds them.
    bits = bits_of(labels.astype(mask.image.dtype))
    return image, (nodes, bits, *paths, spacing, border, len(grid.shape))
