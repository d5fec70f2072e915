"""The branch table of a dask array as tasks.

One task a block makes its chunk graph; graphs of neighbouring blocks are merged, along the last
axis first, up to `FAN_IN` at a time, so that what is covered is soon described by few intervals;
one task makes the table, or one for each of its partitions. Nothing is computed here. Blocks are
read once, and only chunk graphs travel.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import pandas as pd
from dask.base import tokenize
from dask.delayed import Delayed

from ._dask import Array, Blocks, BlockTask, Key, as_block
from ._elements import check_elements
from ._positions import Shape
from .chunks import ChunkGraph, chunk_graph, merge_chunks, table_meta
from .csr._summarize import chunk_table, with_separator

FAN_IN = 8
"""How many chunk graphs a task merges at most."""


def summarize_blocks(
    skel: da.Array,
    *,
    value_is_height: bool,
    find_main_branch: bool,
    separator: str,
    spacing: npt.ArrayLike,
    npartitions: int,
) -> Any:
    """Make the lazy table of a dask array; see `skanrs.summarize`."""
    import dask.dataframe as dd

    blocks = Blocks(skel, 'skel')
    check_elements(skel.dtype, 'skel')
    if npartitions < 1:
        raise ValueError(f'npartitions: expected at least 1, got {npartitions}')
    # An empty block meets what is wrong before anything is computed.
    options: dict[str, Any] = {'spacing': spacing, 'value_is_height': value_is_height}
    nothing = np.zeros((0,) * skel.ndim, dtype=skel.dtype)
    chunk_graph(nothing, offset=(0,) * skel.ndim, shape=skel.shape, **options)
    meta = table_meta(
        skel.ndim,
        dtype=skel.dtype,
        find_main_branch=find_main_branch,
        separator=separator,
        **options,
    )
    token = tokenize(
        skel.name, skel.chunks, options, find_main_branch, separator, npartitions, FAN_IN
    )
    tasks: dict[Key, Any] = {}
    graphs = np.empty(blocks.counts, dtype=object)
    for index in blocks.indices():
        make_graph = BlockTask(_graph, *blocks.place(index), skel.shape, options)
        graphs[index] = (f'branches-graph-{token}', *index)
        tasks[graphs[index]] = (make_graph, blocks.key(index))
    whole = _merge_neighbours(graphs, tasks, token)
    main: Key | None = None
    if find_main_branch:
        main = f'branches-main-{token}'
        tasks[main] = (_main_branches, whole)
    name = f'branches-{token}'
    parts = [(name, part) for part in range(npartitions)]
    for key in parts:
        make_part = partial(_partition, key[1], npartitions, value_is_height, separator)
        tasks[key] = (make_part, whole, main)
    graph = blocks.with_tasks(name, tasks)
    delayed = [Delayed(key, graph, layer=name) for key in parts]
    return dd.from_delayed(delayed, meta=meta, prefix='branches', verify_meta=False)


def _merge_neighbours(graphs: npt.NDArray[np.object_], tasks: dict[Key, Any], token: str) -> Key:
    """Add the tasks of a tree of merges of a grid of graphs; return the key of the last."""
    for axis in reversed(range(graphs.ndim)):
        while graphs.shape[axis] > 1:
            groups = range(0, graphs.shape[axis], FAN_IN)
            rows = np.moveaxis(graphs, axis, -1)
            merged = np.empty((*rows.shape[:-1], len(groups)), dtype=object)
            for index in np.ndindex(*merged.shape):
                *row, group = index
                members = rows[tuple(row)][groups[group] : groups[group] + FAN_IN].tolist()
                key = (f'branches-merge-{token}', axis, graphs.shape[axis], *index)
                if len(members) > 1:
                    tasks[key] = (merge_chunks, members)
                merged[index] = key if len(members) > 1 else members[0]
            graphs = np.moveaxis(merged, -1, axis)
    return graphs.item()


def _graph(
    block: Any, offset: Shape, shape: Shape, whole: Shape, options: dict[str, Any]
) -> ChunkGraph:
    return chunk_graph(as_block(block, offset, shape), offset=offset, shape=whole, **options)


def _partition(
    part: int,
    npartitions: int,
    value_is_height: bool,
    separator: str,
    graph: ChunkGraph,
    main: Array | None,
) -> pd.DataFrame:
    """Return one of the parts of the table."""
    count = graph.n_branches
    rows = slice(count * part // npartitions, count * (part + 1) // npartitions)
    table = chunk_table(graph, rows, value_is_height)
    if main is not None:
        table['main'] = main[rows]
    return with_separator(table, separator)


def _main_branches(graph: ChunkGraph) -> Array:
    """Return which branches are main; only the ends and lengths of all are gathered."""
    from .summary_utils import find_main_branches

    arrays = graph._graph.table(0, graph.n_branches)
    return find_main_branches(
        pd.DataFrame(
            {
                'node_id_src': arrays['source_nodes'],
                'node_id_dst': arrays['destination_nodes'],
                'branch_distance': arrays['lengths'],
            }
        )
    )
