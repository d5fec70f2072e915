"""The tunnels of a skeleton whose blocks are read one after the other.

The Euler characteristic of voxels, as closed cubes, is that of both parts of the image less that
of what they share. Blocks are taken with the last layer of those before them, so that two of them
share one layer: in each axis the characteristic is that of the blocks less that of these layers.
With the components and the cavities, which are known, it gives the tunnels.

Memory holds the voxels of some blocks, and those at the faces of the blocks of two slabs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from skanrs import _core
from skanrs._image.position import in_three_axes
from skanrs._support.ordered_map import ordered_map
from skanrs._support.progress import advance
from skanrs._support.typing import Indices, Shape

__all__ = ['count_cavities', 'euler_number']


def euler_number(
    bounds: list[list[int]], read: Callable[[tuple[int, ...]], Indices], workers: int
) -> int:
    """Return the Euler characteristic of the voxels of an image with two or three axes.

    Parameters
    ----------
    bounds, read, workers
        As `TableOnDisk` takes them.
    """
    counts = [len(of_axis) - 1 for of_axis in bounds]
    steps = list(itertools.product((0, 1), repeat=len(counts)))
    total = 0
    # Of each block before: its voxels that have the largest coordinate along some axis.
    last: dict[tuple[int, ...], Indices] = {}
    indices = list(np.ndindex(*counts))
    for done, (index, nodes) in enumerate(
        zip(indices, ordered_map(read, indices, workers), strict=True), 1
    ):
        starts = np.array([of_axis[at] for of_axis, at in zip(bounds, index, strict=True)])
        stops = np.array([of_axis[at + 1] for of_axis, at in zip(bounds, index, strict=True)])
        inside = np.unravel_index(nodes, tuple((stops - starts).tolist()))
        own = np.stack(inside, axis=1) + starts
        parts = [own]
        for step in steps[1:]:
            before = tuple(at - back for at, back in zip(index, step, strict=True))
            if before in last:
                beside = last[before]
                is_in = (beside == starts - 1) | ~np.array(step, dtype=bool)
                parts.append(beside[is_in.all(axis=1)])
        voxels = np.concatenate(parts)
        shape = tuple((stops - starts + 1).tolist())
        for step in steps:
            # Without a block before there is no layer that is shared.
            if all(at or not along for at, along in zip(index, step, strict=True)):
                is_in = (voxels == starts - 1) | ~np.array(step, dtype=bool)
                layer = voxels[is_in.all(axis=1)]
                total += (-1) ** sum(step) * _euler(layer - starts + 1, shape)
        last[index] = own[(own == stops - 1).any(axis=1)]
        if not any(index[1:]):
            last = {
                before: of_block for before, of_block in last.items() if before[0] >= index[0] - 1
            }
        advance(done / len(indices))
    return total


def _euler(coordinates: Indices, shape: Shape) -> int:
    nodes = np.sort(np.ravel_multi_index(tuple(coordinates.T), shape)).astype(np.int64)
    components, _, tunnels, cavities = _core.topology(nodes, in_three_axes(shape, 1))
    return components - tunnels + cavities


def count_cavities(core: Indices, shape: Shape) -> int:
    """Return how many cavities a skeleton has, from `TableOnDisk.core`.

    A voxel that is not in the core has three neighbours at most, too few to part the background
    beside it. So cavities stay when it is removed.
    """
    return _core.topology(core, in_three_axes(shape, 1))[3] if len(shape) == 3 else 0
