"""VTP of a branch table that comes in parts: the bytes of `write_vtp` for the whole table.

The format has columns one after the other, so each waits in a file. Memory holds some rows.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from skanrs._support.record_statistics import pieces_of
from skanrs._support.records import Records
from skanrs._support.typing import Array

from .geometry import as_points, in_order
from .vtp import ROWS, PolyData, Values, write_poly_data

if TYPE_CHECKING:
    import pandas as pd

    from skanrs.branches.lines_on_disk import LinesOnDisk

__all__ = ['VtpParts']


class VtpParts:
    """A context manager that writes lines and their table as VTP; at its end the file is complete.

    Parameters
    ----------
    file : file
        Opened for writing bytes.
    axes : str, optional
        A letter for each axis of the image; z, y, x by default.
    lines : LinesOnDisk
        The lines.
    folder : Path
        A folder to be made, for the columns of the table.
    """

    def __init__(self, file: IO[bytes], axes: str | None, lines: LinesOnDisk, folder: Path) -> None:
        self._file = file
        self._order = in_order(axes, lines.ndim)
        self._lines = lines
        self._folder = folder
        self._columns: dict[str, Records] = {}

    def __enter__(self) -> VtpParts:
        self._folder.mkdir()
        return self

    def write(self, part: pd.DataFrame) -> None:
        """Take the next rows of the table, columns named with '_'."""
        for number, (name, column) in enumerate(part.items()):
            values = column.to_numpy()
            if str(name) not in self._columns:
                self._columns[str(name)] = Records(self._folder / str(number), values.dtype)
            self._columns[str(name)].append(values)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _finish(self) -> None:
        lines = self._lines
        radii = (radii for _, radii in lines.read_points())
        points = (as_points(places, self._order) for places, _ in lines.read_points())
        data = PolyData(
            points=_values(float, (lines.points, 3), points),
            radii=_values(float, (lines.points,), radii) if lines.has_radii else None,
            line_points=_values(
                np.int64, (lines.points_of_paths,), (along for _, along in lines.read_paths())
            ),
            line_ends=_values(np.int64, (lines.paths,), lines.read_line_ends()),
            columns={
                name: _values(column.dtype, (column.count,), pieces_of(column, ROWS))
                for name, column in self._columns.items()
            },
        )
        write_poly_data(self._file, data)


def _values(dtype: Any, shape: tuple[int, ...], pieces: Iterable[Array]) -> Values:
    return Values(np.dtype(dtype), shape, pieces)
