"""The branch table of a dask array in partitions, never all of it in one place.

Rows of finished branches leave their blocks with the first merge and stay where it is done; only
open paths are merged further, with the voxels that rows of different tasks share. A row lacks three
things until the last merge:

- The number of its component. Rows of one task are connected in groups, each named by its smallest
  voxel; groups of different tasks are connected at the ends of paths that were open. One task
  numbers all groups.
- The numbers of its ends. Each later merge adds to them.
- Its position in the table. Rows are gathered by the slab of the image in which they start; once
  the counts of the slabs are known, slabs are cut to partitions of equal size.
"""

from __future__ import annotations

import bisect
import itertools
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from skanrs import _core
from skanrs._blocks.tasks import Blocks, BlockTask, BlockVoxels, Index, Key, as_block, result_at
from skanrs._support.typing import Array, Shape

from .chunk_graph import ChunkGraph, make_graph, merge_with_shifts, voxel_graph
from .columns import (
    add_main,
    add_measures,
    branch_table,
    chord_lengths,
    main_of_rows,
    with_separator,
)

Rows = dict[str, Array]
"""Columns of rows, with what brings them into order."""

_ENDS = ('source', 'destination')
_AXES_OF_PARTS = 3
"""With more coordinates `chord_lengths` needs all rows."""
_MAIN_COLUMNS = ('is_cycle', 'source_nodes', 'destination_nodes', 'lengths')
_CHORD_COLUMNS = (
    'is_cycle',
    'source_indices',
    'destination_indices',
    'source_values',
    'destination_values',
)
_VALUE_COLUMNS = ('voxels', 'sums', 'squares', 'source_values', 'destination_values')


class OpenGraph(NamedTuple):
    """What is merged further."""

    graph: ChunkGraph
    """Without its finished branches."""
    groups: Array
    """The smallest voxels of all groups of rows that were left behind, and isolated voxels."""
    links: Array
    """Voxels that rows of several tasks share, and each one's group; shape (2, N)."""


class Node(NamedTuple):
    """A task that finishes branches: that of a block, or a merge."""

    result: Key
    """Its open graph, its rows and, of a merge, what the ranks of its members gain."""
    offset: Shape
    extent: Shape
    is_block: bool
    merges: tuple[tuple[Key, int], ...]
    """The merges that it goes through, and which of their members it is in."""


