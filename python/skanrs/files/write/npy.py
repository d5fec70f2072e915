"""Images in NumPy's formats, .npy and .npz, plane by plane."""

import zipfile
from collections.abc import Sequence
from typing import IO

import numpy as np

from .image import WritableImage, dtype_of, planes_of

__all__ = ['write_npy', 'write_npz']

# Of deflate: skeletons are nearly empty, and higher levels take longer for little.
LEVEL = 1


def write_npy(file: IO[bytes], image: WritableImage, spacing: Sequence[float] = ()) -> None:
    """Write an image as .npy, which has no place for the spacing."""
    descr = np.lib.format.dtype_to_descr(dtype_of(image))
    header = {'descr': descr, 'fortran_order': False, 'shape': image.shape}
    np.lib.format.write_array_header_1_0(file, header)
    for plane in planes_of(image):
        file.write(plane.tobytes())


def write_npz(file: IO[bytes], image: WritableImage, spacing: Sequence[float]) -> None:
    """Write an image under the key ``image`` and its spacing under ``spacing``."""
    with zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        with archive.open('image.npy', 'w', force_zip64=True) as member:
            write_npy(member, image)
        with archive.open('spacing.npy', 'w') as member:
            np.lib.format.write_array(member, np.array(spacing))
