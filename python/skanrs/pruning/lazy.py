"""Removing voxels from the skeleton of a dask array, as tasks.

One task per block reads its voxels, with their radii if these are needed. One task chooses from
the list of all voxels as in memory, because the length of a branch is known only for the whole
branch. One task per block draws the voxels that are left. Each block is read once; nothing is
computed here. Radii of labels come from one task that needs both label images in memory.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
import numpy.typing as npt
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from skanrs._blocks.tasks import (
    Blocks,
    BlockTask,
    BlockVoxels,
    Key,
    as_block,
    check_same_blocks,
    result_at,
)
from skanrs._image.dask_arrays import is_dask_array
from skanrs._image.image import as_image
from skanrs._image.labels import (
    Labels,
    as_labels,
    check_label_dtype,
    chosen_labels,
    nodes_by_label,
    with_labels,
)
from skanrs._support.typing import Array, Indices, Shape
from skanrs.graph.labels import pixels_of_labels
from skanrs.radius import radius_image
from skanrs.radius.block import check_radii
from skanrs.radius.lazy import radius_voxels

from .keep import Keep


class BlockNodes(NamedTuple):
    """The voxels of a block."""

    indices: Indices
    """Linear indices in the image."""
    radii: npt.NDArray[np.float64] | None
    labels: Array | None
    """The label of each voxel; None if the image is not one of labels."""


def remove_in_blocks(
    skeleton: da.Array,
    keep: Keep,
    spacing: tuple[float, ...],
    mask: Any,
    radii: Any,
    labels: Labels,
) -> da.Array:
    """Remove voxels lazily; see `remove_voxels`."""
    blocks = Blocks(skeleton, 'skeleton')
    sources = [skeleton]
    along = None
    if with_labels(labels):
        check_label_dtype(skeleton.dtype, 'skeleton')
        chosen_labels(labels, skeleton.dtype)
        if mask is not None:
            radii = radius_image(skeleton, mask, spacing=spacing, labels=labels)
            mask = None
    if mask is not None:
        sources.append(radius_voxels(skeleton, mask, spacing, False))
    elif is_dask_array(radii):
        check_same_blocks(skeleton, radii, 'radii')
        sources.append(radii)
    elif radii is not None:
        along = np.ascontiguousarray(radii, dtype=np.float64)
    names = [source.name for source in sources[1:]]
    token = tokenize(skeleton.name, keep, spacing, along, labels, *names)
    name = f'pruned-{token}'
    tasks: dict[Key, Any] = {}
    parts: list[Key] = []
    for index in blocks.indices():
        # Only the voxels stay in memory until the pruning, not the dense blocks.
        voxels, part = (f'prune-voxels-{token}', *index), (f'prune-part-{token}', *index)
        tasks[voxels] = (BlockTask(_voxels, *blocks.position(index), labels), blocks.key(index))
        of_block = [voxels, *((source.name, *index) for source in sources[1:])]
        read = BlockTask(_part, *blocks.position(index), skeleton.shape, with_labels(labels))
        tasks[part] = (read, of_block)
        parts.append(part)
    kept = (f'prune-kept-{token}',)
    tasks[kept] = (partial(_kept, skeleton.shape, spacing, keep, along), parts)
    for number, index in enumerate(blocks.indices()):
        of_block = [(f'prune-voxels-{token}', *index), (f'prune-kept-of-{token}', *index)]
        tasks[of_block[1]] = (result_at, kept, number)
        task = BlockTask(_draw, *blocks.position(index), skeleton.dtype)
        tasks[(name, *index)] = (task, of_block)
    layers = dict(blocks.graph.layers)
    dependencies = dict(blocks.graph.dependencies)
    for source in sources[1:]:
        # Of layers that both have, the wrapped ones win: their errors name the block.
        layers = {**source.__dask_graph__().layers, **layers}
        dependencies = {**source.__dask_graph__().dependencies, **dependencies}
    graph = HighLevelGraph(
        {**layers, name: tasks},
        {**dependencies, name: {layer for source in sources for layer in source.__dask_layers__()}},
    )
    return da.Array(graph, name, skeleton.chunks, dtype=skeleton.dtype)


def _voxels(block: Any, offset: Shape, shape: Shape, labels: Labels) -> BlockVoxels:
    """Read the voxels of a block."""
    array = as_block(block, offset, shape)
    if with_labels(labels):
        pixels, of_pixels = pixels_of_labels(as_labels(array, 'skeleton', labels))
        return BlockVoxels(pixels.nodes, of_pixels)
    image = as_image(array, 'skeleton')
    nodes = image.nodes()
    return BlockVoxels(nodes, image.values(nodes))


def _part(
    computed: list[Any], offset: Shape, shape: Shape, whole: Shape, is_labelled: bool
) -> BlockNodes:
    """Return the indices in the image of the voxels of a block, with their radii."""
    nodes = computed[0].nodes
    coordinates = np.unravel_index(nodes, shape)
    moved = tuple(axis + start for axis, start in zip(coordinates, offset, strict=True))
    indices = np.ravel_multi_index(moved, whole)
    radii = None
    if len(computed) > 1:
        radii = (
            computed[1].values
            if isinstance(computed[1], BlockVoxels)
            else as_block(computed[1], offset, shape).reshape(-1)[nodes].astype(np.float64)
        )
    labels = computed[0].values if is_labelled else None
    return BlockNodes(indices.astype(np.int64), radii, labels)


def _kept(
    shape: Shape,
    spacing: tuple[float, ...],
    keep: Keep,
    along: npt.NDArray[np.float64] | None,
    parts: list[BlockNodes],
) -> list[npt.NDArray[np.bool_]]:
    """Return for each block which of its voxels stay."""
    nodes = np.concatenate([part.indices for part in parts])
    # A stable sort makes use of the runs that are already sorted.
    order = np.argsort(nodes, kind='stable')
    of_parts = [part.radii for part in parts if part.radii is not None]
    if of_parts:
        along = np.concatenate(of_parts)[order]
    if along is not None:
        check_radii(along, len(nodes))
    starts = None
    of_labels = [part.labels for part in parts if part.labels is not None]
    if of_labels:
        labels = np.concatenate(of_labels)[order]
        by_label, starts = nodes_by_label(labels, np.unique(labels))
        order, along = order[by_label], None if along is None else along[by_label]
    kept = np.empty(len(nodes), dtype=bool)
    kept[order] = keep(nodes[order], shape, spacing, along, starts)
    ends = np.cumsum([len(part.indices) for part in parts])
    return np.split(kept, ends[:-1])


def _draw(computed: list[Any], offset: Shape, shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Draw the remaining voxels of a block."""
    (nodes, values), kept = computed
    block = np.zeros(shape, dtype=dtype)
    block.reshape(-1)[nodes[kept]] = values[kept] if values.size else True
    return block
