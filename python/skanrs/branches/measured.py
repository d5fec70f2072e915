"""Measurements of an image in memory, each made once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from skanrs._blocks.read import Pixels
from skanrs._image.image import Image, take
from skanrs._image.labels import LabelImage
from skanrs._image.packed import ListedImage, PackedImage
from skanrs._image.spacing import Spacing
from skanrs._support import progress
from skanrs._support.typing import Array
from skanrs.graph.labels import pixels_of_labels
from skanrs.graph.skeleton import Skeleton

from .columns import skeleton_table
from .intensity import intensities
from .measures import Body, body_of, body_of_labels, check_same_shape
from .node_table import node_table
from .polylines import Centrelines, centrelines_of
from .regions import count_regions, divide_by_regions, region_table


@dataclass(frozen=True, eq=False)
class Measured:
    """A skeleton with its measures and its table; made by `measure`."""

    skeleton: Skeleton
    measures: dict[str, Array] | None = None
    """The columns of measures, if the mask is known."""
    body: Body | None = None
    """The skeleton in its mask, if that is known."""
    by_region: pd.DataFrame | None = None
    """The table of regions, if there are any."""

    @cached_property
    def table(self) -> pd.DataFrame:
        """The branches, made when first asked for; columns are named with '_'."""
        return skeleton_table(self.skeleton, value_is_height=False, measures=self.measures)

    @cached_property
    def nodes(self) -> pd.DataFrame | None:
        """The table of nodes, made when first asked for; None if the mask is not known."""
        return None if self.body is None else node_table(self.body)

    @cached_property
    def lines(self) -> Centrelines | None:
        """The centrelines, made when first asked for; None if the mask is not known."""
        return None if self.body is None else centrelines_of(self.body)


def measure(
    skeleton: Image | ListedImage,
    spacing: Spacing,
    mask: Image | PackedImage | None,
    *,
    border_is_background: bool = False,
    include_tips: bool = False,
    intensity: Array | None = None,
    regions: Array | None = None,
    keep_graph: bool = True,
) -> Measured:
    """Trace a skeleton and measure its branches.

    Parameters
    ----------
    skeleton : Image or ListedImage
        The skeleton; the values of its elements do not matter.
    spacing : Spacing
        The distance between neighbours along each axis.
    mask : Image, PackedImage or None
        The object, checked by `as_mask` if it is an array; without it there are no measures.
    border_is_background, include_tips : bool, optional
        As for `skanrs.analyze`.
    intensity, regions : ndarray, optional
        Images that are measured too, checked by `as_intensity` and `as_regions`. Only with a mask.
    keep_graph : bool, optional
        Whether the graph of the skeleton's voxels is wanted, and not only the branches.

    Raises
    ------
    ValueError
        If the shapes differ, or a voxel of the skeleton does not belong to the mask.
    """
    if mask is not None:
        check_same_shape(skeleton, mask)
    skel = Skeleton._of_pixels(Pixels.of_mask(skeleton.shape, skeleton.nodes()), spacing)
    if not keep_graph:
        skel._forget_graph()
    if mask is None:
        return Measured(skel)
    body = body_of(skel, mask, spacing, border_is_background)
    with progress.call('measures'):
        measures = body.measures(include_tips=include_tips)
        if intensity is not None:
            measures |= intensities(body, intensity)
        by_region = None
        if regions is not None:
            sums, measures['region'] = divide_by_regions(body, take(regions, body.voxels), measures)
            by_region = region_table([sums], count_regions(regions), spacing)
        return Measured(skel, measures, body, by_region)


def measure_labels(
    skeleton: LabelImage,
    spacing: Spacing,
    mask: LabelImage | None,
    *,
    min_voxels: int = 1,
    border_is_background: bool = False,
    include_tips: bool = False,
    intensity: Array | None = None,
    regions: Array | None = None,
) -> Measured:
    """Trace the skeletons of labels and measure each in the mask of its label; see `measure`.

    `min_voxels` is how many voxels a label needs to count for what belongs to no branch.
    """
    if mask is not None:
        check_same_shape(skeleton.image, mask.image)
    pixels, labels = pixels_of_labels(skeleton)
    skel = Skeleton._of_pixels(pixels, spacing, labels)
    if mask is None:
        return Measured(skel)
    body = body_of_labels(skel, mask, spacing, border_is_background)
    with progress.call('measures'):
        measures = body.measures(include_tips=include_tips, min_voxels=min_voxels)
        if intensity is not None:
            measures |= intensities(body, intensity)
        by_region = None
        if regions is not None:
            of_voxels = take(regions, pixels.nodes)
            sums, measures['region'] = divide_by_regions(body, of_voxels, measures)
            by_region = region_table([sums], count_regions(regions), spacing)
        return Measured(skel, measures, body, by_region)
