"""Columns of branch tables, whose names have either separator."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


def read_column(table: pd.DataFrame, name: str) -> npt.NDArray[Any]:
    """Return a column of a branch table by its name, with ``_`` or ``-``.

    Raises
    ------
    KeyError
        If the table has no such column.
    """
    if name not in table:
        separator = '_'
        for column in map(str, table.columns):
            if column.startswith('branch') and column.endswith('distance'):
                separator = column.removeprefix('branch').removesuffix('distance')
        name = name.replace('-', '_').replace('_', separator)
    return table[name].to_numpy()


def read_numbers(
    table: pd.DataFrame, name: str, argument: str, more: tuple[str, ...] = ()
) -> npt.NDArray[np.float64]:
    """Return a column of numbers of a table, by its name with ``_`` or ``-``.

    Parameters
    ----------
    table : DataFrame
        A branch table, or another.
    name : str
        The column.
    argument : str
        The argument that names the column, for the error.
    more : tuple of str, optional
        What the argument may be besides, for the error.

    Raises
    ------
    ValueError
        If the table has no such column of numbers.
    """
    expected = [*more, *number_columns(table)]
    try:
        values = read_column(table, name)
        if values.dtype.kind in 'biuf':
            return values.astype(np.float64)
    except KeyError:
        pass
    raise ValueError(
        f'{argument}: expected {", ".join(expected) or "a column of numbers"}, got {name!r}'
    )


def number_columns(table: pd.DataFrame) -> list[str]:
    """Return the names of the columns of numbers of a table."""
    return [str(name) for name, dtype in table.dtypes.items() if dtype.kind in 'biuf']
