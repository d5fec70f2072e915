"""The columns of branch tables, from the arrays that the kernels return."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from skanrs import _core
from skanrs._image.labels import values_of
from skanrs._image.position import coordinates_of
from skanrs._support import progress
from skanrs._support.typing import Array
from skanrs.graph.path_components import path_components
from skanrs.graph.path_graph import means_and_stdevs
from skanrs.graph.skeleton import Skeleton

from .main_branches import find_main_branches

if TYPE_CHECKING:
    from .chunk_graph import ChunkGraph


Pair = tuple[Array, Array]


# Branch types: both ends free, one end free, no end free, no ends.
_TIP_TIP, _TIP_JUNCTION, _JUNCTION_JUNCTION, _CYCLE = range(4)


def chunk_table(graph: ChunkGraph, rows: slice, value_is_height: bool) -> pd.DataFrame:
    """Return these rows of the table of the whole image, columns named with '_'.

    With labels they have to be all rows, for these are sorted by label.
    """
    arrays = graph._graph.table(rows.start, rows.stop)
    table = branch_table(arrays, graph, value_is_height, rows.start)
    if not graph.labels:
        return table
    table.insert(0, 'label', values_of(arrays['labels'], graph.dtype))
    return table.sort_values('label', kind='stable', ignore_index=True)


def branch_table(
    arrays: dict[str, Array],
    graph: ChunkGraph,
    value_is_height: bool,
    start: int,
    chords: Array | None = None,
) -> pd.DataFrame:
    """Return the table of rows from number `start` on, of the image that `graph` is of.

    Where rows are a part of the table their `chords` may have to be given, see `chord_lengths`.
    """
    if value_is_height and (graph.dtype == bool or graph.dtype.itemsize > 8):
        raise TypeError(
            f'value_is_height: expected a skeleton of heights, got one of {graph.dtype}'
        )
    index = np.int32 if graph.n_pixels <= np.iinfo(np.int32).max else np.int64
    if graph.dtype == bool or graph.labels:
        count = arrays['lengths'].size
        statistics: Pair = np.ones(count), np.zeros(count)
    else:
        statistics = means_and_stdevs(arrays['sums'], arrays['squares'], arrays['voxels'])
    nodes = _ends(arrays, 'nodes', lambda nodes: nodes.astype(index))
    positions, heights = _positions(arrays, graph, value_is_height, chords)
    columns = _branch_columns(
        components=arrays['components'].astype(index),
        nodes=nodes,
        lengths=arrays['lengths'],
        types=_branch_types(_ends(arrays, 'is_tip', lambda is_tip: is_tip), nodes[0] == nodes[1]),
        means_and_stdevs=statistics,
        positions=positions,
        heights=heights,
    )
    # Where rows are a part, they keep their numbers.
    index_of_rows = pd.RangeIndex(start, start + len(arrays['lengths']))
    return pd.DataFrame(columns, index=index_of_rows, copy=False)


def chord_lengths(arrays: dict[str, Array], graph: ChunkGraph, value_is_height: bool) -> Array:
    """Return the distances between the ends of all branches.

    From four coordinates on the last bit of numpy's product depends on where a row stands in the
    table, so that a part of the table cannot know it.
    """
    return _positions(arrays, graph, value_is_height)[0].chords


def main_of_rows(arrays: dict[str, Array]) -> Array:
    """Return which branches are main, from the ends and lengths of all."""
    return find_main_branches(
        pd.DataFrame(
            {
                'node_id_src': arrays['source_nodes'],
                'node_id_dst': arrays['destination_nodes'],
                'branch_distance': arrays['lengths'],
            }
        )
    )


def add_measures(table: pd.DataFrame, measures: dict[str, Array], rows: slice) -> None:
    """Add some rows of measures to a table whose columns are named with '_'.

    Single numbers, which are of the whole mask, become attributes of the table.
    """
    for name, column in measures.items():
        if column.ndim:
            table[name] = column[rows]
        else:
            table.attrs[name] = column.item()


def length_column(table: pd.DataFrame) -> str:
    """Return the column of lengths: of centrelines if they were measured, else of steps."""
    return 'length' if 'length' in table else 'branch_distance'


def finish_table(table: pd.DataFrame, find_main_branch: bool, separator: str) -> pd.DataFrame:
    """Add what was asked for to a whole table whose columns are named with '_'."""
    if find_main_branch:
        add_main(table, find_main_branches(table))
    return with_separator(table, separator)


def add_main(table: pd.DataFrame, main: Array) -> None:
    """Add the column of main branches as skan's last one."""
    table.insert(list(table).index('euclidean_distance') + 1, 'main', main)


