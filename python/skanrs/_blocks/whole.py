"""Tasks that need the whole of a dask array, put together in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.delayed import Delayed

from .tasks import Blocks, check_same_blocks


def delay_with_whole(
    function: Callable[..., Any], arrays: Mapping[str, da.Array | None], **options: Any
) -> Delayed:
    """Return, delayed, what a function makes of arrays in memory, which one task puts together.

    Parameters
    ----------
    function : callable
        It takes the arrays by their names, and the options.
    arrays : mapping of str to dask array or None
        The arrays by the names that messages give them; all have the chunks of the first, which
        is given.

    Raises
    ------
    ValueError
        If an array has another shape or other chunks than the first, or chunks of unknown size.
    """
    given = {name: array for name, array in arrays.items() if array is not None}
    whole_name, whole = next(iter(given.items()))
    named = {}
    for name, array in given.items():
        blocks = Blocks(array, name)
        if name != whole_name:
            check_same_blocks(array, whole, whole_name, name)
        named[name] = da.Array(blocks.graph, array.name, array.chunks, meta=array._meta)
    return dask.delayed(partial(function, **options), pure=True)(**named)


def empty_arrays(arrays: Mapping[str, da.Array | None]) -> dict[str, Any]:
    """Return arrays of the same axes and dtypes without elements."""
    return {
        name: None if array is None else np.empty((0,) * array.ndim, array.dtype)
        for name, array in arrays.items()
    }
