"""Images as TIFF, plane by plane: with ImageJ's metadata where these can hold the spacing."""

import json
import math
from collections.abc import Sequence
from typing import IO, Any

import numpy as np

from .image import WritableImage, dtype_of, planes_of
from .npy import LEVEL

__all__ = ['write_tiff']

IMAGEJ_TYPES = ('u1', 'u2')
"""The integers that ImageJ has."""


def write_tiff(
    file: IO[bytes], image: WritableImage, spacing: Sequence[float], unit: str | None
) -> None:
    """Write a mask as TIFF, as 0 and 255, or labels as they are; compressed by zlib."""
    import tifffile

    dtype = dtype_of(image)
    planes = planes_of(image)
    if dtype.kind == 'b':
        dtype = np.dtype(np.uint8)
        planes = (plane.view(np.uint8) * np.uint8(255) for plane in planes)

    resolution: dict[str, Any] = {}
    if dtype.str[1:] in IMAGEJ_TYPES and _is_for_imagej(image.shape, spacing, unit):
        pages = image.shape[0] if len(image.shape) == 3 else 1
        lines = ['ImageJ=1.11a', f'images={pages}', f'slices={pages}', 'loop=false']
        lines += [f'unit={"micron" if unit == "µm" else unit}', f'spacing={float(spacing[0])}']
        description = '\n'.join(lines) + '\n'
        resolution = {
            'resolution': (1 / spacing[-1], 1 / spacing[-2]),
            'resolutionunit': 'none',
        }
    else:
        # As tifffile describes arrays.
        metadata: dict[str, Any] = {'shape': image.shape, 'axes': 'ZYX'[-len(image.shape) :]}
        metadata['spacing'] = [float(size) for size in spacing]
        description = json.dumps(metadata if unit is None else {**metadata, 'unit': unit})
    voxels = math.prod(image.shape)
    tifffile.imwrite(
        file,
        planes,
        shape=image.shape,
        dtype=dtype,
        bigtiff=voxels * dtype.itemsize > 2**32 - 2**25,
        photometric='minisblack',
        compression='zlib',
        compressionargs={'level': LEVEL},
        description=description,
        metadata=None,
        **resolution,
    )


def _is_for_imagej(shape: Sequence[int], spacing: Sequence[float], unit: str | None) -> bool:
    """Tell whether ImageJ's way to name the size of a voxel can hold this one.

    It needs a unit, in ASCII. A single plane would come back without its first axis. Sizes in the
    plane are fractions of integers of 32 bits.
    """
    return (
        unit is not None
        and (unit == 'µm' or (unit.isascii() and unit.isalpha()))
        and (len(shape) == 2 or shape[0] > 1)
        and all(1e-6 <= size <= 1e6 for size in spacing[-2:])
    )
