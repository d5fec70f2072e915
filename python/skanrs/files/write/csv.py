"""Tables as CSV: the bytes of pandas' ``to_csv``, formatted by a kernel on all threads.

Rows are formatted and written piece by piece, so that the text of a long table is never whole in
memory. Tables with other columns than numbers and booleans are written by pandas.
"""

import io
from typing import IO, TYPE_CHECKING

import numpy as np

from skanrs import _core
from skanrs._support.typing import Array

if TYPE_CHECKING:
    import pandas as pd

__all__ = ['write_csv']

# Rows of a piece: some MB of text.
PIECE = 1 << 15
# Booleans, integers that fit in 64 bits with a sign, and doubles.
KINDS = ('b1', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'f8')


def write_csv(file: IO[bytes], table: 'pd.DataFrame', *, header: bool) -> None:
    """Write the rows of a table without its index.

    Parameters
    ----------
    file : file opened for writing bytes
        The file.
    table : DataFrame
        The table.
    header : bool
        Whether to begin with the names of the columns.
    """
    columns = [_numbers(table.iloc[:, at]) for at in range(table.shape[1])]
    known = [column for column in columns if column is not None]
    # A row that is one empty field is quoted.
    if len(known) < max(2, len(columns)):
        _write_by_pandas(file, table, header)
        return
    if header:
        _write_by_pandas(file, table.iloc[:0], header)
    for start in range(0, len(table), PIECE):
        rows = slice(start, start + PIECE)
        file.write(_core.csv_rows([_for_kernel(column[rows]) for column in known]).data)


def _write_by_pandas(file: IO[bytes], table: 'pd.DataFrame', header: bool) -> None:
    text = io.TextIOWrapper(file, encoding='utf-8', newline='')
    table.to_csv(text, index=False, lineterminator='\n', header=header)
    text.detach()


def _numbers(column: 'pd.Series') -> Array | None:
    """Return the values of a column of booleans, integers of at most 64 bits, or doubles."""
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.str[1:] in KINDS:
        return column.to_numpy()
    return None


def _for_kernel(values: Array) -> Array:
    """Return values in a type of the kernel, where bytes are booleans."""
    if values.dtype.kind == 'b':
        return values.view(np.uint8)
    kept = values.dtype.isnative and values.dtype.str[1:] in ('f8', 'i4', 'i8')
    return values if kept else values.astype(np.float64 if values.dtype.kind == 'f' else np.int64)
