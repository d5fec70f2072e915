"""Write a mask or an image of integers in the format of the file name."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ..errors import known_suffix
from ..suffixes import LABEL_SUFFIXES
from .atomic import AtomicOutputs
from .image import WritableImage
from .nifti import write_nifti
from .npy import write_npy, write_npz
from .tiff import write_tiff
from .zarr import write_zarr

__all__ = ['write_image']


def write_image(
    outputs: AtomicOutputs,
    path: Path,
    image: WritableImage,
    spacing: Sequence[float],
    unit: str | None = None,
) -> None:
    """Write a mask or an image of integers in the format of the file name.

    Parameters
    ----------
    outputs : AtomicOutputs
        The outputs to which it is added.
    path : Path
        A name that ends in .npy, .npz, .tif, .tiff, .zarr, .nii or .nii.gz.
    image : WritableImage
        The image, such as an array of bool or int32. Of a mask, a .tif has the values 0 and 255.
    spacing : sequence of float
        Size of a voxel. It is stored in a .npz under the key ``spacing``, in a .zarr as the
        attribute ``spacing``, in the metadata of a .tif and a .nii, and not in a .npy.
    unit : str, optional
        Of the spacing; it is stored in a .zarr, a .tif and, if NIfTI has it, a .nii.
    """
    suffix = known_suffix(path, LABEL_SUFFIXES, 'images')
    if suffix == '.zarr':
        write_zarr(outputs.new(path), image, spacing, unit)
    elif suffix in ('.npy', '.npz'):
        write = write_npy if suffix == '.npy' else write_npz
        outputs.write(path, lambda file: write(file, image, spacing))
    elif suffix in ('.nii', '.nii.gz'):
        write_as_nifti = partial(write_nifti, compress=suffix == '.nii.gz')
        outputs.write(path, lambda file: write_as_nifti(file, image, spacing, unit))
    else:
        outputs.write(path, lambda file: write_tiff(file, image, spacing, unit))
