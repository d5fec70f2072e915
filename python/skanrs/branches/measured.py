"""Measurements of an image in memory, each made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from skanrs._blocks.read import Pixels
from skanrs._image.image import Image, take
from skanrs._image.labels import LabelImage
from skanrs._image.spacing import Spacing
from skanrs._support import progress
from skanrs._support.typing import Array
from skanrs.graph.labels import pixels_of_labels
from skanrs.graph.skeleton import Skeleton
from skanrs.radius.labels import label_crops

from .columns import add_measures, skeleton_table
from .intensity import intensities
from .measures import body_of, check_same_shape, empty_measures, measure_crop
from .node_table import node_table
from .polylines import Centrelines, centrelines_of, centrelines_of_labels
from .regions import count_regions, divide_by_regions, region_table


@dataclass(frozen=True, eq=False)
class Measured:
    """A skeleton with its measures and its table; made by `measure`."""

    skeleton: Skeleton
    measures: dict[str, Array] | None = None
    """The columns of measures, if the mask is known."""
    nodes: pd.DataFrame | None = None
    """The table of nodes, if the mask is known."""
    by_region: pd.DataFrame | None = None
    """The table of regions, if there are any."""
    make_lines: Callable[[], Centrelines] | None = None
    """Makes the centrelines, if the mask is known."""

    @cached_property
    def table(self) -> pd.DataFrame:
        """The branches, made when first asked for; columns are named with '_'."""
        table = skeleton_table(self.skeleton, value_is_height=False)
        if self.measures is not None:
            add_measures(table, self.measures, slice(None))
        return table

    @cached_property
    def lines(self) -> Centrelines | None:
        """The centrelines, made when first asked for; None if the mask is not known."""
        return None if self.make_lines is None else self.make_lines()


def measure(
    skeleton: Image,
    spacing: Spacing,
    mask: Image | None,
    *,
    border_is_background: bool = False,
    include_tips: bool = False,
    intensity: Array | None = None,
    regions: Array | None = None,
) -> Measured:
    """Trace a skeleton and measure its branches.

    Parameters
    ----------
    skeleton : Image
        The skeleton; the values of its elements do not matter.
    spacing : Spacing
        The distance between neighbours along each axis.
    mask : Image or None
        The object, checked by `as_mask`; without it there are no measures.
    border_is_background, include_tips : bool, optional
        As for `skanrs.analyze`.
    intensity, regions : ndarray, optional
        Images that are measured too, checked by `as_intensity` and `as_regions`. Only with a mask.

    Raises
    ------
    ValueError
        If the shapes differ, or a voxel of the skeleton does not belong to the mask.
    """
    if mask is not None:
        check_same_shape(skeleton, mask)
    skel = Skeleton._of_pixels(Pixels.of_mask(skeleton.shape, skeleton.nodes()), spacing)
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
        return Measured(skel, measures, node_table(body), by_region, lambda: centrelines_of(body))


def measure_labels(
    skeleton: LabelImage,
    spacing: Spacing,
    mask: LabelImage | None,
    *,
    border_is_background: bool = False,
    include_tips: bool = False,
    intensity: Array | None = None,
    regions: Array | None = None,
) -> Measured:
    """Trace the skeletons of labels and measure each in the mask of its label; see `measure`."""
    if mask is not None:
        check_same_shape(skeleton.image, mask.image)
    pixels, labels = pixels_of_labels(skeleton)
    skel = Skeleton._of_pixels(pixels, spacing, labels)
    if mask is None:
        return Measured(skel)
    n_nodes = 0
    dtype = None if regions is None else regions.dtype
    measures = [empty_measures(mask.image.ndim, intensity is not None, dtype)]
    sums: list[pd.DataFrame] = []
    with progress.call('measures'):
        for crop in label_crops(pixels.nodes, labels, mask):
            body = measure_crop(crop, spacing, border_is_background)
            of_label = body.measures(include_tips=include_tips)
            if intensity is not None:
                box = zip(crop.offset, crop.mask.shape, strict=True)
                cut = tuple(slice(at, at + length) for at, length in box)
                of_label |= intensities(body, intensity[cut])
            if regions is not None:
                of_voxels = take(regions, pixels.nodes[crop.members])
                part, of_label['region'] = divide_by_regions(body, of_voxels, of_label)
                sums.append(part)
            # Nodes are numbered through all labels.
            for name in ('node_src', 'node_dst'):
                of_label[name] = of_label[name] + n_nodes
            n_nodes += len(body.nodes.centroids)
            measures.append(of_label)
    columns = {
        name: np.concatenate([of_label[name] for of_label in measures]) for name in measures[0]
    }
    return Measured(
        skel,
        columns,
        by_region=None if regions is None else region_table(sums, count_regions(regions), spacing),
        make_lines=lambda: centrelines_of_labels(
            pixels, labels, mask, spacing, border_is_background
        ),
    )
