"""The main branch of each skeleton: its longest shortest path.

Names and signatures of ``skan.summary_utils`` 0.13.1; the results are what its documentation says
(see docs/differences.md). Cost: see ``src/branches/shortest_paths/longest.rs``; a tree takes two
passes, and loops a few dozen runs of Dijkstra's algorithm instead of one from every node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skanrs import _core

from .read_column import read_column

if TYPE_CHECKING:
    from collections.abc import Callable

    import networkx as nx
    import numpy.typing as npt
    import pandas as pd

__all__ = ['find_main_branch_nx', 'find_main_branches']


def _main_branches(
    sources: npt.NDArray[Any], targets: npt.NDArray[Any], lengths: npt.NDArray[Any]
) -> npt.NDArray[np.intp]:
    """Find the branches of one longest shortest path of each component."""
    nodes, ends = np.unique(np.concatenate((sources, targets)), return_inverse=True)
    source_ends, target_ends = np.split(ends.astype(np.uint32), 2)
    branches, _ = _core.longest_shortest_paths(
        len(nodes), source_ends, target_ends, np.ascontiguousarray(lengths, dtype=np.float64)
    )
    return branches.astype(np.intp)


def find_main_branch_nx(
    g: nx.Graph[Any],
    weight: str | Callable[..., float | None] | None = 'branch-distance',
    in_place: bool = True,
) -> nx.Graph[Any]:
    """Mark the edges on a longest shortest path of each connected component.

    Parameters
    ----------
    g : networkx.Graph or networkx.MultiGraph
        The graph.
    weight : str or callable or None, optional
        The length of an edge, as in networkx: the name of an attribute (1 where an edge lacks it),
        or a function of two nodes and the edge's attributes (None hides the edge). None: every
        edge has length 1.
    in_place : bool, optional
        Whether to mark the edges in `g` itself or in a copy.

    Returns
    -------
    g : networkx.Graph or networkx.MultiGraph
        The graph; the edges on the paths have the attribute ``main``, which is True.

    Raises
    ------
    ValueError
        If the graph is directed, if a length is negative or not finite, or if all lengths are so
        large that sums of distances would not be finite.

    Notes
    -----
    Of several paths of the same length one is marked.

    Examples
    --------
    >>> import networkx as nx
    >>> from skanrs.summary_utils import find_main_branch_nx
    >>> g = nx.Graph()
    >>> g.add_weighted_edges_from([(1, 2, 5.0), (2, 3, 1.0), (2, 4, 3.0)])
    >>> list(find_main_branch_nx(g, weight='weight').edges(data='main'))
    [(1, 2, True), (2, 3, None), (2, 4, True)]
    """
    if g.is_directed():
        raise ValueError('g: expected an undirected graph, got a directed one')
    if not in_place:
        g = g.copy()
    number = {node: index for index, node in enumerate(g)}
    edges = []
    for source, target, attributes in g.edges(data=True):
        if callable(weight):
            length = weight(source, target, attributes)
        else:
            length = 1 if weight is None else attributes.get(weight, 1)
        if length is not None:
            edges.append((number[source], number[target], length, attributes))
    sources, targets, lengths = (np.array([edge[i] for edge in edges]) for i in range(3))
    for branch in _main_branches(sources, targets, lengths):
        edges[branch][3]['main'] = True
    return g


def find_main_branches(summary: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Find the branches on the longest shortest path of each skeleton.

    Parameters
    ----------
    summary : pandas.DataFrame
        A branch table, with any separator: ``node_id_src``, ``node_id_dst`` and
        ``branch_distance`` are read.

    Returns
    -------
    is_main : array of bool, shape (n_branches,)
        True for the branches of one longest shortest path of each skeleton, by branch distance: no
        two nodes of the skeleton are farther apart. Of parallel branches the shorter one counts.
        Where a skeleton consists of cycles through one node only, its longest cycle.

    Raises
    ------
    KeyError
        If the table lacks a column.
    ValueError
        If a length is negative or not finite, or if all lengths are so large that sums of
        distances would not be finite.

    Examples
    --------
    >>> from skanrs import Skeleton, summarize
    >>> from skanrs._testdata import skeleton1
    >>> from skanrs.summary_utils import find_main_branches
    >>> find_main_branches(summarize(Skeleton(skeleton1), separator='_'))
    array([False,  True,  True,  True])
    """
    sources = read_column(summary, 'node_id_src')
    targets = read_column(summary, 'node_id_dst')
    lengths = read_column(summary, 'branch_distance')
    is_main = np.zeros(len(summary), dtype=bool)
    is_main[_main_branches(sources, targets, lengths)] = True
    cycles = sources == targets
    linked = np.concatenate((sources[~cycles], targets[~cycles]))
    lone = np.flatnonzero(cycles & ~np.isin(sources, linked))
    longest_first = lone[np.lexsort((lone, -lengths[lone]))]
    is_main[longest_first[np.unique(sources[longest_first], return_index=True)[1]]] = True
    return is_main
