"""The points and lines of a skeleton of any size, in files until they are written.

The paths come as they are finished (`finished_paths`). Their voxels go to one file, where a path
begins to another, sorted by the order of the table; a third has the place and radius of each voxel.
Voxels in no path are left out: points are numbered without them.

Memory: the paths that cross a plane, and some voxels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from skanrs._image.position import coordinates_of
from skanrs._image.spacing import Spacing
from skanrs._support.progress import advance
from skanrs._support.records import Records
from skanrs._support.typing import Array, Indices, Shape

from .finished_paths import Step, finished_paths
from .table_order import InTableOrder

__all__ = ['LinesOnDisk']

VOXELS = 1 << 18
"""About as many voxels are traced or read at a time."""


class LinesOnDisk:
    """The places and radii of the voxels of a skeleton, and its paths.

    Parameters
    ----------
    shape : tuple of int
        The shape of the image.
    spacing : Spacing
        The spacing.
    folder : Path
        An empty folder. It takes 40 bytes a voxel and 32 a path, with radii 80.
    has_radii : bool, optional
        Whether `add` is given centrelines.
    """

    def __init__(
        self, shape: Shape, spacing: Spacing, folder: Path, *, has_radii: bool = False
    ) -> None:
        self._shape = shape
        self._spacing = spacing
        self.has_radii = has_radii
        place = [('at', np.float64, (len(shape),)), ('radius', np.float64)]
        self._voxels = Records(folder / 'voxels', place)
        self._along = Records(folder / 'along', np.int64)
        path = [('start', np.int64), ('count', np.int64), ('ends', np.float64, (2, len(shape)))]
        self._paths = InTableOrder(folder / 'paths', path if has_radii else path[:2])
        self._isolated = Records(folder / 'isolated', np.int64)
        # Those in no path yet, among the voxels of the last step.
        self._loose: Indices = np.empty(0, np.int64)
        self.ndim = len(shape)
        self.paths = 0
        """How many paths there are."""

    @classmethod
    def of(
        cls, slabs: Iterable[tuple[Indices, int]], shape: Shape, spacing: Spacing, folder: Path
    ) -> LinesOnDisk:
        """Return the lines through the voxels of a skeleton; `slabs` as for `finished_paths`."""
        lines = cls(shape, spacing, folder)
        for step in finished_paths(_joined(slabs, shape[0]), shape, spacing.floats):
            lines.add(step)
        lines.finish()
        return lines

    def add(self, step: Step, centrelines: tuple[Array, Array] | None = None) -> None:
        """Add the voxels and the finished paths of the next step.

        With `centrelines`, their points and radii take the place of those of the voxels, and the
        largest radius counts.
        """
        self._add_voxels(step)
        done = step.is_finished
        counts = np.diff(step.starts)
        along = step.numbers[step.paths[np.repeat(done, counts)]]
        rows = np.empty(np.count_nonzero(done), self._paths.dtype)
        rows['key'] = step.nodes[step.ends[done, 0]]
        rows['second'] = step.nodes[step.paths[step.starts[:-1][done] + 1]]
        rows['count'] = counts[done]
        starts = _starts(counts[done])
        rows['start'] = self._along.append(along).start + starts
        if centrelines is not None and len(along):
            points, radii = centrelines
            voxels, at = self._mapped_voxels(along)
            voxels['at'][at] = points
            np.maximum.at(voxels['radius'], at, radii)
            rows['ends'] = points[np.stack([starts, starts + counts[done] - 1], axis=1)]
        self._paths.append(rows, step.is_cycle[done])
        self.paths += len(rows)

    def finish(self) -> None:
        """Say that all steps were added."""
        self._isolated.append(self._loose)
        if not self.has_radii:
            return
        # Branches agree about an end but for the last bit, where the last one in the table counts.
        for rows in self._paths.read():
            ends = np.stack([rows['start'], rows['start'] + rows['count'] - 1], axis=1)
            voxels, at = self._mapped_voxels(self._along.mapped()[ends.ravel()])
            voxels['at'][at] = rows['ends'].reshape(-1, self.ndim)

    @property
    def points(self) -> int:
        """How many voxels are in a path."""
        return self._voxels.count - self._isolated.count

    @property
    def points_of_paths(self) -> int:
        """How many points all paths have together."""
        return self._along.count

    def read_points(self) -> Iterator[tuple[Array, Array]]:
        """Iterate over the places of the points, shape (N, ndim), and their radii."""
        count = self._voxels.count
        for start in range(0, count, VOXELS):
            numbers = range(start, min(start + VOXELS, count))
            voxels = self._voxels.read(numbers)
            isolated = self._all_isolated()
            first, end = np.searchsorted(isolated, [numbers.start, numbers.stop])
            voxels = np.delete(voxels, isolated[first:end] - start)
            yield voxels['at'], voxels['radius']

    def read_paths(self) -> Iterator[tuple[Indices, Indices]]:
        """Iterate over the numbers of points in some paths, and their points, one path by one.

        Paths are in the order of the table.
        """
        for rows in self._paths.read():
            ends = np.cumsum(rows['count'])
            first = 0
            while first < len(rows):
                before = ends[first] - rows['count'][first]
                stop = int(np.searchsorted(ends, before + VOXELS, side='right'))
                some = rows[first : max(stop, first + 1)]
                counts = some['count'].copy()
                shift = np.repeat(some['start'] - _starts(counts), counts)
                along = self._along.mapped()[np.arange(len(shift)) + shift]
                yield counts, along - np.searchsorted(self._all_isolated(), along)
                first += len(some)

    def read_line_ends(self) -> Iterator[Indices]:
        """Iterate over the numbers of points up to the end of each path, some at a time."""
        end = 0
        for rows in self._paths.read():
            ends = end + np.cumsum(rows['count'])
            end = int(ends[-1])
            yield ends

    def _add_voxels(self, step: Step) -> None:
        is_new = step.numbers >= self._voxels.count
        voxels = np.empty(np.count_nonzero(is_new), self._voxels.dtype)
        voxels['at'] = coordinates_of(step.nodes[is_new], self._shape) * self._spacing.given
        voxels['radius'] = -np.inf
        self._voxels.append(voxels)
        # A voxel in no path can get neighbours in the next planes, and is in the next step then.
        self._isolated.append(np.setdiff1d(self._loose, step.numbers))
        is_loose = np.ones(len(step.nodes), bool)
        is_loose[step.paths] = False
        self._loose = step.numbers[is_loose]

    def _mapped_voxels(self, numbers: Indices) -> tuple[Array, Indices]:
        """Return a range of voxels, as the file, and which of them have some numbers."""
        first = int(numbers.min())
        return self._voxels.mapped(range(first, int(numbers.max()) + 1), writable=True), (
            numbers - first
        )

    def _all_isolated(self) -> Indices:
        """Return the numbers of the voxels in no path, ascending."""
        return self._isolated.mapped() if self._isolated.count else np.empty(0, np.int64)


def _joined(slabs: Iterable[tuple[Indices, int]], depth: int) -> Iterator[tuple[Indices, int]]:
    """Join slabs, as for `finished_paths`, to about `VOXELS` voxels."""
    waiting: list[Indices] = []
    for voxels, end in slabs:
        waiting.append(voxels)
        if end == depth or sum(map(len, waiting)) >= VOXELS:
            yield np.concatenate(waiting), end
            waiting = []
            advance(end / depth)


def _starts(counts: Indices) -> Indices:
    return np.cumsum(counts) - counts
