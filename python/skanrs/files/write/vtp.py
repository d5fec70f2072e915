"""VTK's XML format for polygonal data (.vtp), for ParaView: a polyline for each branch.

Points have ``radius``, lines have the numbers of the branch table. Arrays stand in the file as raw
bytes at its end, each after its length, as VTK's file format has it ("appended", "raw"). They are
written in pieces, so that they need not be in memory.
"""

import sys
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np

from .geometry import Array, Geometry

if TYPE_CHECKING:
    import pandas as pd

__all__ = ['PolyData', 'Values', 'write_poly_data', 'write_vtp']

TYPES = {'f4': 'Float32', 'f8': 'Float64'} | {
    f'{kind}{size}': f'{name}{8 * size}'
    for kind, name in (('i', 'Int'), ('u', 'UInt'))
    for size in (1, 2, 4, 8)
}

ROWS = 1 << 17
"""Rows of an array in memory that are written at a time."""


class Values(NamedTuple):
    """An array that is written piece by piece."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    pieces: Iterable[Array]
    """Its rows, some at a time; of any byte order."""

    @classmethod
    def of(cls, array: Array) -> 'Values':
        """Return an array in memory."""
        pieces = (array[start : start + ROWS] for start in range(0, len(array), ROWS))
        return cls(array.dtype, array.shape, pieces)

    @property
    def stored(self) -> np.dtype[np.generic]:
        """The type in the file."""
        return np.dtype(np.uint8) if self.dtype == np.bool_ else self.dtype.newbyteorder('=')

    @property
    def nbytes(self) -> int:
        """The bytes in the file."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


class PolyData(NamedTuple):
    """The arrays of a file, with N points and P lines."""

    points: Values
    """Coordinates x, y, z, shape (N, 3)."""
    radii: Values | None
    """The radius at each point, shape (N,)."""
    line_points: Values
    """The points of all lines, one line after the other."""
    line_ends: Values
    """Where each line ends in these, shape (P,)."""
    columns: dict[str, Values]
    """The data of the lines, each of shape (P,)."""


def write_vtp(file: IO[bytes], geometry: Geometry, table: 'pd.DataFrame | None') -> None:
    """Write a skeleton as VTK polygonal data.

    Parameters
    ----------
    file : file opened for writing bytes
        The file.
    geometry : Geometry
        The skeleton.
    table : DataFrame or None
        Its branch table; the columns are data of the lines.

    Raises
    ------
    ValueError
        If the table has not one row for each branch of the skeleton, or columns without numbers.
    """
    columns = {}
    if table is not None:
        if len(table) != len(geometry.line_starts) - 1:
            raise ValueError('table: expected a row for each branch of the skeleton, in its order')
        columns = {str(name): Values.of(column.to_numpy()) for name, column in table.items()}
    data = PolyData(
        points=Values.of(geometry.points),
        radii=None if geometry.radii is None else Values.of(geometry.radii),
        line_points=Values.of(geometry.line_points),
        line_ends=Values.of(geometry.line_starts[1:]),
        columns=columns,
    )
    write_poly_data(file, data)


def write_poly_data(file: IO[bytes], data: PolyData) -> None:
    """Write VTK polygonal data; raise `ValueError` for columns without numbers."""
    arrays = _Appended()
    points = {} if data.radii is None else {'radius': data.radii}
    parts = [
        '<?xml version="1.0"?>',
        '<VTKFile type="PolyData" version="1.0" '
        f'byte_order="{sys.byteorder.capitalize()}Endian" header_type="UInt64">',
        '<PolyData>',
        f'<Piece NumberOfPoints="{data.points.shape[0]}" NumberOfVerts="0" '
        f'NumberOfLines="{data.line_ends.shape[0]}" NumberOfStrips="0" NumberOfPolys="0">',
        '<PointData>',
        *(arrays.add(name, values) for name, values in points.items()),
        '</PointData>',
        '<CellData>',
        *(arrays.add(name, values) for name, values in data.columns.items()),
        '</CellData>',
        '<Points>',
        arrays.add('Points', data.points),
        '</Points>',
        '<Lines>',
        arrays.add('connectivity', data.line_points),
        arrays.add('offsets', data.line_ends),
        '</Lines>',
        '</Piece>',
        '</PolyData>',
        '<AppendedData encoding="raw">',
    ]
    file.write('\n'.join(parts).encode('utf-8'))
    file.write(b'\n_')
    for values in arrays.values:
        file.write(np.uint64(values.nbytes).tobytes())
        for piece in values.pieces:
            file.write(piece.astype(values.stored, copy=False).tobytes())
    file.write(b'\n</AppendedData>\n</VTKFile>\n')


class _Appended:
    """The arrays after the XML, and the offset of each."""

    def __init__(self) -> None:
        self.values: list[Values] = []
        self._offset = 0

    def add(self, name: str, values: Values) -> str:
        """Append an array; return its XML element."""
        # It imports a client for the web.
        from xml.sax.saxutils import quoteattr

        kind = TYPES.get(values.stored.str[1:])
        if kind is None:
            raise ValueError(f'table: expected columns of numbers, got {name!r} of {values.dtype}')
        width = f' NumberOfComponents="{values.shape[1]}"' if len(values.shape) == 2 else ''
        element = (
            f'<DataArray type="{kind}" Name={quoteattr(name)}{width} format="appended" '
            f'offset="{self._offset}"/>'
        )
        self.values.append(values)
        self._offset += 8 + values.nbytes
        return element
