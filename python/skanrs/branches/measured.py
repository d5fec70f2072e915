"""Measurements of an image in memory, each made once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from skanrs import _core
from skanrs._blocks.read import Pixels
from skanrs._image.image import Image
from skanrs._image.spacing import Spacing
from skanrs._support import progress
from skanrs.graph.path_graph import graph_arrays, index_arrays
from skanrs.graph.skeleton import Skeleton
from skanrs.radius.block import Radii, radii_of_nodes

from .columns import add_measures, skeleton_table


@dataclass(frozen=True, eq=False)
class Measured:
    """A skeleton with its radii and its table; made by `measure`."""

    skeleton: Skeleton
    radii: Radii | None
    """The radius at each voxel of the skeleton, if the mask is known."""

    @cached_property
    def table(self) -> pd.DataFrame:
        """The branches, made when first asked for; columns are named with '_'."""
        table = skeleton_table(self.skeleton, value_is_height=False)
        if self.radii is not None:
            _add_radii(table, self.skeleton, self.radii)
        return table


def measure(
    skeleton: Image, spacing: Spacing, mask: Image | None, *, border_is_background: bool = False
) -> Measured:
    """Trace a skeleton and measure its radii.

    Parameters
    ----------
    skeleton : Image
        The skeleton; the values of its elements do not matter.
    spacing : Spacing
        The distance between neighbours along each axis.
    mask : Image or None
        The object, checked by `as_mask`; without it there are no radii.
    border_is_background : bool, optional
        As for `skanrs.radii`.

    Raises
    ------
    ValueError
        If the shapes differ, or a voxel of the skeleton does not belong to the mask.
    """
    if mask is not None and skeleton.shape != mask.shape:
        raise ValueError(f'skeleton: expected shape {mask.shape} as the mask, got {skeleton.shape}')
    pixels = Pixels(skeleton.shape, np.dtype(bool), skeleton.nodes(), np.empty(0, dtype=bool))
    skel = Skeleton._of_pixels(pixels, spacing)
    radii = None
    if mask is not None:
        with progress.call('radii'):
            radii = radii_of_nodes(pixels.nodes, mask, spacing.floats, border_is_background)
    return Measured(skel, radii)


def _add_radii(table: pd.DataFrame, skeleton: Skeleton, radii: Radii) -> None:
    starts, nodes = index_arrays(skeleton.paths.indptr, skeleton.paths.indices)
    is_flat = len(skeleton.skeleton_shape) == 2
    sums, squares = _core.path_sums(starts.astype(np.int64), radii[nodes])
    measures = _core.path_measures(*graph_arrays(skeleton.graph), starts, nodes, radii, is_flat)
    add_measures(table, sums, squares, np.diff(starts), *measures, is_flat=is_flat)
