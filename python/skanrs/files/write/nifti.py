"""Images as NIfTI, whole in memory: its first axis is the fastest, that of arrays the slowest."""

import gzip
from collections.abc import Sequence
from typing import IO

import numpy as np

from .image import WritableImage, dtype_of

__all__ = ['write_nifti']

UNITS = {'µm': 'micron', 'um': 'micron', 'mm': 'mm', 'm': 'meter'}
"""The names of units in nibabel."""


def write_nifti(
    file: IO[bytes],
    image: WritableImage,
    spacing: Sequence[float],
    unit: str | None,
    *,
    compress: bool,
) -> None:
    """Write an image with the axes that `skanrs.open_image` reads; a mask as 0 and 1."""
    import nibabel

    dtype = dtype_of(image)
    everything = image[tuple(slice(0, length) for length in image.shape)]
    voxels = np.asarray(everything, np.uint8 if dtype.kind == 'b' else dtype)
    nifti = nibabel.Nifti1Image(voxels, np.diag([*spacing, *[1.0] * (4 - len(spacing))]))
    if unit in UNITS:
        nifti.header.set_xyzt_units(UNITS[unit])
    content = nifti.to_bytes()
    # Without a time, so that the same image gives the same bytes.
    file.write(gzip.compress(content, mtime=0) if compress else content)
