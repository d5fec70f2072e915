"""A mask to a file, in the format that the name asks for."""

from collections.abc import Sequence
from pathlib import Path

from ..errors import known_suffix
from .atomic import AtomicOutputs
from .check_output import IMAGE_SUFFIXES
from .mask import Mask
from .npy import write_npy, write_npz
from .tiff import write_tiff
from .zarr import write_zarr

__all__ = ['write_image']


def write_image(
    outputs: AtomicOutputs,
    path: Path,
    mask: Mask,
    spacing: Sequence[float],
    unit: str | None = None,
) -> None:
    """Write a mask in the format that the name of `path` asks for.

    Parameters
    ----------
    outputs : AtomicOutputs
        What it will appear together with.
    path : Path
        A name that ends in .npy, .npz, .tif, .tiff or .zarr.
    mask : array of bool, or what gives boxes of one
        The mask; in a .tif it is 0 and 255.
    spacing : sequence of float
        Is kept in a .npz under the key ``spacing``, in a .zarr as attribute ``spacing``, and in a
        .tif where ImageJ looks for it.
    unit : str, optional
        Of the spacing; is kept in a .zarr and a .tif.
    """
    suffix = known_suffix(path, IMAGE_SUFFIXES, 'images')
    if suffix == '.zarr':
        write_zarr(outputs.new(path), mask, spacing, unit)
    elif suffix in ('.npy', '.npz'):
        write = write_npy if suffix == '.npy' else write_npz
        outputs.write(path, lambda file: write(file, mask, spacing))
    else:
        outputs.write(path, lambda file: write_tiff(file, mask, spacing, unit))
