"""Images as zarr 3, chunk by chunk; empty chunks are not stored."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .image import WritableImage, dtype_of

__all__ = ['write_zarr']

ZARR_CHUNK = 128


def write_zarr(
    folder: Path, image: WritableImage, spacing: Sequence[float], unit: str | None
) -> None:
    """Write an image as a zarr array with the attributes ``spacing`` and ``unit``."""
    import zarr

    attributes: dict[str, Any] = {'spacing': [float(size) for size in spacing]}
    if unit is not None:
        attributes['unit'] = unit

    chunks = tuple(min(ZARR_CHUNK, max(1, length)) for length in image.shape)
    array = zarr.create_array(
        folder,
        shape=image.shape,
        chunks=chunks,
        dtype=dtype_of(image),
        zarr_format=3,
        dimension_names=list('zyx'[-len(image.shape) :]),
        attributes=attributes,
    )
    starts = [range(0, n, chunk) for n, chunk in zip(image.shape, chunks, strict=True)]
    for index in np.ndindex(*map(len, starts)):
        box = tuple(
            slice(start[i], min(start[i] + chunk, n))
            for start, i, chunk, n in zip(starts, index, chunks, image.shape, strict=True)
        )
        block = image[box]
        if block.any():
            array[box] = block
