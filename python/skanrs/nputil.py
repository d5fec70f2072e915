"""Linear offsets to neighbouring pixels, under skan's names; the package does not use them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from skanrs._support.typing import Array

__all__ = ['raveled_steps_to_neighbors', 'smallest_int_dtype']


def smallest_int_dtype(
    number: int, *, signed: bool = False, min_dtype: type[np.integer[Any]] = np.int8
) -> type[np.integer[Any]]:
    """Return the smallest type of integers that holds a number.

    Parameters
    ----------
    number : int
        The number. If negative, the type is signed and also holds its absolute value.
    signed : bool, optional
        Whether the type must be signed.
    min_dtype : type of numpy integer, optional
        Returned instead of any type with a smaller maximum.

    Returns
    -------
    dtype : type of numpy integer
        The type.

    Examples
    --------
    >>> from skanrs.nputil import smallest_int_dtype
    >>> smallest_int_dtype(300).__name__, smallest_int_dtype(-300).__name__
    ('uint16', 'int16')
    """
    kinds: Sequence[type[np.integer[Any]]] = (np.uint8, np.uint16, np.uint32, np.uint64)
    if signed or number < 0:
        kinds = (np.int8, np.int16, np.int32, np.int64)
    size = abs(number)
    dtype = next((kind for kind in kinds if size <= np.iinfo(kind).max), kinds[-1])
    return min_dtype if np.iinfo(dtype).max < np.iinfo(min_dtype).max else dtype


def raveled_steps_to_neighbors(
    shape: tuple[int, ...],
    connectivity: int = 1,
    *,
    order: Literal['C', 'F'] = 'C',
    spacing: npt.ArrayLike = 1,
    return_distances: bool = True,
) -> Array | tuple[Array, Array]:
    """Return the steps of the linear index from a pixel to its neighbours.

    Parameters
    ----------
    shape : tuple of int
        The shape of the image.
    connectivity : int, optional
        Maximum number of orthogonal steps to a neighbour.
    order : {'C', 'F'}, optional
        The order of the pixels in memory.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis.
    return_distances : bool, optional
        Whether to return the distances too.

    Returns
    -------
    steps : ndarray of int, shape (K,)
        The steps: those along one axis first, then those along two, and so on.
    distances : ndarray of float, shape (K,)
        The length of each step.

    Examples
    --------
    >>> from skanrs.nputil import raveled_steps_to_neighbors
    >>> raveled_steps_to_neighbors((2, 3), 2, return_distances=False)
    array([ 3,  1, -3, -1,  4,  2, -2, -4])
    """
    along = np.ones(len(shape)) * np.asarray(spacing)
    inner = shape[:0:-1] if order == 'C' else shape[:-1]
    strides = np.cumprod((1, *inner))[::-1]
    steps, distances = [strides, -strides], [along, along]
    for hops in range(2, connectivity + 1):
        signs = np.array(list(itertools.product((1, -1), repeat=hops)))
        lengths = np.array(list(itertools.combinations(strides, hops))).T
        squares = np.array(list(itertools.combinations(along**2, hops))).T
        steps.append((signs @ lengths).ravel())
        distances.append(np.sqrt(np.abs(signs) @ squares).ravel())
    all_steps = np.concatenate(steps).astype(int)
    return (all_steps, np.concatenate(distances)) if return_distances else all_steps


def _raveled_offsets_and_distances(
    image_shape: tuple[int, ...],
    *,
    footprint: npt.ArrayLike | None = None,
    connectivity: int = 1,
    center: Sequence[int] | None = None,
    spacing: npt.ArrayLike | None = None,
    order: Literal['C', 'F'] = 'C',
) -> tuple[Array, Array]:
    """Return the steps to the pixels of a footprint, the nearest first, and their distances.

    Parameters
    ----------
    image_shape : tuple of int
        The shape of the image.
    footprint : array_like of bool, optional
        The pixels around `center` to step to.
    connectivity : int, optional
        Maximum number of orthogonal steps to a neighbour, if there is no footprint.
    center : sequence of int, optional
        Origin of the steps in the footprint; its middle by default.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis.
    order : {'C', 'F'}, optional
        The order of the pixels in memory.

    Returns
    -------
    raveled_offsets : ndarray of int
        The steps, without the step from the centre to itself.
    distances : ndarray of float
        The length of each step.

    Raises
    ------
    ValueError
        If the numbers of axes differ, or `order` is neither 'C' nor 'F'.
    """
    ndim = len(image_shape)
    if footprint is None:
        hops = np.abs(np.indices((3,) * ndim) - 1).sum(axis=0)
        footprint = hops <= max(connectivity, 1)
    footprint = np.asarray(footprint)
    middle = np.array(footprint.shape) // 2 if center is None else np.asarray(center)
    if not footprint.ndim == ndim == len(middle):
        raise ValueError(
            f'image_shape, footprint and center: expected as many axes in each, '
            f'got {ndim}, {footprint.ndim} and {len(middle)}'
        )
    if order not in ('C', 'F'):
        raise ValueError(f"order: expected 'C' or 'F', got {order!r}")
    offsets = np.argwhere(footprint) - middle
    if order == 'F':
        offsets, image_shape = offsets[:, ::-1], image_shape[::-1]
    strides = np.cumprod((1, *image_shape[:0:-1]))[::-1]
    steps = (offsets * strides).sum(axis=1)
    along = np.ones(ndim) if spacing is None else np.asarray(spacing)
    distances = np.sqrt(np.sum((offsets * along) ** 2, axis=1))
    nearest = np.argsort(distances)
    steps, distances = steps[nearest], np.sort(distances)
    if any(length < width for length, width in zip(image_shape, footprint.shape, strict=True)):
        # If the image is narrower than the footprint, two of its pixels can share a linear step.
        first = np.sort(np.unique(steps, return_index=True)[1])
        steps, distances = steps[first], distances[first]
    return steps[1:], distances[1:]


def _validate_connectivity(
    image_dim: int,
    connectivity: int | npt.ArrayLike | None,
    offset: Sequence[int] | Array | None,
) -> tuple[npt.NDArray[np.bool_], Sequence[int] | Array]:
    """Turn a connectivity into a footprint and its centre.

    Parameters
    ----------
    image_dim : int
        The number of axes of the image.
    connectivity : int, array_like of bool, or None
        Maximum number of orthogonal steps to a neighbour (None: 1), or the footprint itself.
    offset : sequence of int or None
        The centre of the footprint; its middle if None.

    Returns
    -------
    footprint : ndarray of bool
        The footprint.
    offset : array of int
        Its centre.

    Raises
    ------
    ValueError
        If the footprint and the image differ in their number of axes, or the footprint has no
        middle.
    """
    if connectivity is None or np.isscalar(connectivity):
        hops = np.abs(np.indices((3,) * image_dim) - 1).sum(axis=0)
        footprint = np.asarray(hops <= max(int(connectivity or 1), 1))  # type: ignore[arg-type]
    else:
        footprint = np.array(connectivity, dtype=bool)
        if footprint.ndim != image_dim:
            raise ValueError(
                f'connectivity: expected {image_dim} axes as the image, got {footprint.ndim}'
            )
    if offset is None:
        if any(length % 2 == 0 for length in footprint.shape):
            raise ValueError(
                f'connectivity: expected a footprint of odd lengths, got shape {footprint.shape}'
            )
        offset = np.array(footprint.shape) // 2
    return footprint, offset
