"""Branch tables as CSV and Parquet."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..errors import known_suffix
from ..recipe import METADATA_KEY
from ..suffixes import TABLE_SUFFIXES
from .atomic import Writer
from .csv import write_csv

if TYPE_CHECKING:
    import pandas as pd

__all__ = ['TableParts', 'parts_of', 'parts_writer', 'table_writer']

PART_ROWS = 1 << 17
"""Rows that are converted at a time; in Parquet they are a row group."""


def table_writer(
    path: str | os.PathLike[str], table: 'pd.DataFrame', recipe: str | None = None
) -> Writer:
    """Return a function that writes a table to an open file, in the format of the name of `path`.

    Parameters
    ----------
    path : path-like
        A name that ends in .csv or .parquet.
    table : DataFrame
        The table; its index is not written.
    recipe : str, optional
        The recipe of the table, for the metadata of Parquet.

    Returns
    -------
    callable
        A function of a file that is opened for writing bytes.
    """
    return parts_writer(path, [table], recipe)


def parts_writer(
    path: str | os.PathLike[str], tables: Iterable['pd.DataFrame'], recipe: str | None = None
) -> Writer:
    """Return a function that writes a table that comes in parts; see `table_writer`."""

    def write(file: IO[bytes]) -> None:
        with TableParts(path, file, recipe) as parts:
            for part in parts_of(tables):
                parts.write(part)

    return write


class TableParts:
    """A context manager that writes a table part by part.

    Parameters
    ----------
    path : path-like
        A name that ends in .csv or .parquet.
    file : file
        Opened for writing bytes.
    recipe : str, optional
        The recipe of the table, for the metadata of Parquet.
    """

    def __init__(
        self, path: str | os.PathLike[str], file: IO[bytes], recipe: str | None = None
    ) -> None:
        self._is_parquet = known_suffix(Path(path), TABLE_SUFFIXES, 'tables') == '.parquet'
        self._file = file
        self._recipe = recipe
        self._parquet: Any = None
        self._has_header = False

    def __enter__(self) -> 'TableParts':
        return self

    def write(self, part: 'pd.DataFrame') -> None:
        """Write the next rows; in Parquet they are a row group."""
        if self._is_parquet:
            self._write_parquet(part)
            return
        write_csv(self._file, part, header=not self._has_header)
        self._has_header = True

    def _write_parquet(self, part: 'pd.DataFrame') -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = pa.Table.from_pandas(part, preserve_index=False)
        if self._parquet is None:
            schema = rows.schema
            if self._recipe is not None:
                schema = schema.with_metadata({**schema.metadata, METADATA_KEY: self._recipe})
            self._parquet = pq.ParquetWriter(self._file, schema)
        self._parquet.write_table(rows)

    def __exit__(self, *_: object) -> None:
        if self._parquet is not None:
            self._parquet.close()


def parts_of(tables: Iterable['pd.DataFrame']) -> Iterator['pd.DataFrame']:
    """Yield the rows of tables in parts of `PART_ROWS`, one at least."""
    import pandas as pd

    waiting: list[pd.DataFrame] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += len(table)
        # The last part may be a whole one.
        if count > PART_ROWS:
            whole = waiting[0] if len(waiting) == 1 else pd.concat(waiting)
            while len(whole) > PART_ROWS:
                yield whole.iloc[:PART_ROWS]
                whole = whole.iloc[PART_ROWS:]
            waiting, count = [whole], len(whole)
    yield waiting[0] if len(waiting) == 1 else pd.concat(waiting)
