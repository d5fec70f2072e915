"""Tables and masks to files, in the format that the name asks for.

A mask is written piece by piece, so that it may be larger than memory; the bytes do not depend on
where it lies.
"""

import io
import math
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from .errors import FileError, known_suffix, need
from .together import Together, Writer

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    'IMAGE_SUFFIXES',
    'REPORT_SUFFIXES',
    'TABLE_SUFFIXES',
    'Mask',
    'check_output',
    'table_writer',
    'write_image',
]

IMAGE_SUFFIXES = ('.npy', '.npz', '.tif', '.tiff', '.zarr')
TABLE_SUFFIXES = ('.csv', '.parquet')
REPORT_SUFFIXES = ('.html',)
# What the optional writers are imported as.
NEEDS = {
    '.tif': 'tifffile',
    '.tiff': 'tifffile',
    '.parquet': 'pyarrow',
    '.zarr': 'zarr',
    '.graphml': 'networkx',
}

ZARR_CHUNK = 128
# Files inside a folder that this package may have written there.
OWN_FOLDERS = {'.zarr': ('zarr.json', '.zarray', '.zgroup'), '.precomputed': ('info',)}


class Mask(Protocol):
    """Voxels in memory or elsewhere; boxes of them can be had."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""

    def __getitem__(self, box: Any) -> Any:
        """Return a box as an array of bool."""


def check_output(path: str | os.PathLike[str], suffixes: Sequence[str], what: str) -> None:
    """Raise `FileError` where `path` cannot be written, before any long work.

    Parameters
    ----------
    path : path-like
        Where the output will be written.
    suffixes : sequence of str
        The endings that are known for it.
    what : str
        What is written, in the plural, for the message.
    """
    path = Path(path)
    suffix = known_suffix(path, suffixes, what)
    if suffix in OWN_FOLDERS:
        if path.is_dir() and any(path.iterdir()):
            if not any((path / name).is_file() for name in OWN_FOLDERS[suffix]):
                raise FileError(f'{path} is a folder of other things; it is not replaced')
        elif path.exists() and not path.is_dir():
            raise FileError(f'{path} is a file; a folder would be written there')
    elif path.is_dir():
        raise FileError(f'{path} is a folder; name a file')
    if not path.parent.is_dir():
        raise FileError(f'the folder {path.parent} does not exist')
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise FileError(f'the folder {path.parent} may not be written to')
    if suffix in NEEDS:
        need(NEEDS[suffix], path)


def table_writer(path: str | os.PathLike[str], table: 'pd.DataFrame') -> Writer:
    """Return what writes `table` to an open file, in the format that the name of `path` asks for.

    Parameters
    ----------
    path : path-like
        A name that ends in .csv or .parquet.
    table : DataFrame
        The table; its index is not written.

    Returns
    -------
    callable
        Takes a file opened for writing bytes.
    """
    if known_suffix(Path(path), TABLE_SUFFIXES, 'tables') == '.parquet':
        return lambda file: table.to_parquet(file, engine='pyarrow', index=False)

    def write_csv(file: IO[bytes]) -> None:
        text = io.TextIOWrapper(file, encoding='utf-8', newline='')
        table.to_csv(text, index=False, lineterminator='\n')
        text.detach()

    return write_csv


def write_image(
    outputs: Together,
    path: Path,
    mask: Mask,
    spacing: Sequence[float],
    unit: str | None = None,
) -> None:
    """Write a mask in the format that the name of `path` asks for.

    Parameters
    ----------
    outputs : Together
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
        _write_zarr(outputs.new(path), mask, spacing, unit)
    elif suffix in ('.npy', '.npz'):
        write = _write_npy if suffix == '.npy' else _write_npz
        outputs.write(path, lambda file: write(file, mask, spacing))
    else:
        outputs.write(path, lambda file: _write_tif(file, mask, spacing, unit))


def _write_npy(file: IO[bytes], mask: Mask, spacing: Sequence[float] = ()) -> None:
    header = {'descr': '|b1', 'fortran_order': False, 'shape': mask.shape}
    np.lib.format.write_array_header_1_0(file, header)
    for plane in _planes(mask):
        file.write(plane.tobytes())


def _write_npz(file: IO[bytes], mask: Mask, spacing: Sequence[float]) -> None:
    with zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED) as archive:
        with archive.open('image.npy', 'w', force_zip64=True) as member:
            _write_npy(member, mask)
        with archive.open('spacing.npy', 'w') as member:
            np.lib.format.write_array(member, np.array(spacing))


def _write_tif(file: IO[bytes], mask: Mask, spacing: Sequence[float], unit: str | None) -> None:
    import tifffile

    size_of_voxels: dict[str, Any]
    if _is_for_imagej(mask.shape, spacing, unit):
        pages = mask.shape[0] if len(mask.shape) == 3 else 1
        lines = ['ImageJ=1.11a', f'images={pages}', f'slices={pages}', 'loop=false']
        lines += [f'unit={"micron" if unit == "µm" else unit}', f'spacing={float(spacing[0])}']
        size_of_voxels = {
            'description': '\n'.join(lines) + '\n',
            'metadata': None,
            'resolution': (1 / spacing[-1], 1 / spacing[-2]),
            'resolutionunit': 'none',
        }
    else:
        metadata: dict[str, Any] = {'axes': 'ZYX'[-len(mask.shape) :]}
        metadata['spacing'] = [float(size) for size in spacing]
        size_of_voxels = {'metadata': metadata if unit is None else {**metadata, 'unit': unit}}
    voxels = math.prod(mask.shape)
    tifffile.imwrite(
        file,
        (plane.view(np.uint8) * np.uint8(255) for plane in _planes(mask)),
        shape=mask.shape,
        dtype=np.uint8,
        bigtiff=voxels > 2**32 - 2**25,
        photometric='minisblack',
        compression='zlib',
        **size_of_voxels,
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


def _write_zarr(folder: Path, mask: Mask, spacing: Sequence[float], unit: str | None) -> None:
    import zarr

    attributes: dict[str, Any] = {'spacing': [float(size) for size in spacing]}
    if unit is not None:
        attributes['unit'] = unit

    chunks = tuple(min(ZARR_CHUNK, max(1, length)) for length in mask.shape)
    array = zarr.create_array(
        folder,
        shape=mask.shape,
        chunks=chunks,
        dtype=bool,
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


def _planes(mask: Mask) -> Iterator[npt.NDArray[np.bool_]]:
    """Give the pages of a mask: its planes, or itself where it is flat."""
    if len(mask.shape) == 2:
        yield np.ascontiguousarray(mask[:, :])
        return
    for z in range(mask.shape[0]):
        yield np.ascontiguousarray(mask[z : z + 1])[0]
