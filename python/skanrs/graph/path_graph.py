"""Branches of any graph, of pixels or not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from skanrs import _core
from skanrs._blocks.read import read_image
from skanrs._image.spacing import as_spacing
from skanrs._support.memory import size_in_words
from skanrs._support.reprs import HoldsArrays, by_axis, counted, html_table
from skanrs._support.typing import Array

from .nbgraph import NBGraph, csr_to_nbgraph
from .pixel_graph import skeleton_graph

Matrix = sparse.csr_matrix | sparse.csr_array


@dataclass(repr=False)
class PathGraph(HoldsArrays):
    """A graph and its branches.

    The pixel graph of a skeleton is one example; any graph of long chains will do, such as tracks
    of cells. With N nodes and P paths:

    Parameters
    ----------
    adj : scipy.sparse.csr_array, shape (N, N)
        The symmetric graph; entries are distances.
    node_coordinates : ndarray, shape (N, ndim), or None
        The coordinates of the nodes.
    node_values : ndarray, shape (N,), or None
        The values of the nodes.
    paths : scipy.sparse.csr_array, P rows
        The nodes of each path in their order, both ends included, with their values.
    spacing : float or tuple of float, optional
        The distance between neighbours along each axis.

    Notes
    -----
    `PathGraph.from_image` makes one of a skeleton image, `PathGraph.from_graph` of any graph.

    Examples
    --------
    >>> import numpy as np
    >>> from skanrs import summarize
    >>> from skanrs.csr import PathGraph
    >>> graph = PathGraph.from_image(np.eye(4, dtype=bool))
    >>> summarize(graph, separator='_')['branch_distance'].round(3).tolist()
    [4.243]
    """

    adj: Matrix
    node_coordinates: Array | None
    node_values: Array | None
    paths: Matrix
    spacing: npt.ArrayLike = 1

    @classmethod
    def from_graph(
        cls,
        *,
        adj: Matrix,
        node_coordinates: Array | None,
        node_values: Array | None = None,
        spacing: npt.ArrayLike = 1,
    ) -> PathGraph:
        """Trace the branches of a graph.

        Parameters
        ----------
        adj : scipy.sparse.csr_array, shape (N, N)
            The graph: an entry wherever two nodes are neighbours, in both their rows.
        node_coordinates : ndarray, shape (N, ndim)
            The coordinates of the nodes.
        node_values : ndarray, shape (N,), optional
            The values of which paths have statistics; 1 if they are not given.
        spacing : float or tuple of float, optional
            The distance between neighbours along each axis of the coordinates.

        Returns
        -------
        path_graph : PathGraph
            The graph with its paths.

        Raises
        ------
        ValueError
            If `adj` is not symmetric, or there is not one value for each node.

        Examples
        --------
        >>> import numpy as np
        >>> from scipy import sparse
        >>> from skanrs.csr import PathGraph
        >>> line = sparse.csr_array(np.eye(3, k=1) + np.eye(3, k=-1))
        >>> graph = PathGraph.from_graph(adj=line, node_coordinates=np.arange(3)[:, np.newaxis])
        >>> graph.n_paths, graph.distances
        (1, array([2.]))
        """
        paths = _build_skeleton_path_graph(csr_to_nbgraph(adj, node_values))
        return cls(adj, node_coordinates, node_values, paths, spacing)

    @classmethod
    def from_image(
        cls,
        skeleton_image: Array,
        *,
        spacing: npt.ArrayLike = 1,
        value_is_height: bool = False,
    ) -> PathGraph:
        """Trace the branches of a skeleton image, as `Skeleton` does.

        Parameters
        ----------
        skeleton_image : ndarray
            The skeleton: pixels that are not 0.
        spacing : float or sequence of float, optional
            The distance between neighbours along each axis.
        value_is_height : bool, optional
            Whether the value of a pixel is its height.

        Returns
        -------
        path_graph : PathGraph
            The graph of the pixels with its paths.

        Raises
        ------
        ValueError
            If `spacing` is not positive and finite, or heights are not finite.
        TypeError
            If the elements of `skeleton_image` are not real numbers.

        Examples
        --------
        >>> import numpy as np
        >>> from skanrs.csr import PathGraph
        >>> PathGraph.from_image(np.eye(3, dtype=bool), spacing=[3, 4]).distances
        array([10.])
        """
        pixels = read_image(skeleton_image, 'skeleton_image')
        checked = as_spacing(spacing, len(pixels.shape))
        return cls.from_graph(
            adj=skeleton_graph(pixels, checked.floats, value_is_height),
            node_coordinates=_core.unravel(pixels.nodes, pixels.shape).T,
            node_values=node_values(pixels.values),
            spacing=spacing,
        )

    def _facts(self) -> list[tuple[str, str]]:
        given = {'coordinates': self.node_coordinates, 'values': self.node_values}
        known = ' and '.join(name for name, values in given.items() if values is not None)
        nodes = counted(self.adj.shape[0], 'node')
        return [
            ('graph', f'{nodes} with {known}' if known else nodes),
            ('spacing', by_axis(np.atleast_1d(self.spacing))),
            ('branches', counted(self.n_paths, 'path')),
            ('memory', size_in_words(self.nbytes)),
        ]

    def __repr__(self) -> str:
        nodes, spacing, paths, memory = (what for _, what in self._facts())
        return f'<PathGraph of {nodes}, spacing {spacing}: {paths}, {memory}>'

    def _repr_html_(self) -> str:
        return html_table('PathGraph', self._facts())

    @cached_property
    def nbgraph(self) -> NBGraph:
        """The graph as plain arrays, with the values of its nodes."""
        return csr_to_nbgraph(self.adj, self.node_values)

    @cached_property
    def distances(self) -> npt.NDArray[np.float64]:
        """The length of each path, shape (P,)."""
        return path_lengths(self.nbgraph, self.paths)

    @property
    def n_paths(self) -> int:
        """The number of paths."""
        return int(self.paths.shape[0])

    @cached_property
    def degrees(self) -> Array:
        """The number of neighbours of each node, shape (N,)."""
        return np.diff(self.adj.indptr)


def path_lengths(graph: NBGraph | Matrix, paths: Matrix) -> npt.NDArray[np.float64]:
    """Return the length of each path, its edges added from the source on."""
    return _core.path_lengths(*graph_arrays(graph), *index_arrays(paths.indptr, paths.indices))


def graph_arrays(graph: NBGraph | Matrix) -> tuple[Array, Array, Array]:
    """Return the arrays of a graph in types that the kernels take."""
    data = np.ascontiguousarray(graph.data, dtype=np.float64)
    indptr, indices = index_arrays(graph.indptr, graph.indices)
    return indptr, indices, data


def index_arrays(*arrays: Array) -> tuple[Array, ...]:
    """Return arrays of indices in one type that the kernels take."""
    narrow = all(array.dtype == np.int32 for array in arrays)
    index = np.int32 if narrow else np.int64
    return tuple(np.ascontiguousarray(array, dtype=index) for array in arrays)


def node_values(values: Array) -> Array | None:
    """Return the values of pixels, integers as float64; None if they are bool."""
    return None if values.dtype == np.bool_ else as_values(values)


def as_values(values: Array) -> Array:
    """Return values of pixels, integers as float64."""
    integer = np.issubdtype(values.dtype, np.integer)
    return values.astype(np.float64 if integer else values.dtype, copy=False)


def _build_skeleton_path_graph(graph: NBGraph) -> sparse.csr_matrix:
    """Trace the branches of a graph.

    Parameters
    ----------
    graph : NBGraph
        A symmetric graph.

    Returns
    -------
    paths : scipy.sparse.csr_matrix
        The nodes of each path in their order, both ends included, with their numbers.
    """
    return paths_matrix(*graph_arrays(graph), graph.node_properties)


def paths_matrix(
    indptr: Array, indices: Array, weights: Array, values: Array | None
) -> sparse.csr_matrix:
    """Trace branches; the values of nodes are 1 if they are not given."""
    if values is not None:
        values = np.ascontiguousarray(values, dtype=np.float64)
    starts, nodes, along = _core.trace_paths(indptr, indices, weights, values)
    return sparse.csr_matrix((along, nodes, starts), shape=(starts.size - 1, nodes.size))


def means_and_stdevs(sums: Array, squares: Array, counts: Array) -> tuple[Array, Array]:
    """Return means and standard deviations of sums, sums of squares and counts, as skan does."""
    means = sums / counts
    return means, np.sqrt(np.clip(squares / counts - means * means, 0, None))


def means_and_stdevs_of(starts: Array, values: Array) -> tuple[Array, Array]:
    """Return means and standard deviations of the values along paths, which start at `starts`."""
    data = np.ascontiguousarray(values, dtype=np.float64)
    sums, squares = _core.path_sums(starts.astype(np.int64), data)
    return means_and_stdevs(sums, squares, np.diff(starts))
