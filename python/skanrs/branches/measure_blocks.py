"""Measures of branches of dask arrays: the voxels of all blocks, and values of other arrays.

One task measures all branches. It gets the values of another array at the voxels of the skeleton,
and sums over territories, which tasks on blocks make; no task holds more than a block of them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
from dask.base import tokenize
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph

from skanrs._blocks.tasks import (
    Blocks,
    BlockTask,
    BlockVoxels,
    Key,
    NamedLayer,
    as_block,
    check_same_blocks,
)
from skanrs._image.elements import check_elements
from skanrs._image.spacing import Spacing, as_spacing
from skanrs._support.typing import Array, Shape
from skanrs.radius.block import Grid
from skanrs.radius.lazy import radius_voxels, with_voxels

from .exact_sums import Sums, add_sums, sums_of
from .intensity import intensity_columns
from .measures import Place, body_of_blocks, sorted_voxels
from .territory_blocks import Drawn, prepare_territories


def voxels_and_measures(
    mask: da.Array,
    skeleton: da.Array,
    spacing: npt.ArrayLike,
    border_is_background: bool = False,
    *,
    include_tips: bool = False,
    intensity: da.Array | None = None,
    with_body: bool = False,
) -> tuple[da.Array, Delayed]:
    """Return the voxels of the skeleton with radii, and, delayed, the columns of measures.

    With `with_body` a tuple of the columns and the `Body` is delayed, which stays in its process.
    """
    voxels = radius_voxels(skeleton, mask, spacing, border_is_background)
    others: list[Delayed] = []
    if intensity is not None:
        check_same_blocks(intensity, mask, 'mask', 'intensity')
        check_elements(intensity.dtype, 'intensity')
        spacings = as_spacing(spacing, mask.ndim)
        others = [
            values_at_voxels(voxels, intensity, 'intensity'),
            sums_in_territories(mask, skeleton, spacings, intensity, 'intensity'),
        ]
    function = partial(_measure, include_tips, with_body)
    whole = mask, spacing, border_is_background
    return voxels, with_voxels(function, voxels, *whole, others)


def values_at_voxels(voxels: da.Array, image: da.Array, name: str) -> Delayed:
    """Return, delayed, the values of an image at the voxels that `radius_voxels` has, by blocks."""
    blocks, of_image = Blocks(voxels, 'skeleton'), Blocks(image, name)
    layer = f'{name}-at-voxels-{tokenize(voxels.name, image.name)}'
    tasks: dict[Key, Any] = {}
    for index in blocks.indices():
        task = BlockTask(_take, *blocks.position(index))
        tasks[(layer, *index)] = (task, [blocks.key(index), of_image.key(index)])
    tasks[layer] = (list, list(tasks))
    below = set(voxels.__dask_layers__()) | set(image.__dask_layers__())
    merged = HighLevelGraph.merge(blocks.graph, of_image.graph)
    return Delayed(layer, _with_layer(merged, layer, tasks, below))


def sums_in_territories(
    mask: da.Array, skeleton: da.Array, spacing: Spacing, image: da.Array, name: str
) -> Delayed:
    """Return, delayed, the `Sums` of an image over the territories of branches."""
    territories = prepare_territories(mask, skeleton, spacing)
    blocks = Blocks(image, name)
    layer = f'{name}-in-territories-{tokenize(territories.key, image.name)}'
    tasks: dict[Key, Any] = {}
    for index in blocks.indices():
        task = BlockTask(_sum, *blocks.position(index))
        tasks[(layer, *index)] = (task, [territories.key, blocks.key(index)])
    tasks[layer] = (add_sums, list(tasks))
    merged = HighLevelGraph.merge(territories.dask, blocks.graph)
    below = set(territories.__dask_layers__()) | set(image.__dask_layers__())
    return Delayed(layer, _with_layer(merged, layer, tasks, below))


def _with_layer(
    graph: HighLevelGraph, name: str, tasks: dict[Key, Any], below: set[str]
) -> HighLevelGraph:
    layers = {**graph.layers, name: NamedLayer(tasks)}
    return HighLevelGraph(layers, {**graph.dependencies, name: below})


def _measure(
    include_tips: bool,
    with_body: bool,
    grid: Grid,
    spacing: npt.ArrayLike,
    places: list[Place],
    voxels: list[BlockVoxels],
    masks: list[Array],
    values: list[Array] | None = None,
    sums: Sums | None = None,
) -> Any:
    """Measure branches, see `body_of_blocks`; `values` are those of intensity by blocks."""
    body = body_of_blocks(grid, spacing, places, voxels, masks)
    measures = body.measures(include_tips=include_tips)
    if values is not None and sums is not None:
        _, order = sorted_voxels(grid.shape, places, voxels)
        measures |= intensity_columns(body, np.concatenate(values)[order], sums)
    return (measures, body) if with_body else measures


def _take(computed: list[Any], offset: Shape, shape: Shape) -> Array:
    (nodes, _), block = computed
    array = as_block(block, offset, shape)
    return array[np.unravel_index(nodes, shape)]


def _sum(computed: list[Any], offset: Shape, shape: Shape) -> Sums:
    drawn, block = computed
    territories: Drawn = drawn
    numbers = territories.draw(offset, shape).reshape(-1)
    return sums_of(numbers, as_block(block, offset, shape).reshape(-1))
