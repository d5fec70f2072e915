"""SWC: a tree of points with radii, each naming its parent (Cannon et al. 1998).

Each network is a tree, whose root is its thickest endpoint (the first one if radii are unknown), or
that of `skanrs.root` if the table has its columns. A branch that closes a loop in such a tree keeps
its points, but not the edge to its far end. Parents precede their children, and the points of a
network are contiguous.
"""

from typing import IO, TYPE_CHECKING

import numpy as np

from .geometry import Array, Geometry

if TYPE_CHECKING:
    import pandas as pd

__all__ = ['rooted', 'write_swc']

UNDEFINED = 0
"""The type of all points: the structure they belong to is unknown."""


def write_swc(file: IO[bytes], geometry: Geometry) -> None:
    """Write a skeleton as SWC.

    Parameters
    ----------
    file : file opened for writing bytes
        The file.
    geometry : Geometry
        The skeleton.

    Raises
    ------
    ValueError
        If the skeleton has loops in networks without a root.
    """
    count = len(geometry.points)
    loops = len(geometry.edges) - count + len(np.unique(geometry.networks))
    if loops:
        raise ValueError(
            f'the skeleton has {loops:,} {"loop" if loops == 1 else "loops"}, and SWC files hold '
            'trees only; root the table first (skanrs.root), or write .graphml, .vtp or '
            '.precomputed'
        )
    order, parents = _trees(geometry)
    radii = geometry.radii
    if radii is None:
        radii = np.full(count, geometry.smallest_spacing / 2)
    file.write(b'# x y z and radius in the units of the spacing; written by skanrs\n')
    file.write(b'# id type x y z radius parent\n')
    rows = zip(geometry.points[order].tolist(), radii[order].tolist(), parents, strict=True)
    for number, ((x, y, z), radius, parent) in enumerate(rows, start=1):
        file.write(
            f'{number} {UNDEFINED} {x:.9g} {y:.9g} {z:.9g} {radius:.9g} {parent}\n'.encode('ascii')
        )


def rooted(geometry: Geometry, table: 'pd.DataFrame | None') -> Geometry:
    """Return a skeleton with its roots and with open loops, if the table of branches has them.

    Parameters
    ----------
    geometry : Geometry
        The skeleton.
    table : DataFrame, optional
        Its branches, perhaps as `skanrs.root` returns them.

    Raises
    ------
    ValueError
        If a table with roots has not one row for each branch.
    """
    if table is None or not {'root', 'parent', 'is_loop', 'is_reversed'} <= set(table.columns):
        return geometry
    number = table.index.to_numpy()
    if len(table) != len(geometry.line_starts) - 1 or (number != np.arange(len(number))).any():
        raise ValueError('table: expected a row for each branch of the skeleton, in its order')
    starts, stops = geometry.line_starts[:-1], geometry.line_starts[1:]
    is_reversed = table['is_reversed'].to_numpy(dtype=bool)
    far = np.where(is_reversed, starts, stops - 1)
    before = np.where(is_reversed, starts + 1, stops - 2)
    is_loop = table['is_loop'].to_numpy(dtype=bool)
    cut = np.sort(geometry.line_points[np.stack([before, far], axis=1)[is_loop]], axis=1)
    size = max(len(geometry.points), 1)
    edges = geometry.edges
    kept = edges[~np.isin(edges[:, 0] * size + edges[:, 1], cut[:, 0] * size + cut[:, 1])]
    at_root = (table['parent'] < 0) & (table['root'] >= 0) & ~table['is_loop']
    near = np.where(is_reversed, stops - 1, starts)[at_root.to_numpy()]
    return geometry._replace(edges=kept, roots=geometry.line_points[near])


def _trees(geometry: Geometry) -> tuple[Array, list[int]]:
    """Return the points in the order of the file, and the number of the parent of each.

    The roots of networks are the first of those given, else chosen.
    """
    count = len(geometry.points)
    if count == 0:
        return np.empty(0, dtype=np.int64), []
    from scipy import sparse
    from scipy.sparse import csgraph

    sources, targets = geometry.edges.T
    graph = sparse.coo_array(
        (np.ones(len(sources)), (sources, targets)), shape=(count, count)
    ).tocsr()
    graph = graph + graph.T
    chosen = _roots(geometry, np.diff(graph.indptr))
    roots = np.concatenate([geometry.roots, chosen])
    _, first = np.unique(geometry.networks[roots], return_index=True)
    roots = roots[first]
    # A point above all roots joins the trees, so that one search is enough.
    above = sparse.coo_array(
        (np.ones(len(roots)), (np.full(len(roots), count), roots)), shape=(count + 1, count + 1)
    )
    graph.resize((count + 1, count + 1))
    order, before = csgraph.depth_first_order(graph + above.tocsr(), count, directed=True)
    order = order[1:].astype(np.int64)
    number_of = np.zeros(count + 1, dtype=np.int64)
    number_of[order] = np.arange(1, count + 1)
    number_of[count] = -1
    return order, number_of[before[order]].tolist()


def _roots(geometry: Geometry, degrees: Array) -> Array:
    """Return the root of each network."""
    radii = np.zeros(len(degrees)) if geometry.radii is None else geometry.radii
    ends = np.flatnonzero(degrees == 1)
    # The first of each network when sorted by network, then by radius from the largest.
    ranked = ends[np.lexsort((ends, -radii[ends], geometry.networks[ends]))]
    _, first = np.unique(geometry.networks[ranked], return_index=True)
    return ranked[first]
