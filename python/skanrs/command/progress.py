"""What a long job tells on the way: the stage it is in, the time each took, the peak of memory."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

__all__ = ['Progress', 'peak_memory']


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

    @property
    def total(self) -> float:
        """Seconds since the job began."""
        return time.perf_counter() - self._begin

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what runs inside, under `name`."""
        begin = time.perf_counter()
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

    def _rewrite(self, text: str) -> None:
        # Back to the first column, erase, write anew; cut, since what wraps is not erased.
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


def peak_memory() -> int | None:
    """Return the most memory that this process has held, in bytes.

    Returns
    -------
    int or None
        None where the system does not tell.
    """
    # getrusage on Linux also counts what the parent held before this program was started.
    status = Path('/proc/self/status')
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith('VmHWM:'):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == 'darwin' else peak * 1024
