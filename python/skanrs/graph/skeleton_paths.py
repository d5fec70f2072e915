"""Paths of a `Skeleton`: check their numbers, draw their labels, thin after their removal."""

import operator
from collections.abc import Iterable
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt
from scipy import sparse

from skanrs import _core
from skanrs._image.image import as_image
from skanrs._image.labels import as_labels, thin_labels
from skanrs._support.typing import Array

from .path_graph import index_arrays


def path_number(index: SupportsIndex, n_paths: int) -> int:
    """Return the checked number of one path."""
    number = operator.index(index)
    if not 0 <= number < n_paths:
        raise ValueError(
            f'index: expected a path from 0 to {n_paths - 1}, got {number}'
            if n_paths
            else f'index: expected a skeleton with paths, got index {number} and no paths'
        )
    return number


def path_numbers(indices: Iterable[SupportsIndex], n_paths: int) -> list[int]:
    """Return the checked numbers of paths, given as integers or as a boolean mask."""
    given = indices if hasattr(indices, '__array__') else list(indices)
    mask = np.asarray(given)
    if mask.dtype == object and all(isinstance(index, (bool, np.bool_)) for index in mask.flat):
        mask = mask.astype(bool)
    if mask.dtype == np.bool_:
        if mask.shape != (n_paths,):
            raise ValueError(
                f'indices: expected a bool for each of {n_paths} paths, got {mask.shape}'
            )
        return np.flatnonzero(mask).tolist()
    numbers = [operator.index(index) for index in given]
    absent = [number for number in numbers if not 0 <= number < n_paths]
    if absent:
        raise ValueError(
            f'The path index {absent[0]} does not exist in this skeleton, which has '
            f'{n_paths} paths numbered from 0. If you obtained the index from a summary '
            'table, you probably need to resummarize the skeleton.'
        )
    return numbers


def ravel_rounded(coordinates: Array, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return the linear indices of the pixels nearest to these coordinates."""
    rounded = np.round(coordinates).astype(np.int64)
    return np.asarray(np.ravel_multi_index(tuple(rounded.T), shape), dtype=np.int64)


def label_image(
    shape: tuple[int, ...],
    positions: npt.NDArray[np.int64],
    paths: sparse.csr_matrix | sparse.csr_array,
) -> npt.NDArray[np.int64]:
    """Draw each path with its number + 1; `positions` are the linear indices of the pixels."""
    labels = np.zeros(shape, dtype=np.int64)
    _core.label_paths(labels.reshape(-1), positions, *index_arrays(paths.indptr, paths.indices))
    return labels


def thin_without(image: Array, coordinates: Array, labels: Array | None) -> None:
    """Clear the pixels at these coordinates in a 2D or 3D skeleton, and thin it in place.

    With `labels`, those of its pixels, each of them is thinned alone and others are cleared.
    """
    image[tuple(np.round(coordinates).astype(np.int64).T)] = 0
    method = 'zhang' if image.ndim == 2 else 'lee'
    if labels is not None:
        image[...] = thin_labels(as_labels(image, 'skeleton_image', np.unique(labels)), method)
        return
    # `skeletonize` gives the same result but visits every voxel.
    nodes = as_image(image, 'skeleton_image').nodes()
    planes: tuple[int, ...] = (1,) if image.ndim == 2 else ()
    kept = _core.thin_nodes(nodes, (*planes, *image.shape), method)
    image[np.unravel_index(nodes[~kept], image.shape)] = 0
