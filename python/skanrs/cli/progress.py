"""The stages of a run: each is timed and, if wanted, shown as a progress bar."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from skanrs._support.progress import bar

__all__ = ['Progress']


class Progress:
    """Time the stages of a run and show the current one.

    Parameters
    ----------
    shown : bool
        Whether progress bars are shown on standard error; stages are timed in any case.

    Attributes
    ----------
    seconds : dict of str to float
        The duration of each finished stage, in order.
    """

    def __init__(self, shown: bool) -> None:
        self.seconds: dict[str, float] = {}
        self._delay = 0 if shown else math.inf
        self._begin = time.perf_counter()

    @property
    def total(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self._begin

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time and show what runs inside, under `name`."""
        begin = time.perf_counter()
        with bar(name, delay=self._delay):
            yield
        self.seconds[name] = time.perf_counter() - begin
