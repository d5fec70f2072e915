"""GraphML: a multigraph whose nodes are endpoints and junctions, edges branches.

Nodes have the coordinates ``x``, ``y``, ``z`` and, if centrelines are known, ``radius``; edges have
the columns of the branch table that are not about their ends. Branches from and to the same node
are edges of their own. If the table of nodes is known, nodes and edges have all columns of both
tables, as `skanrs.to_networkx` has them. Rows are written piece by piece, so that the text of a
large network is never whole in memory.
"""

from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from skanrs import _core
from skanrs._support.typing import Array

from .geometry import Geometry, in_order

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    'END',
    'Layout',
    'edges_of',
    'places_of_ends',
    'with_places',
    'write_graphml',
    'write_graphml_of_tables',
]

OF_ENDS = ('node_id_', 'image_coord_', 'coord_')
# Rows of a piece: some MB of text.
PIECE = 1 << 13
# The types that the kernel of CSV formats as Python does.
FORMATTED = ('i4', 'i8', 'f8')
TYPES = {'b': 'boolean', 'i': 'long', 'u': 'long', 'f': 'double'}

BEGIN = """<?xml version='1.0' encoding='utf-8'?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns \
http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"""
END = '</graph>\n</graphml>\n'


def write_graphml(
    file: IO[bytes],
    table: 'pd.DataFrame',
    axes: str | None = None,
    geometry: Geometry | None = None,
) -> None:
    """Write a branch table as GraphML.

    Parameters
    ----------
    file : file opened for writing bytes
        The file.
    table : DataFrame
        The branch table, with ``_`` in its column names.
    axes : str, optional
        A letter for each axis of the image; z, y, x by default.
    geometry : Geometry, optional
        The skeleton with its centrelines, whose ends then are the nodes.

    Raises
    ------
    ValueError
        If the table has not one row for each branch of the skeleton.
    """
    import pandas as pd

    if geometry is not None and len(table) != len(geometry.line_starts) - 1:
        raise ValueError('table: expected a row for each branch of the skeleton, in its order')
    ndim = sum(name.startswith('coord_src_') for name in table.columns)
    order = in_order(axes, ndim)
    ends = []
    for end, bounds in (('src', slice(None, -1)), ('dst', slice(1, None))):
        of_nodes = places_of_ends(table, end, order)
        if geometry is not None and geometry.radii is not None:
            at = geometry.line_points[geometry.line_starts[bounds] - (end == 'dst')]
            of_nodes = dict(zip('xyz'[:ndim], geometry.points[at].T, strict=False))
            of_nodes['radius'] = geometry.radii[at]
        of_end = pd.DataFrame(of_nodes, index=table[f'node_id_{end}'].to_numpy())
        ends.append(of_end[~of_end.index.duplicated()])
    nodes = pd.concat(ends)
    nodes = nodes[~nodes.index.duplicated(keep='last')].loc[nodes.index.unique()]
    _write(
        file,
        nodes,
        edges_of(table),
        [table['node_id_src'], table['node_id_dst'], range(len(table))],
    )


def places_of_ends(table: 'pd.DataFrame', end: str, order: Sequence[int]) -> dict[str, Array]:
    """Return the coordinates of the branches' sources or destinations, by their letters."""
    columns = [table[f'coord_{end}_{axis}'].to_numpy(dtype=float) for axis in order]
    return dict(zip('xyz', columns, strict=False))


def edges_of(table: 'pd.DataFrame') -> 'pd.DataFrame':
    """Return the columns of a branch table that are not about ends."""
    return table[[name for name in table.columns if not name.startswith(OF_ENDS)]]


def write_graphml_of_tables(
    file: IO[bytes], branches: 'pd.DataFrame', nodes: 'pd.DataFrame', axes: str | None = None
) -> None:
    """Write the graph of the tables of branches and nodes as GraphML; see `skanrs.to_networkx`.

    Parameters
    ----------
    file : file opened for writing bytes
        The file.
    branches, nodes : DataFrame
        The tables of `skanrs.analyze` and `skanrs.nodes`.
    axes : str, optional
        A letter for each axis of the image; z, y, x by default.

    Raises
    ------
    ValueError
        If columns or nodes are missing.
    """
    from skanrs.branches.network_tables import check_tables

    check_tables(branches, nodes)
    edges = branches[~branches['in_junction']]
    _write(
        file,
        with_places(nodes, axes),
        edges,
        [edges['node_src'], edges['node_dst'], edges.index],
    )


