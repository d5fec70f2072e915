"""The graph and the paths of a skeleton, each array made when it is first read."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy import sparse

from skanrs import _core
from skanrs._image.position import coordinates_of
from skanrs._support.reprs import HoldsArrays
from skanrs._support.typing import Array, Indices, Shape

from .nbgraph import NBGraph, csr_to_nbgraph
from .path_graph import index_arrays, path_lengths
from .skeleton_paths import path_number
from .trace import Traced

Matrix = sparse.csr_matrix | sparse.csr_array


class LazyGraph(HoldsArrays):
    """Base of `skanrs.Skeleton`: attributes that are computed on first access.

    They may be overwritten; the others then follow from what was written.
    """

    n_paths: int
    pixel_values: Array | None
    skeleton_shape: Shape
    _nodes: Indices
    """The linear indices of the pixels; a skeleton of a `PathGraph` has none."""
    _traced: Traced | None

    @cached_property
    def graph(self) -> Matrix:
        """The distances between neighbouring pixels."""
        return self._as_traced().graph()

    @cached_property
    def paths(self) -> Matrix:
        """The pixels of each path with their values."""
        return self._as_traced().paths()

    def _as_traced(self) -> Traced:
        if self._traced is None:
            raise AttributeError('skeleton: its graph and paths were deleted')
        return self._traced

    def _still_traced(self) -> Traced | None:
        """Return what the kernels traced, or None if graph or paths may have been changed since."""
        touched = {'graph', 'nbgraph', 'paths', 'degrees'} & self.__dict__.keys()
        return None if touched else self._traced

    def _forget_graph(self) -> None:
        """Free the neighbours of the pixels, where no more than the table is asked for."""
        if self._traced is not None:
            nothing = self._traced.indptr[:0].copy()
            self._traced = self._traced._replace(indptr=nothing, indices=nothing)

    def _path_pixels(self) -> tuple[Array, ...]:
        """Return where each path starts and the pixels of all, of one type, without `paths`."""
        traced = self._still_traced()
        if traced is None:
            return index_arrays(self.paths.indptr, self.paths.indices)
        return traced.starts, traced.nodes

    @cached_property
    def nbgraph(self) -> NBGraph:
        """The graph as plain arrays, with the value of each pixel."""
        return csr_to_nbgraph(self.graph, self.pixel_values)

    @cached_property
    def coordinates(self) -> Array:
        """The coordinates of the pixels."""
        return _core.unravel(self._nodes, self.skeleton_shape).T

    @cached_property
    def degrees(self) -> Array:
        """The number of neighbours of each pixel."""
        traced = self._still_traced()
        return np.diff(self.graph.indptr if traced is None else traced.indptr)

    @cached_property
    def distances(self) -> Array:
        """The lengths of the paths."""
        return self._path_lengths()

    def _path_lengths(self) -> Array:
        traced = self._still_traced()
        if traced is not None:
            return traced.lengths.copy()
        # An assigned `nbgraph` counts; otherwise the graph is enough, without node values.
        return path_lengths(self.__dict__.get('nbgraph', self.graph), self.paths)

    def _crowded(self) -> int | None:
        """Return how many pixels have four neighbours or more, or None if that is not known."""
        return None if self._traced is None else self._traced.crowded

    def _coordinates_of(self, nodes: Array) -> Array:
        """Return the coordinates of these pixels, without making those of all."""
        if 'coordinates' in self.__dict__:
            return np.asarray(self.coordinates[nodes])
        return coordinates_of(self._nodes[nodes], self.skeleton_shape)

    def _path_ends(self, index: int) -> tuple[int, int]:
        """Return where a path starts and ends in `paths.indices`."""
        index = path_number(index, self.n_paths)
        start, stop = self.paths.indptr[index : index + 2]
        return start, stop
