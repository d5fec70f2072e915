"""The branch table of a dask array as tasks.

One task per block makes its chunk graph. Graphs of neighbouring blocks are merged along the last
axis first, up to `FAN_IN` at a time, so that few intervals describe the region. One task makes the
table. With several partitions, finished branches stay on their workers (see `partitions`). Nothing
is computed here. Blocks are read once, and only chunk graphs travel.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import dask
import dask.array as da
import numpy as np
import numpy.typing as npt
import pandas as pd
from dask.base import tokenize
from dask.delayed import Delayed

from skanrs._blocks.tasks import Blocks, BlockTask, Index, Key, with_others
from skanrs._blocks.whole import delay_with_whole, empty_arrays
from skanrs._image.elements import check_elements
from skanrs._image.labels import Labels, with_labels, without_labels
from skanrs._image.spacing import as_spacing
from skanrs._support.typing import Array

from .chunk_graph import ChunkGraph, make_graph, merge_chunks
from .columns import add_measures, chunk_table, finish_table
from .partitions import TableTasks, graph_of_block

FAN_IN = 8
"""How many chunk graphs a task merges at most."""


def summarize_blocks(
    skel: da.Array,
    *,
    meta: pd.DataFrame,
    value_is_height: bool,
    find_main_branch: bool,
    separator: str,
    spacing: npt.ArrayLike,
    npartitions: int,
    measures: Delayed | None = None,
    labels: Labels = False,
) -> Any:
    """Make the lazy table of a dask array; see `skanrs.summarize`.

    `meta` is the empty table. The table is that of `skanrs.analyze` if `measures` are given, the
    columns of measures. With `labels`, one task makes the table, and partitions are parts of it
    that begin where a label does.
    """
    import dask.dataframe as dd

    blocks = Blocks(skel, 'skel')
    check_elements(skel.dtype, 'skel')
    if npartitions < 1:
        raise ValueError(f'npartitions: expected at least 1, got {npartitions}')
    options: dict[str, Any] = {
        'spacing': as_spacing(spacing, skel.ndim),
        'value_is_height': value_is_height,
    }
    if with_labels(labels):
        options['labels'] = labels
    # An empty block meets what is wrong before anything is computed.
    nothing = np.zeros((0,) * skel.ndim, dtype=skel.dtype)
    make_graph(nothing, (0,) * skel.ndim, skel.shape, name='skel', **options)
    measured: Key | None = None if measures is None else measures.key
    token = tokenize(
        skel.name, skel.chunks, options, find_main_branch, separator, npartitions, FAN_IN, measured
    )
    name = f'branches-{token}'
    if npartitions > 1 and without_labels(labels):
        parts = TableTasks(blocks, options, token, npartitions)
        root = _merge_grid(blocks.counts, parts.graph, parts.merge)
        tasks = parts.tasks
        keys = parts.partitions(
            root,
            value_is_height=value_is_height,
            find_main_branch=find_main_branch,
            separator=separator,
            measures=measured,
        )
    else:
        tasks = {}

        def make(index: Index) -> Key:
            task = BlockTask(graph_of_block, *blocks.position(index), skel.shape, options)
            key = (f'branches-graph-{token}', *index)
            tasks[key] = (task, blocks.key(index))
            return key

        def merge(index: tuple[Any, ...], members: list[Key]) -> Key:
            key = (f'branches-merge-{token}', *index)
            tasks[key] = (merge_chunks, members)
            return key

        keys = [(name, 0)]
        make_table = partial(_table, value_is_height, find_main_branch, separator)
        tasks[keys[0]] = (make_table, _merge_grid(blocks.counts, make, merge), measured)
        if npartitions > 1:
            keys = [(f'branches-part-{token}', part) for part in range(npartitions)]
            for part, key in enumerate(keys):
                tasks[key] = (partial(_part_by_label, part, npartitions), (name, 0))
    others = [] if measures is None else [measures]
    graph = with_others(blocks.with_tasks(name, tasks), name, others)
    delayed = [Delayed(key, graph, layer=name) for key in keys]
    return dd.from_delayed(delayed, meta=meta, prefix='branches', verify_meta=False)


def analyze_labels(
    analyze: Callable[..., Any],
    arrays: dict[str, da.Array | None],
    npartitions: int | None,
    options: dict[str, Any],
) -> Any:
    """Make the lazy tables of a label image by `skanrs.analyze` in one task.

    `arrays` are the mask and, if given, the skeleton, intensities and regions.
    """
    import dask.dataframe as dd

    count = 1 if npartitions is None else npartitions
    if count < 1:
        raise ValueError(f'npartitions: expected at least 1, got {npartitions}')
    tables = delay_with_whole(analyze, arrays, **options)
    meta = analyze(**empty_arrays(arrays), **options)
    has_regions = arrays['regions'] is not None
    table, of_table = (tables[0], meta[0]) if has_regions else (tables, meta)
    parts = [dask.delayed(_part_by_label)(part, count, table) for part in range(count)]
    parts = [table] if count == 1 else parts
    rows = dd.from_delayed(parts, meta=of_table, prefix='branches', verify_meta=False)
    if not has_regions:
        return rows
    by_region = dd.from_delayed([tables[1]], meta=meta[1], prefix='regions', verify_meta=False)
    return rows, by_region


def _part_by_label(part: int, npartitions: int, table: pd.DataFrame) -> pd.DataFrame:
    """Return one of the partitions of a table, which begins with a row of a new label."""
    labels = table['label'].to_numpy()
    if not labels.size:
        return table
    firsts = np.append(np.flatnonzero(np.append(True, labels[1:] != labels[:-1])), labels.size)
    ends = [labels.size * at // npartitions for at in (part, part + 1)]
    start, stop = firsts[np.searchsorted(firsts, ends)]
    return table.iloc[start:stop]


def _merge_grid(
    counts: Index,
    make: Callable[[Index], Any],
    merge: Callable[[tuple[Any, ...], list[Any]], Any],
) -> Any:
    """Make something of every block and merge it, as a tree; return what all is merged to."""
    grid = np.empty(counts, dtype=object)
    for index in np.ndindex(*counts):
        grid[index] = make(index)
    for axis in reversed(range(grid.ndim)):
        while grid.shape[axis] > 1:
            groups = range(0, grid.shape[axis], FAN_IN)
            rows = np.moveaxis(grid, axis, -1)
            merged = np.empty((*rows.shape[:-1], len(groups)), dtype=object)
            for index in np.ndindex(*merged.shape):
                *row, group = index
                members = rows[tuple(row)][groups[group] : groups[group] + FAN_IN].tolist()
                merge_index = (axis, grid.shape[axis], *index)
                merged[index] = merge(merge_index, members) if len(members) > 1 else members[0]
            grid = np.moveaxis(merged, -1, axis)
    return grid.item()


def _table(
    value_is_height: bool,
    find_main_branch: bool,
    separator: str,
    graph: ChunkGraph,
    measures: dict[str, Array] | None,
) -> pd.DataFrame:
    table = chunk_table(graph, slice(0, graph.n_branches), value_is_height)
    if measures is not None:
        add_measures(table, measures, slice(None))
    return finish_table(table, find_main_branch, separator)