def with_separator(table: pd.DataFrame, separator: str) -> pd.DataFrame:
    """Put a separator between the words of the names of the columns, in place."""
    if separator != '_':
        table.columns = pd.Index([name.replace('_', separator) for name in table.columns])
    return table


def column_separator(separator: str | None, stacklevel: int = 3) -> str:
    """Return the separator of words in column names; warn as skan does if it was not given."""
    if separator is None:
        warnings.warn(
            'separator in column name will change to _ in version 0.13; '
            "to silence this warning, use `separator='-'` to maintain "
            "current behavior and use `separator='_'` to switch to the "
            'new default behavior.',
            np.exceptions.VisibleDeprecationWarning,
            stacklevel=stacklevel,
        )
        return '-'
    return separator


class EndPositions(NamedTuple):
    """Where the ends of branches lie; first the axes of the sources, then of the destinations."""

    pixels: Sequence[Array] | Array
    scaled: Sequence[Array] | Array
    """The same in units of the spacing."""
    chords: Array
    """How far the ends are apart."""


def _positions(
    arrays: dict[str, Array],
    graph: ChunkGraph,
    value_is_height: bool,
    chords: Array | None = None,
) -> tuple[EndPositions, Pair | None]:
    """Return where the ends in rows of a chunk graph lie, and their heights."""
    heights = None
    if value_is_height:
        dtype = graph.dtype if graph.dtype.kind == 'f' else np.dtype(np.float64)
        heights = _ends(arrays, 'values', lambda values: values.astype(dtype))
    voxels = _ends(arrays, 'indices', lambda indices: indices)
    return _positions_of_voxels(voxels, graph.shape, graph.spacing, heights, chords), heights


def _positions_of_voxels(
    voxels: Sequence[Array],
    shape: tuple[int, ...],
    spacing: npt.ArrayLike,
    heights: Pair | None,
    chords: Array | None = None,
) -> EndPositions:
    """Return where voxels of these linear indices lie."""
    numbers = np.ascontiguousarray(spacing)
    of_kernel = numbers.dtype in (np.int64, np.float64) and numbers.shape == (len(shape),)
    if of_kernel and heights is None and len(shape) <= 3:
        return EndPositions(*_core.end_positions(voxels[0], voxels[1], shape, numbers))
    coordinates = coordinates_of(voxels[0], shape), coordinates_of(voxels[1], shape)
    return _positions_of_pixels(coordinates, spacing, heights, chords)


def _positions_of_pixels(
    coordinates: Pair, spacing: npt.ArrayLike, heights: Pair | None, chords: Array | None = None
) -> EndPositions:
    """Return where pixels of these coordinates lie, which may be any numbers."""
    scaled = _scaled(coordinates[0], spacing), _scaled(coordinates[1], spacing)
    if chords is None:
        source, destination = scaled
        if heights is not None:
            source = np.concatenate([source, heights[0][:, np.newaxis]], axis=1)
            destination = np.concatenate([destination, heights[1][:, np.newaxis]], axis=1)
        difference = destination - source
        chords = np.asarray(np.sqrt(difference**2 @ np.ones(difference.shape[1])))
    return EndPositions(
        pixels=[*coordinates[0].T, *coordinates[1].T],
        scaled=[*scaled[0].T, *scaled[1].T],
        chords=chords,
    )


def _ends(arrays: dict[str, Array], name: str, change: Callable[[Array], Array]) -> Pair:
    return change(arrays[f'source_{name}']), change(arrays[f'destination_{name}'])


