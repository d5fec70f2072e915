"""Masks as a person gives them: two or three axes, and two values."""

from __future__ import annotations

from typing import Any

import numpy as np

from skanrs._support.typing import Array

from .elements import check_elements


def as_mask(mask: Any, name: str = 'mask') -> Array:
    """Return a mask as an array, or say why it is none.

    Parameters
    ----------
    mask : array_like, 2 or 3 axes
        Booleans, or numbers of at most one value that is not 0.
    name : str, optional
        The argument's name, for messages.

    Returns
    -------
    mask : ndarray
        The array itself, of its own type.

    Raises
    ------
    ValueError
        If it has another number of axes, or more than two values.
    TypeError
        If its elements are not real numbers.
    """
    array = np.asarray(mask)
    check_mask(array, name)
    if array.dtype != np.bool_:
        _check_values(array, name)
    return array


def check_mask(mask: Any, name: str = 'mask') -> None:
    """Raise what `as_mask` raises, but do not look at the values; for dask arrays too."""
    if mask.ndim not in (2, 3):
        raise ValueError(f'{name}: expected a 2D or 3D array, got {mask.ndim}D')
    check_elements(mask.dtype, name)


def _check_values(array: Array, name: str) -> None:
    found: set[Any] = set()
    # Plane by plane, lest the question take as much memory as the image.
    for plane in array:
        found.update(np.unique(plane[plane != 0]).tolist()[:3])
        if len(found) > 1:
            some = ', '.join(str(value) for value in sorted(found, key=str)[:3])
            raise ValueError(
                f'{name}: expected a mask, booleans or an image of 0 and one other value, but it'
                f' has {some} and perhaps more; threshold it first, for example'
                f' {name} > {sorted(found, key=str)[0]}'
            )


def in_three_axes(values: tuple[Any, ...], first: Any) -> tuple[Any, ...]:
    """Return what belongs to the axes of an image as that of three axes."""
    return (first,) * (3 - len(values)) + values
