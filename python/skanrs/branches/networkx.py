"""Skeletons as networkx graphs, and back.

Networkx is imported by what makes a graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skanrs.graph.skeleton import Skeleton

from .read_column import read_column
from .summarize import summarize

if TYPE_CHECKING:
    from collections.abc import Callable

    import networkx as nx
    import numpy.typing as npt
    import pandas as pd


def skeleton_to_nx(skeleton: Skeleton, summary: pd.DataFrame | None = None) -> nx.MultiGraph[int]:
    """Convert a skeleton to a networkx graph of its branches.

    Parameters
    ----------
    skeleton : Skeleton
        The skeleton.
    summary : pandas.DataFrame, optional
        Its branch table, with any separator; computed if not given. Only the branches in it
        become edges: the index of a row is the number of the path.

    Returns
    -------
    g : networkx.MultiGraph
        Junctions and ends as nodes, by pixel number, and an edge for each branch, with the
        attributes ``path`` (coordinates of its pixels, shape (N, ndim)), ``indices`` (their
        numbers) and ``values``. The graph has the attributes ``shape`` and ``dtype`` of the image,
        ``spacing``, and ``isolated`` and ``isolated_values``: coordinates and values of the pixels
        without neighbours, which are on no branch.

    See Also
    --------
    nx_to_skeleton : The way back.

    Examples
    --------
    >>> from skanrs.csr import Skeleton, skeleton_to_nx
    >>> from skanrs._testdata import skeleton0
    >>> g = skeleton_to_nx(Skeleton(skeleton0))
    >>> g.number_of_nodes(), g.number_of_edges()
    (4, 3)
    """
    import networkx as nx

    if summary is None:
        summary = summarize(skeleton, separator='_')
    isolated = np.flatnonzero(skeleton.degrees == 0)
    values = skeleton.pixel_values
    g: nx.MultiGraph[int] = nx.MultiGraph(
        shape=skeleton.skeleton_shape,
        dtype=skeleton.skeleton_dtype,
        spacing=skeleton.spacing,
        isolated=skeleton.coordinates[isolated],
        isolated_values=np.ones(len(isolated)) if values is None else values[isolated],
    )
    sources = read_column(summary, 'node_id_src').tolist()
    targets = read_column(summary, 'node_id_dst').tolist()
    for path, source, target in zip(summary.index, sources, targets, strict=True):
        indices, data = skeleton.path_with_data(path)
        coordinates = skeleton.path_coordinates(path)
        g.add_edge(source, target, path=coordinates, indices=indices, values=data)
    return g


def nx_to_skeleton(g: nx.Graph[Any]) -> Skeleton:
    """Convert a networkx graph of branches to a skeleton.

    Parameters
    ----------
    g : networkx.Graph or networkx.MultiGraph
        A graph as :func:`skeleton_to_nx` makes it. Needed are the attributes ``shape`` and
        ``dtype`` of the graph, and ``path`` and ``values`` of each edge; ``spacing``,
        ``isolated`` and ``isolated_values`` of the graph are used if they are there.

    Returns
    -------
    skeleton : Skeleton
        The skeleton of the image that the graph's pixels draw. Its paths follow from the image, not
        from the graph: where an edge was removed, its neighbours may be one path now.

    Raises
    ------
    KeyError
        If the graph has no ``shape`` or ``dtype``.
    IndexError
        If a path leaves the image.

    Examples
    --------
    >>> from skanrs.csr import Skeleton, nx_to_skeleton, skeleton_to_nx
    >>> from skanrs._testdata import skeleton0
    >>> nx_to_skeleton(skeleton_to_nx(Skeleton(skeleton0))).n_paths
    3
    """
    image = np.zeros(g.graph['shape'], dtype=g.graph['dtype'])
    if 'isolated' in g.graph:
        image[tuple(g.graph['isolated'].T)] = g.graph['isolated_values']
    for _, _, attributes in g.edges(data=True):
        image[tuple(attributes['path'].T)] = attributes['values']
    return Skeleton(image, spacing=g.graph.get('spacing', 1))


def _merge_paths(p1: npt.NDArray[Any], p2: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Join two paths, the first of which ends where the second begins."""
    return np.concatenate([p1[:-1], p2], axis=0)


def _merge_edges(g: nx.Graph[Any], e1: tuple[Any, ...], e2: tuple[Any, ...]) -> None:
    """Replace two edges and the node between them by one edge.

    Parameters
    ----------
    g : networkx.Graph or networkx.MultiGraph
        The graph, changed in place.
    e1, e2 : tuple
        The edges: two nodes, in a MultiGraph and their key. They share the node that goes.

    Notes
    -----
    ``path`` (always) and ``indices`` and ``values`` (if both have them) are joined; distances are
    added, means and standard deviations pooled, and the lower branch type and the skeleton id of
    the first edge kept, if both edges have them.
    """
    (middle,) = set(e1[:2]) & set(e2[:2]) if set(e1[:2]) != set(e2[:2]) else {e1[0]}
    source = e1[1] if e1[0] == middle else e1[0]
    target = e2[1] if e2[0] == middle else e2[0]
    first, second = dict(g.edges[e1]), dict(g.edges[e2])
    n1, n2 = len(first['path']), len(second['path'])
    # Attributes along a path; the node between the edges ends the first and begins the second.
    along = [name for name in ('path', 'indices', 'values') if name in first and name in second]
    if _begins_at_the_other(first, second, middle):
        first.update({name: first[name][::-1] for name in along})
    if not np.array_equal(second['path'][0], first['path'][-1]):
        second.update({name: second[name][::-1] for name in along})
    merged: dict[str, Any] = {name: _merge_paths(first[name], second[name]) for name in along}
    merged |= {'node_id_src': source, 'node_id_dst': target}
    pooled: dict[str, Callable[[Any, Any], Any]] = {
        'skeleton_id': lambda one, _: one,
        'branch_distance': lambda one, other: one + other,
        'branch_type': min,
        'mean_pixel_value': lambda one, other: (n1 * one + n2 * other) / (n1 + n2),
        'stdev_pixel_value': lambda one, other: np.sqrt(
            (one**2 * (n1 - 1) + other**2 * (n2 - 1)) / (n1 + n2 - 1)
        ),
    }
    for name, pool in pooled.items():
        if name in first and name in second:
            merged[name] = pool(first[name], second[name])
    g.remove_node(middle)
    g.add_edge(source, target, **merged)


def _begins_at_the_other(first: dict[str, Any], second: dict[str, Any], middle: Any) -> bool:
    """Whether the first path begins where it meets the second."""
    if 'indices' in first:
        return bool(first['indices'][-1] != middle)
    ends = second['path'][[0, -1]]
    return not np.any(np.all(ends == first['path'][-1], axis=-1))


def _remove_simple_path_nodes(g: nx.Graph[Any]) -> None:
    """Remove the nodes of degree 2, merging the two edges of each into one.

    A node with a loop stays, and in a graph without parallel edges a node whose edges would become
    parallel to another, or a loop.

    Parameters
    ----------
    g : networkx.Graph or networkx.MultiGraph
        The graph, changed in place.
    """
    for node in [node for node in g if g.degree(node) == 2]:
        keys = {'keys': True} if g.is_multigraph() else {}
        edges = list(g.edges(node, **keys))
        if len(edges) != 2:
            continue
        one, other = edges[0][1], edges[1][1]
        if g.is_multigraph() or (one != other and not g.has_edge(one, other)):
            _merge_edges(g, edges[0], edges[1])
