"""The branch table of a dask array as tasks, through dask's public interface only.

One task a block makes its chunk graph; graphs of neighbouring blocks are merged, along the last
axis first, up to `FAN_IN` at a time, so that what is covered is soon described by few intervals;
one task makes the table, or one for each of its partitions. Nothing is computed here but by
`read_blocks`. Blocks are read once, and only chunk graphs travel.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import dask
import dask.array as da
import numpy as np
import numpy.typing as npt
import pandas as pd

from ._elements import check_elements, foreground_bits
from .chunks import ChunkGraph, chunk_graph, merge_chunks, table_meta
from .csr._pixel_graph import as_image
from .csr._read import pixel_values
from .csr._summarize import chunk_table, with_separator

Array = npt.NDArray[Any]

FAN_IN = 8
"""How many chunk graphs a task merges at most."""


def delayed_blocks(array: da.Array, name: str) -> Iterator[tuple[Any, tuple[int, ...]]]:
    """Iterate over the blocks of a dask array, delayed, with their offsets."""
    check_chunks(array, name)
    starts = [tuple(itertools.accumulate(lengths, initial=0)) for lengths in array.chunks]
    blocks = array.to_delayed()
    for index in np.ndindex(*array.numblocks):
        yield blocks[index], tuple(starts[axis][at] for axis, at in enumerate(index))


def check_chunks(array: da.Array, name: str) -> None:
    """Refuse an array whose chunks are of unknown sizes."""
    if any(math.isnan(length) for length in array.shape):
        raise ValueError(
            f'{name}: expected chunks of known sizes, got unknown ones;'
            f' {name}.compute_chunk_sizes() finds them'
        )


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

    check_chunks(skel, 'skel')
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
    make_graph = dask.delayed(chunk_graph, pure=True)
    graphs = np.empty(skel.numblocks, dtype=object)
    for index, (block, offset) in zip(
        np.ndindex(*skel.numblocks), delayed_blocks(skel, 'skel'), strict=True
    ):
        graphs[index] = make_graph(block, offset=offset, shape=skel.shape, **options)
    whole = _merge_neighbours(graphs)
    main = None
    if find_main_branch and npartitions > 1:
        main = dask.delayed(_main_branches, pure=True)(whole)
    make_part = dask.delayed(_partition, pure=True)
    parts = [
        make_part(whole, part, npartitions, value_is_height, find_main_branch, main, separator)
        for part in range(npartitions)
    ]
    return dd.from_delayed(parts, meta=meta, prefix='branches', verify_meta=False)


def _merge_neighbours(graphs: npt.NDArray[np.object_]) -> Any:
    """Return the merged graph of a grid of delayed graphs, as a tree of merges."""
    merge = dask.delayed(merge_chunks, pure=True)
    for axis in reversed(range(graphs.ndim)):
        while graphs.shape[axis] > 1:
            groups = range(0, graphs.shape[axis], FAN_IN)
            rows = np.moveaxis(graphs, axis, -1)
            merged = np.empty((*rows.shape[:-1], len(groups)), dtype=object)
            for index in np.ndindex(*merged.shape):
                *row, group = index
                members = rows[tuple(row)][groups[group] : groups[group] + FAN_IN].tolist()
                merged[index] = merge(members) if len(members) > 1 else members[0]
            graphs = np.moveaxis(merged, -1, axis)
    return graphs.item()


def _partition(
    graph: ChunkGraph,
    part: int,
    npartitions: int,
    value_is_height: bool,
    find_main_branch: bool,
    main: Array | None,
    separator: str,
) -> pd.DataFrame:
    """Return one of the parts of the table."""
    count = graph.n_branches
    rows = slice(count * part // npartitions, count * (part + 1) // npartitions)
    table = chunk_table(graph, rows, value_is_height)
    if find_main_branch:
        table['main'] = (_main_branches(graph) if main is None else main)[rows]
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


def read_blocks(array: da.Array) -> tuple[npt.NDArray[np.int64], Array]:
    """Read the pixels of a dask array that are not 0: linear indices, ascending, and values."""
    check_chunks(array, 'skeleton_image')
    read = dask.delayed(_read_block, pure=True)
    blocks = delayed_blocks(array, 'skeleton_image')
    pixels = dask.compute(*(read(block, offset, array.shape) for block, offset in blocks))
    nodes = np.concatenate([nodes for nodes, _ in pixels])
    values = np.concatenate([values for _, values in pixels])
    # Stable, because that sort finds the runs which are sorted already.
    order = np.argsort(nodes, kind='stable')
    return nodes[order], values[order] if values.size else values


def _read_block(
    block: Any, offset: tuple[int, ...], shape: tuple[int, ...]
) -> tuple[npt.NDArray[np.int64], Array]:
    from . import _core
    from .csr._pixel_graph import foreground_nodes

    image = as_image(np.asarray(block), 'skeleton_image')
    nodes = _core.foreground_indices(*foreground_bits(image), offset, shape)
    return nodes, pixel_values(image, foreground_nodes(image))
