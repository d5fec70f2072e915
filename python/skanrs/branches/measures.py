"""Lengths, radii, volumes and surfaces of branches in their mask.

The kernels read the mask from one bit a voxel, which blocks fill in any order
(``src/image/mask_rows.rs``); what they compute depends on the whole mask and skeleton only
(``src/centreline``, ``src/cells``).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._blocks.read import Pixels
from skanrs._image.image import Image
from skanrs._image.labels import LabelImage, found_labels
from skanrs._image.masks import as_mask
from skanrs._image.packed import ListedImage, PackedImage
from skanrs._image.position import in_image, in_three_axes
from skanrs._image.spacing import Spacing, as_spacing
from skanrs._support import progress
from skanrs._support.typing import Array, Indices, Shape
from skanrs.graph.path_components import path_components
from skanrs.graph.skeleton import Skeleton
from skanrs.radius.block import Grid, Radii, radii_in_rows
from skanrs.radius.labels import label_arguments

from .branch_numbers import smallest_numbers

if TYPE_CHECKING:
    from skanrs._blocks.tasks import BlockVoxels

# The memory of skeletons with fewer voxels is not worth the time.
VOXELS_WORTH_RETURNING = 1 << 18

Position = tuple[Shape, Shape]
"""The offset and the shape of a block."""

_OF_CENTRELINES = (
    'length',
    'tortuosity',
    'mean_radius',
    'min_radius',
    'max_radius',
    'stdev_radius',
    'tip_length',
)

OF_INTENSITY = (
    'mean_intensity',
    'median_intensity',
    'stdev_intensity',
    'min_intensity',
    'max_intensity',
    'territory_intensity',
)
OF_NODES = {'node_src': int, 'node_dst': int, 'in_junction': bool, 'touches_border': bool}


def measure_names(ndim: int) -> tuple[str, ...]:
    """Return the names of the columns of lengths, radii and bodies, in their order."""
    body = ('area', 'perimeter') if ndim == 2 else ('volume', 'surface_area')
    return (*_OF_CENTRELINES[:-1], *body, _OF_CENTRELINES[-1])


def empty_measures(
    ndim: int, with_intensity: bool = False, regions: np.dtype[Any] | None = None
) -> dict[str, Array]:
    """Return the measures of no branches; `regions` is the type of labels of regions, if any."""
    columns: dict[str, Array] = dict.fromkeys(measure_names(ndim), np.empty(0))
    columns |= {name: np.empty(0, dtype) for name, dtype in OF_NODES.items()}
    columns |= dict.fromkeys(OF_INTENSITY if with_intensity else (), np.empty(0))
    return columns if regions is None else columns | {'region': np.empty(0, regions)}


class Nodes(NamedTuple):
    """The nodes of a network, and which of them each path connects; N nodes and P paths."""

    of_paths: tuple[Indices, Indices]
    """The nodes at the first and at the last voxel of each path."""
    in_junction: npt.NDArray[np.bool_]
    """Whether a path lies inside a junction, shape (P,)."""
    centroids: npt.NDArray[np.float64]
    """The centroid of each node, in voxels, shape (N, ndim)."""
    voxels: Indices
    """The number of the voxel nearest to it, shape (N,)."""
    firsts: Indices
    """The number of the node's first voxel, by which nodes are ordered, shape (N,)."""
    degrees: Indices
    """How many ends of paths outside junctions lie at each node, shape (N,)."""
    faces: npt.NDArray[np.uint8]
    """The faces of the image that a node touches, bits from the last axis of three."""


def nodes_of(of_paths: tuple[Array, Array, Array], of_nodes: tuple[Array, ...]) -> Nodes:
    """Return nodes as the kernels return them."""
    source, destination, inside = of_paths
    return Nodes((source, destination), inside, *of_nodes)


