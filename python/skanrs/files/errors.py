"""The one error of all readers and writers, and the words for what is missing."""

import importlib.util
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ['FileError', 'FileWarning', 'dtype_name', 'errors_logged_by', 'known_suffix', 'need']


class FileError(Exception):
    """A file cannot be read or written; the message is one sentence that names it.

    Raised by all that reads or writes files, such as `skanrs.open_image`.

    Examples
    --------
    >>> import skanrs
    >>> skanrs.open_image('nowhere.tif')
    Traceback (most recent call last):
    skanrs.files.errors.FileError: nowhere.tif does not exist
    """


class FileWarning(UserWarning):
    """A file is read, but something about it is doubtful; the message names it.

    Such as a spacing that is not a number, or slices that are missing. The command prints it, and
    lists it under ``warnings`` of its JSON.

    Examples
    --------
    >>> import pathlib, tempfile, warnings, numpy as np, skanrs
    >>> file = pathlib.Path(tempfile.mkdtemp(), 'mask.npy')
    >>> np.save(file, np.ones((3, 4, 5), dtype=bool))
    >>> with warnings.catch_warnings(action='error', category=skanrs.FileWarning):
    ...     skanrs.open_image(file).image.shape  # raises for a doubtful file
    (3, 4, 5)
    """


def known_suffix(path: Path, suffixes: Sequence[str], what: str) -> str:
    """Return the ending of a name, in small letters; raise `FileError` if it is none of these."""
    name = path.name.lower()
    # The longest one first: .nii.gz before .gz.
    for suffix in sorted(suffixes, key=len, reverse=True):
        if name.endswith(suffix) and name != suffix:
            return suffix
    known = ' or '.join(filter(None, (', '.join(suffixes[:-1]), suffixes[-1])))
    ends = f'ends in {path.suffix.lower()}' if path.suffix else 'has no ending'
    raise FileError(f'{path} {ends}; {what} are {known}')


def need(module: str, path: object, extra: str = 'io') -> None:
    """Raise `FileError` that names the extra where a library is not installed."""
    if importlib.util.find_spec(module) is None:
        raise FileError(f"{path} needs {module}: pip install 'skanrs[{extra}]'")


def dtype_name(dtype: np.dtype[Any]) -> str:
    """Return the name of a type of elements in plain words."""
    return {'U': 'string', 'S': 'bytes', 'V': 'record', 'O': 'object'}.get(dtype.kind, dtype.name)


@contextmanager
def errors_logged_by(name: str) -> Iterator[list[str]]:
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
