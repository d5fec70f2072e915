"""The branch table of a skeleton of any size, with its rows on disk until they are numbered.

Threads make the graphs of blocks and merge those in a line along the last axis; lines of a slab are
merged next, slabs are added one to the other along the first axis. After each step the finished
branches are written to disk. Their rows lack three things, which are kept apart:

- The numbers of their ends. Lines of a slab hold shifts for a few intervals; slabs come in raster
  order, so that their numbers only gain the count of voxels before them.
- Their network. Rows carry the smallest voxel of their group: of the rows of one task that are
  connected. Groups are joined at the ends of open paths, and a network without any is finished: its
  smallest voxel joins the list that numbers all networks. Other groups point to the one that they
  became part of.
- Their position in the table. Rows lie on disk by the slab of their source, ascending within each
  line; the last pass reads some planes of a slab at a time, which gives the rows in the order of
  the table.

Memory holds the open graphs of a slab, and the pointers of groups at the faces of slabs. Nothing
in it grows with the number of finished branches but a few numbers for each plane of a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from skanrs import _core
from skanrs._image.position import in_image
from skanrs._image.spacing import Spacing
from skanrs._support.ordered_map import ordered_map
from skanrs._support.progress import advance
from skanrs._support.records import Records
from skanrs._support.typing import Array, Indices, Shape
from skanrs.cleaning.surfaces import core_in_box

from .chunk_graph import ChunkGraph, merge_with_shifts, voxel_graph
from .columns import branch_table
from .partitions import connected_sets
from .topology_on_disk import count_cavities, euler_number

ROWS = 1 << 18
"""About as many rows are numbered at a time."""

_ENDS = ('source', 'destination')
_ROW = np.dtype(
    [
        ('components', np.int64),
        ('source_nodes', np.int64),
        ('destination_nodes', np.int64),
        ('source_indices', np.int64),
        ('destination_indices', np.int64),
        ('lengths', np.float64),
        ('first_steps', np.uint8),
        ('source_is_tip', np.bool_),
        ('destination_is_tip', np.bool_),
        ('is_cycle', np.bool_),
    ]
)
_POINTER = np.dtype([('group', np.int64), ('became', np.int64)])

Bytes = npt.NDArray[np.uint8]


class Pointers(NamedTuple):
    """Groups that became part of others: ascending names, and the names of those."""

    groups: Indices
    became: Indices

    def follow(self, names: Indices) -> Indices:
        """Return what the groups of these names became part of, or the names."""
        if not len(self.groups):
            return names
        at = np.searchsorted(self.groups, names).clip(max=len(self.groups) - 1)
        return np.where(self.groups[at] == names, self.became[at], names)


class Open(NamedTuple):
    """A part of the image as its surroundings see it."""

    graph: ChunkGraph
    """Without its finished branches."""
    links: Indices
    """Ends of open paths at which there are finished branches, and their groups; shape (2, N)."""
    terminals: Indices
    """All ends of open paths, ascending."""


class Step(NamedTuple):
    """What a task leaves behind."""

    open: Open
    rows: Array
    """Records of `_ROW`; the numbers of ends are those in the part."""
    networks: Indices
    """The smallest voxels of the networks that are finished."""
    pointers: Pointers
    shifts: list[Bytes]
    """What the numbers in each member gain, for ``_core.rank_gains``."""
    isolated: int
    """How many of the networks are single voxels."""


class Line(NamedTuple):
    """The blocks along the last axis, merged."""

    open: Open
    rows: range
    """Their numbers among the records of the slab."""
    planes: npt.NDArray[np.int64]
    """How many of them start before each plane of the slab, and all."""
    networks: Indices
    isolated: int
    core: Indices
    """The voxels that can be in a wall, see `core_in_box`."""


class TableOnDisk:
    """The branch table of a skeleton of bool with two or three axes.

    Parameters
    ----------
    shape : tuple of int
        The shape of the image.
    bounds : list of list of int
        Along each axis where blocks start, and the end of the last.
    read : callable
        Returns the linear indices of the voxels in the block with an index, ascending; runs on
        threads.
    spacing : Spacing
        The spacing.
    folder : Path
        An empty folder. It takes 52 bytes for each branch.
    workers : int
        The number of threads.

    Attributes
    ----------
    count : int
        How many rows there are.
    networks : int
        How many networks have branches.
    isolated : int
        How many voxels have no neighbour.
    voxels : int
        How many voxels the skeleton has.
    attrs : dict
        The attributes of the table: none.
    core : ndarray of int64
        Those that can be in the wall of a cavity, ascending; for `find_walls`.
    """

    def __init__(
        self,
        shape: Shape,
        bounds: list[list[int]],
        read: Callable[[tuple[int, ...]], Indices],
        spacing: Spacing,
        folder: Path,
        workers: int,
    ) -> None:
        self._shape = shape
        self._bounds = bounds
        self._read = read
        self._spacing = spacing
        self._folder = folder
        self._plane = int(np.prod(shape[1:], dtype=np.int64))
        slabs = len(bounds[0]) - 1
        self._rows = [Records(folder / f'rows-{slab}', _ROW) for slab in range(slabs)]
        # Rows that are finished when a later slab is added.
        self._late = [Records(folder / f'late-{slab}', _ROW) for slab in range(slabs)]
        self._pointers = [Records(folder / f'pointers-{slab}', _POINTER) for slab in range(slabs)]
        self._networks = Records(folder / 'networks', np.int64)
        self._lines: list[list[tuple[range, npt.NDArray[np.int64], Bytes | None]]] = []
        self._before: list[int] = []
        """The number of voxels before each slab."""
        self.isolated = 0
        self._of_slabs: list[Pointers] = []
        self.core: Indices = np.empty(0, np.int64)
        self._graph = self._merge_slabs(workers)
        self._became = _resolve(self._of_slabs)
        self.count = sum(rows.count for rows in (*self._rows, *self._late))
        self.networks = self._networks.count - self.isolated
        self.voxels = self._graph.n_pixels
        self.attrs: dict[str, float] = {}

    def parts(self) -> Iterator[pd.DataFrame]:
        """Iterate over the rows of the table, columns named with '_'."""
        networks = np.sort(self._networks.read(range(self._networks.count)))
        cycles = Records(self._folder / 'cycles', _ROW)
        done = 0
        for slab in range(len(self._rows)):
            for rows in self._numbered(slab, networks):
                paths = rows[~rows['is_cycle']]
                cycles.append(rows[rows['is_cycle']])
                yield self._table(paths, done)
                done += len(paths)
                advance(done / max(1, self.count))
        for start in range(0, cycles.count, ROWS):
            numbers = range(start, min(start + ROWS, cycles.count))
            yield self._table(cycles.read(numbers), done + start)

    def count_loops(self, workers: int) -> int:
        """Return how many tunnels the skeleton has, in 2D holes; all blocks are read again."""
        euler = euler_number(self._bounds, self._read, workers)
        return self.networks + self.isolated + count_cavities(self.core, self._shape) - euler

    def _table(self, rows: Array, start: int) -> pd.DataFrame:
        columns = {name: np.ascontiguousarray(rows[name]) for name in _ROW.names or ()}
        return branch_table(columns, self._graph, False, start)

    def _numbered(self, slab: int, networks: Indices) -> Iterator[Array]:
        """Yield the rows that start in a slab, in the order of the table but for cycles."""
        first, last = self._bounds[0][slab : slab + 2]
        late = self._late[slab].read(range(self._late[slab].count))
        late = late[np.argsort(late['source_indices'], kind='stable')]
        planes = np.arange(first, last + 1) * self._plane
        of_late = np.searchsorted(late['source_indices'], planes)
        read = self._pointers[slab].read(range(self._pointers[slab].count))
        in_slab = Pointers(read['group'], read['became'])
        lines = self._lines[slab]
        before = np.sum([of_line for _, of_line, _ in lines], axis=0) + of_late
        start = 0
        while start < last - first:
            # Whole planes, one at least.
            stop = int(np.searchsorted(before, before[start] + ROWS, side='right')) - 1
            stop = min(max(stop, start + 1), last - first)
            parts = [late[of_late[start] : of_late[stop]]]
            for records, of_line, shifts in lines:
                numbers = range(records.start + of_line[start], records.start + of_line[stop])
                rows = self._rows[slab].read(numbers)
                for end in _ENDS:
                    rows[f'{end}_nodes'] += self._before[slab]
                    if shifts is not None:
                        indices = np.ascontiguousarray(rows[f'{end}_indices'])
                        rows[f'{end}_nodes'] += _core.rank_gains(shifts, indices)
                parts.append(rows)
            rows = np.concatenate(parts)
            rows = rows[np.lexsort((rows['first_steps'], rows['source_indices']))]
            names = self._became.follow(in_slab.follow(rows['components']))
            rows['components'] = np.searchsorted(networks, names)
            yield rows
            start = stop

    def _merge_slabs(self, workers: int) -> ChunkGraph:
        counts = [len(bounds) - 1 for bounds in self._bounds]
        lines = np.ndindex(*counts[:-1])
        made = ordered_map(self._make_line, lines, workers)
        merged: Open | None = None
        advance(0)
        for slab in range(counts[0]):
            members = [next(made) for _ in range(int(np.prod(counts[1:-1], dtype=int)))]
            self._add_cores(slab, [line.core for line in members])
            step = _merge([line.open for line in members])
            shifts: Sequence[Bytes | None] = step.shifts or [None] * len(members)
            self._lines.append(
                [
                    (line.rows, line.planes, of_line)
                    for line, of_line in zip(members, shifts, strict=True)
                ]
            )
            for line in members:
                self._count_networks(line)
            self._count_networks(step)
            pointers = np.empty(len(step.pointers.groups), _POINTER)
            pointers['group'], pointers['became'] = step.pointers
            self._pointers[slab].append(pointers)
            self._before.append(0 if merged is None else merged.graph.n_pixels)
            if len(step.rows):
                records, planes = self._store(slab, step.rows)
                self._lines[-1].append((records, planes, None))
            merged = step.open if merged is None else self._add_slab(slab, merged, step.open)
            advance((slab + 1) / counts[0])
        assert merged is not None
        return merged.graph

    def _add_slab(self, slab: int, before: Open, of_slab: Open) -> Open:
        step = _merge([before, of_slab])
        self._count_networks(step)
        self._of_slabs.append(step.pointers)
        starts = [start * self._plane for start in self._bounds[0][1:-1]]
        of_row = np.searchsorted(starts, step.rows['source_indices'], side='right')
        for earlier in np.unique(of_row).tolist():
            self._late[earlier].append(step.rows[of_row == earlier])
        return step.open

    def _add_cores(self, slab: int, cores: list[Indices]) -> None:
        first, last = self._bounds[0][slab : slab + 2]
        rest = [(0, n) for n in self._shape[1:]]
        of_slab = core_in_box(np.sort(np.concatenate(cores)), self._shape, [(first, last), *rest])
        core = np.concatenate([self.core, of_slab])
        self.core = core_in_box(core, self._shape, [(0, last), *rest])

    def _count_networks(self, of: Step | Line) -> None:
        self._networks.append(of.networks)
        self.isolated += of.isolated

    def _store(self, slab: int, rows: Array) -> tuple[range, npt.NDArray[np.int64]]:
        """Write the rows of a line; return where they are, and where those of each plane begin."""
        rows = rows[np.argsort(rows['source_indices'], kind='stable')]
        first, last = self._bounds[0][slab : slab + 2]
        planes = np.arange(first, last + 1) * self._plane
        return self._rows[slab].append(rows), np.searchsorted(rows['source_indices'], planes)

    def _make_line(self, index: tuple[int, ...]) -> Line:
        steps, cores = [], []
        for last in range(len(self._bounds[-1]) - 1):
            block = (*index, last)
            nodes = self._read(block)
            position = [
                (bounds[at], bounds[at + 1] - bounds[at])
                for bounds, at in zip(self._bounds, block, strict=True)
            ]
            offset, extent = zip(*position, strict=True)
            graph = voxel_graph(nodes, extent, offset, self._shape, self._spacing)
            steps.append(_split_finished(graph, [], []))
            ends = [(at, at + n) for at, n in zip(offset, extent, strict=True)]
            voxels = in_image(nodes, offset, extent, self._shape)
            cores.append(core_in_box(voxels, self._shape, ends))
        of_line = [*ends[:-1], (0, self._shape[-1])]
        core = core_in_box(np.sort(np.concatenate(cores)), self._shape, of_line)
        merged = _merge([step.open for step in steps])
        for step, shifts in zip(steps, merged.shifts, strict=False):
            for end in _ENDS:
                indices = np.ascontiguousarray(step.rows[f'{end}_indices'])
                step.rows[f'{end}_nodes'] += _core.rank_gains(shifts, indices)
        rows = np.concatenate([step.rows for step in steps] + [merged.rows])
        rows['components'] = merged.pointers.follow(rows['components'])
        networks = np.concatenate([step.networks for step in steps] + [merged.networks])
        isolated = sum(step.isolated for step in (*steps, merged))
        return Line(merged.open, *self._store(index[0], rows), networks, isolated, core)


def _merge(members: list[Open]) -> Step:
    """Merge parts of the image; a single one stays as it is."""
    if len(members) == 1:
        nothing = np.empty(0, np.int64)
        return Step(members[0], np.empty(0, _ROW), nothing, Pointers(nothing, nothing), [], 0)
    graph, shifts = merge_with_shifts([member.graph for member in members])
    terminals = [member.terminals for member in members]
    step = _split_finished(graph, terminals, [member.links for member in members])
    return step._replace(shifts=shifts)


def _split_finished(graph: ChunkGraph, terminals: list[Indices], links: list[Indices]) -> Step:
    """Separate the finished branches of a graph.

    `terminals` and `links` are those of the parts that it was merged from.
    """
    rest, finished, isolated = graph._graph.split_finished()
    columns = {**finished['rows'], **finished}
    rows = np.empty(len(columns['is_cycle']), _ROW)
    for name in _ROW.names or ():
        rows[name] = columns[name]
    ends = np.concatenate([columns[f'{end}_indices'] for end in _ENDS])
    voxels, numbers = np.unique(ends, return_inverse=True)
    sets = connected_sets(len(voxels), *np.split(numbers, 2))
    smallest = np.full(len(voxels), np.iinfo(np.int64).max)
    of_row = sets[numbers[: len(rows)]]
    np.minimum.at(smallest, of_row, rows['components'])
    rows['components'] = smallest[of_row]
    open_ends = graph._graph.terminals()
    shared = np.isin(voxels, np.concatenate([open_ends, *terminals]))
    closed_here = np.setdiff1d(rows['components'], smallest[sets[shared]])
    new = np.stack([voxels[shared], smallest[sets[shared]]])
    left, pointers, closed = _join_groups(np.concatenate([*links, new], axis=1), open_ends)
    rows['components'] = pointers.follow(rows['components'])
    rest_graph = graph._of_same_image(rest)
    networks = np.concatenate([closed_here, closed, isolated])
    part = Open(rest_graph, left, open_ends)
    return Step(part, rows, networks, pointers, [], len(isolated))


def _join_groups(links: Indices, open_ends: Indices) -> tuple[Indices, Pointers, Indices]:
    """Join groups that share a voxel.

    Returns the links at ends that are still open, what the groups became part of, and the names of
    those that have none.
    """
    voxels, of_voxel = np.unique(links[0], return_inverse=True)
    groups, of_group = np.unique(links[1], return_inverse=True)
    sets = connected_sets(len(voxels) + len(groups), of_voxel, len(voxels) + of_group)
    smallest = np.full(len(voxels) + len(groups), np.iinfo(np.int64).max)
    np.minimum.at(smallest, sets[len(voxels) :], groups)
    is_open = np.isin(voxels, open_ends)
    left = np.stack([voxels[is_open], smallest[sets[: len(voxels)][is_open]]])
    became = smallest[sets[len(voxels) :]]
    moved = became != groups
    closed = np.setdiff1d(became, left[1])
    return left, Pointers(groups[moved], became[moved]), closed


def _resolve(pointers: list[Pointers]) -> Pointers:
    """Return where chains of pointers end; those of later steps continue earlier ones."""

    def lead_on(later: Pointers, earlier: Pointers) -> Pointers:
        groups = np.concatenate([earlier.groups, later.groups])
        became = np.concatenate([later.follow(earlier.became), later.became])
        order = np.argsort(groups)
        return Pointers(groups[order], became[order])

    nothing = np.empty(0, np.int64)
    return reduce(lead_on, reversed(pointers), Pointers(nothing, nothing))


__all__ = ['TableOnDisk']
