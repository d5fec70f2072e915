"""Progress bars of long calls, drawn by tqdm.

Kernels report the part of their work that is done every 50 ms, on the thread that called them.
Calls of less than a second show nothing; calls inside a call are shown as its parts. Where Python
counts the steps of a part, what kernels report about one of the steps is not shown.
"""

from __future__ import annotations

import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from skanrs import _core

__all__ = ['show_progress']

DELAY = 1.0
"""Seconds that a call takes before its bar appears."""

LOG_INTERVAL = 10.0
"""Seconds between two states of a bar that is written to a file."""


def show_progress(shown: bool | None) -> None:
    """Set whether calls that take longer than a second show a progress bar.

    Parameters
    ----------
    shown : bool or None
        True: show a bar, in a notebook below the cell, else on standard error. False: never. None,
        the initial setting: in notebooks only.

    Raises
    ------
    TypeError
        If `shown` is something else.

    Notes
    -----
    The setting holds for arrays in memory and for the whole process. For dask arrays use
    ``dask.diagnostics.ProgressBar`` or ``dask.distributed.progress``. Bars are those of tqdm: the
    bar of a finished call stays in a notebook and in a file, and disappears from a terminal.

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


class _Current(threading.local):
    bar: _Bar | _Reporter | None = None


_current = _Current()


def advance(done: float | None) -> None:
    """Report which part of the current call on this thread is done; kernels no longer do.

    Parameters
    ----------
    done : float or None
        From 0 to 1; None if it is unknown.
    """
    if _current.bar is not None:
        _current.bar.counts_steps = True
        _current.bar.advance(done)


def _advance_by_kernel(done: float | None) -> None:
    if _current.bar is not None and not _current.bar.counts_steps:
        _current.bar.advance(done)


_core.on_progress(_advance_by_kernel)


@contextmanager
def call(name: str) -> Iterator[None]:
    """Show what runs inside as a call of this name, or as a part of the call around it.

    Parameters
    ----------
    name : str
        The name of the function.
    """
    if _current.bar is not None:
        _current.bar.begin_part(name)
        yield
    elif _is_wanted():
        with bar(name, delay=DELAY):
            yield
    else:
        yield


@contextmanager
def reported_to(listener: Callable[[str, float | None], object]) -> Iterator[None]:
    """Report the progress of what runs inside on this thread, instead of showing it.

    Parameters
    ----------
    listener : callable
        Called on this thread with the name of the function that runs, and which part of it is done.
    """
    outer, _current.bar = _current.bar, _Reporter(listener)
    try:
        yield
    finally:
        _current.bar = outer


@contextmanager
def bar(name: str, *, delay: float) -> Iterator[None]:
    """Show a bar for what runs inside on this thread, once it has taken `delay` seconds.

    Parameters
    ----------
    name : str
        What the bar is labelled.
    delay : float
        In seconds; infinite: no bar, and none of the calls inside either.
    """
    outer, shown = _current.bar, _Bar(name, delay)
    _current.bar = shown
    try:
        yield
        shown.finish()
    finally:
        shown.close()
        _current.bar = outer


class _Reporter:
    """Takes the place of a bar."""

    counts_steps = False

    def __init__(self, listener: Callable[[str, float | None], object]) -> None:
        self._listener, self._part = listener, ''

    def begin_part(self, part: str) -> None:
        self._part, self.counts_steps = part, False
        self.advance(None)

    def advance(self, done: float | None) -> None:
        self._listener(self._part, done)


class _Bar:
    """A bar of tqdm that appears after a delay."""

    counts_steps = False

    def __init__(self, name: str, delay: float) -> None:
        self._name = self._label = name
        self._begin = self._part_begin = time.time()
        self._delay = delay
        self._bar: Any = None
        if delay == 0:
            self.advance(None)

    def begin_part(self, part: str) -> None:
        self._label, self.counts_steps = f'{self._name}: {part}', False
        self._part_begin = time.time()
        if self._bar is not None:
            self._bar.set_description_str(self._label, refresh=False)
            self._bar.reset()

    def advance(self, done: float | None) -> None:
        if self._bar is None:
            if time.time() - self._begin < self._delay or sys.stderr is None:
                return
            self._bar = _open_bar(self._label)
            # The time left follows from the pace since the part began.
            self._bar.start_t = self._part_begin
        self._bar.update((done or 0) - self._bar.n)

    def finish(self) -> None:
        if self._bar is not None:
            self._bar.update(1 - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _open_bar(label: str) -> Any:
    with warnings.catch_warnings():
        # In a notebook without ipywidgets tqdm warns and writes text.
        warnings.simplefilter('ignore')
        from tqdm.auto import tqdm
    is_live = _is_notebook() or sys.stderr.isatty()
    return tqdm(
        total=1,
        desc=label,
        file=sys.stderr,
        bar_format='{l_bar}{bar}| {elapsed}<{remaining}',
        leave=_is_notebook() or not is_live,
        mininterval=0.1 if is_live else LOG_INTERVAL,
        miniters=0,
        smoothing=0,
        dynamic_ncols=True,
    )


def _is_wanted() -> bool:
    """Tell whether a call on this thread shows a bar."""
    if threading.current_thread() is not threading.main_thread():
        return False
    return _is_notebook() if _shown is None else _shown


def _is_notebook() -> bool:
    """Tell whether a Jupyter kernel runs this; IPython is not imported to find out."""
    ipython = sys.modules.get('IPython')
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, 'kernel', None) is not None
