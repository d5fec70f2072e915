"""Open an image by its path: find the reader of its format, return a lazy array or read it."""

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
from ..suffixes import SOURCE_SUFFIXES, TIFF_SUFFIXES
from .axes import check_axes
from .blocks import in_blocks
from .choice import Choice
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
    'ImageFile',
    'LazyImage',
    'open_image',
    'open_source',
    'read_image',
]

READERS: dict[str, Callable[[Path, Choice], Source]] = {
    '.npy': Npy,
    '.npz': Npz,
    '.tif': Tiff,
    '.tiff': Tiff,
    '.zarr': Zarr,
    '.nii': Nifti,
}
READERS['.nii.gz'] = Nifti


class ImageFile(NamedTuple):
    """An image in memory, with its spacing."""

    image: npt.NDArray[Any]
    """The image, 2D or 3D, of booleans, integers or floats."""
    spacing: tuple[float, ...] | None
    """Size of a voxel along each axis; None if the file does not say."""


class LazyImage(NamedTuple):
    """An image in a file that is read when needed, with its spacing; made by `open_image`.

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
    """The unit of the spacing, such as ``nm`` or ``µm``, or as the file has it."""
    axes: str
    """A letter for each axis of `image`, ``zyx``, or ``xyz`` for NIfTI."""

    def _summary_rows(self) -> list[tuple[str, str]]:
        unit = f' {self.unit}' if self.unit else ''
        chunks = counted(self.image.npartitions, 'chunk')
        up_to = 'up to ' if self.image.npartitions > 1 else ''
        spacing = 'not in the file' if self.spacing is None else by_axis(self.spacing) + unit
        return [
            ('image', f'{by_axis(self.image.shape)} of {self.image.dtype}'),
            ('axes', self.axes),
            ('spacing', spacing),
            ('chunks', f'{chunks} of {up_to}{by_axis(self.image.chunksize)}'),
            ('size', f'{size_in_words(self.image.nbytes)}, read when needed'),
        ]

    def __repr__(self) -> str:
        image, axes, spacing, chunks, _ = (text for _, text in self._summary_rows())
        return f'<LazyImage {image}, axes {axes}, spacing {spacing}, {chunks}>'

    def _repr_html_(self) -> str:
        return html_table('LazyImage', self._summary_rows())


def open_source(
    path: str | os.PathLike[str],
    *,
    channel: int | str | None = None,
    axes: str | None = None,
    time: int | None = None,
    level: int = 0,
    first: bool = False,
) -> Source:
    """Open an image; see `open_image`. Warnings are in ``warnings`` of the source.

    With `first` the first channel and the first time are read where none is given.
    """
    name = os.fspath(path)
    choice = Choice(channel, axes, time, level, first)
    if re.match(r'[A-Za-z][A-Za-z0-9+.-]+://', name):
        raise FileError(f'{name} is a URL; only files of this machine are read, so download it')
    check_axes(axes)
    name = os.path.expanduser(name)
    hdf5 = re.fullmatch(r'(.*\.(?:h5|hdf5))(?::(.+))?', name, re.IGNORECASE | re.DOTALL)
    if hdf5:
        file, inside = Path(hdf5[1]), hdf5[2]
        _must_exist(file)
        return Hdf5(file, inside, choice)
    path = Path(name)
    if not path.exists() and any(sign in name for sign in '*?['):
        return _slices(path, sorted(path.parent.glob(path.name)), choice)
    if path.is_dir() and not _is_zarr(path):
        if path.suffix.lower() in SOURCE_SUFFIXES:
            what = 'zarr array' if path.suffix.lower() == '.zarr' else 'file'
            raise FileError(f'{path} is a folder, not a {what}')
        return _slices(path, list(path.iterdir()), choice)
    suffix = '.zarr' if path.is_dir() else known_suffix(path, SOURCE_SUFFIXES, 'images')
    _must_exist(path)
    if suffix == '.zarr' and not path.is_dir():
        raise FileError(f'{path} is not a folder, as zarr arrays are')
    return READERS[suffix](path, choice)


def _warn(source: Source) -> None:
    for text in source.warnings:
        warnings.warn(text, FileWarning, stacklevel=3)


def read_image(
    path: str | os.PathLike[str],
    *,
    channel: int | str | None = None,
    axes: str | None = None,
    time: int | None = None,
    level: int = 0,
) -> ImageFile:
    """Read a 2D or 3D image into memory.

    Parameters
    ----------
    path : path-like
        See `open_image`.
    channel, axes, time, level : optional
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
    with open_source(path, channel=channel, axes=axes, time=time, level=level) as source:
        _warn(source)
        return ImageFile(source.read(), source.spacing)


