"""Networks as networkx graphs: a node for each junction and tip, an edge for each branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .network_tables import check_tables

if TYPE_CHECKING:
    import networkx as nx

__all__ = ['to_networkx']


def to_networkx(branches: pd.DataFrame, nodes: pd.DataFrame) -> nx.MultiGraph[int]:
    """Make a networkx graph of a network.

    Parameters
    ----------
    branches : pandas.DataFrame
        The branches, as `skanrs.analyze` or `skanrs.root` returns them, with ``_`` in the names of
        its columns.
    nodes : pandas.DataFrame
        The nodes, as `skanrs.nodes` returns them.

    Returns
    -------
    graph : networkx.MultiGraph
        A node for each row of `nodes`, by its ``node_id``, and an edge for each branch, whose key
        is its index; all columns are attributes. Branches inside a junction (``in_junction``) have
        no edge, so that the loops of the graph are those of the network.

    Raises
    ------
    ValueError
        If columns or nodes are missing.
    TypeError
        If a table is no pandas table.

    See Also
    --------
    skanrs.csr.skeleton_to_nx : A graph with the paths of the branches, as skan makes it.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> mask = np.zeros((40, 40), dtype=bool)
    >>> mask[18:21, 2:38] = mask[2:38, 18:21] = True
    >>> graph = skanrs.to_networkx(skanrs.analyze(mask), skanrs.nodes(mask))
    >>> dict(graph.degree)
    {0: 1, 1: 4, 2: 1, 3: 1, 4: 1}
    """
    import networkx as nx

    check_tables(branches, nodes)
    graph: nx.MultiGraph[int] = nx.MultiGraph()
    of_nodes = [name for name in nodes.columns if name != 'node_id']
    rows = zip(*(nodes[name].tolist() for name in of_nodes), strict=True)
    for node, row in zip(nodes['node_id'].tolist(), rows, strict=True):
        graph.add_node(node, **dict(zip(of_nodes, row, strict=True)))
    edges = branches[~branches['in_junction']]
    values = zip(*(edges[name].tolist() for name in edges.columns), strict=True)
    ends = edges['node_src'].tolist(), edges['node_dst'].tolist()
    for source, destination, key, row in zip(*ends, edges.index.tolist(), values, strict=True):
        graph.add_edge(source, destination, key, **dict(zip(edges.columns, row, strict=True)))
    return graph
