"""The number of threads of the kernels.

The number applies to the process. The environment variable ``SKANRS_NUM_THREADS`` sets it when the
package is imported. Results do not depend on it.
"""

import operator
import os
import warnings

from skanrs import _core

__all__ = ['get_num_threads', 'set_num_threads']

ENVIRONMENT_VARIABLE = 'SKANRS_NUM_THREADS'


def set_num_threads(count: int | None) -> None:
    """Set the number of threads of the kernels.

    Parameters
    ----------
    count : int or None
        From 1 to 4096. None: the number of processors that this process may use.

    Raises
    ------
    TypeError
        If `count` is not an integer.
    ValueError
        If `count` is less than 1 or more than 4096.

    Examples
    --------
    >>> import skanrs
    >>> skanrs.set_num_threads(2)
    >>> skanrs.get_num_threads()
    2
    >>> skanrs.set_num_threads(None)
    """
    if count is not None:
        try:
            count = operator.index(count)
        except TypeError:
            raise TypeError(f'count: expected an integer or None, got {count!r}') from None
        if not 1 <= count <= 4096:
            raise ValueError(f'count: expected 1 to 4096 threads or None, got {count}')
    _core.set_num_threads(count)


def get_num_threads() -> int:
    """Return the number of threads of the kernels.

    Returns
    -------
    int
        The number set, or by default the number of processors that this process may use.

    Examples
    --------
    >>> import skanrs
    >>> skanrs.get_num_threads() >= 1
    True
    """
    return _core.get_num_threads()


def _read_environment() -> None:
    """Set the number of threads given in the environment; warn if it is invalid."""
    text = os.environ.get(ENVIRONMENT_VARIABLE, '').strip()
    if not text:
        return
    try:
        set_num_threads(int(text))
    except ValueError:
        warnings.warn(
            f'{ENVIRONMENT_VARIABLE}={text!r} is ignored: expected an integer from 1 to 4096',
            RuntimeWarning,
            stacklevel=2,
        )
