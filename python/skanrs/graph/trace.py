"""The graph of a skeleton's pixels and its paths, as the kernels return them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from skanrs import _core
from skanrs._support.typing import Array, Indices

from .pixel_graph import to_matrix


class Traced(NamedTuple):
    """A traced skeleton as plain arrays: N pixels, P paths, K pixels on paths."""

    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    indptr: Array
    """Where the row of each pixel starts in `indices`, shape (N + 1,)."""
    indices: Array
    """The neighbours of the pixels."""
    masks: npt.NDArray[np.uint32]
    """Which neighbours they are, one bit each, shape (N,)."""
    starts: Array
    """Where each path starts in `nodes`, shape (P + 1,)."""
    nodes: Array
    """The pixels of the paths, shape (K,)."""
    lengths: npt.NDArray[np.float64]
    """The lengths of the paths, shape (P,)."""
    components: Array
    """The connected component of each path, shape (P,)."""
    values: npt.NDArray[np.float64] | None
    """The values of the pixels of the paths, shape (K,); None if the image is of bool."""
    crowded: int
    """How many pixels have four neighbours or more."""

    def graph(self) -> sparse.csr_matrix:
        """Return the graph of the pixels."""
        arrays = self.indptr, self.indices
        distances = _core.graph_distances(*arrays, self.masks, self.shape, self.spacing)
        return to_matrix(*arrays, distances)

    def paths(self) -> sparse.csr_matrix:
        """Return the paths with the values of their pixels, 1 if there are none."""
        values = np.ones(self.nodes.size) if self.values is None else self.values
        shape = self.lengths.size, self.nodes.size
        return sparse.csr_matrix((values, self.nodes, self.starts), shape=shape)


def trace(
    shape: tuple[int, ...],
    nodes: Indices,
    values: Array | None,
    spacing: tuple[float, ...],
) -> Traced | None:
    """Trace the skeleton of the pixels `nodes`; return None if the kernels cannot trace it."""
    skeleton = _core.trace_skeleton(nodes, shape, spacing)
    if skeleton is None:
        return None
    graph, paths, crowded = skeleton
    along = None if values is None else values[paths[1]].astype(np.float64, copy=False)
    return Traced(shape, spacing, *graph, *paths, along, crowded)
