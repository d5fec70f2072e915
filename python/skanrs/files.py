"""Files in and out of the command: images are read, tables and skeletons written all or not at all.

What cannot be read raises `FileError` with one sentence that names the file. Nothing is ever
unpickled. Written files appear under their names only when they, and all that are written with
them, are complete on the disk.
"""

import importlib.util
import io
import logging
import os
import secrets
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    'IMAGE_SUFFIXES',
    'TABLE_SUFFIXES',
    'FileError',
    'ImageFile',
    'check_output',
    'image_writer',
    'read_image',
    'table_writer',
    'write_together',
]

IMAGE_SUFFIXES = ('.npy', '.npz', '.tif', '.tiff')
TABLE_SUFFIXES = ('.csv', '.parquet')

# What the optional readers and writers are imported as, and the extra that brings them.
NEEDS = {'.tif': 'tifffile', '.tiff': 'tifffile', '.parquet': 'pyarrow'}

Writer = Callable[[IO[bytes]], None]


class FileError(Exception):
    """A file cannot be read or written; the message is one sentence that names it."""


class ImageFile(NamedTuple):
    """What a file holds."""

    image: npt.NDArray[Any]
    """The image, 2D or 3D, of booleans, integers or floats."""
    spacing: tuple[float, ...] | None
    """The spacing that stands in the file, one number for each axis; None if none does."""


def read_image(path: str | os.PathLike[str]) -> ImageFile:
    """Read a 2D or 3D image.

    Parameters
    ----------
    path : path-like
        A .npy file; a .npz file with the key ``image`` or a single array, and perhaps ``spacing``;
        or a .tif or .tiff file with one gray image.

    Returns
    -------
    ImageFile
        A tuple (image, spacing).

    Raises
    ------
    FileError
        If the file is missing, cut off or no image.
    """
    path = Path(path)
    if path.is_dir():
        raise FileError(f'{path} is a folder, not an image')
    suffix = _known_suffix(path, IMAGE_SUFFIXES, 'images')
    if not path.exists():
        raise FileError(f'{path} does not exist')
    readers = {'.npy': _read_npy, '.npz': _read_npz, '.tif': _read_tif, '.tiff': _read_tif}
    try:
        image, spacing = readers[suffix](path)
    except OSError as error:
        raise FileError(f'{path} cannot be read: {error.strerror or error}') from error
    if image.dtype.kind not in 'biuf':
        raise FileError(
            f'{path} holds values of type {_dtype_name(image.dtype)}; '
            'an image of booleans, integers or floats is needed'
        )
    if image.ndim not in (2, 3):
        raise FileError(
            f'{path} holds an array of shape {image.shape} ({image.ndim}D); '
            'an image of 2 or 3 axes is needed'
        )
    return ImageFile(image, _one_for_each_axis(spacing, image.ndim))


def _read_npy(path: Path) -> ImageFile:
    with path.open('rb') as file:
        return ImageFile(_read_array(file, str(path)), None)


def _read_npz(path: Path) -> ImageFile:
    try:
        with zipfile.ZipFile(path) as archive:
            members = {
                name.removesuffix('.npy'): name
                for name in archive.namelist()
                if name.endswith('.npy')
            }
            key = _image_key(path, members)
            with archive.open(members[key]) as file:
                image = _read_array(file, f'{path}, key {key!r},')
            spacing = None
            if 'spacing' in members and key != 'spacing':
                with archive.open(members['spacing']) as file:
                    spacing = _read_array(file, f"{path}, key 'spacing',")
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise FileError(f'{path} is cut off, damaged or no .npz file ({error})') from error
    return ImageFile(image, None if spacing is None else _plain_spacing(spacing))


def _image_key(path: Path, members: Mapping[str, str]) -> str:
    if 'image' in members:
        return 'image'
    others = [name for name in members if name != 'spacing']
    if len(others) == 1:
        return others[0]
    if not others:
        raise FileError(f'{path} holds no image')
    keys = ', '.join(sorted(others))
    raise FileError(f'{path} holds several arrays ({keys}); name the one that is meant `image`')


def _read_array(file: IO[bytes], name: str) -> npt.NDArray[Any]:
    """Read an array in numpy's own format; `name` says in messages where it stands."""
    magic = file.read(len(np.lib.format.MAGIC_PREFIX))
    if magic != np.lib.format.MAGIC_PREFIX:
        raise FileError(f"{name} is not in numpy's format: it does not begin as such files do")
    file.seek(0)
    try:
        array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, EOFError, SyntaxError, TypeError) as error:
        if 'pickle' in str(error):
            raise FileError(
                f'{name} holds Python objects, which are not read; '
                'save an array of booleans, integers or floats'
            ) from error
        raise FileError(f'{name} is cut off or damaged') from error
    return array


def _read_tif(path: Path) -> ImageFile:
    _need('.tif', path)
    import tifffile

    try:
        with _errors_logged_by('tifffile') as errors, tifffile.TiffFile(path) as file:
            if len(file.series) != 1:
                raise FileError(f'{path} holds {len(file.series)} images; one is needed')
            series = file.series[0]
            for axis, count in zip(series.axes, series.shape, strict=True):
                if axis in 'SCT' and count > 1:
                    what = {'S': 'colours', 'C': 'channels', 'T': 'times'}[axis]
                    raise FileError(f'{path} holds {count} {what}; save one gray image of them')
            # tifffile fills what is missing at the end of a file with zeros.
            length = path.stat().st_size
            for page in series.pages:
                if page is None:
                    continue
                ends = (
                    start + count
                    for start, count in zip(page.dataoffsets, page.databytecounts, strict=True)
                )
                if max(ends, default=0) > length:
                    raise FileError(f'{path} is cut off')
            image = np.asarray(series.asarray())
        if errors:
            raise FileError(f'{path} is cut off or damaged ({errors[0]})')
        return ImageFile(image, None)
    except (FileError, OSError, MemoryError):
        raise
    except Exception as error:  # damaged files make tifffile raise almost anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileError(f'{path} is cut off, damaged or no TIFF file ({reason})') from error


