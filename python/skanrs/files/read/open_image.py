"""From a path to an image: which reader a name asks for, and the image, lazy or in memory."""

import os
import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy.typing as npt

from skanrs._support.memory import size_in_words
from skanrs._support.reprs import by_axis, counted, html_table

from ..errors import FileError, FileWarning, known_suffix
from .axes import check_axes
from .blocks import in_blocks
from .hdf5 import Hdf5
from .nifti import Nifti
from .npy import Npy
from .npz import Npz
from .source import Source
from .tiff import Tiff
from .tiff_slices import TiffSlices
from .zarr import Zarr

if TYPE_CHECKING:
    import dask.array as da

__all__ = [
    'SOURCE_SUFFIXES',
    'ImageFile',
    'LazyImage',
    'open_image',
    'open_source',
    'read_image',
]

READERS: dict[str, Callable[[Path, int | None, str | None], Source]] = {
    '.npy': Npy,
    '.npz': Npz,
    '.tif': Tiff,
    '.tiff': Tiff,
    '.zarr': Zarr,
    '.nii': Nifti,
}
READERS['.nii.gz'] = Nifti
HDF5_SUFFIXES = ('.h5', '.hdf5')
SOURCE_SUFFIXES = (*READERS, *HDF5_SUFFIXES)
TIFF_SUFFIXES = ('.tif', '.tiff')


class ImageFile(NamedTuple):
    """What a file holds, in memory."""

    image: npt.NDArray[Any]
    """The image, 2D or 3D, of booleans, integers or floats."""
    spacing: tuple[float, ...] | None
    """The spacing that stands in the file, one number for each axis; None if none does."""


class LazyImage(NamedTuple):
    """What a file holds, before it is read; made by `open_image`.

    Examples
    --------
    >>> import tempfile, numpy as np, skanrs
    >>> file = tempfile.mkdtemp() + '/image.npy'
    >>> np.save(file, np.zeros((20, 30, 40), dtype=np.uint8))
    >>> skanrs.open_image(file)
    <LazyImage 20 x 30 x 40 of uint8, axes zyx, spacing not in the file, 1 chunk of 20 x 30 x 40>
    """

    image: 'da.Array'
    """The image, 2D or 3D, of booleans, integers or floats; each block is read when needed."""
    spacing: tuple[float, ...] | None
    """Size of a voxel along each axis of `image`; None if the file does not say."""
    unit: str | None
    """The unit of the spacing, ``nm``, ``µm``, ``mm``, ``cm``, ``m`` or as the file calls it."""
    axes: str
    """A letter for each axis of `image`, ``zyx``, or ``xyz`` for NIfTI."""

    def _described(self) -> list[tuple[str, str]]:
        unit = f' {self.unit}' if self.unit else ''
        steps = None if self.spacing is None else by_axis(self.spacing)
        chunks = counted(self.image.npartitions, 'chunk')
        up_to = 'up to ' * (self.image.npartitions > 1)
        return [
            ('image', f'{by_axis(self.image.shape)} of {self.image.dtype}'),
            ('axes', self.axes),
            ('spacing', 'not in the file' if steps is None else steps + unit),
            ('chunks', f'{chunks} of {up_to}{by_axis(self.image.chunksize)}'),
            ('size', f'{size_in_words(self.image.nbytes)}, read when needed'),
        ]

    def __repr__(self) -> str:
        image, axes, spacing, chunks, _ = (what for _, what in self._described())
        return f'<LazyImage {image}, axes {axes}, spacing {spacing}, {chunks}>'

    def _repr_html_(self) -> str:
        return html_table('LazyImage', self._described())


def open_source(
    path: str | os.PathLike[str], *, channel: int | None = None, axes: str | None = None
) -> Source:
    """Open an image; see `open_image`. Warnings are left in ``warnings`` of what is returned."""
    name = os.fspath(path)
    if re.match(r'[A-Za-z][A-Za-z0-9+.-]+://', name):
        raise FileError(f'{name} is a URL; only files of this machine are read, so download it')
    check_axes(axes)
    name = os.path.expanduser(name)
    hdf5 = re.fullmatch(r'(.*\.(?:h5|hdf5))(?::(.+))?', name, re.IGNORECASE | re.DOTALL)
    if hdf5:
        file, inside = Path(hdf5[1]), hdf5[2]
        _must_exist(file)
        return Hdf5(file, inside, channel, axes)
    path = Path(name)
    if not path.exists() and any(sign in name for sign in '*?['):
        return _slices(path, sorted(path.parent.glob(path.name)), channel, axes)
    if path.is_dir() and not _is_zarr(path):
        if path.suffix.lower() in SOURCE_SUFFIXES:
            what = 'zarr array' if path.suffix.lower() == '.zarr' else 'file'
            raise FileError(f'{path} is a folder, not a {what}')
        return _slices(path, list(path.iterdir()), channel, axes)
    suffix = '.zarr' if path.is_dir() else known_suffix(path, SOURCE_SUFFIXES, 'images')
    _must_exist(path)
    if suffix == '.zarr' and not path.is_dir():
        raise FileError(f'{path} is not a folder, as zarr arrays are')
    return READERS[suffix](path, channel, axes)


