"""Outputs that appear whole or not at all: files and folders, several at once.

Each output is written beside its place under a name of its own and brought to the disk; then all
are renamed. Where anything fails before the end, also by Ctrl-C, the folders are as before. A
process that is killed leaves at most hidden names that end in .part or .old.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO

from ..errors import FileError

__all__ = ['AtomicOutputs', 'Writer', 'write_files']

Writer = Callable[[IO[bytes]], None]


class AtomicOutputs:
    """A ``with`` block whose outputs get their names at its end, all or none.

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

    def __init__(self) -> None:
        self._token = secrets.token_hex(4)
        self._written: dict[Path, Path] = {}
        self._scratch: list[Path] = []
        self._path = Path()

    def __enter__(self) -> 'AtomicOutputs':
        return self

    def new(self, path: Path) -> Path:
        """Return where to write, as a file or as a folder, what will be called `path`.

        Parameters
        ----------
        path : Path
            The name at the end.

        Returns
        -------
        Path
            A name beside it that does not exist.
        """
        self._path = path
        self._written[path] = self._beside(path, 'part')
        return self._written[path]

    def scratch(self, path: Path) -> Path:
        """Return a new folder beside `path` that is gone at the end, whatever happens."""
        folder = self._beside(path, 'scratch.part')
        folder.mkdir()
        self._scratch.append(folder)
        return folder

    def write(self, path: Path, writer: Writer) -> None:
        """Let `writer` write a file.

        Parameters
        ----------
        path : Path
            The name at the end.
        writer : callable
            Takes the file opened for writing bytes.
        """
        with self.new(path).open('xb') as file:
            writer(file)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._rename()
        except OSError as failed:
            error = failed
        finally:
            for left in (*self._written.values(), *self._scratch):
                _remove(left)
        if isinstance(error, OSError):
            reason = error.strerror or error
            raise FileError(f'{self._path} cannot be written: {reason}') from error

    def _rename(self) -> None:
        kept = {path: self._beside(path, 'old') for path in self._written}
        replaced: list[Path] = []
        try:
            for path, written in self._written.items():
                self._path = path
                _bring_to_disk(written)
            for path in self._written:
                if path.is_dir():
                    continue
                if path.exists():
                    os.link(path, kept[path])
            for path, written in self._written.items():
                self._path = path
                replaced.append(path)
                if path.is_dir() and written.is_dir():
                    # A folder that is not empty cannot be replaced in one step.
                    path.rename(kept[path])
                written.replace(path)
        except BaseException:
            for path in replaced:
                if kept[path].exists():
                    if kept[path].is_dir():
                        _remove(path)
                    kept[path].replace(path)
                elif not self._written[path].exists():
                    _remove(path)
            raise
        finally:
            for left in kept.values():
                _remove(left)

    def _beside(self, path: Path, ending: str) -> Path:
        return path.with_name(f'.{path.name}.{self._token}.{ending}')


def write_files(outputs: Mapping[Path, Writer]) -> None:
    """Write several files, all or none of them.

    Parameters
    ----------
    outputs : mapping of Path to callable
        For each file what writes it, given the file opened for writing bytes.

    Raises
    ------
    FileError
        If a file cannot be written.
    """
    with AtomicOutputs() as together:
        for path, writer in outputs.items():
            together.write(path, writer)


def _bring_to_disk(path: Path) -> None:
    files = [path] if path.is_file() else [file for file in path.rglob('*') if file.is_file()]
    for name in files:
        with name.open('rb') as file:
            os.fsync(file.fileno())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