class TableTasks:
    """The tasks that make a table in partitions.

    Parameters
    ----------
    blocks : Blocks
        The blocks of the skeleton.
    options : dict
        The `Spacing`, and whether values are heights, as `block_graph` takes them.
    token : str
        Stands in all keys.
    npartitions : int
        How many partitions there are.
    """

    def __init__(
        self, blocks: Blocks, options: dict[str, Any], token: str, npartitions: int
    ) -> None:
        self.tasks: dict[Key, Any] = {}
        self.blocks = blocks
        self.options = options
        self.token = token
        self.npartitions = npartitions
        self.numbers = itertools.count()
        self.nodes: dict[int, Node] = {}
        self.subtrees: dict[int, list[int]] = {}
        size = int(np.prod(blocks.array.shape, dtype=object))
        self.bounds = [size * slab // npartitions for slab in range(npartitions + 1)]

    def add(self, kind: str, index: tuple[Any, ...], task: tuple[Any, ...]) -> Key:
        """Add a task and return its key."""
        key = (sys.intern(f'branches-{kind}-{self.token}'), *index)
        self.tasks[key] = task
        return key

    def graph(self, index: Index) -> int:
        """Make the graph of a block; return the number of its node."""
        offset, extent = self.blocks.position(index)
        task = BlockTask(_graph, offset, extent, self.blocks.array.shape, self.options)
        result = self.add('graph', index, (task, self.blocks.key(index)))
        return self._node(Node(result, offset, extent, True, ()), [])

    def merge(self, index: tuple[Any, ...], members: list[int]) -> int:
        """Merge nodes; return the number of the new node."""
        nodes = [self.nodes[member] for member in members]
        ends = zip(nodes[0].offset, nodes[-1].offset, nodes[-1].extent, strict=True)
        extent = tuple(b + n - a for a, b, n in ends)
        subtrees: list[int] = []
        if all(node.is_block for node in nodes):
            result = self.add('merge', index, (_merge_blocks, [node.result for node in nodes]))
            # The rows of the blocks are among those of the merge.
            for member in members:
                del self.nodes[member], self.subtrees[member]
        else:
            graphs = [self._part('open', node.result, 0) for node in nodes]
            result = self.add('merge', index, (_merge, graphs))
            shifts = self._part('shifts', result, 2)
            for at, member in enumerate(members):
                for number in self.subtrees[member]:
                    node = self.nodes[number]
                    self.nodes[number] = node._replace(merges=(*node.merges, (shifts, at)))
                subtrees += self.subtrees.pop(member)
        return self._node(Node(result, nodes[0].offset, extent, False, ()), subtrees)

    def _node(self, node: Node, subtrees: list[int]) -> int:
        number = next(self.numbers)
        self.nodes[number] = node
        self.subtrees[number] = [*subtrees, number]
        return number

    def partitions(
        self,
        root: int,
        *,
        value_is_height: bool,
        find_main_branch: bool,
        separator: str,
        measures: Key | None,
    ) -> list[Key]:
        """Add the partitions of the table; return their keys.

        `measures` is the task that measures all branches, if there is one.
        """
        count = self.npartitions
        image_graph = self._part('open', self.nodes[root].result, 0)
        numbers = self.add('numbers', (), (_number_groups, image_graph))
        pieces: list[list[Key]] = [[] for _ in range(count)]
        for number, node in self.nodes.items():
            slabs = self._slabs(node) if number != root else range(count)
            members = tuple(member for _, member in node.merges)
            finish = partial(_finish_rows, members, self.bounds[slabs.start : slabs.stop + 1])
            shifts = [shifts for shifts, _ in node.merges]
            rows = self._part('rows', node.result, 1)
            split = self.add('pieces', (number,), (finish, rows, shifts, numbers))
            for at, slab in enumerate(slabs):
                pieces[slab].append(self.add('piece', (number, slab), (result_at, split, at)))
        slabs_of_rows = [self.add('slab', (at,), (_gather, keys)) for at, keys in enumerate(pieces)]
        counts = [self.add('count', (at,), (_count, slab)) for at, slab in enumerate(slabs_of_rows)]
        row_numbers = self.add('row-numbers', (), (partial(_row_numbers, count), counts))
        main: Key | None = None
        if find_main_branch:
            main = self._of_all('main', slabs_of_rows, _MAIN_COLUMNS, main_of_rows)
        chords: Key | None = None
        if self.blocks.array.ndim + value_is_height > _AXES_OF_PARTS:
            measure = partial(_chords, value_is_height)
            chords = self._of_all('chords', slabs_of_rows, _CHORD_COLUMNS, measure, image_graph)
        cuts = [
            self.add('cut', (at,), (partial(_cut, at), slab, row_numbers))
            for at, slab in enumerate(slabs_of_rows)
        ]
        keys = []
        for part in range(count):
            members_of = [
                self.add('member', (part, at), (result_at, cut, part))
                for at, cut in enumerate(cuts)
            ]
            make = partial(_partition, part, value_is_height, separator)
            task = (make, members_of, row_numbers, image_graph, main, chords, measures)
            keys.append(self.add('part', (part,), task))
        return keys

    def _of_all(
        self,
        kind: str,
        slabs: list[Key],
        names: tuple[str, ...],
        compute: Callable[..., Array],
        *more: Key,
    ) -> Key:
        """Add what is computed of some columns of all rows, in the order of the table."""
        select = partial(_select, names)
        parts = [self.add(f'of-{kind}', (at,), (select, slab)) for at, slab in enumerate(slabs)]
        rows = self.add(f'all-of-{kind}', (), (_in_order, parts))
        return self.add(kind, (), (compute, rows, *more))

    def _part(self, kind: str, result: Key, at: int) -> Key:
        return self.add(kind, result, (result_at, result, at))

    def _slabs(self, node: Node) -> range:
        """Return the slabs in which branches of a node can start."""
        shape = self.blocks.array.shape
        if 0 in node.extent:
            return range(1)
        last = tuple(at + length - 1 for at, length in zip(node.offset, node.extent, strict=True))
        first, end = (int(np.ravel_multi_index(at, shape)) for at in (node.offset, last))
        slab = [
            bisect.bisect_right(self.bounds, at, hi=self.npartitions) - 1 for at in (first, end)
        ]
        return range(slab[0], slab[1] + 1)


def graph_of_block(
    block: Any, offset: Shape, shape: Shape, image_shape: Shape, options: dict[str, Any]
) -> ChunkGraph:
    """Make the graph of what was computed for a block: its elements, or voxels."""
    if isinstance(block, BlockVoxels):
        return voxel_graph(block.nodes, shape, offset, image_shape, options['spacing'])
    return make_graph(as_block(block, offset, shape), offset, image_shape, **options)


def _graph(
    block: Any, offset: Shape, shape: Shape, image_shape: Shape, options: dict[str, Any]
) -> tuple[OpenGraph, Rows]:
    graph = graph_of_block(block, offset, shape, image_shape, options)
    return _split_finished(graph, [graph], [], [])


def _merge(parts: list[OpenGraph]) -> tuple[OpenGraph, Rows, list[npt.NDArray[np.uint8]]]:
    graph, shifts = merge_with_shifts([part.graph for part in parts])
    graphs = [graph, *(part.graph for part in parts)]
    open_graph, rows = _split_finished(
        graph, graphs, [part.groups for part in parts], [part.links for part in parts]
    )
    return open_graph, rows, shifts


def _merge_blocks(
    members: list[tuple[OpenGraph, Rows]],
) -> tuple[OpenGraph, Rows, list[npt.NDArray[np.uint8]]]:
    """Merge blocks; the rows are those of the blocks and those of the merge."""
    merged, rows, shifts = _merge([part for part, _ in members])
    of_blocks = [
        _renumbered(of_block, [gains]) for (_, of_block), gains in zip(members, shifts, strict=True)
    ]
    return merged, _join([*of_blocks, rows]), shifts


def _renumbered(rows: Rows, shifts: list[npt.NDArray[np.uint8]]) -> Rows:
    """Return rows whose ends have the numbers that they have after merges."""
    numbers = {}
    for end in _ENDS:
        indices = rows[f'{end}_indices']
        gains = (_core.rank_gains(of_merge, indices) for of_merge in shifts)
        numbers[f'{end}_nodes'] = sum(gains, rows[f'{end}_nodes'])
    return rows | numbers


def _split_finished(
    graph: ChunkGraph, graphs: list[ChunkGraph], groups: list[Array], links: list[Array]
) -> tuple[OpenGraph, Rows]:
    """Separate the finished branches of a graph from its open paths.

    At the ends of open paths of the `graphs` its branches may touch those of other tasks.
    """
    rest, finished, isolated = graph._graph.split_finished()
    rows: Rows = {**finished.pop('rows'), **finished}
    absent = _VALUE_COLUMNS if graph.dtype == bool else ()
    rows = {name: column for name, column in rows.items() if name not in absent}
    source, destination = (rows[f'{end}_indices'] for end in _ENDS)
    voxels, numbers = np.unique(np.concatenate([source, destination]), return_inverse=True)
    sets = connected_sets(len(voxels), *np.split(numbers, 2))
    smallest = np.full(len(voxels), np.iinfo(np.int64).max)
    of_row = sets[numbers[: len(source)]]
    np.minimum.at(smallest, of_row, rows['components'])
    rows['components'] = smallest[of_row]
    shared = np.isin(voxels, np.concatenate([part._graph.terminals() for part in graphs]))
    links = [*links, np.stack([voxels[shared], smallest[sets[shared]]])]
    groups = [*groups, np.unique(rows['components']), isolated]
    open_graph = OpenGraph(
        graph._of_same_image(rest),
        np.concatenate(groups),
        np.concatenate(links, axis=1),
    )
    return open_graph, rows


def connected_sets(count: int, ones: Array, others: Array) -> Array:
    """Return the number of the connected component of each of `count` things."""
    edges = coo_array((np.ones(len(ones), dtype=bool), (ones, others)), shape=(count, count))
    return connected_components(edges, directed=False)[1].astype(np.intp)


def _number_groups(image_graph: OpenGraph) -> tuple[Array, Array]:
    """Return the groups of all tasks, ascending, and the number of each one's component."""
    # Raises if a part of the image is missing.
    image_graph.graph._graph.table(0, 0)
    groups = np.unique(image_graph.groups)
    voxels, of_link = np.unique(image_graph.links[0], return_inverse=True)
    count = len(groups) + len(voxels)
    of_group = np.searchsorted(groups, image_graph.links[1])
    sets = connected_sets(count, of_group, len(groups) + of_link)[: len(groups)]
    smallest = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(smallest, sets, groups)
    return groups, np.unique(smallest[sets], return_inverse=True)[1]


def _finish_rows(
    members: tuple[int, ...],
    bounds: list[int],
    rows: Rows,
    shifts: list[list[npt.NDArray[np.uint8]]],
    numbers: tuple[Array, Array],
) -> list[Rows]:
    """Give rows the numbers of their ends and component; split them by slabs of the image."""
    groups, components = numbers
    of_merges = [of_members[at] for of_members, at in zip(shifts, members, strict=True)]
    rows = _renumbered(rows, of_merges)
    rows['components'] = components[np.searchsorted(groups, rows['components'])]
    slab = np.searchsorted(bounds[1:-1], rows['source_indices'], side='right')
    return [_take(rows, np.flatnonzero(slab == at)) for at in range(len(bounds) - 1)]


def _take(rows: Rows, which: Array | slice) -> Rows:
    # Columns that the image has not, as those of labels, are empty.
    return {name: column[which] if len(column) else column for name, column in rows.items()}


def _join(parts: list[Rows]) -> Rows:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _gather(pieces: list[Rows]) -> Rows:
    """Bring the rows that start in a slab into the order of the table."""
    rows = _join(pieces)
    keys = (rows['first_steps'], rows['source_indices'], rows['is_cycle'])
    return _take(rows, np.lexsort(keys))


def _count(rows: Rows) -> tuple[int, int]:
    """Return how many paths and how many cycles there are."""
    cycles = int(np.count_nonzero(rows['is_cycle']))
    return len(rows['is_cycle']) - cycles, cycles


class RowNumbers(NamedTuple):
    """The numbers of rows in the table."""

    paths: list[int]
    """The number of the first path of each slab."""
    cycles: list[int]
    """The number of the first cycle of each slab; cycles come after all paths."""
    parts: list[int]
    """The number of the first row of each partition, and of all rows."""


def _row_numbers(npartitions: int, counts: list[tuple[int, int]]) -> RowNumbers:
    *paths, all_paths = itertools.accumulate((paths for paths, _ in counts), initial=0)
    *cycles, count = itertools.accumulate((cycles for _, cycles in counts), initial=all_paths)
    return RowNumbers(
        paths, cycles, [count * part // npartitions for part in range(npartitions + 1)]
    )


def _cut(slab: int, rows: Rows, row_numbers: RowNumbers) -> list[Rows]:
    """Cut the rows of a slab into those of each partition."""
    paths, cycles = _count(rows)
    first, after = row_numbers.paths[slab], row_numbers.cycles[slab]
    numbers = np.concatenate([np.arange(first, first + paths), np.arange(after, after + cycles)])
    cuts = np.searchsorted(numbers, row_numbers.parts)
    return [_take(rows, slice(a, b)) for a, b in itertools.pairwise(cuts)]


def _select(names: tuple[str, ...], rows: Rows) -> Rows:
    return {name: rows[name] for name in names if name in rows}


def _in_order(parts: list[Rows]) -> Rows:
    """Join rows of all slabs: paths first, each slab's in its order."""
    rows = _join(parts)
    return _take(rows, np.argsort(rows['is_cycle'], kind='stable'))


def _chords(value_is_height: bool, rows: Rows, image_graph: OpenGraph) -> Array:
    return chord_lengths(rows, image_graph.graph, value_is_height)


def _partition(
    part: int,
    value_is_height: bool,
    separator: str,
    members: list[Rows],
    row_numbers: RowNumbers,
    image_graph: OpenGraph,
    main: Array | None,
    chords: Array | None,
    measures: dict[str, Array] | None,
) -> pd.DataFrame:
    start, stop = row_numbers.parts[part : part + 2]
    chords = None if chords is None else chords[start:stop]
    table = branch_table(_in_order(members), image_graph.graph, value_is_height, start, chords)
    if main is not None:
        add_main(table, main[start:stop])
    if measures is not None:
        add_measures(table, measures, slice(start, stop))
    return with_separator(table, separator)
