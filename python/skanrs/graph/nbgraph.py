"""Compressed rows as a plain class, where skan compiles one."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from skanrs._support.typing import Array


class NBGraphBase:
    """A graph in compressed rows, with a number at each node.

    Parameters
    ----------
    indptr : array of int, shape (N + 1,)
        Where the row of each node starts in `indices`, and the end of the last one.
    indices : array of int
        The neighbours of each node, row by row.
    data : array
        The value of each entry.
    shape : array of int, shape (2,)
        N and N.
    node_props : array of float, shape (N,)
        The number at each node.

    Notes
    -----
    The arrays are kept as they are given: `set_edge` writes into the caller's `data`.

    Examples
    --------
    >>> import numpy as np
    >>> from skanrs.csr import NBGraph
    >>> indptr, indices, data = np.array([0, 1, 2]), np.array([1, 0]), np.array([2.0, 2.0])
    >>> graph = NBGraph(indptr, indices, data, np.array([2, 2]), np.ones(2))
    >>> graph.edge(0, 1)
    2.0
    >>> graph.neighbors(1)
    array([0])
    """

    def __init__(
        self, indptr: Array, indices: Array, data: Array, shape: Array, node_props: Array
    ) -> None:
        self.indptr = indptr
        self.indices = indices
        self.data = data
        self.shape = shape
        self.node_properties = node_props

    def _entry(self, i: int, j: int) -> int | None:
        """Return the position of the first entry from `i` to `j`."""
        entries = np.flatnonzero(self.neighbors(i) == j)
        return int(self.indptr[i]) + int(entries[0]) if entries.size else None

    def edge(self, i: int, j: int) -> float:
        """Return the value of the edge from `i` to `j`, 0 if there is none."""
        entry = self._entry(i, j)
        return 0.0 if entry is None else float(self.data[entry])

    def set_edge(self, i: int, j: int, value: float) -> bool:
        """Set the value of the edge from `i` to `j`; return whether there is one."""
        entry = self._entry(i, j)
        if entry is None:
            return False
        self.data[entry] = value
        return True

    def neighbors(self, row: int) -> Array:
        """Return the neighbours of node `row`."""
        return self.indices[self.indptr[row] : self.indptr[row + 1]]

    @property
    def has_node_props(self) -> bool:
        """Whether each node has a number of its own in memory."""
        return self.node_properties.strides != (0,)


class NBGraph(NBGraphBase):
    """A graph with a distance at each edge, see `NBGraphBase`; made by `csr_to_nbgraph`."""


class NBGraphBool(NBGraphBase):
    """A graph with a mark at each edge, see `NBGraphBase`."""


def csr_to_nbgraph(
    csr: sparse.csr_matrix | sparse.csr_array, node_props: Array | None = None
) -> NBGraph:
    """Convert a sparse matrix to a graph.

    Parameters
    ----------
    csr : scipy.sparse.csr_matrix or csr_array, shape (N, N)
        The matrix, of float64; its data are shared with the graph.
    node_props : array of number, shape (N,), optional
        The number at each node; 1 if it is not given.

    Returns
    -------
    graph : NBGraph
        The graph, with indices of int32 as long as every count fits.

    Raises
    ------
    AttributeError
        If `csr` is not a sparse matrix by rows.
    TypeError
        If its data are not float64.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from skanrs.csr import csr_to_nbgraph
    >>> graph = csr_to_nbgraph(sparse.csr_array([[0.0, 2.0], [2.0, 0.0]]))
    >>> graph.edge(0, 1), graph.edge(0, 0), graph.neighbors(0)
    (2.0, 0.0, array([1], dtype=int32))
    """
    if csr.data.dtype != np.float64:
        raise TypeError(f'csr: expected data of float64, got {csr.data.dtype}')
    largest = max(csr.nnz, *csr.shape)
    index = np.int32 if largest <= np.iinfo(np.int32).max else np.int64
    props = np.ones(csr.shape[0]) if node_props is None else node_props.astype(np.float64)
    return NBGraph(
        csr.indptr.astype(index, copy=False),
        csr.indices.astype(index, copy=False),
        csr.data,
        np.array(csr.shape, dtype=index),
        props,
    )
