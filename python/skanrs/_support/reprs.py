"""Reprs and HTML reprs: counts with nouns, sizes by axis, a small table for notebooks."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np


def html_table(caption: str, rows: Iterable[tuple[str, str]]) -> str:
    """Return an HTML table with a row for each name and its text."""
    lines = (f'<tr><th>{escape(name)}</th><td>{escape(what)}</td></tr>' for name, what in rows)
    return f'<table><caption>{escape(caption)}</caption><tbody>{"".join(lines)}</tbody></table>'


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """Return a count with its noun: 1 branch, 2,390 branches."""
    return f'{count:,} {singular if count == 1 else plural or singular + "s"}'


def by_axis(numbers: Iterable[float]) -> str:
    """Return a number for each axis: 1024 x 512 x 0.25."""
    return ' x '.join(f'{number:.10g}' for number in numbers)


class HoldsArrays:
    """Base of objects whose size is that of their arrays."""

    @property
    def nbytes(self) -> int:
        """The memory of all arrays that are held now, in bytes."""
        return bytes_of(self.__dict__.values())

    def __sizeof__(self) -> int:
        # Dask's workers use it.
        return object.__sizeof__(self) + self.nbytes

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Pickle's out-of-band buffers may begin at any byte; the kernels need aligned arrays.
        for name, value in state.items():
            is_array = isinstance(value, np.ndarray)
            self.__dict__[name] = np.require(value, requirements='A') if is_array else value


def bytes_of(values: Iterable[Any]) -> int:
    """Return the bytes of the arrays among these values; each array counts once.

    Sparse matrices and tuples count by their arrays. Views count by the memory that they keep.
    """
    owners: dict[int, int] = {}
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, tuple):
            waiting += value
        elif isinstance(value, np.ndarray):
            while isinstance(value.base, np.ndarray):
                value = value.base
            owners[id(value)] = value.nbytes
        elif hasattr(value, 'indptr'):
            waiting += vars(value).values()
    return sum(owners.values())