def _warn(source: Source) -> None:
    for text in source.warnings:
        warnings.warn(text, FileWarning, stacklevel=3)


def read_image(
    path: str | os.PathLike[str], *, channel: int | None = None, axes: str | None = None
) -> ImageFile:
    """Read a 2D or 3D image into memory.

    Parameters
    ----------
    path : path-like
        See `open_image`.
    channel : int, optional
        See `open_image`.
    axes : str, optional
        See `open_image`.

    Returns
    -------
    ImageFile
        A tuple (image, spacing).

    Raises
    ------
    FileError
        If the file is missing, cut off or no image.
    """
    with open_source(path, channel=channel, axes=axes) as source:
        _warn(source)
        return ImageFile(source.read(), source.spacing)


def open_image(
    path: str | os.PathLike[str],
    *,
    channel: int | None = None,
    chunks: int | Sequence[int] | None = None,
    axes: str | None = None,
) -> LazyImage:
    """Open a 2D or 3D image as a lazy dask array, with its spacing.

    Parameters
    ----------
    path : path-like
        One of:

        - TIFF: ``.tif``, ``.tiff``; one page or many, ImageJ, OME and BigTIFF. Or a folder, or a
          pattern such as ``'slices/*.tif'``, of one slice a file, in the order of the numbers in
          their names.
        - A folder that is a zarr array (2 or 3), or an OME-Zarr image (its largest scale).
        - HDF5: ``file.h5``, or ``file.h5:/name`` where there are several datasets.
        - NIfTI: ``.nii``, ``.nii.gz``; axes are x, y, z, as nibabel gives them.
        - ``.npy``; ``.npz`` with the key ``image`` or a single array, and perhaps ``spacing``. A
          .npz is read as a whole.
    channel : int, optional
        Which channel to take where there are several; the first is 0.
    chunks : int or sequence of int, optional
        Shape of the blocks, one length for all axes or one for each; each is read by itself. Those
        that cut pieces of the file (pages of a TIFF, chunks of a zarr) read these again and again:
        use ``rechunk`` instead. By default whole pieces are read, some 16 million voxels at a time.
        Where these are slabs, such as some pages, they are cut, and parts of up to four joined, to
        blocks that are nearer to cubes, which take less memory in all that follows.
    axes : str, optional
        A letter for each axis, of x, y, z, c (channel) and t (time), instead of those in the file:
        ``'zyx'`` reads a stack that was saved as a series of times. Axes of length 1 may be left
        out.

    Returns
    -------
    LazyImage
        A tuple (image, spacing, unit, axes). Each piece of the file is read once in a pass over
        the image.

    Raises
    ------
    FileError
        If the file is missing, damaged, in colour, a time series or no image; or if the library
        that reads it is not installed. Blocks that cannot be read raise it when they are computed.
    ValueError, TypeError
        If `chunks` are not positive integers, one or as many as there are axes, or `axes` do not
        fit the file.

    Warns
    -----
    FileWarning
        If something about the file is doubtful, such as a spacing that is not a number.

    Examples
    --------
    >>> import tempfile, numpy as np, skanrs
    >>> file = tempfile.mkdtemp() + '/image.npz'
    >>> np.savez(file, image=np.eye(5), spacing=[0.5, 0.5])
    >>> image, spacing, unit, axes = skanrs.open_image(file)
    >>> image.shape, spacing, unit, axes
    ((5, 5), (0.5, 0.5), None, 'yx')
    """
    source = open_source(path, channel=channel, axes=axes)
    _warn(source)
    return LazyImage(in_blocks(source, chunks), source.spacing, source.unit, source.axes)


def _must_exist(path: Path) -> None:
    if not path.exists():
        raise FileError(f'{path} does not exist')


def _is_zarr(path: Path) -> bool:
    return any((path / name).is_file() for name in ('zarr.json', '.zarray', '.zgroup'))


def _slices(path: Path, files: list[Path], channel: int | None, axes: str | None) -> Source:
    # Hidden files, such as ._1.tif of macOS, are no slices.
    slices = [
        file
        for file in files
        if file.suffix.lower() in TIFF_SUFFIXES and not file.name.startswith('.') and file.is_file()
    ]
    if not slices:
        what = (
            'a folder without TIFF slices' if path.is_dir() else 'a pattern that no TIFF file fits'
        )
        raise FileError(f'{path} is {what}, and no image')
    return TiffSlices(path, slices, channel, axes)
