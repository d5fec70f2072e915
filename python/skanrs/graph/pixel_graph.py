"""Graphs of neighbouring pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

from skanrs import _core
from skanrs._blocks.read import Pixels, pixels_of
from skanrs._image.array_types import takes_images
from skanrs._image.image import as_heights, as_image, check_axes, take
from skanrs._image.spacing import as_spacing
from skanrs._support.typing import Array

EdgeFunction = Callable[[Array, Array, Array], Array]
Matrix = TypeVar('Matrix', sparse.csr_matrix, sparse.csr_array)


@takes_images('image', 'mask', whole=True)
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
        The largest number of orthogonal steps to a neighbour, from 1 to the number of axes.
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
        If `mask` has another shape, or `connectivity` or `spacing` is invalid.
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
    image = np.asarray(image)
    check_axes(image.ndim, 'image')
    if mask is None and image.dtype == bool:
        mask = image
    if mask is None:
        nodes = np.arange(image.size)
        if edge_function is None:
            if image.dtype.kind not in 'iufc':
                raise TypeError(f'image: expected an array of numbers, got {image.dtype}')
            edge_function = _weighted_abs_diff
    else:
        checked = as_image(mask, 'mask')
        if checked.shape != image.shape:
            raise ValueError(
                f'mask: expected shape {image.shape} as the image, got {checked.shape}'
            )
        nodes = checked.nodes()
    if not 1 <= connectivity <= image.ndim:
        raise ValueError(f'connectivity: expected 1 to {image.ndim}, got {connectivity}')
    floats = as_spacing(1 if spacing is None else spacing, image.ndim).floats
    arrays = _core.pixel_graph(nodes, image.shape, floats, connectivity, prune=False)
    indptr, indices, weights = arrays
    if edge_function is not None:
        rows = np.repeat(nodes, np.diff(indptr))
        columns = nodes[indices]
        values = take(image, rows), take(image, columns)
        weights = np.asarray(edge_function(*values, weights))
    return to_matrix(indptr, indices, weights), nodes


@takes_images('skel', whole=True)
def skeleton_to_csgraph(
    skel: Array, *, spacing: npt.ArrayLike = 1, value_is_height: bool = False
) -> tuple[sparse.csr_matrix, tuple[npt.NDArray[np.int64], ...]]:
    """Convert a skeleton image to the graph of its pixels.

    Each nonzero pixel is a node, linked to all its neighbours, diagonal ones too; where
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
    pixels = pixels_of(as_image(skel, 'skel'))
    floats = as_spacing(spacing, len(pixels.shape)).floats
    graph = skeleton_graph(pixels, floats, value_is_height)
    return graph, tuple(_core.unravel(pixels.nodes, pixels.shape))


def skeleton_graph(
    pixels: Pixels, spacing: tuple[float, ...], value_is_height: bool
) -> sparse.csr_matrix:
    """Return the pixel graph of a skeleton without the edges that junctions do not need."""
    heights, half = as_heights(pixels.values) if value_is_height else (None, False)
    shape = pixels.shape
    arrays = _core.pixel_graph(pixels.nodes, shape, spacing, len(shape), heights=heights, half=half)
    return to_matrix(*arrays)


def to_matrix(indptr: Array, indices: Array, data: Array) -> sparse.csr_matrix:
    """Return a square matrix of rows that are sorted and free of duplicates."""
    count = indptr.size - 1
    matrix = sparse.csr_matrix((data, indices, indptr), shape=(count, count))
    matrix.has_canonical_format = True
    return matrix


def _weighted_abs_diff(values0: Array, values1: Array, distances: Array) -> Array:
    """Return the absolute differences of two arrays times the distances."""
    return np.asarray(np.abs(values0 - values1) * distances)


@takes_images('skeleton_image', spacing=False, returns_image=True)
def make_degree_image(skeleton_image: Array) -> Array:
    """Count the neighbours of each pixel of a skeleton.

    Parameters
    ----------
    skeleton_image : ndarray or dask array
        The skeleton: pixels that are not 0.

    Returns
    -------
    degree_image : array of int64, shape of `skeleton_image`
        For each pixel of the skeleton the number of neighbours, diagonal ones included, in the
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
    nodes = image.nodes()
    indptr, _, _ = _core.pixel_graph(
        nodes, image.shape, [1.0] * image.ndim, image.ndim, prune=False
    )
    degrees = np.zeros(image.shape, dtype=np.int64)
    degrees.reshape(-1)[nodes] = np.diff(indptr)
    return degrees
