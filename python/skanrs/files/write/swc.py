"""SWC: a tree of points with radii, each naming its parent (Cannon et al. 1998).

Each network is a tree, whose root is its thickest endpoint (the first one if radii are unknown).
Parents precede their children, and the points of a network are contiguous.
"""

from typing import IO

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from .geometry import Array, Geometry

__all__ = ['write_swc']

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
        If the skeleton has loops.
    """
    count = len(geometry.points)
    loops = len(geometry.edges) - count + len(np.unique(geometry.networks))
    if loops:
        raise ValueError(
            f'the skeleton has {loops:,} {"loop" if loops == 1 else "loops"}, and SWC files hold '
            'trees only; write .graphml, .vtp or .precomputed, or remove a branch of each loop '
            'first (Skeleton.prune_paths)'
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


def _trees(geometry: Geometry) -> tuple[Array, list[int]]:
    """Return the points in the order of the file, and the number of the parent of each."""
    count = len(geometry.points)
    if count == 0:
        return np.empty(0, dtype=np.int64), []
    one, other = geometry.edges.T
    graph = sparse.coo_array((np.ones(len(one)), (one, other)), shape=(count, count)).tocsr()
    graph = graph + graph.T
    roots = _roots(geometry, np.diff(graph.indptr))
    # A point above all roots joins the trees, so that one search is enough.
    above = sparse.coo_array(
        (np.ones(len(roots)), (np.full(len(roots), count), roots)), shape=(count + 1, count + 1)
    )
    graph.resize((count + 1, count + 1))
    order, before = csgraph.depth_first_order(graph + above.tocsr(), count, directed=True)
    order = order[1:].astype(np.int64)
    place = np.zeros(count + 1, dtype=np.int64)
    place[order] = np.arange(1, count + 1)
    place[count] = -1
    return order, place[before[order]].tolist()


def _roots(geometry: Geometry, degrees: Array) -> Array:
    """Return the root of each network."""
    radii = np.zeros(len(degrees)) if geometry.radii is None else geometry.radii
    ends = np.flatnonzero(degrees == 1)
    # The first of each network when sorted by network, then by radius from the largest.
    ranked = ends[np.lexsort((ends, -radii[ends], geometry.networks[ends]))]
    _, first = np.unique(geometry.networks[ranked], return_index=True)
    return ranked[first]
