"""How far a long call is: a line that is rewritten while it works.

The kernels are asked every 50 ms how far they are, on the thread that called. Calls of less than a
second show nothing, and calls within a call are parts of it.
"""

from __future__ import annotations

import html
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

from skanrs import _core

__all__ = ['show_progress']

DELAY = 1.0
"""Seconds that a call takes before it shows anything."""

EVERY = 0.1
"""Seconds between two looks of a line."""

BAR = 24


def show_progress(shown: bool | None) -> None:
    """Set whether calls that take longer than a second show how far they are.

    Parameters
    ----------
    shown : bool or None
        True: in a notebook as output of the cell, else as a line of standard error, rewritten if
        that is a terminal. False: never. None, as it is at first: in notebooks only.

    Raises
    ------
    TypeError
        If `shown` is something else.

    Notes
    -----
    It holds for arrays in memory and the whole process. What is lazy shows how far it is by dask's
    own ``dask.diagnostics.ProgressBar`` or ``dask.distributed.progress``. In a notebook a line
    stays that tells how long the call took; on a terminal nothing stays.

    Examples
    --------
    >>> import skanrs
    >>> skanrs.show_progress(False)
    >>> skanrs.show_progress(None)
    """
    global _shown
    if shown is not None and not isinstance(shown, bool):
        raise TypeError(f'shown: expected True, False or None, got {shown!r}')
    _shown = shown


_shown: bool | None = None


class Listener(Protocol):
    """Who is told how far the kernels that a thread calls are."""

    def told(self, done: float | None) -> None:
        """Hear which part of the work of a kernel is done, or None, which is not known."""

    def at(self, part: str) -> None:
        """Hear which part of a call comes now."""


class _Current(threading.local):
    listener: Listener | None = None


_current = _Current()


def advance(done: float | None) -> None:
    """Tell which part of the work that this thread does is done, from 0 to 1.

    Parameters
    ----------
    done : float or None
        None if it is not known.
    """
    if _current.listener is not None:
        _current.listener.told(done)


_core.on_progress(advance)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell a listener, and nobody else, what is done inside on this thread.

    Parameters
    ----------
    listener : Listener
        Who is told.
    """
    outer, _current.listener = _current.listener, listener
    try:
        yield
    finally:
        _current.listener = outer


@contextmanager
def call(name: str) -> Iterator[None]:
    """Show how far what is done inside is, or tell the call around it which part it is.

    Parameters
    ----------
    name : str
        The name of the function that is called.
    """
    if _current.listener is not None:
        _current.listener.at(name)
        yield
        return
    line = _line()
    if line is None:
        yield
        return
    shown = _ShownCall(name, line)
    try:
        with listening(shown):
            yield
    except BaseException:
        shown.close(is_complete=False)
        raise
    shown.close(is_complete=True)


class Line(Protocol):
    """A line of text that can be written anew."""

    def write(self, name: str, done: float | None, left: str) -> None:
        """Write what is done, a bar for the part that is done, and the time left."""

    def close(self, text: str) -> None:
        """Write it for the last time."""


class TerminalLine:
    """A line of a terminal, which is empty at the end.

    Parameters
    ----------
    stream : text file
        The terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, name: str, done: float | None = None, left: str = '') -> None:
        """Write what is done, a bar for the part that is done, and the time left."""
        text = name
        if done is not None:
            filled = int(BAR * done)
            text += f' [{"#" * filled}{"." * (BAR - filled)}] {done:4.0%}'
        if left:
            text += f', {left}'
        # Back to the first column, erase, write anew; cut, since what wraps is not erased.
        with self._lock:
            self._stream.write(f'\r\x1b[K{text[:78]}')
            self._stream.flush()

    def close(self, text: str = '') -> None:
        """Erase the line."""
        self.write('')


class _StreamLine:
    """A file, which keeps all that is written to it: the end only."""

    def write(self, name: str, done: float | None, left: str) -> None:
        pass

    def close(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class _NotebookLine:
    """An output of the notebook's cell."""

    def __init__(self) -> None:
        self._handle: Any = None

    def write(self, name: str, done: float | None, left: str) -> None:
        words = ', '.join(
            part for part in (name, '' if done is None else f'{done:.0%}', left) if part
        )
        value = '' if done is None else f' value="{done:.3f}"'
        self._show(words, f'<progress{value}></progress> ')

    def close(self, text: str) -> None:
        self._show(text)

    def _show(self, text: str, bar: str = '') -> None:
        from IPython.display import DisplayHandle

        content = {'text/plain': text, 'text/html': f'<div>{bar}{html.escape(text)}</div>'}
        if self._handle is None:
            self._handle = DisplayHandle()  # type: ignore[no-untyped-call]
            self._handle.display(content, raw=True)
        else:
            self._handle.update(content, raw=True)


def _line() -> Line | None:
    """Return where a call of this thread shows how far it is, if anywhere."""
    if _shown is False or threading.current_thread() is not threading.main_thread():
        return None
    if _is_notebook():
        return _NotebookLine()
    if _shown is None:
        return None
    return TerminalLine(sys.stderr) if sys.stderr.isatty() else _StreamLine()


def _is_notebook() -> bool:
    """Whether a kernel of Jupyter runs this; nothing is imported for the question."""
    ipython = sys.modules.get('IPython')
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, 'kernel', None) is not None


class _ShownCall:
    """A call that shows how far it is once it takes long."""

    def __init__(self, name: str, line: Line) -> None:
        self._name = name
        self._line = line
        self._part = ''
        self._begin = self._part_begin = time.perf_counter()
        self._written: float | None = None

    def at(self, part: str) -> None:
        self._part = part
        self._part_begin = time.perf_counter()

    def told(self, done: float | None) -> None:
        now = time.perf_counter()
        if now - self._begin < DELAY or (self._written and now - self._written < EVERY):
            return
        self._written = now
        name = f'{self._name}: {self._part}' if self._part else self._name
        self._line.write(name, done, time_left(done, now - self._part_begin))

    def close(self, *, is_complete: bool) -> None:
        if self._written is not None:
            took = in_words(time.perf_counter() - self._begin, digits=1)
            self._line.close(f'{self._name}: {took if is_complete else f"stopped after {took}"}')


def time_left(done: float | None, seconds: float) -> str:
    """Return how long the rest of some work will take at the pace so far, if that tells.

    Parameters
    ----------
    done : float or None
        The part that is done, from 0 to 1.
    seconds : float
        How long that took.

    Returns
    -------
    str
        In words, or nothing.

    Examples
    --------
    >>> time_left(0.25, 10.0), time_left(0.001, 1.0)
    ('30 s left', '')
    """
    # Before some of it is done its pace tells nothing.
    if done is None or done < 0.02 or seconds < 0.5:
        return ''
    return f'{in_words(seconds / done * (1 - done))} left'


def in_words(seconds: float, digits: int = 0) -> str:
    """Return a time as people say it.

    Parameters
    ----------
    seconds : float
        The time.
    digits : int
        Decimals of what is less than a minute.

    Examples
    --------
    >>> in_words(42.3), in_words(200), in_words(7500), in_words(2.345, digits=1)
    ('42 s', '3:20 min', '2:05 h', '2.3 s')
    """
    if seconds < 60:
        return f'{seconds:.{digits}f} s'
    if seconds < 3600:
        return f'{seconds // 60:.0f}:{seconds % 60:02.0f} min'
    return f'{seconds // 3600:.0f}:{seconds % 3600 // 60:02.0f} h'
