"""The elements of an array as the kernels read them: unsigned integers and a mask of bits."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt


def check_elements(dtype: np.dtype[Any], name: str) -> None:
    """Raise a TypeError that names the argument unless it holds booleans or real numbers."""
    if dtype.kind not in 'biuf':
        raise TypeError(f'{name}: expected an array of booleans or real numbers, got {dtype}')


def foreground_bits(array: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.generic], int]:
    """View an array as unsigned integers whose bits tell foreground from background.

    No element is converted: integers are foreground if any bit is set, floats if any but the sign
    bit is (so -0.0 is background, NaN is foreground), in either byte order.

    Parameters
    ----------
    array : ndarray
        Booleans or real numbers, see `check_elements`.

    Returns
    -------
    elements : ndarray of unsigned integers, shape of `array`
        A view, or a copy where the memory is not aligned or the element has no integer of its
        size.
    mask : int
        An element is foreground if it has any of these bits.
    """
    kind, size = array.dtype.kind, array.dtype.itemsize
    if size > 8 or not array.flags.aligned:
        array, kind, size = array.astype(bool), 'b', 1
    bits = bytearray(b'\xff' * size)
    if kind == 'f':
        bits[0] = 0x7F
    if array.dtype.byteorder != '>':
        bits.reverse()
    return array.view(f'u{size}'), int.from_bytes(bits, sys.byteorder)
