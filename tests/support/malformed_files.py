"""Malformed image files: small valid ones of each format, and small changes of their bytes.

Tests and the fuzzer call `outcome`: for any bytes, reading returns an image or raises an error of
one line.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path

import h5py
import nibabel
import numpy as np
import tifffile

import skanrs
from skanrs.files import FileError, FileWarning, read_image

LARGEST_PART = 1 << 24


def valid_files() -> dict[str, bytes]:
    """Return a small file of each format and of each kind of it, by name."""
    image = (np.arange(4 * 5 * 6, dtype=np.uint16) % 7).reshape(4, 5, 6)
    return {
        'plain.npy': _npy(image),
        'plain.npz': _npz(zipfile.ZIP_STORED, image),
        'deflated.npz': _npz(zipfile.ZIP_DEFLATED, image),
        'plain.tif': _tiff(image, photometric='minisblack'),
        'deflated.tif': _tiff(image, compression='zlib', photometric='minisblack'),
        'big.tif': _tiff(image, bigtiff=True, photometric='minisblack'),
        'imagej.tif': _tiff(
            image,
            imagej=True,
            resolution=(2, 4),
            metadata={'axes': 'ZYX', 'spacing': 2.5, 'unit': 'um'},
        ),
        'tagged.ome.tif': _tiff(
            image, ome=True, metadata={'axes': 'ZYX', 'PhysicalSizeX': 0.5, 'PhysicalSizeY': 0.5}
        ),
        'pages.tif': _pages(image),
        'plain.h5': _hdf5(image),
        'linked.h5': _linked(image),
        'chunked.h5': _hdf5(image, chunks=(2, 3, 3), compression='gzip'),
        'plain.nii': nibabel.Nifti1Image(image.astype(np.int16), np.eye(4)).to_bytes(),
        'packed.nii.gz': _gzipped(
            nibabel.Nifti1Image(image.astype(np.int16), np.eye(4)).to_bytes()
        ),
    }


def outcome(path: Path, content: bytes) -> str:
    """Write the bytes under a name, read them in both ways; return what was said, '' for an image.

    Raises any error except a `FileError` of one line that names the file.
    """
    path.write_bytes(content)
    return outcome_of(path)


def doubtful(call, *arguments):
    """Call a function that may warn of a file; a warning is one line that names the file."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always', FileWarning)
        result = call(*arguments)
    for warning in said:
        if issubclass(warning.category, FileWarning):
            assert str(arguments[0]) in str(warning.message)
            assert '\n' not in str(warning.message)
    return result


def outcome_of(path: Path) -> str:
    """Read a file or folder, as `outcome` does; two readings of damaged zarr chunks may differ.

    Blosc leaves bytes as they are that it finds nothing for.
    """
    is_zarr = path.is_dir()
    try:
        lazy = doubtful(skanrs.open_image, path)
        assert lazy.image.ndim in (2, 3)
        assert lazy.spacing is None or len(lazy.spacing) == lazy.image.ndim
        if lazy.image.size > LARGEST_PART:
            return 'large'
        read = lazy.image.compute(scheduler='sync')
        assert read.shape == lazy.image.shape
        assert read.dtype.kind in 'biuf'
        again = doubtful(read_image, path).image
        assert again.shape == read.shape
        assert is_zarr or np.array_equal(again, read, equal_nan=read.dtype.kind == 'f')
    except FileError as error:
        said = str(error)
        assert path.name in said
        assert '\n' not in said
        return said
    return ''


def _npy(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, image)
    return file.getvalue()


def _npz(compression: int, image: np.ndarray) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w', compression) as archive:
        archive.writestr('image.npy', _npy(image))
        archive.writestr('spacing.npy', _npy(np.array([2, 1.5, 1])))
    return file.getvalue()


def _tiff(image: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, image, **options)
    return file.getvalue()


def _hdf5(image: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, 'w') as store:
        store.create_dataset('image', data=image, **options).attrs['spacing'] = [2, 1.5, 1]
    return file.getvalue()


def _pages(image: np.ndarray) -> bytes:
    """Pages written one by one, each with a description."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for plane in image:
            writer.write(plane, photometric='minisblack')
    return file.getvalue()


def _linked(image: np.ndarray) -> bytes:
    """An image with tags of its axes, a link to it, and one to another file."""
    file = io.BytesIO()
    with h5py.File(file, 'w') as store:
        data = store.create_dataset('deep/image', data=image[..., None])
        # Of fixed length: HDF5 itself loops on damaged text of variable length.
        tags = b'{"axes": [{"key": "z"}, {"key": "y"}, {"key": "x"}, {"key": "c"}]}'
        data.attrs['axistags'] = np.bytes_(tags)
        store['alias'] = h5py.SoftLink('/deep/image')
        store['other'] = h5py.ExternalLink('none.h5', '/image')
    return file.getvalue()


def _gzipped(content: bytes) -> bytes:
    import gzip

    return gzip.compress(content, mtime=0)
