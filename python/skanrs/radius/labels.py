"""Radii of the skeletons of label images: the distance to the nearest voxel of another value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._image.image import Image
from skanrs._image.labels import (
    LabelImage,
    bits_of,
    check_same_labels,
    find_labels,
    nodes_by_label,
)
from skanrs._image.position import in_three_axes
from skanrs._support.typing import Array, Indices, Shape

from .block import Grid, Radii


class LabelCrop(NamedTuple):
    """One label and its skeleton, cut out with the voxels around them."""

    mask: Image
    offset: Shape
    """Where the crop lies in the image."""
    members: npt.NDArray[np.intp]
    """The numbers of the label's voxels among those of the whole skeleton."""
    nodes: Indices
    """The linear indices of these voxels in the crop."""

    @property
    def box(self) -> tuple[slice, ...]:
        """Where the crop lies in the image, as slices."""
        ends = zip(self.offset, self.mask.shape, strict=True)
        return tuple(slice(at, at + length) for at, length in ends)


def label_crops(nodes: Indices, labels: Array, mask: LabelImage) -> Iterator[LabelCrop]:
    """Cut out each label that has a skeleton, in the order of labels.

    What is measured in the crop is what is measured in the image where no other label is: the
    voxels around are background of the label, and the nearest background is among them or nearer.

    Parameters
    ----------
    nodes : ndarray of int64, shape (N,)
        The linear indices of the voxels of the skeleton.
    labels : ndarray, shape (N,)
        The label of each voxel.
    mask : LabelImage
        The label image.

    Raises
    ------
    ValueError
        If a voxel of the skeleton has another label in the mask.
    """
    check_same_labels(labels, nodes, mask)
    objects = find_labels(mask)
    order, starts = nodes_by_label(labels, objects.values)
    for number in np.flatnonzero(np.diff(starts)).tolist():
        members = order[starts[number] : starts[number + 1]]
        crop, offset = objects.crop(number, mask)
        coordinates = np.unravel_index(nodes[members], mask.image.shape)
        moved = tuple(along - first for along, first in zip(coordinates, offset, strict=True))
        yield LabelCrop(crop, offset, members, np.ravel_multi_index(moved, crop.shape))


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
