"""The check of an output's name before the work."""

import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import FileError, known_suffix, need

__all__ = ['check_output', 'replaced_path']

# The optional library of each format.
NEEDS = {
    '.tif': 'tifffile',
    '.tiff': 'tifffile',
    '.parquet': 'pyarrow',
    '.zarr': 'zarr',
    '.nii': 'nibabel',
    '.nii.gz': 'nibabel',
}

# Files by which a folder is recognized as an output that may be replaced.
OWN_FOLDERS = {'.zarr': ('zarr.json', '.zarray', '.zgroup'), '.precomputed': ('info',)}


def check_output(path: str | os.PathLike[str], suffixes: Sequence[str], what: str) -> None:
    """Raise `FileError` if `path` cannot be written, as far as is known before the work.

    Parameters
    ----------
    path : path-like
        The output.
    suffixes : sequence of str
        The endings of its formats.
    what : str
        The plural of the kind of output, for the message.
    """
    path = Path(path)
    suffix = known_suffix(path, suffixes, what)
    try:
        path.stat()
    except FileNotFoundError:
        pass
    except OSError as error:
        # The name is too long, or a symbolic link points to itself.
        raise FileError(f'{path} cannot be written: {error.strerror or error}') from error
    if suffix in OWN_FOLDERS:
        if path.is_dir() and any(path.iterdir()):
            if not any((path / name).is_file() for name in OWN_FOLDERS[suffix]):
                raise FileError(f'{path} is a folder of other things; it is not replaced')
        elif path.exists() and not path.is_dir():
            raise FileError(f'{path} is a file; a folder would be written there')
    elif path.is_dir():
        raise FileError(f'{path} is a folder; name a file')
    elif path.exists() and not path.is_file():
        raise FileError(f'{path} is a device or a pipe; name a file')
    folder = replaced_path(path).parent
    if not folder.is_dir():
        raise FileError(f'the folder {folder} does not exist')
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileError(f'the folder {folder} may not be written to')
    if suffix in NEEDS:
        need(NEEDS[suffix], path)


def replaced_path(path: Path) -> Path:
    """Return the path that an output replaces: the target if `path` is a symbolic link."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path