def _branch_columns(
    *,
    components: Array,
    nodes: Pair,
    lengths: Array,
    types: Array,
    means_and_stdevs: Pair,
    positions: EndPositions,
    heights: Pair | None,
) -> dict[str, Array]:
    """Return the columns of the table; pairs are of sources and destinations."""
    ends = ('src', 'dst')
    columns = {
        'skeleton_id': components,
        'node_id_src': nodes[0],
        'node_id_dst': nodes[1],
        'branch_distance': lengths,
        'branch_type': types,
        'mean_pixel_value': means_and_stdevs[0],
        'stdev_pixel_value': means_and_stdevs[1],
    }
    ndim = len(positions.pixels) // 2
    for at, column in enumerate(positions.pixels):
        columns[f'image_coord_{ends[at // ndim]}_{at % ndim}'] = column
    for end, of_end in enumerate(ends):
        for axis in range(ndim):
            columns[f'coord_{of_end}_{axis}'] = positions.scaled[end * ndim + axis]
        if heights is not None:
            columns[f'coord_{of_end}_{ndim}'] = heights[end]
    columns['euclidean_distance'] = positions.chords
    return columns


def _scaled(pixels: Array, spacing: npt.ArrayLike) -> Array:
    # One type on both sides: where memory is short, numpy crashes in a product that has to convert.
    scaled: Array = pixels.astype(np.result_type(pixels, spacing), copy=False) * spacing
    return scaled


def _branch_types(is_tip: Pair, is_cycle: Array) -> npt.NDArray[np.int64]:
    types = np.full(is_cycle.shape, _JUNCTION_JUNCTION)
    types[is_tip[0] | is_tip[1]] = _TIP_JUNCTION
    types[is_tip[0] & is_tip[1]] = _TIP_TIP
    types[is_cycle] = _CYCLE
    return types


def skeleton_table(
    skel: Skeleton, value_is_height: bool, measures: dict[str, Array] | None = None
) -> pd.DataFrame:
    """Return the table of a skeleton in memory, columns named with '_'; see `add_measures`.

    The columns of measures are not copied, since a large table has no room for that.
    """
    heights = skel.pixel_values if value_is_height else None
    if value_is_height and heights is None:
        raise TypeError('value_is_height: expected a skeleton of heights, got one of bool')
    with progress.call('summarize'):
        labels = skel.path_labels
        of_labels = {} if labels is None else {'label': labels}
        measures = {} if measures is None else measures
        of_mask = {name: column for name, column in measures.items() if column.ndim}
        table = pd.DataFrame(of_labels | _columns(skel, heights) | of_mask, copy=False)
        table.attrs = {name: one.item() for name, one in measures.items() if not one.ndim}
        return table


def _columns(skel: Skeleton, heights: Array | None) -> dict[str, Array]:
    traced = skel._still_traced()
    voxels = None
    if traced is None:
        starts, nodes = skel.paths.indptr, skel.paths.indices
        sources, destinations = nodes[starts[:-1]], nodes[starts[1:] - 1]
        is_tip = skel.degrees[sources] == 1, skel.degrees[destinations] == 1
        types = _branch_types(is_tip, sources == destinations)
    else:
        (sources, destinations), voxels, types = _core.path_ends(
            traced.starts, traced.nodes, traced.masks, skel._nodes
        )
    of_ends = None if heights is None else (heights[sources], heights[destinations])
    if voxels is None or 'coordinates' in skel.__dict__:
        coordinates = skel._coordinates_of(sources), skel._coordinates_of(destinations)
        positions = _positions_of_pixels(coordinates, skel.spacing, of_ends)
    else:
        positions = _positions_of_voxels(voxels, skel.skeleton_shape, skel.spacing, of_ends)
    return _branch_columns(
        components=path_components(skel),
        nodes=(sources, destinations),
        # A copy, so that changes of the table leave the skeleton alone.
        lengths=np.array(skel.path_lengths()),
        types=types,
        means_and_stdevs=skel._means_and_stdevs(),
        positions=positions,
        heights=of_ends,
    )


def empty_table(
    ndim: int,
    *,
    dtype: npt.DTypeLike = bool,
    spacing: npt.ArrayLike,
    value_is_height: bool = False,
    find_main_branch: bool,
    separator: str,
    measures: dict[str, Array] | None = None,
    labels: bool = False,
) -> pd.DataFrame:
    """Return the table of an image without foreground, with empty columns of measures if given."""
    skel = Skeleton(
        np.zeros((0,) * ndim, dtype=dtype),
        spacing=spacing,
        keep_images=False,
        value_is_height=value_is_height,
        labels=labels,
    )
    table = skeleton_table(skel, value_is_height, measures)
    return finish_table(table, find_main_branch, separator)