class Body:
    """A skeleton in its mask, as the kernels take it.

    Parameters
    ----------
    skeleton : Skeleton
        The skeleton, made from an image.
    radii : ndarray of float64 or None
        The distance to the background of each of its voxels; None if they are to be found.
    mask : iterable of (Image, tuple of int), or PackedImage
        The blocks of the mask with their offsets, or a mask outside which nothing is known.
    grid : Grid
        The whole image.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        radii: Radii | None,
        mask: Iterable[tuple[Image, Shape]] | PackedImage,
        grid: Grid,
    ) -> None:
        self.ndim = len(grid.shape)
        self.skeleton = skeleton
        shape, spacing, border = grid.in_3d()
        _return_freed_memory(skeleton)
        if isinstance(mask, PackedImage):
            self._mask = mask.rows
        else:
            self._mask = _core.MaskRows(shape, border)
            for block, offset in mask:
                elements = block.elements.reshape(in_three_axes(block.shape, 1))
                self._mask.insert(elements, block.bits, in_three_axes(offset, 0))
        if radii is None:
            with progress.call('radii'):
                radii = radii_in_rows(skeleton._nodes, self._mask, grid)
        self.radii = radii
        starts, nodes = skeleton._path_pixels()
        self.starts = starts.astype(np.int64, copy=False)
        self.voxels = skeleton._nodes
        self.grid = grid
        self._path_nodes = nodes
        self._skeleton = self.voxels, radii, starts, nodes, spacing, self.ndim

    labels: Array | None = None
    """The label of each voxel of the skeleton, if it is one of labels."""

    def measures(self, *, include_tips: bool = False) -> dict[str, Array]:
        """Return the columns of measures, a row for each branch, and what belongs to none.

        The latter is a single number. With `include_tips`, lengths include what free ends lack to
        the surface.
        """
        of_centrelines = _core.centreline_measures(self._mask, self._skeleton)
        _return_freed_memory(self.skeleton)
        _, _, mean_radii, *_ = of_centrelines
        body = _core.cell_measures(self._mask, self._skeleton, mean_radii)
        measures = self._columns(of_centrelines, body, include_tips)
        return self._with_volume_without_branch(measures, self._mask.count())

    def _with_volume_without_branch(
        self, measures: dict[str, Array], voxels: int
    ) -> dict[str, Array]:
        volume = 'area' if self.ndim == 2 else 'volume'
        voxel = np.prod(self.grid.spacing)
        # Shares of junctions are fractions, but the branches have a whole number of voxels.
        left = voxels - np.rint(measures[volume].sum() / voxel)
        return measures | {f'{volume}_without_branch': np.asarray(left * voxel)}

    def _columns(
        self, of_centrelines: list[Array], body: list[Array], include_tips: bool
    ) -> dict[str, Array]:
        length, *others, tips = of_centrelines
        if include_tips:
            length += tips
        columns = [length, *others, *body, tips, *self._columns_of_nodes()]
        names = (*measure_names(self.ndim), *OF_NODES)
        return dict(zip(names, columns, strict=True))

    @cached_property
    def components(self) -> Array:
        """The connected component of each branch, found once."""
        return path_components(self.skeleton)

    @cached_property
    def nodes(self) -> Nodes:
        """The nodes of the network, found once."""
        return nodes_of(*_core.network_nodes(self._mask, self._skeleton))

    def _columns_of_nodes(self) -> tuple[Array, ...]:
        """Return which nodes each branch connects, and whether a tip of it is cut off."""
        is_cut = (self.nodes.degrees == 1) & (self.nodes.faces != 0)
        source, destination = self.nodes.of_paths
        cut = (is_cut[source] | is_cut[destination]) & ~self.nodes.in_junction
        return source, destination, self.nodes.in_junction, cut

    def voxels_of_nodes(self) -> tuple[Indices, Radii]:
        """Return the linear index of the voxel of each node, and its radius."""
        numbers = self.nodes.voxels
        return self.voxels[numbers], self.radii[numbers]

    def along(self, values: Array) -> Array:
        """Return the values at the voxels of all paths from those at the skeleton's voxels."""
        along: Array = values[self._path_nodes]
        return along

    def territories(self) -> _core.Territories:
        """Return the kernel that draws territories; see `skanrs.territories`."""
        _, spacing, _ = self.grid.in_3d()
        return _core.Territories(self._mask, self.voxels, self._numbers(), spacing)

    def _numbers(self) -> npt.NDArray[np.int32]:
        """Return the smallest number of a path at each voxel, from 1 on; 0 where there is none."""
        return smallest_numbers(self.starts, self._path_nodes, len(self.voxels))

    def centrelines(self) -> tuple[Array, Array]:
        """Return the points of all centrelines, a row each, and the radius at each point."""
        return _core.centrelines(self._mask, self._skeleton)

    def cell_counts(self) -> Array:
        """Return how many voxels of the mask belong to each voxel of the skeleton."""
        return _core.cell_counts(self._mask, self._skeleton)


