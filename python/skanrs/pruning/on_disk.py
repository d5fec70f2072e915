"""Pruning by length of a skeleton that is read plane by plane, each part as soon as it is finished.

A *guard* is a line of voxels that is not shorter than the limit; each voxel of it has two
neighbours, of which none has more. While these voxels are there, none of them is a junction, and
none is simple but an endpoint. So thinning leaves them, and an end branch with one of them has them
all and one step more, and is too long, however lengths are rounded. So guards stay, and what is on
one side of a guard is pruned as if the other side was not there: the order of twigs in
``src/pruning/mod.rs`` depends on their lengths and on the order of the voxels only, and voxels are
thinned only near removed ones.

A step adds the voxels of the next planes to those that are left. The parts of the skeleton between
guards that do not reach the last plane are pruned, with all guards; the others are left for the
next step, with the guards beside them. A guard that is left has lost its neighbour on the far side:
its last voxel is an endpoint now, and in no guard of the next step. If the rest is too short for a
guard, the whole line is left, which is still as long as the limit. So what is removed is what
`skanrs.prune` removes.

Cost: that of pruning, and of the graph of the voxels. A step adds at least as many voxels as are
left. Memory: the voxels of some planes, and of the parts that cross the last one: of branches
shorter than the limit that are connected.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._support.progress import advance
from skanrs._support.records import Records
from skanrs._support.sorted_records import SortedRecords
from skanrs._support.typing import Indices, Shape
from skanrs.branches.partitions import connected_sets
from skanrs.graph.trace import trace

from .prune import prune_by_length

__all__ = ['RemovedVoxels']

Marks = npt.NDArray[np.bool_]

VOXELS = 1 << 18
"""At least so many voxels are added in a step."""


class RemovedVoxels:
    """The voxels that pruning by length removes from a skeleton, in a file.

    Parameters
    ----------
    slabs : iterable of (ndarray of int64, int)
        The linear indices of the voxels in the next planes, ascending, and where these end; all
        planes of the image.
    shape : tuple of int
        The shape of the image, of two or three axes.
    spacing : tuple of float
        The distance between neighbours along each axis.
    min_length : float
        The limit, see `skanrs.prune`.
    folder : Path
        An empty folder. It takes 16 bytes a voxel that is removed.

    Attributes
    ----------
    count : int
        How many voxels are removed.
    """

    def __init__(
        self,
        slabs: Iterable[tuple[Indices, int]],
        shape: Shape,
        spacing: tuple[float, ...],
        min_length: float,
        folder: Path,
    ) -> None:
        in_any_order = SortedRecords(folder / 'removed', [('key', np.int64)])
        for removed in removed_voxels(slabs, shape, spacing, min_length):
            in_any_order.append(removed.view(in_any_order.dtype))
        self._voxels = Records(folder / 'in-order', np.int64)
        for records in in_any_order.read():
            self._voxels.append(records['key'])
        self._shape = shape
        self.count = self._voxels.count

    def in_blocks(
        self, bounds: Sequence[Sequence[int]]
    ) -> Iterator[tuple[tuple[int, ...], Indices]]:
        """Iterate over blocks in C order: the index of each, and the places in it of its voxels.

        `bounds` are where blocks start along each axis, and the end of the last. Places have a row
        for each axis.
        """
        starts = [np.array(of_axis[:-1]) for of_axis in bounds]
        counts = tuple(map(len, starts))
        for slab, planes in enumerate(pairwise(bounds[0])):
            places = np.stack(np.unravel_index(self._in_planes(*planes), self._shape))
            blocks = [
                np.searchsorted(of_axis, at, side='right') - 1
                for of_axis, at in zip(starts, places, strict=True)
            ]
            numbers = np.ravel_multi_index(blocks, counts)
            order = np.argsort(numbers, kind='stable')
            numbers, places = numbers[order], places[:, order]
            for rest in np.ndindex(*counts[1:]):
                index = (slab, *rest)
                number = np.ravel_multi_index(index, counts)
                first, end = np.searchsorted(numbers, [number, number + 1])
                offset = [of_axis[at] for of_axis, at in zip(starts, index, strict=True)]
                yield index, places[:, first:end] - np.reshape(offset, (-1, 1))

    def _in_planes(self, first: int, end: int) -> Indices:
        """Return the linear indices, ascending, of those in some planes."""
        if not self.count:
            return np.empty(0, np.int64)
        voxels = self._voxels.mapped()
        plane = math.prod(self._shape[1:])
        start, stop = np.searchsorted(voxels, np.array([first, end]) * plane).tolist()
        return np.array(voxels[start:stop])


def removed_voxels(
    slabs: Iterable[tuple[Indices, int]],
    shape: Shape,
    spacing: tuple[float, ...],
    min_length: float,
) -> Iterator[Indices]:
    """Iterate over the linear indices of the voxels that are removed, some at a time.

    Parameters
    ----------
    slabs, shape, spacing, min_length
        As for `RemovedVoxels`.
    """
    nodes: Indices = np.empty(0, np.int64)
    waiting: list[Indices] = []
    for added, end in slabs:
        waiting.append(added)
        if end < shape[0] and sum(map(len, waiting)) < max(VOXELS, len(nodes)):
            continue
        advance(end / shape[0])
        nodes, waiting = np.concatenate([nodes, *waiting]), []
        is_finished, is_left = _parts(nodes, shape, spacing, min_length, end)
        finished = nodes[is_finished]
        kept = prune_by_length(finished, shape, spacing, min_length)
        yield finished[~kept]
        nodes = nodes[is_left]


def _parts(
    nodes: Indices, shape: Shape, spacing: tuple[float, ...], guard: float, end: int
) -> tuple[Marks, Marks]:
    """Return which voxels are in finished parts, and which are left; guards can be in both.

    `guard` is the least length of a guard, `end` where the planes that were read end.
    """
    plane = math.prod(shape[1:])
    indptr, indices, _ = _core.pixel_graph(nodes, shape, spacing, len(shape), prune=False)
    degrees = np.diff(indptr)
    rows = np.repeat(np.arange(len(nodes)), degrees)
    is_beside_junction = np.zeros(len(nodes), bool)
    is_beside_junction[rows[degrees[indices] > 2]] = True
    is_last, is_known = np.zeros(len(nodes), bool), np.ones(len(nodes), bool)
    if end < shape[0]:
        is_last = nodes >= (end - 1) * plane
        # All neighbours of their neighbours were read.
        is_known = nodes < (end - 2) * plane
    in_lines = np.flatnonzero((degrees == 2) & ~is_beside_junction & is_known)
    lines = trace(shape, nodes[in_lines], None, spacing)
    assert lines is not None
    is_guard = np.zeros(len(nodes), bool)
    is_long = np.repeat(lines.lengths >= guard, np.diff(lines.starts))
    is_guard[in_lines[lines.nodes[is_long]]] = True
    # Guards are parts of their own.
    is_within = is_guard[rows] == is_guard[indices]
    parts = connected_sets(len(nodes), rows[is_within], indices[is_within])
    reaches_last = np.zeros(len(nodes), bool)
    reaches_last[parts[is_last]] = True
    is_beside = is_guard[rows] & reaches_last[parts[indices]]
    is_finished = ~reaches_last[parts]
    reaches_last[parts[rows[is_beside]]] = True
    return is_finished, reaches_last[parts]
