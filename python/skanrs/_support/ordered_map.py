"""Apply a function to many items on threads, in order, with few results in memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar('_Item')
_Result = TypeVar('_Result')


def ordered_map(
    function: Callable[[_Item], _Result], items: Iterable[_Item], workers: int
) -> Iterator[_Result]:
    """Yield the results of a function of each item, in order.

    Parameters
    ----------
    function : callable
        Runs on a thread.
    items : iterable
        Taken one by one, when a thread is nearly free.
    workers : int
        The number of threads. At most two results for each wait in memory.

    Yields
    ------
    object
    """
    waiting: deque[Future[_Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
