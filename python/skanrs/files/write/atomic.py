"""Outputs that appear complete or not at all, as files or folders.

Each output is written under a hidden name in its folder and flushed to disk; at the end the outputs
are renamed, one by one. If the work fails or is interrupted before that, nothing is changed. A
process that is killed leaves at most files whose names begin with ``.skanrs-``. The next run that
writes to that folder removes them, because their lock is free.

Some mounts refuse fsync, which is then skipped. Hard links are not needed. A symbolic link is
followed: its target is replaced.
"""

import errno
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO

from ..errors import FileError
from .check_output import replaced_path

__all__ = ['AtomicOutputs', 'Writer', 'write_files']

Writer = Callable[[IO[bytes]], None]

NO_FSYNC = {
    errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EACCES, errno.EPERM,
}  # fmt: skip
"""Errors of file systems without fsync; those of a full or broken disk are different."""


LOCK = 'lock'
"""How the name of the file ends that a process locks while it writes to a folder."""


class AtomicOutputs:
    """A context manager whose outputs get their names at its end.

    Parameters
    ----------
    keep_going : bool, optional
        Whether an output that cannot be written is left out and listed in `failed`. By default it
        is an error.

    Attributes
    ----------
    failed : dict of Path to str
        The outputs that could not be written, and the reason: a sentence that names the output.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skanrs.files import AtomicOutputs
    >>> folder = Path(tempfile.mkdtemp())
    >>> with AtomicOutputs() as outputs:
    ...     _ = outputs.new(folder / 'a.txt').write_text('whole')
    ...     (folder / 'a.txt').exists()
    False
    >>> (folder / 'a.txt').read_text()
    'whole'
    """

    def __init__(self, *, keep_going: bool = False) -> None:
        self.failed: dict[Path, str] = {}
        self._keep_going = keep_going
        self._token = secrets.token_hex(4)
        self._written: dict[Path, Path] = {}
        self._hidden: list[Path] = []
        self._locks: dict[Path, IO[bytes]] = {}
        self._path = Path()

    def __enter__(self) -> 'AtomicOutputs':
        return self

    def new(self, path: Path) -> Path:
        """Return the hidden name of an output, to be written as a file or a folder.

        Parameters
        ----------
        path : Path
            The name at the end.

        Returns
        -------
        Path
            A name in the same folder that does not exist.
        """
        self._path = path
        self._written[path] = self._hidden_beside(path)
        return self._written[path]

    def scratch(self, path: Path) -> Path:
        """Return a new hidden folder beside `path`, which is removed at the end in any case."""
        self._path = path
        folder = self._hidden_beside(path)
        folder.mkdir()
        return folder

    def write(self, path: Path, writer: Writer) -> None:
        """Write a file.

        Parameters
        ----------
        path : Path
            The name at the end.
        writer : callable
            Takes the file, opened for writing bytes.
        """
        with self.new(path).open('xb') as file:
            writer(file)

    @contextmanager
    def attempt(self, path: Path) -> Iterator[None]:
        """Write one output inside; with `keep_going`, its errors are recorded in `failed`.

        Parameters
        ----------
        path : Path
            The output. If it is several files, an error leaves out all of them.
        """
        before = dict(self._written)
        try:
            yield
        except (FileError, ImportError, OSError, RuntimeError, ValueError) as error:
            if not self._keep_going:
                raise
            self._written = before
            self._fail(path, error)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._rename_all()
        finally:
            for lock in self._locks.values():
                lock.close()
            for left in self._hidden:
                _remove(left)
        if isinstance(error, OSError):
            raise FileError(_sentence(self._path, error)) from error

    def _rename_all(self) -> None:
        for step in (_bring_to_disk, self._rename):
            for path, written in self._written.items():
                if path not in self.failed:
                    try:
                        step(written, replaced_path(path))
                    except OSError as error:
                        self._fail(path, error)
            if self.failed and not self._keep_going:
                raise FileError(next(iter(self.failed.values())))

    def _rename(self, written: Path, target: Path) -> None:
        if not (target.is_dir() and written.is_dir()):
            written.replace(target)
            return
        # Only an empty folder can be replaced in one step.
        old = self._hidden_beside(target)
        target.rename(old)
        try:
            written.rename(target)
        except BaseException:
            self._hidden.remove(old)
            old.rename(target)
            raise

    def _fail(self, path: Path, error: Exception) -> None:
        # Of several errors the first is the reason.
        self.failed.setdefault(path, _sentence(path, error))

    def _hidden_beside(self, path: Path) -> Path:
        # Short, because the name of the output may have the largest length.
        hidden = replaced_path(path).with_name(f'.skanrs-{self._token}-{len(self._hidden)}')
        if hidden.parent not in self._locks:
            self._lock_in(hidden.parent)
        self._hidden.append(hidden)
        return hidden

    def _lock_in(self, folder: Path) -> None:
        """Remove what killed processes left in a folder, and lock a file of our own there."""
        _remove_left(folder)
        path = folder / f'.skanrs-{self._token}-{LOCK}'
        lock = self._locks[folder] = path.open('wb', buffering=0)
        self._hidden.append(path)
        _lock(lock)
        # An empty file says that the lock is still to come.
        lock.write(b'1')


def write_files(outputs: Mapping[Path, Writer]) -> None:
    """Write several files; none of them if a writer fails.

    Parameters
    ----------
    outputs : mapping of Path to callable
        For each file a function that writes it, given the file opened for writing bytes.

    Raises
    ------
    FileError
        If a file cannot be written.
    """
    with AtomicOutputs() as atomic:
        for path, writer in outputs.items():
            atomic.write(path, writer)


def _sentence(path: Path, error: Exception) -> str:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return f'{path} cannot be written: {" ".join(reason.split())}'


def _bring_to_disk(written: Path, _: Path) -> None:
    inside = [file for file in written.rglob('*') if file.is_file()]
    files = inside if written.is_dir() else [written]
    for name in files:
        # On Windows fsync needs a file that is open for writing.
        with name.open('r+b') as file:
            try:
                os.fsync(file.fileno())
            except OSError as error:
                if error.errno not in NO_FSYNC:
                    raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _remove_left(folder: Path) -> None:
    """Remove the hidden files and folders of processes that were killed."""
    for file in folder.glob(f'.skanrs-*-{LOCK}'):
        try:
            with file.open('r+b') as lock:
                is_left = file.stat().st_size > 0 and _lock(lock)
        except OSError:
            continue
        if is_left:
            # The lock is the last by name.
            for path in sorted(folder.glob(f'{file.name.removesuffix(LOCK)}*')):
                _remove(path)


def _lock(file: IO[bytes]) -> bool:
    """Lock a file until it is closed; return whether that worked."""
    try:
        if sys.platform == 'win32':
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        # Another process holds it, or the file system has no locks.
        return False
    return True
