"""VTK's XML format for polygonal data (.vtp), for ParaView: a polyline for each branch.

Points have ``radius``, lines have the numbers of the branch table. Arrays stand in the file as raw
bytes at its end, each after its length, as VTK's file format has it ("appended", "raw").
"""

import sys
from typing import IO, TYPE_CHECKING

import numpy as np

from .geometry import Array, Geometry

if TYPE_CHECKING:
    import pandas as pd

__all__ = ['write_vtp']

TYPES = {'f4': 'Float32', 'f8': 'Float64'} | {
    f'{kind}{size}': f'{name}{8 * size}'
    for kind, name in (('i', 'Int'), ('u', 'UInt'))
    for size in (1, 2, 4, 8)
}


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
    arrays = _Appended()
    points = {} if geometry.radii is None else {'radius': geometry.radii}
    lines = {}
    count = len(geometry.line_starts) - 1
    if table is not None:
        if len(table) != count:
            raise ValueError('table: expected a row for each branch of the skeleton, in its order')
        lines = {str(name): column.to_numpy() for name, column in table.items()}
    parts = [
        '<?xml version="1.0"?>',
        '<VTKFile type="PolyData" version="1.0" '
        f'byte_order="{sys.byteorder.capitalize()}Endian" header_type="UInt64">',
        '<PolyData>',
        f'<Piece NumberOfPoints="{len(geometry.points)}" NumberOfVerts="0" '
        f'NumberOfLines="{count}" NumberOfStrips="0" NumberOfPolys="0">',
        '<PointData>',
        *(arrays.add(name, values) for name, values in points.items()),
        '</PointData>',
        '<CellData>',
        *(arrays.add(name, values) for name, values in lines.items()),
        '</CellData>',
        '<Points>',
        arrays.add('Points', geometry.points),
        '</Points>',
        '<Lines>',
        arrays.add('connectivity', geometry.line_points),
        arrays.add('offsets', geometry.line_starts[1:]),
        '</Lines>',
        '</Piece>',
        '</PolyData>',
        '<AppendedData encoding="raw">',
    ]
    file.write('\n'.join(parts).encode('utf-8'))
    file.write(b'\n_')
    for values in arrays.values:
        file.write(np.uint64(values.nbytes).tobytes())
        file.write(values.tobytes())
    file.write(b'\n</AppendedData>\n</VTKFile>\n')


class _Appended:
    """The arrays after the XML, and the offset of each."""

    def __init__(self) -> None:
        self.values: list[Array] = []
        self._offset = 0

    def add(self, name: str, values: Array) -> str:
        """Append an array; return its XML element."""
        # It imports a client for the web.
        from xml.sax.saxutils import quoteattr

        if values.dtype == np.bool_:
            values = values.astype(np.uint8)
        kind = TYPES.get(values.dtype.str[1:])
        if kind is None:
            raise ValueError(f'table: expected columns of numbers, got {name!r} of {values.dtype}')
        width = f' NumberOfComponents="{values.shape[1]}"' if values.ndim == 2 else ''
        element = (
            f'<DataArray type="{kind}" Name={quoteattr(name)}{width} format="appended" '
            f'offset="{self._offset}"/>'
        )
        self.values.append(np.ascontiguousarray(values, values.dtype.newbyteorder('=')))
        self._offset += 8 + values.nbytes
        return element
