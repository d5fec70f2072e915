"""Measures of branches of dask arrays: the voxels of all blocks, and values of other arrays.

One task measures all branches. It gets the values of another array at the voxels of the skeleton,
and sums over territories, which tasks on blocks make; no task holds more than a block of them.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
import numpy.typing as npt
import pandas as pd
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
    result_at,
)
from skanrs._image.elements import check_elements
from skanrs._image.spacing import Spacing, as_spacing
from skanrs._support.typing import Array, Shape
from skanrs.cleaning.surfaces import warn_of_walls
from skanrs.radius.block import Grid
from skanrs.radius.lazy import radius_voxels, with_voxels

from .exact_sums import Sums, add_sums, sums_of
from .intensity import intensity_columns
from .measures import Body, Position, body_of_blocks, sorted_voxels
from .regions import (
    Sizes,
    add_sizes,
    check_regions,
    count_regions,
    divide_by_regions,
    region_table,
)
from .territory_blocks import Drawn, prepare_territories


def voxels_and_measures(
    mask: da.Array,
    skeleton: da.Array,
    spacing: npt.ArrayLike,
    border_is_background: bool = False,
    *,
    include_tips: bool = False,
    intensity: da.Array | None = None,
    regions: da.Array | None = None,
    with_body: bool = False,
    warns: bool = False,
) -> tuple[da.Array, Delayed]:
    """Return the voxels of the skeleton with radii, and, delayed, `Measures`.

    With `warns`, the task warns of surfaces around cavities.
    """
    voxels = radius_voxels(skeleton, mask, spacing, border_is_background)
    others, names = [], []
    if intensity is not None:
        names += ['values', 'sums']
        check_same_blocks(intensity, mask, 'mask', 'intensity')
        check_elements(intensity.dtype, 'intensity')
        spacings = as_spacing(spacing, mask.ndim)
        others += [
            values_at_voxels(voxels, intensity, 'intensity'),
            sums_in_territories(mask, skeleton, spacings, intensity, 'intensity'),
        ]
    if regions is not None:
        names += ['labels', 'sizes']
        check_same_blocks(regions, mask, 'mask', 'regions')
        check_regions(regions.shape, regions.dtype, mask.shape)
        others += [values_at_voxels(voxels, regions, 'regions'), sizes_of_regions(regions)]
    function = partial(_measure, include_tips, with_body, warns, names)
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


def sizes_of_regions(regions: da.Array) -> Delayed:
    """Return, delayed, the `Sizes` of the regions of a label image."""
    blocks = Blocks(regions, 'regions')
    name = f'sizes-of-regions-{tokenize(regions.name)}'
    tasks: dict[Key, Any] = {}
    for index in blocks.indices():
        task = BlockTask(_sizes, *blocks.position(index))
        tasks[(name, *index)] = (task, blocks.key(index))
    tasks[name] = (add_sizes, list(tasks))
    return Delayed(name, blocks.with_tasks(name, tasks))


class Measures(NamedTuple):
    """What the task that measures all branches returns."""

    columns: dict[str, Array]
    by_region: pd.DataFrame | None
    body: Body | None
    """It stays in its process."""

    @classmethod
    def part(cls, name: str, measures: Delayed) -> Delayed:
        """Return, delayed, a field of delayed measures."""
        key = f'{measures.key}-{name}'
        tasks = {key: (result_at, measures.key, cls._fields.index(name))}
        graph = HighLevelGraph.from_collections(key, tasks, dependencies=[measures])
        return Delayed(key, graph)


def _measure(
    include_tips: bool,
    with_body: bool,
    warns: bool,
    names: list[str],
    grid: Grid,
    spacing: npt.ArrayLike,
    positions: list[Position],
    voxels: list[BlockVoxels],
    masks: list[Array],
    *others: Any,
) -> Measures:
    """Measure branches, see `body_of_blocks`; `names` are those of the others."""
    body = body_of_blocks(grid, spacing, positions, voxels, masks)
    if not with_body:
        body.skeleton._forget_graph()
    columns = body.measures(include_tips=include_tips)
    given, by_region = dict(zip(names, others, strict=True)), None
    order = sorted_voxels(grid.shape, positions, voxels)[1] if given else None
    if 'values' in given:
        columns |= intensity_columns(body, np.concatenate(given['values'])[order], given['sums'])
    if 'labels' in given:
        labels = np.concatenate(given['labels'])[order]
        sums, columns['region'] = divide_by_regions(body, labels, columns)
        by_region = region_table([sums], given['sizes'], as_spacing(spacing, body.ndim))
    if warns:
        warn_of_walls(body.voxels, grid.shape, body.skeleton._crowded())
    return Measures(columns, by_region, body if with_body else None)


def _take(computed: list[Any], offset: Shape, shape: Shape) -> Array:
    (nodes, _), block = computed
    array = as_block(block, offset, shape)
    return array[np.unravel_index(nodes, shape)]


def _sizes(block: Any, offset: Shape, shape: Shape) -> Sizes:
    return count_regions(as_block(block, offset, shape))


def _sum(computed: list[Any], offset: Shape, shape: Shape) -> Sums:
    drawn, block = computed
    territories: Drawn = drawn
    numbers = territories.draw(offset, shape).reshape(-1)
    return sums_of(numbers, as_block(block, offset, shape).reshape(-1))
