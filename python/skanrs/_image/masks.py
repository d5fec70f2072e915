"""Masks: images of two or three axes with at most one nonzero value."""

from __future__ import annotations

from typing import Any

import numpy as np

from skanrs._support.typing import Array

from .elements import check_elements
from .image import Image, as_image, check_axes


def as_mask(mask: Any, name: str = 'mask') -> Image:
    """Check a mask: its axes, its elements and its values.

    Parameters
    ----------
    mask : array_like, 2 or 3 axes
        Booleans, or numbers with at most one nonzero value.
    name : str, optional
        The argument's name, for messages.

    Raises
    ------
    ValueError
        If it has another number of axes, or more than two values.
    TypeError
        If its elements are not real numbers.
    """
    image = as_image(mask, name, least=2, most=3)
    if image.dtype != np.bool_:
        _check_values(image.array, name)
    return image


def check_lazy_mask(mask: Any, name: str = 'mask') -> None:
    """Check a dask array as `as_mask` does, except for its values."""
    check_axes(mask.ndim, name, 2, 3)
    check_elements(mask.dtype, name)


def _check_values(array: Array, name: str) -> None:
    values: set[Any] = set()
    # Plane by plane, so that the check needs less memory than the image.
    for plane in array:
        values.update(np.unique(plane[plane != 0]).tolist()[:3])
        if len(values) > 1:
            # NaN differs from itself.
            listed = sorted({str(value) for value in values})
            finite = next((value for value in listed if value != 'nan'), '0')
            raise ValueError(
                f'{name}: expected a mask (booleans, or 0 and one other value), got the values'
                f' {", ".join(listed[:3])}; threshold it first, for example {name} > {finite}'
            )
