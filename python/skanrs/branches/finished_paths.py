"""The paths of a skeleton that is read plane by plane, each as soon as all of it is known.

A step adds the voxels of the next planes to those that are still needed, and traces them together.
A path is finished if no voxel of it is *open*, which means

- in the last plane that was read, for it may have neighbours in the next one, or
- in a junction cluster, the voxels with three neighbours or more that touch, of which a voxel is
  open or touches one that is.

Kept for the next step are the voxels of other paths and of open clusters; whole, all clusters that
these touch, so that the same spanning trees are found again; and all neighbours of those, so that
their numbers of neighbours stay. Of the last ones some have lost neighbours. They have two at most,
since with three they would be in a cluster that is kept, so that no junction is gained or lost, and
what is traced through them has been a finished path before. A finished path without such a voxel
lies within one cluster, all of whose voxels are marked.

So each path comes once, with the same voxels in the same order as if the whole skeleton was traced:
that order depends only on the order of its voxels in the image.

Cost: that of tracing the skeleton. Memory: the voxels of some planes and of the paths that cross
the last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._support.typing import Array, Indices, Shape
from skanrs.graph.trace import trace

from .partitions import connected_sets

JUNCTION = 3
"""The least number of neighbours of a voxel of a cluster."""

Marks = npt.NDArray[np.bool_]


class Step(NamedTuple):
    """The voxels of a step with all their paths: N voxels and P paths."""

    nodes: Indices
    """The linear indices of the voxels in the image, ascending."""
    numbers: Indices
    """The number of each voxel in the whole skeleton."""
    starts: Indices
    """Where each path starts in `paths`, shape (P + 1,)."""
    paths: Indices
    """The numbers of the voxels of all paths in `nodes`."""
    is_finished: Marks
    """Which paths are finished now, shape (P,)."""
    is_open: Marks
    """Which paths will be finished later, shape (P,). Others were finished before."""

    @property
    def ends(self) -> Indices:
        """The numbers of the first and the last voxel of each path in `nodes`, shape (P, 2)."""
        return self.paths[np.stack([self.starts[:-1], self.starts[1:] - 1], axis=1)]

    @property
    def path_ends(self) -> Indices:
        """How many ends of paths lie at each voxel, shape (N,)."""
        return np.bincount(self.ends.ravel(), minlength=len(self.nodes))

    @property
    def is_cycle(self) -> Marks:
        """Which paths are closed and meet no other, shape (P,)."""
        first, last = self.ends.T
        return np.asarray((first == last) & (self.path_ends[first] == 2))


def finished_paths(
    slabs: Iterable[tuple[Indices, int]], shape: Shape, spacing: tuple[float, ...]
) -> Iterator[Step]:
    """Iterate over the steps of a skeleton, in which each of its paths is finished once.

    Parameters
    ----------
    slabs : iterable of (ndarray of int64, int)
        The linear indices of the voxels in the next planes, ascending, and the number of planes
        that were read up to the end of these; all planes of the image in the end.
    shape : tuple of int
        The shape of the image.
    spacing : tuple of float
        The distance between neighbours along each axis.
    """
    nodes, numbers = np.empty(0, np.int64), np.empty(0, np.int64)
    is_known = is_context = np.empty(0, bool)
    plane = int(np.prod(shape[1:], dtype=np.int64))
    count = 0
    for added, end in slabs:
        nodes = np.concatenate([nodes, added])
        numbers = np.concatenate([numbers, np.arange(count, count + len(added))])
        count += len(added)
        new = np.zeros(len(added), bool)
        is_known, is_context = np.append(is_known, new), np.append(is_context, new)
        traced = trace(shape, nodes, None, spacing)
        assert traced is not None
        is_last = nodes >= (end - 1) * plane if end < shape[0] else np.zeros(len(nodes), bool)
        clusters = Clusters.of(nodes, shape)
        is_unknown = clusters.spread(is_last | clusters.touch(is_last)) | is_last
        starts, paths = traced.starts.astype(np.int64), traced.nodes.astype(np.int64)
        is_open = _any(is_unknown[paths], starts)
        # Traced before: through a voxel that has lost neighbours, or within a known cluster.
        was_finished = _any(is_context[paths], starts) | ~_any(~is_known[paths], starts)
        is_open &= ~was_finished
        yield Step(nodes, numbers, starts, paths, ~is_open & ~was_finished, is_open)
        is_core = is_unknown.copy()
        is_core[paths[np.repeat(is_open, np.diff(starts))]] = True
        is_core, is_kept = clusters.surroundings(is_core)
        is_context = (is_kept & ~is_core)[is_kept]
        is_known = (clusters.is_member & ~is_unknown)[is_kept]
        nodes, numbers = nodes[is_kept], numbers[is_kept]


class Clusters(NamedTuple):
    """The junction clusters of voxels, and which voxels are neighbours."""

    indptr: Array
    indices: Array
    is_member: Marks
    """Whether a voxel is in a cluster."""
    of_voxels: Indices
    """The cluster of each voxel; one of its own if it is in none."""

    @classmethod
    def of(cls, nodes: Indices, shape: Shape) -> Clusters:
        """Return the clusters of the voxels with these linear indices."""
        ones = (1.0,) * len(shape)
        indptr, indices, _ = _core.pixel_graph(nodes, shape, ones, len(shape), prune=False)
        is_member = np.diff(indptr) >= JUNCTION
        rows = np.repeat(np.arange(len(nodes)), np.diff(indptr))
        both = is_member[rows] & is_member[indices]
        return cls(
            indptr, indices, is_member, connected_sets(len(nodes), rows[both], indices[both])
        )

    def touch(self, marks: Marks) -> Marks:
        """Return which voxels have a neighbour among the marked ones."""
        rows = np.repeat(np.arange(len(marks)), np.diff(self.indptr))
        touched = np.zeros(len(marks), bool)
        touched[rows[marks[self.indices]]] = True
        return touched

    def spread(self, marks: Marks) -> Marks:
        """Return the voxels of the clusters of which one is marked."""
        is_marked = np.zeros(len(marks), bool)
        is_marked[self.of_voxels[marks & self.is_member]] = True
        return is_marked[self.of_voxels] & self.is_member

    def surroundings(self, marks: Marks) -> tuple[Marks, Marks]:
        """Return marks with the clusters that they touch, and those with all their neighbours.

        Paths through the first are traced among the second as among all voxels.
        """
        whole = marks | self.spread(marks)
        return whole, whole | self.touch(whole)


def _any(marks: Marks, starts: Indices) -> Marks:
    """Return which of the runs of marks, of which none is empty, have a mark."""
    if len(starts) == 1:
        return np.zeros(0, bool)
    return np.logical_or.reduceat(marks, starts[:-1])
