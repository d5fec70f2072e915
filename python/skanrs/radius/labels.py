"""Radii of the skeletons of label images: the distance to the nearest voxel of another value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skanrs._image.image import Image
from skanrs._image.labels import LabelImage, check_same_labels, find_labels, nodes_by_label
from skanrs._support.typing import Array, Indices, Shape

from .block import Radii, radii_of_nodes


class LabelCrop(NamedTuple):
    """One label and its skeleton, cut out with the voxels around them."""

    mask: Image
    offset: Shape
    """Where the crop lies in the image."""
    members: npt.NDArray[np.intp]
    """The numbers of the label's voxels among those of the whole skeleton."""
    nodes: Indices
    """The linear indices of these voxels in the crop."""


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
    """Return the radius of each voxel in its own label."""
    radii = np.empty(nodes.size)
    for crop in label_crops(nodes, labels, mask):
        radii[crop.members] = radii_of_nodes(crop.nodes, crop.mask, spacing, border_is_background)
    return radii
