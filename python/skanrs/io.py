"""Writing of tables to a file.

The Excel writer is pandas'; it needs openpyxl or xlsxwriter. Reproduces ``skan.io`` 0.13.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    import os

__all__ = ['write_excel']


def _params_dict_to_dataframe(d: dict[str, Any]) -> pd.DataFrame:
    """Return a table with a row for each parameter, its name as index and its value."""
    values = pd.Series(d)
    values.index.name = 'parameters'
    return pd.DataFrame({'values': values})


def write_excel(filename: str | os.PathLike[str], **kwargs: pd.DataFrame | dict[str, Any]) -> None:
    """Write tables to an Excel file, one sheet each.

    Parameters
    ----------
    filename : str or path
        The file to write, overwritten if it exists.
    **kwargs : pandas.DataFrame or dict
        The content of each sheet by its name: a table, or a mapping from parameters to values.
        Other types are left out.

    Raises
    ------
    IndexError
        If there is nothing to write.

    Examples
    --------
    >>> import pandas as pd
    >>> from skanrs.io import write_excel
    >>> table = pd.DataFrame({'branch_distance': [3.0, 4.5]})
    >>> write_excel('out.xlsx', branches=table, settings={'sigma': 2})  # doctest: +SKIP
    """
    sheets = {
        name: _params_dict_to_dataframe(table) if isinstance(table, dict) else table
        for name, table in kwargs.items()
        if isinstance(table, (dict, pd.DataFrame))
    }
    if not sheets:
        raise IndexError('there is nothing to write: give a table or a mapping for a sheet')
    with pd.ExcelWriter(filename) as writer:
        for name, table in sheets.items():
            table.to_excel(writer, sheet_name=name)
