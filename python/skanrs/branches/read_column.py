"""Columns of branch tables, whose names have either separator."""

from __future__ import annotations

from typing import Any

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
