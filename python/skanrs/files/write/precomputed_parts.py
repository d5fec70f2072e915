"""Precomputed skeletons of a branch table that comes in parts: the files of `write_precomputed`.

Points come in the order of the image and are sorted by network, as are edges; each has its number
in its network, for points are counted in it as they come. Memory holds some points and a few
numbers for each network.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skanrs._support.records import Records
from skanrs._support.sorted_records import SortedRecords
from skanrs._support.typing import Array, Indices

from .geometry import as_points, in_order
from .precomputed import Rows, nanometres, write_segments

if TYPE_CHECKING:
    import pandas as pd

    from skanrs.branches.lines_on_disk import LinesOnDisk

__all__ = ['PrecomputedParts']

_POINT = [('key', np.int64), ('at', np.float64, (3,)), ('radius', np.float64)]
_PAIR = [('key', np.int64), ('pair', np.int64, (2,))]


class PrecomputedParts:
    """A context manager that writes lines as precomputed skeletons; at its end they are complete.

    Parameters
    ----------
    path : Path
        The folder to write, which must not exist.
    unit : str or None
        As for `write_precomputed`.
    axes : str, optional
        A letter for each axis of the image; z, y, x by default.
    lines : LinesOnDisk
        The lines.
    folder : Path
        A folder to be made, for some 100 bytes a point.
    """

    def __init__(
        self, path: Path, unit: str | None, axes: str | None, lines: LinesOnDisk, folder: Path
    ) -> None:
        self._path = path
        self._scale = nanometres(unit)
        self._order = in_order(axes, lines.ndim)
        self._lines = lines
        self._folder = folder

    def __enter__(self) -> PrecomputedParts:
        self._folder.mkdir()
        self._of_paths = Records(self._folder / 'of-paths', np.int64)
        self._networks = 0
        return self

    def write(self, part: pd.DataFrame) -> None:
        """Take the next rows of the table, columns named with '_'."""
        networks = part['skeleton_id'].to_numpy()
        self._networks = max(self._networks, 1 + int(networks.max(initial=-1)))
        self._of_paths.append(networks)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _finish(self) -> None:
        self._of_points = Records(self._folder / 'of-points', np.int64)
        self._numbers = Records(self._folder / 'numbers', np.int64)
        pairs = SortedRecords(self._folder / 'pairs', _PAIR)
        self._read_paths(pairs)
        points = SortedRecords(self._folder / 'points', _POINT)
        point_counts = self._number_points(points)
        edges = SortedRecords(self._folder / 'edges', _PAIR)
        edge_counts = self._number_edges(pairs, edges)
        networks = np.flatnonzero(point_counts)
        counts = point_counts[networks], edge_counts[networks]
        radii = Rows(some['radius'] for some in points.read())
        write_segments(
            self._path,
            zip((networks + 1).tolist(), *(each.tolist() for each in counts), strict=True),
            Rows(some['at'] for some in points.read()),
            Rows(some['pair'] for some in edges.read()),
            radii if self._lines.has_radii else None,
            scale=self._scale,
            what='network',
        )

    def _read_paths(self, pairs: SortedRecords) -> None:
        """Give each point its network; collect the pairs of neighbours, by the first."""
        for places, _ in self._lines.read_points():
            self._of_points.append(np.zeros(len(places), np.int64))
        done = 0
        for counts, along in self._lines.read_paths():
            of_paths = self._of_paths.read(range(done, done + len(counts)))
            done += len(counts)
            first = int(along.min())
            numbers = range(first, int(along.max()) + 1)
            of_points = self._of_points.mapped(numbers, writable=True)
            of_points[along - first] = np.repeat(of_paths, counts)
            is_last = np.zeros(len(along), bool)
            is_last[np.cumsum(counts) - 1] = True
            steps = np.stack([along[:-1], along[1:]], axis=1)[~is_last[:-1]]
            found = np.empty(len(steps), _PAIR)
            found['pair'] = np.sort(steps, axis=1)
            found['key'] = found['pair'][:, 0]
            pairs.append(found)

    def _number_points(self, points: SortedRecords) -> Indices:
        """Sort the points by network and number them there; return how many each has."""
        counts = np.zeros(self._networks, np.int64)
        for places, radii in self._lines.read_points():
            start = self._numbers.count
            networks = self._of_points.read(range(start, start + len(places)))
            order = np.argsort(networks, kind='stable')
            ordered = networks[order]
            numbers = np.empty(len(order), np.int64)
            rank = np.arange(len(order)) - np.searchsorted(ordered, ordered)
            numbers[order] = counts[ordered] + rank
            self._numbers.append(numbers)
            _count(counts, networks)
            found = np.empty(len(places), _POINT)
            found['key'], found['radius'] = networks, radii
            found['at'] = as_points(places, self._order)
            points.append(found)
        return counts

    def _number_edges(self, pairs: SortedRecords, edges: SortedRecords) -> Indices:
        """Sort the edges by network, with the numbers of points there; return their counts."""
        counts = np.zeros(self._networks, np.int64)
        for some in pairs.groups():
            some = some[np.lexsort(some['pair'].T[::-1])]
            first = int(some['key'][0])
            numbers = range(first, int(some['pair'].max()) + 1)
            some['key'] = _at(self._of_points, numbers, some['key'])
            some['pair'] = _at(self._numbers, numbers, some['pair'])
            _count(counts, some['key'])
            edges.append(some)
        return counts


def _at(records: Records, numbers: range, chosen: Indices) -> Array:
    """Return some records of a range."""
    found: Array = records.mapped(numbers)[chosen - numbers.start]
    return found


def _count(counts: Indices, networks: Indices) -> None:
    """Add how often each network comes."""
    found, times = np.unique(networks, return_counts=True)
    counts[found] += times
