"""The error and the warning of all readers and writers."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = ['FileError', 'FileWarning', 'dtype_name', 'errors_logged_by', 'known_suffix', 'need']


class FileError(Exception):
    """A file cannot be read or written; the message is one sentence that names it.

    Every function that reads or writes files raises it, such as `skanrs.open_image`.

    Examples
    --------
    >>> import skanrs
    >>> skanrs.open_image('nowhere.tif')
    Traceback (most recent call last):
    skanrs.files.errors.FileError: nowhere.tif does not exist
    """

    def __init__(self, message: str) -> None:
        # Names within a file may have line breaks.
        super().__init__(' '.join(message.splitlines()))


class FileWarning(UserWarning):
    """A file is read, but something about it is doubtful; the message names the file.

    Examples are a spacing that is not a number and missing slices. The command prints the warning
    and lists it under ``warnings`` in its JSON.

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
    """Return which of these endings a name has; raise `FileError` if it has none of them."""
    name = path.name.lower()
    # Longest first: .nii.gz before .gz.
    for suffix in sorted(suffixes, key=len, reverse=True):
        if name.endswith(suffix) and name != suffix:
            return suffix
    known = ' or '.join(filter(None, (', '.join(suffixes[:-1]), suffixes[-1])))
    ends = f'ends in {path.suffix.lower()}' if path.suffix else 'has no ending'
    raise FileError(f'{path} {ends}; {what} are {known}')


def need(module: str, path: object, extra: str = 'io') -> None:
    """Raise a `FileError` that names the extra if a library is not installed."""
    if importlib.util.find_spec(module) is None:
        raise FileError(f"{path} needs {module}: pip install 'skanrs[{extra}]'")


def dtype_name(dtype: np.dtype[Any]) -> str:
    """Return the name of a dtype in plain words."""
    return {'U': 'string', 'S': 'bytes', 'V': 'record', 'O': 'object'}.get(dtype.kind, dtype.name)


@contextmanager
def errors_logged_by(name: str) -> Iterator[list[str]]:
    """Collect the errors that a library logs instead of raising, as tifffile does."""
    errors: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: errors.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    try:
        yield errors
    finally:
        logger.removeHandler(handler)