@contextmanager
def _errors_logged_by(name: str) -> Iterator[list[str]]:
    """Collect what a library only logs: tifffile reads on where a file is damaged."""
    errors: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: errors.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    try:
        yield errors
    finally:
        logger.removeHandler(handler)


def _plain_spacing(spacing: npt.NDArray[Any]) -> tuple[float, ...] | None:
    """Return the spacing of a file as numbers, None if it is something else."""
    if spacing.dtype.kind not in 'iuf' or spacing.ndim > 1:
        return None
    return tuple(np.atleast_1d(spacing).tolist())


def _one_for_each_axis(spacing: tuple[float, ...] | None, ndim: int) -> tuple[float, ...] | None:
    if spacing is not None and len(spacing) == 1:
        return spacing * ndim
    return spacing


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
    suffix = _known_suffix(path, suffixes, what)
    if path.is_dir():
        raise FileError(f'{path} is a folder; name a file')
    if not path.parent.is_dir():
        raise FileError(f'the folder {path.parent} does not exist')
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise FileError(f'the folder {path.parent} may not be written to')
    _need(suffix, path)


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
    if _known_suffix(Path(path), TABLE_SUFFIXES, 'tables') == '.parquet':
        return lambda file: table.to_parquet(file, engine='pyarrow', index=False)

    def write_csv(file: IO[bytes]) -> None:
        text = io.TextIOWrapper(file, encoding='utf-8', newline='')
        table.to_csv(text, index=False, lineterminator='\n')
        text.detach()

    return write_csv


def image_writer(
    path: str | os.PathLike[str], image: npt.NDArray[np.bool_], spacing: Sequence[float]
) -> Writer:
    """Return what writes a mask to an open file, in the format that the name of `path` asks for.

    Parameters
    ----------
    path : path-like
        A name that ends in .npy, .npz, .tif or .tiff.
    image : array of bool
        The mask; in a .tif it is 0 and 255.
    spacing : sequence of float
        Is kept in a .npz, key ``spacing``.

    Returns
    -------
    callable
        Takes a file opened for writing bytes.
    """
    suffix = _known_suffix(Path(path), IMAGE_SUFFIXES, 'images')
    if suffix == '.npy':
        return lambda file: np.save(file, image, allow_pickle=False)
    if suffix == '.npz':
        return lambda file: np.savez_compressed(file, image=image, spacing=np.array(spacing))

    def write_tif(file: IO[bytes]) -> None:
        import tifffile

        tifffile.imwrite(
            file,
            image.view(np.uint8) * np.uint8(255),
            photometric='minisblack',
            compression='zlib',
            metadata={'axes': 'ZYX'[-image.ndim :]},
        )

    return write_tif


def write_together(outputs: Mapping[Path, Writer]) -> None:
    """Write several files, all or none of them.

    Each is written beside its place under a name of its own and brought to the disk; then all
    are renamed. Where anything fails before the end, also by Ctrl-C, the folders are as before.

    Parameters
    ----------
    outputs : mapping of Path to callable
        For each file what writes it, given the file opened for writing bytes.

    Raises
    ------
    FileError
        If a file cannot be written.
    """
    token = secrets.token_hex(4)
    written = {path: path.with_name(f'.{path.name}.{token}.part') for path in outputs}
    kept = {path: path.with_name(f'.{path.name}.{token}.old') for path in outputs}
    replaced: list[Path] = []
    path = Path()
    try:
        for path, write in outputs.items():
            with written[path].open('xb') as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
        for path in outputs:
            if path.exists():
                os.link(path, kept[path])
        for path in outputs:
            replaced.append(path)
            written[path].replace(path)
    except BaseException as error:
        for path_replaced in replaced:
            if kept[path_replaced].exists():
                kept[path_replaced].replace(path_replaced)
            elif not written[path_replaced].exists():
                path_replaced.unlink(missing_ok=True)
        if isinstance(error, OSError):
            reason = error.strerror or error
            raise FileError(f'{path} cannot be written: {reason}') from error
        raise
    finally:
        for left in (*written.values(), *kept.values()):
            left.unlink(missing_ok=True)


def _known_suffix(path: Path, suffixes: Sequence[str], what: str) -> str:
    suffix = path.suffix.lower()
    if suffix not in suffixes:
        known = ', '.join(suffixes[:-1]) + ' or ' + suffixes[-1]
        ends = f'ends in {suffix}' if suffix else 'has no ending'
        raise FileError(f'{path} {ends}; {what} are {known}')
    return suffix


def _need(suffix: str, path: Path) -> None:
    module = NEEDS.get(suffix)
    if module is not None and importlib.util.find_spec(module) is None:
        raise FileError(f"{path} needs {module}: pip install 'skanrs[io]'")


def _dtype_name(dtype: np.dtype[Any]) -> str:
    return {'U': 'string', 'S': 'bytes', 'V': 'record', 'O': 'object'}.get(dtype.kind, dtype.name)
