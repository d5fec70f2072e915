"""Images of numbers of branches, int32: TIFF, zarr, NIfTI, .npy and .npz, plane by plane."""

import gzip
import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
import numpy.typing as npt

from ..errors import known_suffix
from ..suffixes import LABEL_SUFFIXES
from .atomic import AtomicOutputs

__all__ = ['LabelImage', 'write_labels']

ZARR_CHUNK = 128
_UNITS = {'µm': 'micron', 'um': 'micron', 'mm': 'mm', 'm': 'meter'}


class LabelImage(Protocol):
    """An image of int32 of which boxes can be read, so that it may exceed memory."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""

    def __getitem__(self, box: Any) -> npt.NDArray[np.int32]:
        """Return a box, given by a slice for each axis."""


def write_labels(
    outputs: AtomicOutputs,
    path: Path,
    image: LabelImage,
    spacing: Sequence[float],
    unit: str | None = None,
) -> None:
    """Write an image of numbers in the format of the file name.

    Parameters
    ----------
    outputs : AtomicOutputs
        The outputs to which it is added.
    path : Path
        A name that ends in .npy, .npz, .tif, .tiff, .zarr, .nii or .nii.gz.
    image : LabelImage
        The image, such as an array of int32.
    spacing : sequence of float
        Size of a voxel; it is stored in all formats but .npy.
    unit : str, optional
        Of the spacing; it is stored in a .zarr, a .tif and, if it is known there, a .nii.
    """
    suffix = known_suffix(path, LABEL_SUFFIXES, 'images')
    if suffix == '.zarr':
        _write_zarr(outputs.new(path), image, spacing, unit)
    elif suffix in ('.nii', '.nii.gz'):
        is_packed = suffix == '.nii.gz'
        outputs.write(path, lambda file: _write_nifti(file, image, spacing, unit, is_packed))
    elif suffix == '.npy':
        outputs.write(path, lambda file: _write_npy(file, image))
    elif suffix == '.npz':
        outputs.write(path, lambda file: _write_npz(file, image, spacing))
    else:
        outputs.write(path, lambda file: _write_tiff(file, image, spacing, unit))


def _planes(image: LabelImage) -> Iterator[npt.NDArray[np.int32]]:
    """Yield the planes of an image: one if it is 2D."""
    everything = tuple(slice(0, length) for length in image.shape)
    if len(image.shape) == 2:
        yield np.ascontiguousarray(image[everything])
        return
    for z in range(image.shape[0]):
        yield np.ascontiguousarray(image[(slice(z, z + 1), *everything[1:])])[0]


def _write_npy(file: IO[bytes], image: LabelImage) -> None:
    header = {'descr': '<i4', 'fortran_order': False, 'shape': image.shape}
    np.lib.format.write_array_header_1_0(file, header)
    for plane in _planes(image):
        file.write(plane.tobytes())


def _write_npz(file: IO[bytes], image: LabelImage, spacing: Sequence[float]) -> None:
    with zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED) as archive:
        with archive.open('image.npy', 'w', force_zip64=True) as member:
            _write_npy(member, image)
        with archive.open('spacing.npy', 'w') as member:
            np.lib.format.write_array(member, np.array(spacing))


def _write_tiff(
    file: IO[bytes], image: LabelImage, spacing: Sequence[float], unit: str | None
) -> None:
    import tifffile

    # As tifffile describes arrays; ImageJ's way has no integers of 32 bits.
    metadata: dict[str, Any] = {'shape': image.shape, 'axes': 'ZYX'[-len(image.shape) :]}
    metadata['spacing'] = [float(size) for size in spacing]
    if unit is not None:
        metadata['unit'] = unit
    tifffile.imwrite(
        file,
        _planes(image),
        shape=image.shape,
        dtype=np.int32,
        bigtiff=4 * int(np.prod(image.shape)) > 2**32 - 2**25,
        photometric='minisblack',
        compression='zlib',
        description=json.dumps(metadata),
        metadata=None,
    )


def _write_zarr(
    folder: Path, image: LabelImage, spacing: Sequence[float], unit: str | None
) -> None:
    import zarr

    attributes: dict[str, Any] = {'spacing': [float(size) for size in spacing]}
    if unit is not None:
        attributes['unit'] = unit
    chunks = tuple(min(ZARR_CHUNK, max(1, length)) for length in image.shape)
    array = zarr.create_array(
        folder,
        shape=image.shape,
        chunks=chunks,
        dtype=np.int32,
        zarr_format=3,
        dimension_names=list('zyx'[-len(image.shape) :]),
        attributes=attributes,
    )
    starts = [range(0, n, chunk) for n, chunk in zip(image.shape, chunks, strict=True)]
    for index in np.ndindex(*map(len, starts)):
        box = tuple(
            slice(at[i], min(at[i] + chunk, n))
            for at, i, chunk, n in zip(starts, index, chunks, image.shape, strict=True)
        )
        block = image[box]
        if block.any():
            array[box] = block


def _write_nifti(
    file: IO[bytes],
    image: LabelImage,
    spacing: Sequence[float],
    unit: str | None,
    is_packed: bool,
) -> None:
    """Write NIfTI, whose axes are those of the array as `skanrs.open_image` reads it."""
    import nibabel

    whole = image[tuple(slice(0, length) for length in image.shape)]
    written = nibabel.Nifti1Image(whole, np.diag([*spacing, *[1.0] * (4 - len(spacing))]))
    if unit in _UNITS:
        written.header.set_xyzt_units(_UNITS[unit])
    content = written.to_bytes()
    # Without a time, so that the same image gives the same bytes.
    file.write(gzip.compress(content, mtime=0) if is_packed else content)
