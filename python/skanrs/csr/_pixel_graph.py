"""Graphs of neighbouring pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

from skanrs import _core
from skanrs._elements import check_elements, foreground_bits

Array = npt.NDArray[Any]
EdgeFunction = Callable[[Array, Array, Array], Array]
Matrix = TypeVar('Matrix', sparse.csr_matrix, sparse.csr_array)

# A direction must fit 16 bits.
_MOST_AXES = 10


def pixel_graph(
    image: Array,
    *,
    mask: Array | None = None,
    edge_function: EdgeFunction | None = None,
    connectivity: int = 1,
    spacing: npt.ArrayLike | None = None,
) -> tuple[sparse.csr_matrix, npt.NDArray[np.int64]]:
    """Create the graph of neighbouring pixels of an image.

    Parameters
    ----------
    image : ndarray, 1 to 10 axes
        The image. If it is of bool and there is no mask, it is the mask too.
    mask : ndarray, shape of `image`, optional
        The pixels to take are those where it is not 0; all of them if it is not given.
    edge_function : callable, optional
        Takes the values at one end of each edge, those at the other end, and the distances, and
        returns the values of the edges. Without one, an edge is its distance if there is a mask
        (or the image is one), else the distance times the absolute difference of the values.
    connectivity : int, optional
        How many orthogonal steps lead to a neighbour at most, 1 to the number of axes.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis, 1 if it is not given.

    Returns
    -------
    graph : scipy.sparse.csr_matrix, shape (N, N)
        Entry (i, j) is the edge between pixels i and j.
    nodes : ndarray of int64, shape (N,)
        The linear index (in C order) of each pixel of the graph, ascending.

    Raises
    ------
    ValueError
        If `mask` has another shape, or `connectivity` or `spacing` make no sense.
    TypeError
        If the elements of the mask are not real numbers, or those of the image are no numbers and
        there is no `edge_function` for them.

    Examples
    --------
    >>> import numpy as np
    >>> from skanrs.csr import pixel_graph
    >>> graph, nodes = pixel_graph(np.array([[True, True], [False, True]]))
    >>> nodes
    array([0, 1, 3])
    >>> graph.toarray()
    array([[0., 1., 0.],
           [1., 0., 1.],
           [0., 1., 0.]])
    """
    image = _with_axes(image, 'image')
    if mask is None and image.dtype == bool:
        mask = image
    if mask is None:
        nodes = np.arange(image.size)
        if edge_function is None:
            if image.dtype.kind not in 'iufc':
                raise TypeError(f'image: expected an array of numbers, got {image.dtype}')
            edge_function = _weighted_abs_diff
    else:
        mask = np.asarray(mask)
        if mask.shape != image.shape:
            raise ValueError(f'mask: expected shape {image.shape} as the image, got {mask.shape}')
        check_elements(mask.dtype, 'mask')
        nodes = foreground_nodes(mask)
    if not 1 <= connectivity <= image.ndim:
        raise ValueError(f'connectivity: expected 1 to {image.ndim}, got {connectivity}')
    steps = spacing_per_axis(1 if spacing is None else spacing, image.ndim)
    arrays = _core.pixel_graph(nodes, image.shape, steps, connectivity, prune=False)
    indptr, indices, weights = arrays
    if edge_function is not None:
        rows = np.repeat(nodes, np.diff(indptr))
        columns = nodes[indices]
        values = take(image, rows), take(image, columns)
        weights = np.asarray(edge_function(*values, weights))
    return to_matrix(indptr, indices, weights), nodes


def skeleton_to_csgraph(
    skel: Array, *, spacing: npt.ArrayLike = 1, value_is_height: bool = False
) -> tuple[sparse.csr_matrix, tuple[npt.NDArray[np.int64], ...]]:
    """Convert a skeleton image to the graph of its pixels.

    Every pixel that is not 0 is a node, linked to all its neighbours, diagonal ones too; where
    junction pixels touch each other only a minimum spanning tree of their edges is kept.

    Parameters
    ----------
    skel : ndarray, 1 to 10 axes
        The skeleton; NaN and negative values are nodes as well.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis.
    value_is_height : bool, optional
        Whether the value of a pixel is its height, so that edges lead up and down.

    Returns
    -------
    graph : scipy.sparse.csr_matrix, shape (N, N)
        The distances between neighbouring pixels.
    pixel_coordinates : tuple of ndarray of int64, each of shape (N,)
        The coordinates of the nodes, axis by axis, in units of pixels.

    Raises
    ------
    ValueError
        If `spacing` is not positive and finite, or heights are not finite.
    TypeError
        If the elements of `skel` are not real numbers, or are of bool where they are heights.

    Examples
    --------
    >>> import numpy as np
    >>> from skanrs.csr import skeleton_to_csgraph
    >>> graph, coordinates = skeleton_to_csgraph(np.eye(2, dtype=bool), spacing=[3, 4])
    >>> graph.toarray()
    array([[0., 5.],
           [5., 0.]])
    >>> coordinates
    (array([0, 1]), array([0, 1]))
    """
    skel = as_image(skel, 'skel')
    nodes = foreground_nodes(skel)
    graph = skeleton_graph(skel.shape, nodes, take(skel, nodes), spacing, value_is_height)
    return graph, tuple(_core.unravel(nodes, skel.shape))


def skeleton_graph(
    shape: tuple[int, ...],
    nodes: npt.NDArray[np.int64],
    values: Array,
    spacing: npt.ArrayLike,
    value_is_height: bool,
) -> sparse.csr_matrix:
    """Return the pruned pixel graph of the pixels `nodes` of an image, which have these values."""
    steps = spacing_per_axis(spacing, len(shape))
    heights, half = as_heights(values) if value_is_height else (None, False)
    arrays = _core.pixel_graph(nodes, shape, steps, len(shape), heights=heights, half=half)
    return to_matrix(*arrays)


def as_image(image: Array, name: str) -> Array:
    """Return `image` as an array of a number of axes, and of elements, that the kernels know."""
    array = _with_axes(image, name)
    check_elements(array.dtype, name)
    return array


def _with_axes(image: Array, name: str) -> Array:
    array = np.asarray(image)
    if not 1 <= array.ndim <= _MOST_AXES:
        raise ValueError(f'{name}: expected 1 to {_MOST_AXES} axes, got {array.ndim}')
    return array


def foreground_nodes(image: Array) -> npt.NDArray[np.int64]:
    """Return the linear indices of the pixels that are not 0, ascending."""
    elements, mask = foreground_bits(image)
    return _core.foreground_indices(elements, mask, (0,) * image.ndim, image.shape)


def take(image: Array, nodes: npt.NDArray[np.int64]) -> Array:
    """Return the values of the pixels with these linear indices, without a copy of the image."""
    if image.flags.c_contiguous:
        return image.reshape(-1)[nodes]
    return image[np.unravel_index(nodes, image.shape)]


def coordinates_of(nodes: npt.NDArray[np.int64], shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return the coordinates of linear indices, one row each."""
    return np.ascontiguousarray(_core.unravel(nodes, shape).T)


