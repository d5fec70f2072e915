"""GraphML by networkx: a multigraph whose nodes are endpoints and junctions, edges branches.

Nodes have the coordinates ``x``, ``y``, ``z`` and, if centrelines are known, ``radius``; edges have
the columns of the branch table that are not about their ends. Branches from and to the same node
are edges of their own. If the table of nodes is known, nodes and edges have all columns of both
tables, as `skanrs.to_networkx` has them.
"""

from typing import IO, TYPE_CHECKING

import numpy as np

from ..errors import need
from .geometry import Geometry, in_order

if TYPE_CHECKING:
    import pandas as pd

__all__ = ['write_graphml', 'write_graphml_of_tables']

OF_ENDS = ('node_id_', 'image_coord_', 'coord_')


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
    need('networkx', getattr(file, 'name', 'GraphML'))
    import networkx

    graph = networkx.MultiGraph()
    if geometry is not None and len(table) != len(geometry.line_starts) - 1:
        raise ValueError('table: expected a row for each branch of the skeleton, in its order')
    ndim = sum(name.startswith('coord_src_') for name in table.columns)
    order = in_order(axes, ndim)
    for end, bounds in (('src', slice(None, -1)), ('dst', slice(1, None))):
        columns = [table[f'coord_{end}_{axis}'].to_numpy(dtype=float) for axis in order]
        of_nodes = dict(zip('xyz', columns, strict=False))
        if geometry is not None and geometry.radii is not None:
            at = geometry.line_points[geometry.line_starts[bounds] - (end == 'dst')]
            of_nodes = dict(zip('xyz'[:ndim], geometry.points[at].T, strict=False))
            of_nodes['radius'] = geometry.radii[at]
        nodes = table[f'node_id_{end}']
        first = np.flatnonzero(~nodes.duplicated())
        rows = zip(*(column[first].tolist() for column in of_nodes.values()), strict=True)
        for node, row in zip(nodes.to_numpy()[first].tolist(), rows, strict=True):
            graph.add_node(node, **dict(zip(of_nodes, row, strict=True)))
    of_edges = [name for name in table.columns if not name.startswith(OF_ENDS)]
    values = zip(*(table[name].tolist() for name in of_edges), strict=True)
    ends = zip(table['node_id_src'].tolist(), table['node_id_dst'].tolist(), strict=True)
    for (source, destination), row in zip(ends, values, strict=True):
        graph.add_edge(source, destination, **dict(zip(of_edges, row, strict=True)))
    networkx.write_graphml_xml(graph, file, named_key_ids=True)


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
    """
    need('networkx', getattr(file, 'name', 'GraphML'))
    import networkx

    from skanrs.branches.network_graph import to_networkx

    order = in_order(axes, sum(name.startswith('coord_') for name in nodes.columns))
    places = {name: nodes[f'coord_{axis}'] for name, axis in zip('xyz', order, strict=False)}
    networkx.write_graphml_xml(
        to_networkx(branches, nodes.assign(**places)), file, named_key_ids=True
    )
