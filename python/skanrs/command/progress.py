"""What a long job tells on the way: the stage it is in, how far it is, the time each took."""

import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ['Progress']


BAR = 24


def in_words(seconds: float) -> str:
    """Return a time as people say it.

    Examples
    --------
    >>> in_words(42.3), in_words(200), in_words(7500)
    ('42 s', '3:20 min', '2:05 h')
    """
    if seconds < 60:
        return f'{seconds:.0f} s'
    if seconds < 3600:
        return f'{seconds // 60:.0f}:{seconds % 60:02.0f} min'
    return f'{seconds // 3600:.0f}:{seconds % 3600 // 60:02.0f} h'


class Progress:
    """Time the stages of a job, and show the one that is under way.

    On a terminal one line is rewritten; elsewhere each finished stage gets a line. While a stage
    runs, the records that the kernels log are shown behind its name.

    Parameters
    ----------
    shown : bool
        Whether anything is shown; stages are timed in any case.
    stream : text file
        Where it is shown; standard error by default.

    Attributes
    ----------
    seconds : dict of str to float
        The stages so far, in order, and how long each took.
    """

    def __init__(self, shown: bool, stream: TextIO | None = None) -> None:
        self.seconds: dict[str, float] = {}
        self._stream = stream or sys.stderr
        self._shown = shown
        self._rewrites = shown and self._stream.isatty()
        self._begin = time.perf_counter()
        self._stage_name = ''
        self._stage_begin = self._begin
        self._last_shown = 0.0
        self._lock = threading.Lock()

    @property
    def total(self) -> float:
        """Seconds since the job began."""
        return time.perf_counter() - self._begin

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what runs inside, under `name`."""
        begin = self._stage_begin = time.perf_counter()
        self._stage_name = name
        handler = _ShowRecords(self, name)
        logger = logging.getLogger('skanrs')
        level, propagate = logger.level, logger.propagate
        if self._rewrites:
            self._rewrite(f'{name} ...')
            logger.addHandler(handler)
            logger.setLevel(logging.DEBUG)
            logger.propagate = False
        try:
            yield
        finally:
            if self._rewrites:
                logger.removeHandler(handler)
                logger.setLevel(level)
                logger.propagate = propagate
                self._rewrite('')
        self.seconds[name] = time.perf_counter() - begin
        if self._shown and not self._rewrites:
            print(f'{name}: {self.seconds[name]:.2f} s', file=self._stream, flush=True)

    def advance(self, done: int, total: int) -> None:
        """Show how much of the stage is done, and how long the rest will take at this pace.

        Parameters
        ----------
        done, total : int
            Steps of the stage.
        """
        now = time.perf_counter()
        if not self._rewrites or now - self._last_shown < 0.1:
            return
        self._last_shown = now
        spent = now - self._stage_begin
        filled = BAR * done // max(1, total)
        bar = '#' * filled + '.' * (BAR - filled)
        text = f'{self._stage_name} [{bar}] {done / max(1, total):4.0%}'
        # Before some steps are done their pace tells nothing.
        if done * 50 >= total and spent > 0.5:
            text += f', {in_words(spent / done * (total - done))} left'
        self._rewrite(text)

    def _rewrite(self, text: str) -> None:
        # Back to the first column, erase, write anew; cut, since what wraps is not erased.
        with self._lock:
            self._stream.write(f'\r\x1b[K{text[:78]}')
            self._stream.flush()


class _ShowRecords(logging.Handler):
    """Shows log records behind the name of the stage that is under way."""

    def __init__(self, progress: Progress, name: str) -> None:
        super().__init__(logging.DEBUG)
        self._progress = progress
        self._stage = name

    def emit(self, record: logging.LogRecord) -> None:
        self._progress._rewrite(f'{self._stage} ... {record.getMessage()}')
