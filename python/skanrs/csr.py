"""Pixel graphs, their branches, and the table of them, by the names of ``skan.csr`` 0.13.1.

The functions defined here exist for skan's users and its test suite; nothing else calls them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pkgutil import resolve_name
from typing import Any, TypeVar

import numpy as np
from scipy import sparse

from skanrs import _core
from skanrs._support import former_names
from skanrs._support.typing import Array
from skanrs.branches.networkx import (
    _merge_edges,
    _merge_paths,
    _remove_simple_path_nodes,
    nx_to_skeleton,
    skeleton_to_nx,
)
from skanrs.branches.sholl import _normalize_shells, sholl_analysis
from skanrs.branches.summarize import summarize
from skanrs.graph.branch_graph import _fast_graph_center_idx, _simplify_graph
from skanrs.graph.nbgraph import NBGraph, NBGraphBase, NBGraphBool, csr_to_nbgraph
from skanrs.graph.path_graph import PathGraph, _build_skeleton_path_graph, as_values
from skanrs.graph.pixel_graph import (
    _weighted_abs_diff,
    make_degree_image,
    pixel_graph,
    skeleton_to_csgraph,
)
from skanrs.graph.skeleton import Skeleton

__all__ = [
    'NBGraph',
    'NBGraphBase',
    'NBGraphBool',
    'PathGraph',
    'Skeleton',
    '_build_skeleton_path_graph',
    '_extract_values',
    '_fast_graph_center_idx',
    '_merge_edges',
    '_merge_paths',
    '_mst_junctions',
    '_normalize_shells',
    '_remove_simple_path_nodes',
    '_simplify_graph',
    '_weighted_abs_diff',
    '_write_pixel_graph',
    '_write_pixel_graph_height',
    'csr_to_nbgraph',
    'distance_with_height',
    'make_degree_image',
    'nx_to_skeleton',
    'pixel_graph',
    'sholl_analysis',
    'skeleton_to_csgraph',
    'skeleton_to_nx',
    'submatrix',
    'summarize',
]

Matrix = TypeVar('Matrix', sparse.csr_matrix, sparse.csr_array)


def distance_with_height(source_values: Array, neighbor_values: Array, distances: Array) -> Array:
    """Return the length of edges between heights.

    Parameters
    ----------
    source_values, neighbor_values : ndarray
        The heights at both ends.
    distances : ndarray
        The distances without heights.

    Returns
    -------
    lengths : ndarray of float
        The hypotenuses.

    Examples
    --------
    >>> import numpy as np
    >>> from skanrs.csr import distance_with_height
    >>> distance_with_height(np.array([5.0]), np.array([1.0]), np.array([3.0]))
    array([5.])
    """
    return np.asarray(np.hypot(source_values - neighbor_values, distances))


def _mst_junctions(csmat: Matrix) -> Matrix:
    """Drop the edges between junctions that their minimum spanning forest does not need.

    Parameters
    ----------
    csmat : scipy.sparse.csr_matrix or csr_array
        A symmetric graph.

    Returns
    -------
    pruned : type of `csmat`
        The graph without those edges, and without entries that are 0.
    """
    graph = csmat.copy()
    graph.sum_duplicates()
    graph.eliminate_zeros()
    data = graph.data.astype(np.float64, copy=False)
    indptr, indices, weights = _core.prune_junction_edges(graph.indptr, graph.indices, data)
    pruned = type(csmat)((weights.astype(csmat.dtype, copy=False), indices, indptr), csmat.shape)
    pruned.has_canonical_format = True
    return pruned


def submatrix(M: Matrix, idxs: Sequence[int] | Array) -> Matrix:  # noqa: N803
    """Return the rows and columns `idxs` of a matrix.

    Parameters
    ----------
    M : scipy.sparse matrix, square
        The matrix.
    idxs : array_like of int
        The rows and columns to take.

    Returns
    -------
    sub : type of `M`
        Entry (i, j) is that of `M` at (idxs[i], idxs[j]).

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from skanrs.csr import submatrix
    >>> submatrix(sparse.csr_matrix(np.arange(16).reshape((4, 4))), [0, 2]).toarray()
    array([[ 0,  2],
           [ 8, 10]])
    """
    rows: Any = M[np.asarray(idxs), :]
    sub: Matrix = rows[:, np.asarray(idxs)]
    return sub


def _write_pixel_graph(
    image: Array, steps: Array, distances: Array, row: Array, col: Array, data: Array
) -> int:
    """Write the edges of an image whose nonzero pixels hold their node's number.

    Parameters
    ----------
    image : ndarray of int
        The numbers of the nodes, 0 for background; its border is background.
    steps : ndarray of int, shape (K,)
        The linear steps to the neighbours.
    distances : ndarray of float, shape (K,)
        The distance of each step.
    row, col, data : ndarray
        Written: the nodes at both ends of each edge, and its distance.

    Returns
    -------
    count : int
        The number of edges written.
    """
    return _write_edges(image, None, steps, distances, row, col, data)


def _write_pixel_graph_height(
    image: Array,
    height: Array,
    steps: Array,
    distances: Array,
    row: Array,
    col: Array,
    data: Array,
) -> int:
    """Write edges as `_write_pixel_graph`, up and down between heights."""
    return _write_edges(image, height, steps, distances, row, col, data)


def _write_edges(
    image: Array,
    height: Array | None,
    steps: Array,
    distances: Array,
    row: Array,
    col: Array,
    data: Array,
) -> int:
    labels = image.ravel()
    centres = np.flatnonzero(labels)
    centres = centres[(centres >= np.max(steps)) & (centres <= labels.size + np.min(steps))]
    neighbours = centres[:, np.newaxis] + steps
    linked = (labels[neighbours] != 0) & (labels[neighbours] != labels[centres][:, np.newaxis])
    at, step = np.nonzero(linked)
    first, second = centres[at], neighbours[at, step]
    row[: at.size], col[: at.size] = labels[first], labels[second]
    lengths = distances[step]
    if height is not None:
        rise = height.ravel()[first] - height.ravel()[second]
        lengths = np.sqrt(lengths**2 + rise**2)
    data[: at.size] = lengths
    return int(at.size)


def _extract_values(image: Array, coords: tuple[Array, ...]) -> Array | None:
    """Return the values of an image at these coordinates as `node_values` does."""
    return None if image.dtype == np.bool_ else as_values(image[coords])


def __getattr__(name: str) -> Any:
    return resolve_name(former_names.find(__name__, name))