class LabelBody(Body):
    """The skeletons of labels in their label image, each measured as if it were the only one.

    Parameters
    ----------
    skeleton : Skeleton
        The skeleton, made with labels.
    mask : LabelImage
        The label image.
    grid : Grid
        The whole image.
    """

    def __init__(self, skeleton: Skeleton, mask: LabelImage, grid: Grid) -> None:
        labels = skeleton.pixel_labels
        assert labels is not None
        self.ndim = len(grid.shape)
        self.skeleton = skeleton
        self.labels = labels
        starts, nodes = (array.astype(np.int64, copy=False) for array in skeleton._path_pixels())
        self.starts = starts
        self.grid = grid
        self.voxels = skeleton._nodes
        self._path_nodes = nodes
        self._labels = mask
        self._arguments = label_arguments(self.voxels, labels, (starts, nodes), mask, grid)

    def measures(self, *, include_tips: bool = False, min_voxels: int = 1) -> dict[str, Array]:
        """Return the columns of measures, and what belongs to none; see `Body.measures`.

        The latter is that of all chosen labels of at least `min_voxels` voxels. Another single
        number is the volume of a voxel, by which it follows for each label.
        """
        measured, sizes = _core.label_measures(*self._arguments)
        self.radii, lines, body, of_paths, of_nodes = measured
        self.nodes = nodes_of(of_paths, of_nodes)
        _, counts = found_labels(self._labels, *sizes)
        voxels = int(counts[counts >= min_voxels].sum())
        measures = self._columns(lines, body, include_tips)
        voxel = 'voxel_area' if self.ndim == 2 else 'voxel_volume'
        measures[voxel] = np.asarray(np.prod(self.grid.spacing))
        return self._with_volume_without_branch(measures, voxels)

    def territories(self) -> _core.Territories:
        """Return the kernel that draws territories; see `Body.territories`."""
        image, (_, _, _, _, spacing, _, _) = self._arguments
        return _core.Territories.of_labels(image, self.voxels, self._numbers(), spacing)

    @cached_property
    def nodes(self) -> Nodes:
        """The nodes of all labels, found once; they are numbered by label."""
        self.radii, of_paths, of_nodes = _core.label_nodes(*self._arguments)
        return nodes_of(of_paths, of_nodes)

    def centrelines(self) -> tuple[Array, Array]:
        """Return the points of all centrelines, a row each, and the radius at each point."""
        return _core.label_centrelines(*self._arguments)


def body_of_blocks(
    grid: Grid,
    spacing: npt.ArrayLike,
    positions: list[Position],
    voxels: list[BlockVoxels],
    masks: list[Array],
) -> Body:
    """Return the body of an image whose blocks are given.

    Parameters
    ----------
    grid : Grid
        The whole image.
    spacing : float or sequence of float
        As it was given.
    positions : list of (tuple of int, tuple of int)
        Where the blocks lie.
    voxels : list of BlockVoxels
        The voxels of the skeleton in each block, with their radii.
    masks : list of ndarray of uint8
        The mask of each block, packed to a bit a voxel.
    """
    nodes, order = sorted_voxels(grid.shape, positions, voxels)
    radii = np.concatenate([radii for _, radii in voxels])[order]
    pixels = Pixels.of_mask(grid.shape, nodes)
    skeleton = Skeleton._of_pixels(pixels, as_spacing(spacing, len(grid.shape)))
    blocks = (
        (_unpack(mask, shape), offset)
        for mask, (offset, shape) in zip(masks, positions, strict=True)
    )
    return Body(skeleton, radii, blocks, grid)


def sorted_voxels(
    shape: Shape, positions: list[Position], voxels: list[BlockVoxels]
) -> tuple[Indices, npt.NDArray[np.intp]]:
    """Return the voxels of all blocks in an image, ascending, and which of them each one was."""
    of_blocks = zip(voxels, positions, strict=True)
    nodes = np.concatenate(
        [in_image(nodes, *position, shape) for (nodes, _), position in of_blocks]
    )
    # Stable, because that sort finds the runs which are sorted already.
    order = np.argsort(nodes, kind='stable')
    return nodes[order], order


def body_of(
    skeleton: Skeleton, mask: Image | PackedImage, spacing: Spacing, border_is_background: bool
) -> Body:
    """Return the body of a skeleton in a mask in memory."""
    grid = Grid(mask.shape, spacing.floats, border_is_background)
    blocks = mask if isinstance(mask, PackedImage) else [(mask, (0,) * mask.ndim)]
    return Body(skeleton, None, blocks, grid)


def body_of_labels(
    skeleton: Skeleton, mask: LabelImage, spacing: Spacing, border_is_background: bool
) -> LabelBody:
    """Return the body of the skeletons of labels in their label image in memory."""
    return LabelBody(skeleton, mask, Grid(mask.image.shape, spacing.floats, border_is_background))


def _return_freed_memory(skeleton: Skeleton) -> None:
    """Give back what a stage needed, before the next one needs more, where it is much."""
    if len(skeleton._nodes) >= VOXELS_WORTH_RETURNING:
        _core.return_freed_memory()


def check_same_shape(skeleton: Image | ListedImage, mask: Image | PackedImage) -> None:
    """Refuse a skeleton whose shape is not that of its mask."""
    if skeleton.shape != mask.shape:
        raise ValueError(f'skeleton: expected shape {mask.shape} as the mask, got {skeleton.shape}')


def _unpack(packed: Array, shape: Shape) -> Image:
    """Return a block of a mask that was packed."""
    return as_mask(np.unpackbits(packed, count=int(np.prod(shape))).view(bool).reshape(shape))
