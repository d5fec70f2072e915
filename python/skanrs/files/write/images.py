"""Write a mask in the format of the file name."""

from collections.abc import Sequence
from pathlib import Path

from ..errors import known_suffix
from ..suffixes import IMAGE_SUFFIXES
from .atomic import AtomicOutputs
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
    """Write a mask in the format of the file name.

    Parameters
    ----------
    outputs : AtomicOutputs
        The outputs to which it is added.
    path : Path
        A name that ends in .npy, .npz, .tif, .tiff or .zarr.
    mask : Mask
        The mask, such as an array of bool, or labels; of a mask, a .tif has the values 0 and 255.
    spacing : sequence of float
        Size of a voxel. It is stored in a .npz under the key ``spacing``, in a .zarr as the
        attribute ``spacing``, and in a .tif for ImageJ.
    unit : str, optional
        Of the spacing; it is stored in a .zarr and a .tif.
    """
    suffix = known_suffix(path, IMAGE_SUFFIXES, 'images')
    if suffix == '.zarr':
        write_zarr(outputs.new(path), mask, spacing, unit)
    elif suffix in ('.npy', '.npz'):
        write = write_npy if suffix == '.npy' else write_npz
        outputs.write(path, lambda file: write(file, mask, spacing))
    else:
        outputs.write(path, lambda file: write_tiff(file, mask, spacing, unit))
