"""The graph of a label image, in which a neighbour counts only if its label is equal."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from skanrs import _core
from skanrs._blocks.read import Pixels
from skanrs._image.image import take
from skanrs._image.labels import LabelImage, Labels, without_labels
from skanrs._support.typing import Array

from .path_graph import paths_matrix
from .pixel_graph import to_matrix


def pixels_of_labels(labels: LabelImage) -> tuple[Pixels, Array]:
    """Return the pixels of the chosen labels, without values, and their labels."""
    image = labels.image
    nodes = image.nodes()
    values = take(image.array, nodes)
    values = values.astype(values.dtype.newbyteorder('='), copy=False)
    if labels.chosen is not None:
        is_chosen = labels.is_chosen(values)
        nodes, values = nodes[is_chosen], values[is_chosen]
    return Pixels(image.shape, image.dtype, nodes, np.empty(0, bool)), values


def label_graph(pixels: Pixels, labels: Array, spacing: tuple[float, ...]) -> sparse.csr_matrix:
    """Return the pixel graph of labels without the edges that junctions do not need."""
    shape = pixels.shape
    arrays = _core.pixel_graph(pixels.nodes, shape, spacing, len(shape), prune=False)
    indptr, indices, weights = arrays
    is_equal = np.repeat(labels, np.diff(indptr)) == labels[indices]
    before = np.zeros(indices.size + 1, indptr.dtype)
    np.cumsum(is_equal, out=before[1:])
    kept = before[indptr], indices[is_equal], weights[is_equal]
    return to_matrix(*_core.prune_junction_edges(*kept))


def paths_by_label(graph: sparse.csr_matrix, labels: Array) -> sparse.csr_matrix:
    """Return the paths of a graph, those of the smallest label first, each label's in their order.

    Parameters
    ----------
    graph : scipy.sparse.csr_matrix, shape (N, N)
        The graph, see `label_graph`.
    labels : ndarray, shape (N,)
        The label of each pixel.
    """
    paths = paths_matrix(graph.indptr, graph.indices, graph.data, None)
    starts, nodes = paths.indptr, paths.indices
    order = np.argsort(labels[nodes[starts[:-1]]], kind='stable')
    lengths = np.diff(starts)[order]
    ends = np.cumsum(lengths, dtype=starts.dtype)
    moved = np.repeat(starts[:-1][order] - (ends - lengths), lengths) + np.arange(nodes.size)
    ordered = np.concatenate([starts[:1], ends])
    return sparse.csr_matrix((paths.data, nodes[moved], ordered), shape=paths.shape)


def own_labels(skeleton: Any, labels: Labels) -> Array | None:
    """Return the labels of the pixels of a `Skeleton`, or None if it was made without.

    Raises
    ------
    ValueError
        If `labels` are asked for that the skeleton was not made with.
    """
    of_pixels: Array | None = skeleton.pixel_labels
    is_choice = not isinstance(labels, (bool, np.bool_))
    if is_choice or (of_pixels is None and not without_labels(labels)):
        raise ValueError(
            f'labels: expected True for a Skeleton made with labels, else False, got {labels!r}'
        )
    return of_pixels
