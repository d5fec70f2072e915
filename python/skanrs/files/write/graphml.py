"""GraphML by networkx: a multigraph whose nodes are endpoints and junctions, edges branches.

Nodes have the coordinates ``x``, ``y``, ``z``; edges have the columns of the branch table that are
not about their ends. Branches from and to the same node are edges of their own.
"""

from typing import IO, TYPE_CHECKING

from ..errors import need
from .geometry import in_order

if TYPE_CHECKING:
    import pandas as pd

__all__ = ['write_graphml']

OF_ENDS = ('node_id_', 'image_coord_', 'coord_')


def write_graphml(file: IO[bytes], table: 'pd.DataFrame', axes: str | None = None) -> None:
    """Write a branch table as GraphML.

    Parameters
    ----------
    file : file opened for writing bytes
        The file.
    table : DataFrame
        The branch table, with ``_`` in its column names.
    axes : str, optional
        A letter for each axis of the image; z, y, x by default.
    """
    need('networkx', getattr(file, 'name', 'GraphML'))
    import networkx

    graph = networkx.MultiGraph()
    for end in ('src', 'dst'):
        nodes = table.drop_duplicates(f'node_id_{end}')
        count = sum(name.startswith(f'coord_{end}_') for name in table.columns)
        columns = [f'coord_{end}_{axis}' for axis in in_order(axes, count)]
        places = zip(*(nodes[name].astype(float).tolist() for name in columns), strict=True)
        for node, place in zip(nodes[f'node_id_{end}'].tolist(), places, strict=True):
            graph.add_node(node, **dict(zip('xyz', place, strict=False)))
    of_edges = [name for name in table.columns if not name.startswith(OF_ENDS)]
    values = zip(*(table[name].tolist() for name in of_edges), strict=True)
    ends = zip(table['node_id_src'].tolist(), table['node_id_dst'].tolist(), strict=True)
    for (source, destination), row in zip(ends, values, strict=True):
        graph.add_edge(source, destination, **dict(zip(of_edges, row, strict=True)))
    networkx.write_graphml_xml(graph, file, named_key_ids=True)
