"""Directions of branches at their nodes, the angles between them, and Murray's exponents.

The direction of a branch at a node is that of the straight line that fits its centreline best, by
least squares over arc length, from the radius of the node on: what lies nearer is the junction's.

Source: C. D. Murray, "The physiological principle of minimum work", PNAS 12 (1926). Cost: a few
passes over the points of the centrelines and the pairs of branches.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from skanrs._support.typing import Array

from .network_tables import axes_of, check_tables
from .polylines import Centrelines

__all__ = ['angles', 'directions']

_STEPS = 20
"""How many steps between points the fitted part of a centreline is long at least."""
_HALVINGS = 60
"""Bisections, after which the bits of a float are used up."""


def directions(
    branches: pd.DataFrame, nodes: pd.DataFrame, lines: Centrelines, *, reach: float = 10
) -> pd.DataFrame:
    """Return the directions of branches, as a whole and at both ends.

    Parameters
    ----------
    branches : pandas.DataFrame
        The branches, as `skanrs.analyze` or `skanrs.root` returns them, with ``_`` in the names of
        its columns. The index of a row is the number of its centreline.
    nodes : pandas.DataFrame
        The nodes, as `skanrs.nodes` returns them.
    lines : Centrelines
        The centrelines of the same image, of `skanrs.centrelines`.
    reach : float, optional
        How many radii of the node the part of a branch is long that has the direction there.

    Returns
    -------
    directions : pandas.DataFrame
        A row for each branch. Unit vectors, a column for each axis: ``direction_*`` from the source
        to the destination, and ``direction_src_*`` and ``direction_dst_*`` away from the node at
        each end. NaN where a branch has none, as from end to end of a cycle.

    Raises
    ------
    ValueError
        If columns, nodes or centrelines are missing, or `reach` is not positive and finite.
    TypeError
        If a table is no pandas table.

    See Also
    --------
    angles : The angles between them.

    Notes
    -----
    At an end, the line is fitted to the part of the centreline that begins at the radius of the
    node, along it from its end, and is `reach` radii or 20 steps long, whichever is longer. Of
    branches shorter than two radii the half that is farther from the node counts.

    On forks of straight tubes of radius 3 to 5 whose angles are known, all angles are within 3
    degrees. With `reach` 4 they are local to the junction, and some are 6 degrees off.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> mask = np.zeros((7, 40), dtype=bool)
    >>> mask[2:5, 2:38] = True
    >>> tables = skanrs.analyze(mask), skanrs.nodes(mask)
    >>> directions = skanrs.directions(*tables, skanrs.centrelines(mask))
    >>> directions[['direction_src_0', 'direction_src_1', 'direction_dst_1']].round(2).abs()
       direction_src_0  direction_src_1  direction_dst_1
    0             0.01              1.0              1.0
    """
    check_tables(branches, nodes)
    straight, ends = _directions(branches, nodes, lines, reach)
    columns: dict[str, Array] = {}
    for name, vectors in (('', straight), ('src_', ends[0]), ('dst_', ends[1])):
        columns |= {f'direction_{name}{axis}': along for axis, along in enumerate(vectors.T)}
    return pd.DataFrame(columns, index=branches.index)


def angles(
    branches: pd.DataFrame, nodes: pd.DataFrame, lines: Centrelines, *, reach: float = 10
) -> pd.DataFrame:
    """Return the angles between the branches that meet at each junction.

    Parameters
    ----------
    branches : pandas.DataFrame
        The branches, as `skanrs.analyze` or, with parents, `skanrs.root` returns them, with ``_``
        in the names of its columns. The index of a row is the number of its centreline.
    nodes : pandas.DataFrame
        The nodes, as `skanrs.nodes` returns them.
    lines : Centrelines
        The centrelines of the same image, of `skanrs.centrelines`.
    reach : float, optional
        How many radii of the node the part of a branch is long that has the direction there.

    Returns
    -------
    angles : pandas.DataFrame
        A row for each pair of branch ends at each node at which three or more lie:

        - ``node_id``: the node; ``branch_1``, ``branch_2``: the indices of the branches.
        - ``angle``: between their directions away from the node, from 0 to 180 degrees, see
          `directions`. Where the second goes straight on, it is 180.
        - ``remote_angle``: between the straight lines from the node to their other ends.
        - ``relation``: of branches of a rooted tree ``'parent'`` if the first leads to the node and
          the second away from it, ``'children'`` if both lead away; ``'none'`` otherwise.
        - ``murray_exponent``: of a parent of mean radius R with exactly two children of radii a and
          b the number x with R^x = a^x + b^x, the same in all its rows; NaN for other nodes and if
          a child is not thinner than its parent.

    Raises
    ------
    ValueError
        If columns, nodes or centrelines are missing, or `reach` is not positive and finite.
    TypeError
        If a table is no pandas table.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> mask = np.zeros((60, 60), dtype=bool)
    >>> mask[2:40, 29:32] = mask[38:41, 10:50] = True
    >>> nodes = skanrs.nodes(mask)
    >>> tree = skanrs.root(skanrs.analyze(mask), nodes, at=(0, 30))
    >>> skanrs.angles(tree, nodes, skanrs.centrelines(mask)).round(0)
       node_id  branch_1  branch_2  angle  remote_angle  relation  murray_exponent
    0        1         0         1   89.0          88.0    parent              NaN
    1        1         0         2   90.0          90.0    parent              NaN
    2        1         1         2  179.0         178.0  children              NaN
    """
    check_tables(branches, nodes)
    straight, ends = _directions(branches, nodes, lines, reach)
    outside = ~branches['in_junction'].to_numpy(dtype=bool)
    rows = np.tile(np.flatnonzero(outside), 2)
    vectors = np.stack(
        [
            np.concatenate([of_end[outside] for of_end in ends]),
            np.concatenate([straight[outside], -straight[outside]]),
        ]
    )
    node_of_end = np.concatenate([branches['node_src'][outside], branches['node_dst'][outside]])
    roles = _roles(branches, outside)
    # At each node its parent comes first, then rows in their order.
    order = np.lexsort((rows, roles != _PARENT, node_of_end))
    node_ids, starts, degrees = np.unique(node_of_end[order], return_index=True, return_counts=True)
    radii = branches['mean_radius'].to_numpy() if 'mean_radius' in branches else None
    parts = []
    for degree in np.unique(degrees[degrees > 2]):
        which = degrees == degree
        members = order[starts[which, np.newaxis] + np.arange(degree)]
        parts.append(_pairs(node_ids[which], members, rows, vectors, roles, radii))
    if not parts:
        nothing = np.empty((0, 3), dtype=np.int64)
        parts = [_pairs(node_ids[:0], nothing, rows, vectors, roles, radii)]
    pairs = _Pairs(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    by_node = np.argsort(pairs.node, kind='stable')
    pairs = _Pairs(*(column[by_node] for column in pairs))
    index = branches.index.to_numpy()
    return pd.DataFrame(
        {
            'node_id': pairs.node,
            'branch_1': index[pairs.first],
            'branch_2': index[pairs.second],
            'angle': pairs.angle,
            'remote_angle': pairs.remote_angle,
            'relation': pd.Categorical.from_codes(pairs.relation, pd.Index(_RELATIONS)),
            'murray_exponent': pairs.exponent,
        }
    )


_OTHER, _PARENT, _CHILD = range(3)
_RELATIONS = ['none', 'parent', 'children']


class _Pairs(NamedTuple):
    """Columns of pairs of branches."""

    node: Array
    first: Array
    second: Array
    angle: Array
    remote_angle: Array
    relation: Array
    exponent: Array


def _pairs(
    nodes: Array, members: Array, rows: Array, vectors: Array, roles: Array, radii: Array | None
) -> _Pairs:
    """Return the pairs of nodes with the same degree; a row of `members` are the ends at one.

    `vectors` are the directions at the ends of branches, and those to their other ends.
    """
    i, j = np.triu_indices(members.shape[1], 1)
    first, second = members[:, i], members[:, j]
    cosines = (vectors[:, first] * vectors[:, second]).sum(axis=-1)
    angle, remote_angle = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    of_pair = roles[first], roles[second]
    relation = np.zeros(first.shape, dtype=np.int8)
    relation[(of_pair[0] == _PARENT) & (of_pair[1] == _CHILD)] = 1
    relation[(of_pair[0] == _CHILD) & (of_pair[1] == _CHILD)] = 2
    exponents = np.full(len(nodes), np.nan)
    of_nodes = roles[members]
    is_fork = (of_nodes[:, 0] == _PARENT) & ((of_nodes == _CHILD).sum(axis=1) == 2)
    if radii is not None and is_fork.any():
        forks = members[is_fork]
        children = forks[of_nodes[is_fork] == _CHILD].reshape(-1, 2)
        exponents[is_fork] = _murray(radii[rows[forks[:, 0]]], *radii[rows[children]].T)
    return _Pairs(
        np.repeat(nodes, len(i)),
        rows[first].ravel(),
        rows[second].ravel(),
        angle.ravel(),
        remote_angle.ravel(),
        relation.ravel(),
        np.repeat(exponents, len(i)),
    )


def _roles(branches: pd.DataFrame, outside: Array) -> Array:
    """Return what the sources and then the destinations of branches are to their nodes."""
    count = int(outside.sum())
    roles = np.full((2, count), _OTHER)
    if 'strahler' in branches and 'is_reversed' in branches:
        in_tree = branches['strahler'].to_numpy()[outside] > 0
        begin = branches['is_reversed'].to_numpy(dtype=np.int64)[outside]
        roles[begin[in_tree], np.flatnonzero(in_tree)] = _CHILD
        roles[1 - begin[in_tree], np.flatnonzero(in_tree)] = _PARENT
    return roles.ravel()


def _murray(parent: Array, first: Array, second: Array) -> Array:
    """Return the exponents by which radii of parents are the sums of those of two children."""
    with np.errstate(all='ignore'):
        thick = np.log(np.maximum(first, second) / parent)
        thin = np.log(np.minimum(first, second) / parent)
    exponents = np.full(len(parent), np.nan)
    allowed = (thick < 0) & np.isfinite(thin)
    thick, thin = thick[allowed], thin[allowed]
    # With two equal children it is one of these bounds.
    low, high = np.log(2) / -thin, np.log(2) / -thick
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_low = np.exp(thin * middle) + np.exp(thick * middle) > 1
        low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
    exponents[allowed] = high
    return exponents


def _directions(
    branches: pd.DataFrame, nodes: pd.DataFrame, lines: Centrelines, reach: float
) -> tuple[Array, tuple[Array, Array]]:
    """Return unit vectors from source to destination, and away from the nodes at both ends."""
    if not 0 < reach < np.inf:
        raise ValueError(f'reach: expected a positive, finite number, got {reach!r}')
    index = branches.index.to_numpy()
    count = len(lines.offsets) - 1
    if lines.points.shape[1] != axes_of(nodes):
        raise ValueError(
            f'lines: expected centrelines of {axes_of(nodes)} axes, got {lines.points.shape[1]}'
        )
    if index.dtype.kind not in 'iu' or ((index < 0) | (index >= count)).any():
        raise ValueError(
            f'lines: expected a centreline for the index of each branch, got {count} centrelines'
        )
    starts, stops = lines.offsets[index], lines.offsets[index + 1]
    straight = _unit(lines.points[stops - 1] - lines.points[starts])
    radii = nodes.set_index('node_id')['radius']
    of_ends = [radii.loc[branches[name]].to_numpy() for name in ('node_src', 'node_dst')]
    # Infinite radii are those of objects without background.
    finite = [np.where(np.isfinite(radius), radius, 0.0) for radius in of_ends]
    sizes = stops - starts
    points = np.repeat(starts - np.append(0, np.cumsum(sizes)[:-1]), sizes)
    points += np.arange(len(points))
    coordinates = lines.points[points]
    steps = np.zeros(len(points))
    steps[1:] = np.linalg.norm(np.diff(coordinates, axis=0), axis=1)
    branch = np.repeat(np.arange(len(index)), sizes)
    first = np.append(0, np.cumsum(sizes)[:-1]) if len(index) else np.empty(0, dtype=np.int64)
    steps[first] = 0
    along = np.cumsum(steps)
    along -= along[first][branch] if len(index) else 0
    lengths = along[first + sizes - 1] if len(index) else np.empty(0)
    fits = []
    for radius, arcs in zip(finite, (along, lengths[branch] - along), strict=True):
        begin = np.minimum(radius, lengths / 2)
        least = _STEPS * lengths / np.maximum(sizes - 1, 1)
        end = np.minimum(begin + np.maximum(reach * radius, least), lengths)
        fits.append(_fit(coordinates, arcs, branch, begin, end, len(index)))
    return straight, (fits[0], fits[1])


def _fit(
    coordinates: Array, arcs: Array, branch: Array, begin: Array, end: Array, count: int
) -> npt.NDArray[np.float64]:
    """Return the slope of the points of each branch over the arc between two lengths."""
    # Rounding of sums of steps must not drop the end of a line.
    rounding = 1e-9 * (end + 1e-300)
    used = np.flatnonzero((arcs >= (begin - rounding)[branch]) & (arcs <= (end + rounding)[branch]))
    arcs, branch, coordinates = arcs[used], branch[used], coordinates[used]
    counts = np.bincount(branch, minlength=count)
    with np.errstate(invalid='ignore', divide='ignore'):
        arcs = arcs - (np.bincount(branch, arcs, count) / counts)[branch]
    slopes = [np.bincount(branch, arcs * axis, count) for axis in coordinates.T]
    return _unit(np.stack(slopes, axis=1))


def _unit(vectors: Array) -> npt.NDArray[np.float64]:
    """Return vectors of length one; NaN for those of length zero."""
    with np.errstate(invalid='ignore', divide='ignore'):
        unit: npt.NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
