"""Radii of a dask array as tasks, exact for every chunking and without overlap.

For each block one task packs its mask to one bit per voxel, and another measures the voxels of its
skeleton: those nearer to the background than to any other block are done, the others wait. A tree
of merges joins two neighbours along one axis at a time. Each gives the other, for each column of
voxels, the depth of the first background behind their common face; nothing more is needed
(``src/radius/faces.rs``). One task a block writes its radii.

The mask is read once, and no task holds all of it: packed blocks wait for the skeleton, and depths
of faces and waiting voxels are transferred.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
import numpy.typing as npt
from dask.base import tokenize
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph

from skanrs import _core
from skanrs._blocks.tasks import (
    Blocks,
    BlockTask,
    BlockVoxels,
    Index,
    Key,
    as_block,
    check_same_blocks,
    result_at,
    with_others,
)
from skanrs._image.elements import check_elements
from skanrs._image.image import as_image
from skanrs._image.masks import as_mask, check_lazy_mask
from skanrs._image.position import in_three_axes
from skanrs._image.spacing import as_spacing
from skanrs._support.typing import Indices, Shape

from .block import Grid, Radii, block_radii

_NO_BACKGROUND = np.iinfo(np.uint32).max

Depths = npt.NDArray[np.uint32]


class Waiting(NamedTuple):
    """Voxels whose radius depends on what lies outside a region."""

    indices: Indices
    """Linear indices in the image."""
    coordinates: Indices
    """Positions in the image along three axes, a row each."""
    squares: Radii
    """The squared distance to the nearest background so far."""

    def take(self, which: npt.NDArray[np.bool_]) -> Waiting:
        """Return some of them."""
        return Waiting(self.indices[which], self.coordinates[which], self.squares[which])


class PackedDepths(NamedTuple):
    """Depths of the columns behind a face, most of which are 0."""

    shape: tuple[int, int]
    is_zero: npt.NDArray[np.uint8]
    """A bit for each column."""
    others: Depths
    """The depths of the other columns."""

    @classmethod
    def pack(cls, depths: Depths) -> PackedDepths:
        """Pack depths of two axes."""
        rows, columns = depths.shape
        return cls((rows, columns), np.packbits(depths == 0), depths[depths != 0])

    def unpack(self) -> Depths:
        """Return all depths."""
        count = self.shape[0] * self.shape[1]
        is_zero = np.unpackbits(self.is_zero, count=count).view(bool)
        depths = np.zeros(count, dtype=np.uint32)
        depths[~is_zero] = self.others
        return depths.reshape(self.shape)


class Region(NamedTuple):
    """A box of the image, as its surroundings see it; along three axes."""

    offset: Shape
    shape: Shape
    waiting: Waiting
    faces: dict[tuple[int, bool], PackedDepths]
    """By axis and whether it is the last face; none at the border of the image."""


Measured = tuple[Indices, Radii]
"""Voxels and their squared radii: in a block by their indices in it, else by those in the image."""


def radius_blocks(
    skeleton: da.Array, mask: da.Array, spacing: npt.ArrayLike, border_is_background: bool
) -> da.Array:
    """Draw radii lazily; see `skanrs.radius_image`."""
    voxels = radius_voxels(skeleton, mask, spacing, border_is_background)
    name = f'radius-image-{tokenize(voxels.name)}'
    blocks = itertools.product(*map(enumerate, voxels.chunks))
    tasks: dict[Key, Any] = {}
    for block in blocks:
        index, shape = zip(*block, strict=True)
        tasks[(name, *index)] = (_draw, (voxels.name, *index), shape)
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=[voxels])
    return da.Array(graph, name, voxels.chunks, dtype=np.float64)


def radius_voxels(
    skeleton: da.Array, mask: da.Array, spacing: npt.ArrayLike, border_is_background: bool
) -> da.Array:
    """Measure radii lazily; each block is a `BlockVoxels`, for tasks of this package only."""
    check_lazy_mask(mask)
    check_elements(skeleton.dtype, 'skeleton')
    check_same_blocks(skeleton, mask, 'mask')
    blocks, of_mask = Blocks(skeleton, 'skeleton'), Blocks(mask, 'mask')
    shape = tuple(map(int, mask.shape))
    grid = Grid(shape, as_spacing(spacing, mask.ndim).floats, border_is_background)
    token = tokenize(skeleton.name, mask.name, mask.chunks, grid)
    name = f'radius-{token}'
    tasks: dict[Key, Any] = {}
    local: dict[Index, Key] = {}
    regions: dict[Index, Key] = {}
    for index in blocks.indices():
        position = blocks.position(index)
        packed, measured = packed_mask_key(mask, index), (f'radius-found-{token}', *index)
        tasks[packed] = (BlockTask(pack_mask, *position), of_mask.key(index))
        tasks[measured] = (BlockTask(_measure, *position, grid), [blocks.key(index), packed])
        local[index] = _part(tasks, f'radius-local-{token}', index, measured, 0)
        regions[index] = _part(tasks, f'radius-region-{token}', index, measured, 1)
    settled = _merge_regions(tasks, token, regions, grid)
    for index in blocks.indices():
        finish = BlockTask(_finish, *blocks.position(index), grid)
        tasks[(name, *index)] = (finish, [local[index], settled[index]])
    graph = blocks.with_tasks(name, tasks, of_mask)
    return da.Array(graph, name, skeleton.chunks, dtype=np.float64)


def packed_mask_key(mask: da.Array, index: Index) -> Key:
    """Return the key of a block of the mask that `radius_voxels` packs to a bit a voxel."""
    return (f'radius-mask-{mask.name}', *index)


def with_radii(
    function: Callable[..., Any],
    skeleton: da.Array,
    mask: da.Array,
    spacing: npt.ArrayLike,
    border_is_background: bool,
) -> Delayed:
    """Return, delayed, what a function makes of all blocks; see `with_voxels`."""
    voxels = radius_voxels(skeleton, mask, spacing, border_is_background)
    return with_voxels(function, voxels, mask, spacing, border_is_background)


def with_voxels(
    function: Callable[..., Any],
    voxels: da.Array,
    mask: da.Array,
    spacing: npt.ArrayLike,
    border_is_background: bool,
    others: Sequence[Delayed] = (),
) -> Delayed:
    """Return, delayed, what a function makes of all blocks that `radius_voxels` makes.

    It is called with the grid, the spacing as it was given, the offsets and shapes of the blocks,
    what each of them is, their packed masks, and the others.
    """
    blocks = Blocks(voxels, 'skeleton')
    grid = Grid(mask.shape, as_spacing(spacing, mask.ndim).floats, border_is_background)
    indices = list(blocks.indices())
    places = [blocks.position(index) for index in indices]
    keys = [blocks.key(index) for index in indices]
    masks = [packed_mask_key(mask, index) for index in indices]
    name = f'radius-of-all-{tokenize(function, voxels.name, [other.key for other in others])}'
    make = partial(function, grid, spacing, places)
    task = (make, keys, masks, *(other.key for other in others))
    graph = blocks.with_tasks(name, {name: task})
    return Delayed(name, with_others(graph, name, others))


def _part(tasks: dict[Key, Any], kind: str, index: tuple[Any, ...], key: Key, at: int) -> Key:
    tasks[(kind, *index)] = (result_at, key, at)
    return (kind, *index)


def _merge_regions(
    tasks: dict[Key, Any], token: str, regions: dict[Index, Key], grid: Grid
) -> dict[Index, list[Key]]:
    """Merge neighbours two at a time; return what that settles for each block."""
    settled: dict[Index, list[Key]] = {index: [] for index in regions}
    parents = {index: index for index in regions}
    axes = len(next(iter(regions)))
    for axis in reversed(range(axes)):
        for level in itertools.count():
            joined: dict[Index, list[Key]] = {}
            for index, region in regions.items():
                joined.setdefault(_parent(index, axis), []).append(region)
            if len(joined) == len(regions):
                break
            merge = partial(_merge, grid, axis + 3 - axes)
            regions, done = {}, {}
            for index, members in joined.items():
                if len(members) == 1:
                    regions[index] = members[0]
                    continue
                merge_index = (axis, level, *index)
                merged = (f'radius-merge-{token}', *merge_index)
                tasks[merged] = (merge, members)
                done[index] = _part(tasks, f'radius-settled-{token}', merge_index, merged, 0)
                regions[index] = _part(tasks, f'radius-rest-{token}', merge_index, merged, 1)
            parents = {index: _parent(parent, axis) for index, parent in parents.items()}
            for index, parent in parents.items():
                if parent in done:
                    settled[index].append(done[parent])
    return settled


def _parent(index: Index, axis: int) -> Index:
    return (*index[:axis], index[axis] // 2, *index[axis + 1 :])


def pack_mask(block: Any, offset: Shape, shape: Shape) -> npt.NDArray[np.uint8]:
    """Pack a block of the mask to a bit a voxel."""
    return np.packbits(as_mask(as_block(block, offset, shape)).array != 0)


def _measure(blocks: list[Any], offset: Shape, shape: Shape, grid: Grid) -> tuple[Measured, Region]:
    """Measure the voxels of a block as far as the block tells."""
    skeleton, packed = blocks
    nodes = as_image(as_block(skeleton, offset, shape), 'skeleton').nodes()
    mask = np.unpackbits(packed, count=int(np.prod(shape))).view(bool).reshape(shape)
    radii = block_radii(nodes, as_image(mask, 'mask'), offset, grid)
    start, extent = in_three_axes(offset, 0), in_three_axes(shape, 1)
    waits = radii.waits
    coordinates = np.stack(np.unravel_index(nodes[waits], extent), axis=1) + start
    indices = np.ravel_multi_index(tuple(coordinates.T), grid.in_3d()[0])
    waiting = Waiting(indices.astype(np.int64), coordinates, radii.squares[waits])
    faces = {}
    for axis, end, depths in radii.faces:
        across = extent[:axis] + extent[axis + 1 :]
        faces[axis, end] = PackedDepths.pack(depths.reshape(across))
    return (nodes, radii.squares), Region(start, extent, waiting, faces)


def _merge(grid: Grid, axis: int, regions: list[Region]) -> tuple[Measured, Region]:
    """Join two boxes along an axis; return the voxels that are settled by it too."""
    first, last = regions
    parts = [_lowered(first, last, axis, False, grid), _lowered(last, first, axis, True, grid)]
    waiting = Waiting(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    along = first.shape[axis] + last.shape[axis]
    region = Region(
        first.offset,
        (*first.shape[:axis], along, *first.shape[axis + 1 :]),
        waiting,
        _joined_faces(first, last, axis),
    )
    waits = waiting.squares > _to_unknown(region, grid)
    done = waiting.take(~waits)
    return (done.indices, done.squares), region._replace(waiting=waiting.take(waits))


def _lowered(region: Region, other: Region, axis: int, end: bool, grid: Grid) -> Waiting:
    """Return the voxels of a region that wait, with what lies behind a face of the other."""
    coordinates, squares = region.waiting.coordinates, region.waiting.squares.copy()
    face = other.offset[axis] + (other.shape[axis] - 1 if end else 0)
    across = [at for at in range(3) if at != axis]
    gaps = np.abs(coordinates[:, axis] - face)
    inside = coordinates[:, across] - np.array(other.offset)[across]
    voxels = np.ascontiguousarray(np.column_stack([gaps, inside]), dtype=np.int64)
    shape, spacing, _ = grid.in_3d()
    depths = other.faces[axis, end].unpack()
    if squares.size and other.shape[axis]:
        _core.lower_radii(squares, voxels, axis, depths, shape, spacing)
    return region.waiting._replace(squares=squares)


def _joined_faces(first: Region, last: Region, axis: int) -> dict[tuple[int, bool], PackedDepths]:
    """Return the depths behind the faces of two boxes together."""
    faces = {}
    for (across, end), depths in first.faces.items():
        if across != axis:
            # The axis of the merge among the two of the face.
            along = axis - (axis > across)
            both = [depths.unpack(), last.faces[across, end].unpack()]
            faces[across, end] = PackedDepths.pack(np.concatenate(both, axis=along))
    for end, near, far in ((False, first, last), (True, last, first)):
        if (axis, end) in near.faces:
            nearer, behind = near.faces[axis, end].unpack(), far.faces[axis, end].unpack()
            deeper = (nearer == _NO_BACKGROUND) & (behind != _NO_BACKGROUND)
            nearer[deeper] = behind[deeper] + np.uint32(near.shape[axis])
            faces[axis, end] = PackedDepths.pack(nearer)
    return faces


def _to_unknown(region: Region, grid: Grid) -> Radii:
    """Return the squared distances to the nearest voxel of the image outside a region."""
    shape, spacing, _ = grid.in_3d()
    nearest = np.full(len(region.waiting.indices), np.inf)
    for axis in range(3):
        at = region.waiting.coordinates[:, axis]
        stop = region.offset[axis] + region.shape[axis]
        for steps, is_open in (
            (at - region.offset[axis] + 1, region.offset[axis] > 0),
            (stop - at, stop < shape[axis]),
        ):
            if is_open:
                nearest = np.minimum(nearest, (steps * spacing[axis]) ** 2)
    return nearest


def _finish(computed: list[Any], offset: Shape, shape: Shape, grid: Grid) -> BlockVoxels:
    """Return the radii of a block."""
    (nodes, squares), settled = computed
    squares = squares.copy()
    if settled:
        indices = np.concatenate([indices for indices, _ in settled])
        values = np.concatenate([values for _, values in settled])
        coordinates = np.unravel_index(nodes, shape)
        in_image = tuple(at + first for at, first in zip(coordinates, offset, strict=True))
        of_node = np.ravel_multi_index(in_image, grid.shape)
        which = np.flatnonzero(np.isin(indices, of_node))
        squares[np.searchsorted(of_node, indices[which])] = values[which]
    return BlockVoxels(nodes, np.sqrt(squares))


def _draw(voxels: BlockVoxels, shape: Shape) -> Radii:
    """Draw the radii of a block."""
    image = np.zeros(shape)
    image.reshape(-1)[voxels.nodes] = voxels.values
    return image
