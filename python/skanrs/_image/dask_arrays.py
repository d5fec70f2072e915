"""Telling dask arrays from arrays in memory, without importing dask."""

from __future__ import annotations

import sys
from typing import Any, TypeGuard


def is_dask_array(array: object) -> TypeGuard[Any]:
    """Return whether `array` is a dask array, without importing dask."""
    module = sys.modules.get('dask.array')
    return module is not None and isinstance(array, module.Array)


def refuse_dask_array(array: Any, name: str, instead: str) -> None:
    """Raise a TypeError, which names another function, for a dask array."""
    if is_dask_array(array):
        raise TypeError(f'{name}: expected an array in memory, got a dask array; use {instead}')


def refuse_mixture(skeleton: Any, mask: Any, name: str = 'skeleton') -> None:
    """Raise a TypeError if one of two arrays is a dask array and the other, if there, is not."""
    if skeleton is not None and is_dask_array(skeleton) != is_dask_array(mask):
        names = ('mask', name) if is_dask_array(mask) else (name, 'mask')
        raise TypeError(
            f'{name}, mask: expected dask arrays or arrays in memory, but {names[0]} is a dask'
            f' array and {names[1]} is not'
        )
