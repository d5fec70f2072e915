"""Branch tables as CSV and Parquet."""

import io
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import known_suffix
from ..suffixes import TABLE_SUFFIXES
from .atomic import Writer

if TYPE_CHECKING:
    import pandas as pd

__all__ = ['table_writer']


def table_writer(path: str | os.PathLike[str], table: 'pd.DataFrame') -> Writer:
    """Return a function that writes a table to an open file, in the format of the name of `path`.

    Parameters
    ----------
    path : path-like
        A name that ends in .csv or .parquet.
    table : DataFrame
        The table; its index is not written.

    Returns
    -------
    callable
        A function of a file that is opened for writing bytes.
    """
    if known_suffix(Path(path), TABLE_SUFFIXES, 'tables') == '.parquet':
        return lambda file: table.to_parquet(file, engine='pyarrow', index=False)

    def write_csv(file: IO[bytes]) -> None:
        text = io.TextIOWrapper(file, encoding='utf-8', newline='')
        table.to_csv(text, index=False, lineterminator='\n')
        text.detach()

    return write_csv