def with_places(nodes: 'pd.DataFrame', axes: str | None) -> 'pd.DataFrame':
    """Return a table of nodes by their numbers, with their coordinates by letters."""
    order = in_order(axes, sum(name.startswith('coord_') for name in nodes.columns))
    places = {name: nodes[f'coord_{axis}'] for name, axis in zip('xyz', order, strict=False)}
    return nodes.assign(**places).set_index('node_id')


def _write(
    file: IO[bytes], nodes: 'pd.DataFrame', edges: 'pd.DataFrame', of_edges: Sequence[Any]
) -> None:
    """Write nodes by their index, and edges by source, destination and number."""
    layout = Layout.of(nodes, edges)
    file.write(layout.begin)
    layout.write_nodes(file, nodes)
    layout.write_edges(file, edges, of_edges)
    file.write(END.encode())


class Layout(NamedTuple):
    """What all rows of a graph have in common; see `Layout.of`."""

    begin: bytes
    """The text before the nodes."""
    of_node: str
    of_edge: str

    @classmethod
    def of(cls, nodes: 'pd.DataFrame', edges: 'pd.DataFrame') -> 'Layout':
        """Return the layout of a graph with the columns of these tables, which may be parts."""
        both = set(nodes.columns) & set(edges.columns)
        begin, elements = [BEGIN], []
        for kind, table in (('node', nodes), ('edge', edges)):
            # Names of keys are unique.
            keys = [quoteattr(f'{kind}_{name}' if name in both else str(name)) for name in table]
            for key, name, dtype in zip(keys, table, table.dtypes, strict=True):
                of_type = TYPES.get(getattr(dtype, 'kind', 'O'), 'string')
                begin.append(
                    f'<key id={key} for="{kind}" attr.name={quoteattr(str(name))} '
                    f'attr.type="{of_type}"/>\n'
                )
            data = (f'<data key={key}>'.replace('%', '%%') + '%s</data>' for key in keys)
            elements.append(''.join(data))
        begin.append('<graph edgedefault="undirected">\n')
        of_node, of_edge = elements
        edge = '<edge source="%s" target="%s" id="%s">'
        return cls(
            ''.join(begin).encode(),
            f'<node id="%s">{of_node}</node>\n',
            f'{edge}{of_edge}</edge>\n',
        )

    def write_nodes(self, file: IO[bytes], nodes: 'pd.DataFrame') -> None:
        """Write nodes by their index."""
        _write_rows(file, self.of_node, [nodes.index], nodes)

    def write_edges(self, file: IO[bytes], edges: 'pd.DataFrame', of_edges: Sequence[Any]) -> None:
        """Write edges by source, destination and number."""
        _write_rows(file, self.of_edge, of_edges, edges)


def _write_rows(
    file: IO[bytes], template: str, names: Sequence[Any], table: 'pd.DataFrame'
) -> None:
    columns = [np.asarray(name) for name in names]
    columns += [table.iloc[:, at].to_numpy() for at in range(table.shape[1])]
    for first in range(0, len(table), PIECE):
        rows = zip(*(_texts(column[first : first + PIECE]) for column in columns), strict=True)
        file.write(''.join(map(template.__mod__, rows)).encode())


def _texts(column: Array) -> list[Any]:
    """Return values that are written as they are."""
    if column.dtype.kind == 'b':
        words: list[Any] = np.where(column, 'true', 'false').tolist()
        return words
    if column.dtype.kind not in TYPES:
        return [escape(str(value)) for value in column.tolist()]
    if column.dtype.str[1:] not in FORMATTED or np.isnan(column).any():
        values: list[Any] = column.tolist()
        return values
    text = _core.csv_rows([np.ascontiguousarray(column, column.dtype.newbyteorder('='))])
    lines: list[Any] = text.tobytes().decode().splitlines()
    return lines
