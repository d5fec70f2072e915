"""What a long job tells on the way: the stage it is in, how far it is, the time each took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from skanrs._support.progress import EVERY, TerminalLine, time_left

__all__ = ['Progress']


class Progress:
    """Time the stages of a job, and show the one that is under way.

    On a terminal one line is rewritten; elsewhere each finished stage gets a line.

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
        self._line = TerminalLine(self._stream) if shown and self._stream.isatty() else None
        self._begin = time.perf_counter()
        self._stage_name = ''
        self._stage_begin = self._begin
        self._last_shown = 0.0

    @property
    def total(self) -> float:
        """Seconds since the job began."""
        return time.perf_counter() - self._begin

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what runs inside, under `name`."""
        begin = self._stage_begin = time.perf_counter()
        self._stage_name = name
        if self._line is not None:
            self._line.write(f'{name} ...')
        try:
            yield
        finally:
            if self._line is not None:
                self._line.close()
        self.seconds[name] = time.perf_counter() - begin
        if self._shown and self._line is None:
            print(f'{name}: {self.seconds[name]:.2f} s', file=self._stream, flush=True)

    def told(self, done: float | None) -> None:
        """Show how much of the stage is done, and how long the rest will take at this pace.

        Parameters
        ----------
        done : float or None
            The part that is done, from 0 to 1.
        """
        now = time.perf_counter()
        if self._line is None or done is None or now - self._last_shown < EVERY:
            return
        self._last_shown = now
        self._line.write(self._stage_name, done, time_left(done, now - self._stage_begin))

    def at(self, part: str) -> None:
        """Hear which function is called; the stage says enough."""