def spacing_per_axis(spacing: npt.ArrayLike, ndim: int) -> list[float]:
    """Return the spacing along each axis; refuse what makes no distances."""
    try:
        given = np.asarray(spacing, dtype=np.float64)
        steps = np.broadcast_to(given, ndim)
    except (TypeError, ValueError):
        raise ValueError(
            f'spacing: expected a number or one for each of {ndim} axes, got {spacing!r}'
        ) from None
    # The square of a distance must be finite and positive too.
    with np.errstate(over='ignore', under='ignore'):
        squares = steps * steps
        usable = (steps > 0) & (squares > 0) & np.isfinite(squares.sum())
    if not usable.all():
        if np.isfinite(given).all() and (given > 0).all():
            raise ValueError(
                f'spacing: expected numbers whose squares fit a float, got {spacing!r}'
            )
        raise ValueError(f'spacing: expected positive, finite numbers, got {spacing!r}')
    return [float(step) for step in steps]


def to_matrix(indptr: Array, indices: Array, data: Array) -> sparse.csr_matrix:
    """Return a square matrix of rows that are sorted and free of duplicates."""
    count = indptr.size - 1
    matrix = sparse.csr_matrix((data, indices, indptr), shape=(count, count))
    matrix.has_canonical_format = True
    return matrix


def as_heights(values: Array) -> tuple[Array, bool]:
    """Return heights in a type that the kernel takes, and whether they were of half precision."""
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind not in 'iuf' or size > 8:
        raise TypeError(f'value_is_height: expected an image of numbers, got {values.dtype}')
    if kind == 'f' and not np.isfinite(values).all():
        raise ValueError('value_is_height: expected finite heights, but some are NaN or infinite')
    wide = {'i': np.int64, 'u': np.uint64, 'f': np.float32 if size < 8 else np.float64}[kind]
    return values.astype(wide, copy=False), size == 2


def _weighted_abs_diff(values0: Array, values1: Array, distances: Array) -> Array:
    """Return the absolute differences of two arrays times the distances."""
    return np.asarray(np.abs(values0 - values1) * distances)


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


def make_degree_image(skeleton_image: Array) -> Array:
    """Count the neighbours of each pixel of a skeleton.

    Parameters
    ----------
    skeleton_image : ndarray or dask array
        The skeleton: pixels that are not 0.

    Returns
    -------
    degree_image : array of int64, shape of `skeleton_image`
        For each pixel of the skeleton how many of its neighbours, diagonal ones too, belong to the
        skeleton; 0 elsewhere. Lazy for a dask array.

    Examples
    --------
    >>> import numpy as np
    >>> from skanrs.csr import make_degree_image
    >>> make_degree_image(np.array([[1, 0, 0], [0, 1, 1]]))
    array([[1, 0, 0],
           [0, 2, 1]])
    """
    if not isinstance(skeleton_image, np.ndarray) and hasattr(skeleton_image, 'map_overlap'):
        nonzero = skeleton_image.astype(bool)
        return nonzero.map_overlap(make_degree_image, depth=1, boundary=False, dtype=np.int64)
    image = as_image(skeleton_image, 'skeleton_image')
    nodes = foreground_nodes(image)
    indptr, _, _ = _core.pixel_graph(
        nodes, image.shape, [1.0] * image.ndim, image.ndim, prune=False
    )
    degrees = np.zeros(image.shape, dtype=np.int64)
    degrees.reshape(-1)[nodes] = np.diff(indptr)
    return degrees


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
        How many edges were written.
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
