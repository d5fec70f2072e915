"""Masks as zarr 3, chunk by chunk; empty chunks are not stored."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .mask import Mask, dtype_of

__all__ = ['write_zarr']

ZARR_CHUNK = 128


def write_zarr(folder: Path, mask: Mask, spacing: Sequence[float], unit: str | None) -> None:
    """Write a mask as a zarr array with the attributes ``spacing`` and ``unit``."""
    import zarr

    attributes: dict[str, Any] = {'spacing': [float(size) for size in spacing]}
    if unit is not None:
        attributes['unit'] = unit

    chunks = tuple(min(ZARR_CHUNK, max(1, length)) for length in mask.shape)
    array = zarr.create_array(
        folder,
        shape=mask.shape,
        chunks=chunks,
        dtype=dtype_of(mask),
        zarr_format=3,
        dimension_names=list('zyx'[-len(mask.shape) :]),
        attributes=attributes,
    )
    starts = [range(0, n, chunk) for n, chunk in zip(mask.shape, chunks, strict=True)]
    for index in np.ndindex(*map(len, starts)):
        box = tuple(
            slice(at[i], min(at[i] + chunk, n))
            for at, i, chunk, n in zip(starts, index, chunks, mask.shape, strict=True)
        )
        block = mask[box]
        if block.any():
            array[box] = block
