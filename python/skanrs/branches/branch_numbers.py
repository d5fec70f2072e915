"""Numbers of branches at the voxels of a skeleton, and their counts in an image."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from skanrs._support.typing import Indices
from skanrs.graph.path_graph import index_arrays
from skanrs.graph.skeleton import Skeleton

Numbers = npt.NDArray[np.int32]


def count_numbers(image: npt.NDArray[Any], count: int) -> Indices:
    """Return how often each of the numbers below `count` occurs in an image."""
    counts = np.zeros(count, dtype=np.int64)
    # Plane by plane, since counting converts the numbers to longer ones.
    for plane in image.reshape(1, -1) if image.ndim < 2 else image:
        if plane.size and not 0 <= plane.min() <= plane.max() < count:
            raise ValueError(
                f'territories: expected numbers from 0 to {count - 1}, the number of branches, got'
                f' {plane.min()} to {plane.max()}'
            )
        counts += np.bincount(plane.reshape(-1), minlength=count)
    return counts


def numbers_of_voxels(skeleton: Skeleton) -> Numbers:
    """Return the smallest number of a branch at each voxel, from 1 on; 0 where there is none."""
    starts, nodes = index_arrays(skeleton.paths.indptr, skeleton.paths.indices)
    return smallest_numbers(starts, nodes, len(skeleton._nodes))


def smallest_numbers(starts: Indices, nodes: Indices, count: int) -> Numbers:
    """Return the smallest number of a path at each of `count` voxels; see `numbers_of_voxels`."""
    numbers = np.zeros(count, dtype=np.int32)
    paths = np.repeat(np.arange(1, len(starts), dtype=np.int32), np.diff(starts))
    # Of several values for one voxel the last stays.
    numbers[nodes[::-1]] = paths[::-1]
    return numbers
