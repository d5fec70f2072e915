"""The measures of the branches of a mask of any size, in files until the table is written.

The paths of the skeleton come as they are finished (`finished_paths`), with what of the mask
belongs to their voxels (`voxels_on_disk`). A path is measured at once, but for its share of the
junctions at its ends: for that all paths there have to be finished. Then its row goes to a file,
sorted at the end by the voxels at which rows begin, which is the order of the table (`on_disk`).
Nodes of the network are known by their first voxels until all are found (`nodes_on_disk`).

All operations are those of `Body.measures`, in the same order, so that each number is the same to
the last bit.

Memory: the paths that cross a plane, with those at the junctions of these, and some rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from skanrs import _core
from skanrs._support.progress import advance
from skanrs._support.record_statistics import sum_of
from skanrs._support.records import Records
from skanrs._support.typing import Array, Indices
from skanrs.radius.block import Grid

from .finished_paths import Step, finished_paths
from .lines_on_disk import LinesOnDisk
from .measures import OF_NODES, measure_names, nodes_of
from .nodes_on_disk import NodesOnDisk
from .on_disk import TableOnDisk
from .table_order import InTableOrder
from .voxels_on_disk import MappedMask, VoxelsOnDisk

VOXELS = 1 << 19
"""About as many voxels of the skeleton are added at a time."""

_LINES = (*measure_names(3)[:6], 'tip_length')
_ENDS = 2
_WAITING = np.dtype(
    [
        ('is_cycle', np.bool_),
        ('first', np.int64),
        ('second', np.int64),
        ('ends', np.int64, _ENDS),
        ('is_shared', np.bool_, _ENDS),
        ('is_known', np.bool_, _ENDS),
        ('own', np.uint64, 2),
        ('at_ends', np.uint64, (_ENDS, 2)),
        ('wholes', np.float64, (_ENDS, 3)),
        *((name, np.float64) for name in _LINES),
        ('node_src', np.int64),
        ('node_dst', np.int64),
        ('in_junction', np.bool_),
        ('touches_border', np.bool_),
    ]
)
"""A path that waits for others at its ends: its first, second and end voxels in the image, and the
sums of cells, of its own voxels and of those at its ends. Of known ends, ``wholes`` are the sums of
the parts of all paths there."""

_COLUMNS = {**dict.fromkeys(measure_names(3), float), **OF_NODES}


class MeasuredTable:
    """The branch table with measures, with its rows on disk.

    Parameters
    ----------
    table : TableOnDisk
        The rows of all branches, of an image of three axes.
    voxels : VoxelsOnDisk
        The same skeleton.
    mask : MappedMask
        The mask, which is closed when all is measured.
    grid : Grid
        The image; its border is no background.
    folder : Path
        An empty folder. It takes some 350 bytes a branch.
    include_tips : bool, optional
        As for `skanrs.analyze`.
    lines : LinesOnDisk, optional
        Gets the centrelines; nothing was added to it.

    Attributes
    ----------
    count, networks, isolated
        As those of the table.
    attrs : dict
        The attributes of the table.
    nodes : NodesOnDisk
        The nodes of the network; their table is known after the last part of this one.
    """

    def __init__(
        self,
        table: TableOnDisk,
        voxels: VoxelsOnDisk,
        mask: MappedMask,
        grid: Grid,
        folder: Path,
        *,
        include_tips: bool = False,
        lines: LinesOnDisk | None = None,
    ) -> None:
        self._table = table
        self.count, self.networks, self.isolated = table.count, table.networks, table.isolated
        self._mask = mask
        self._grid = grid
        self._rows = InTableOrder(folder / 'measures', list(_COLUMNS.items()))
        self.nodes = NodesOnDisk(grid, folder)
        self._include_tips = include_tips
        self._lines = lines
        self._folder = folder
        self._measure(voxels)
        mask.close()
        self.nodes.finish()
        self.attrs: dict[str, float] = {'volume_without_branch': self._volume_without_branch()}

    def parts(self) -> Iterator[pd.DataFrame]:
        """Iterate over the rows of the table, columns named with '_'."""
        rows = self._rows.read()
        waiting = np.empty(0, self._rows.dtype)
        for part in self._table.parts():
            while len(waiting) < len(part):
                waiting = np.concatenate([waiting, next(rows)])
            of_part, waiting = waiting[: len(part)], waiting[len(part) :]
            part = part.assign(**self._columns(of_part))
            part.attrs.update(self.attrs)
            self.nodes.add_networks(part)
            yield part

    def _volume_without_branch(self) -> float:
        volumes = Records(self._folder / 'volumes', np.float64)
        for rows in self._rows.read():
            volumes.append(rows['volume'])
        voxel = np.prod(self._grid.spacing)
        # Shares of junctions are fractions, but the branches have a whole number of voxels.
        left = self._mask.voxels - np.rint(sum_of(volumes) / voxel)
        return float(left * voxel)

    def _columns(self, rows: Array) -> dict[str, Array]:
        columns = {name: np.ascontiguousarray(rows[name]) for name in _COLUMNS}
        for name in ('node_src', 'node_dst') if len(rows) else ():
            columns[name] = self.nodes.numbers(columns[name])
        return columns

    def _measure(self, voxels: VoxelsOnDisk) -> None:
        """Measure all paths."""
        count = 0
        numbers, radii, cells = np.empty(0, np.int64), np.empty(0), np.empty((0, 2), np.uint64)
        waiting = np.empty(0, _WAITING)
        for step in finished_paths(self._slabs(voxels), self._grid.shape, self._grid.spacing):
            # The voxels that were kept, and the new ones.
            kept = np.searchsorted(numbers, step.numbers[step.numbers < count])
            new = range(count, count + len(step.numbers) - len(kept))
            count = new.stop
            numbers = step.numbers
            radii = np.concatenate([radii[kept], voxels.radii(new)])
            cells = np.concatenate([cells[kept], voxels.cells(new)])
            waiting = np.concatenate([waiting, self._measure_step(step, radii, cells)])
            waiting = self._finish(waiting, np.unique(step.nodes[step.ends[step.is_open]]))
            self._mask.rows.release()
            advance(count / max(1, voxels.count))
        assert not len(waiting)
        if self._lines is not None:
            self._lines.finish()

    def _slabs(self, voxels: VoxelsOnDisk) -> Iterator[tuple[Indices, int]]:
        first, depth = 0, self._grid.shape[0]
        while first < depth:
            most = voxels.starts[first] + VOXELS
            end = int(np.searchsorted(voxels.starts, most, side='right')) - 1
            end = min(max(end, first + 1), depth)
            yield voxels.voxels(voxels.numbers(first, end)), end
            first = end

    def _measure_step(self, step: Step, radii: Array, cells: Array) -> Array:
        """Return what is known of the paths that are finished now."""
        done = np.flatnonzero(step.is_finished)
        rows = np.empty(len(done), _WAITING)
        path_ends = step.path_ends
        of_done = step.ends[done]
        rows['is_cycle'] = step.is_cycle[done]
        rows['first'] = step.nodes[of_done[:, 0]]
        rows['second'] = step.nodes[step.paths[step.starts[done] + 1]]
        rows['ends'] = step.nodes[of_done]
        rows['is_shared'] = path_ends[of_done] > 1
        rows['is_known'] = ~rows['is_shared']
        rows['at_ends'] = cells[of_done]
        is_own = path_ends[step.paths] <= 1
        for column in range(2):
            along = np.where(is_own, cells[step.paths, column], 0)
            rows['own'][:, column] = _sums(along, step.starts)[done]
        self._measure_lines(step, radii, rows)
        self._find_nodes(step, radii, rows)
        return rows

    def _measure_lines(self, step: Step, radii: Array, rows: Array) -> None:
        # Of paths that are not measured now, only where they end matters.
        first, last = step.ends.T
        is_whole = step.is_finished | (first == last)
        is_taken = np.repeat(is_whole, np.diff(step.starts))
        is_taken[step.starts[:-1]] = is_taken[step.starts[1:] - 1] = True
        starts = np.concatenate([[0], np.cumsum(is_taken)])[step.starts]
        paths = step.paths[is_taken]
        skeleton = step.nodes, radii, starts, paths, self._grid.spacing, 3
        columns = _core.centreline_measures(self._mask.rows, skeleton)
        for name, column in zip(_LINES, columns, strict=True):
            rows[name] = column[step.is_finished]
        if self._lines is not None:
            points, of_points = _core.centrelines(self._mask.rows, skeleton)
            is_done = np.repeat(step.is_finished, np.diff(starts))
            self._lines.add(step, (points[is_done], of_points[is_done]))

    def _find_nodes(self, step: Step, radii: Array, rows: Array) -> None:
        skeleton = step.nodes, radii, step.starts, step.paths, self._grid.spacing, 3
        nodes = nodes_of(*_core.network_nodes(self._mask.rows, skeleton))
        is_cut = (nodes.degrees == 1) & (nodes.faces != 0)
        source, destination = (of_path[step.is_finished] for of_path in nodes.of_paths)
        inside = nodes.in_junction[step.is_finished]
        rows['in_junction'] = inside
        rows['touches_border'] = (is_cut[source] | is_cut[destination]) & ~inside
        rows['node_src'] = step.nodes[nodes.firsts[source]]
        rows['node_dst'] = step.nodes[nodes.firsts[destination]]
        self.nodes.add(nodes, np.union1d(source, destination), step.nodes, radii)

    def _finish(self, waiting: Array, open_ends: Indices) -> Array:
        """Store the paths whose ends are all finished; return the others."""
        order = np.lexsort((waiting['second'], waiting['first'], waiting['is_cycle']))
        waiting = waiting[order]
        # Paths leave together with their ends, so all at an end that becomes known are here.
        is_new = ~waiting['is_known'] & ~np.isin(waiting['ends'], open_ends)
        # In the order of the paths, and of each its first end first.
        path, _ = np.nonzero(is_new)
        voxels, of_end = np.unique(waiting['ends'][is_new], return_inverse=True)
        wholes = np.zeros((len(voxels), 3))
        np.add.at(wholes, of_end, _parts(waiting)[path])
        waiting['wholes'][is_new] = wholes[of_end]
        waiting['is_known'] |= is_new
        is_done = waiting['is_known'].all(axis=1)
        done = waiting[is_done]
        rows = np.empty(len(done), self._rows.dtype)
        rows['key'] = done['first']
        for name in ('second', *_LINES, *OF_NODES):
            rows[name] = done[name]
        rows['volume'], rows['surface_area'] = self._bodies(done)
        if self._include_tips:
            rows['length'] += rows['tip_length']
        self._rows.append(rows, done['is_cycle'])
        return waiting[~is_done]

    def _bodies(self, done: Array) -> tuple[Array, Array]:
        """Return the volume and the surface of each path."""
        voxels = done['own'][:, 0].astype(np.float64)
        surfaces = self._areas(done['own'])
        for end in range(_ENDS):
            is_shared = done['is_shared'][:, end]
            of_end = done[is_shared]
            wholes, cells = of_end['wholes'][:, end], of_end['at_ends'][:, end]
            parts = _parts(of_end)
            shares = np.where(_is_normal(wholes), parts, 1) / np.where(
                _is_normal(wholes), wholes, wholes[:, 2:]
            )
            voxels[is_shared] += cells[:, 0].astype(np.float64) * shares[:, 0]
            surfaces[is_shared] += self._areas(cells) * shares[:, 1]
        return voxels * math.prod(self._grid.spacing), surfaces

    def _areas(self, cells: Array) -> Array:
        return _core.cell_surfaces(np.ascontiguousarray(cells[:, 1]), self._grid.spacing, 3)


def _sums(along: Array, starts: Indices) -> Array:
    """Return the sums of runs, of which none is empty."""
    if len(starts) == 1:
        return np.zeros(0, along.dtype)
    return np.asarray(np.add.reduceat(along, starts[:-1]))


def _parts(paths: Array) -> npt.NDArray[np.float64]:
    """Return by what paths share the volume and the surface at their ends, and their number."""
    radii = paths['mean_radius']
    return np.stack([radii * radii, radii, np.ones(len(paths))], axis=1)


def _is_normal(numbers: Array) -> npt.NDArray[np.bool_]:
    tiny = np.finfo(np.float64).tiny
    return np.isfinite(numbers) & (np.abs(numbers) >= tiny)