def open_image(
    path: str | os.PathLike[str],
    *,
    channel: int | str | None = None,
    chunks: int | Sequence[int] | None = None,
    axes: str | None = None,
    time: int | None = None,
    level: int = 0,
) -> LazyImage:
    """Open a 2D or 3D image as a lazy dask array, with its spacing.

    Parameters
    ----------
    path : path-like
        One of:

        - TIFF: ``.tif``, ``.tiff``; one page or many, ImageJ, OME and BigTIFF. Or a folder or a
          pattern such as ``'slices/*.tif'`` with a file for each slice, in the order of the
          numbers in the names; hidden files are skipped.
        - A folder that is a zarr array (2 or 3), or an OME-Zarr image.
          Chunks that are not stored are the fill value.
        - HDF5: ``file.h5``, or ``file.h5:/name`` where there are several datasets.
        - NIfTI: ``.nii``, ``.nii.gz``; axes are x, y, z, as nibabel gives them.
        - ``.npy``; ``.npz`` with the key ``image`` or a single array, and perhaps ``spacing``. A
          .npz is read as a whole.
    channel : int or str, optional
        Which channel to take where there are several: its number, the first being 0, or its name
        in OME-TIFF or OME-Zarr. Colours are channels: ``'red'``, ``'green'``, ``'blue'``.
    chunks : int or sequence of int, optional
        Shape of the blocks, one length for all axes or one for each. Each block is read
        independently: blocks that cut pieces of the file (pages of a TIFF, chunks of a zarr) read
        each piece several times; use ``rechunk`` instead. By default whole pieces are read, about
        16 million voxels at a time. Thin slabs, such as some pages, are cut and joined to blocks
        that are nearer to cubes, which need less memory later.
    axes : str, optional
        A letter for each axis (x, y, z, c for channels, t for times), instead of those in the
        file: ``'zyx'`` reads a stack that was saved as a time series. Axes of length 1 may be left
        out; in every format they are dropped if there are more than three axes.
    time : int, optional
        Which time to take where there are several; the first is 0.
    level : int, optional
        Which level of an OME-Zarr or OME-TIFF pyramid; 0 is the largest.

    Returns
    -------
    LazyImage
        A tuple (image, spacing, unit, axes). A pass over the image reads each piece of the file
        once.

    Raises
    ------
    FileError
        If the file is missing, damaged, incomplete or no image, has several channels or times of
        which none is chosen, or not the one that is chosen (the error lists the names), or if the
        library that reads it is not installed. Blocks that cannot be read raise it when they
        are computed.
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
    source = open_source(path, channel=channel, axes=axes, time=time, level=level)
    _warn(source)
    return LazyImage(in_blocks(source, chunks), source.spacing, source.unit, source.axes)


def _must_exist(path: Path) -> None:
    if not path.exists():
        raise FileError(f'{path} does not exist')


def _is_zarr(path: Path) -> bool:
    return any((path / name).is_file() for name in ('zarr.json', '.zarray', '.zgroup'))


def _slices(path: Path, files: list[Path], choice: Choice) -> Source:
    # Hidden files are no slices: macOS writes ._1.tif beside 1.tif.
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
    return TiffSlices(path, slices, choice)
