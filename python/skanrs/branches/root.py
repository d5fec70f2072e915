"""Rooted trees: the branches of a network with their parents, generations and orders.

Source: ``src/network/root.rs``; R. E. Horton, "Erosional development of streams and their drainage
basins", GSA Bulletin 56 (1945); A. N. Strahler, "Quantitative analysis of watershed geomorphology",
Transactions AGU 38 (1957). The first also states the cost.
"""

from __future__ import annotations

import operator
import re
import reprlib
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from skanrs import _core
from skanrs._support.typing import Array

from .columns import length_column
from .network_tables import axes_of, check_tables

__all__ = ['root']

COLUMNS = (
    'root',
    'parent',
    'generation',
    'strahler',
    'distance_to_root',
    'n_tips_downstream',
    'length_downstream',
    'is_loop',
    'is_reversed',
)


def root(
    branches: pd.DataFrame,
    nodes: pd.DataFrame,
    *,
    at: int | str | npt.ArrayLike,
    max_distance: float | None = None,
) -> pd.DataFrame:
    """Root the networks of an image: find parent, generation and order of each branch.

    Parameters
    ----------
    branches : pandas.DataFrame
        The branches, as `skanrs.analyze` returns them, with ``_`` in the names of its columns. Rows
        may have been removed.
    nodes : pandas.DataFrame
        The nodes, as `skanrs.nodes` returns them.
    at : int, str or sequence of float
        Where the root is:

        - A ``node_id``.
        - A point in units of the spacing, a number for each axis: the nearest tip.
        - ``'thickest'``: in each network the tip with the largest radius.
        - A face of the image, the first or the last plane of an axis, such as ``'z=0'`` or
          ``'z=-1'``: in each network that reaches it, the thickest tip there.
    max_distance : float, optional
        How far a point may be from the nearest tip; by default a tenth of the diagonal of the box
        around all nodes.

    Returns
    -------
    rooted : pandas.DataFrame
        A copy of `branches` with these columns, or with new values in them:

        - ``root``: the node at the root of the network; -1 in networks without one, where the
          other columns are -1, 0, False or NaN.
        - ``parent``: the index of the branch that leads here; -1 at the root.
        - ``generation``: how many junctions are crossed on the way from the root, 0 at the root.
        - ``strahler``: the order of Horton and Strahler, 1 where no branch follows; 0 for branches
          that close a loop or lie inside a junction, which do not count in that of others.
        - ``distance_to_root``: the length of the shortest way to where the branch begins.
        - ``n_tips_downstream``: the tips that are reached through the branch, its own included.
        - ``length_downstream``: the length of all branches behind it.
        - ``is_loop``: whether the branch closes a loop.
        - ``is_reversed``: whether the branch begins, seen from the root, at its destination.

    Raises
    ------
    ValueError
        If columns are missing, if there is no such node or face, if no tip is near the point, or if
        the index of `branches` has no different integers from 0 on.
    TypeError
        If a table is no pandas table, or `at` is none of the above.

    See Also
    --------
    skanrs.angles : The angles at the junctions.
    skanrs.save_skeleton : Writes the trees as SWC.

    Notes
    -----
    Lengths are ``length`` if the table has it, else ``branch_distance``. The tree is that of the
    shortest paths from the root, along branches and through junctions. A junction is entered once;
    other branches between two nodes of the tree close loops. As many do as `skanrs.network_summary`
    counts ``n_loops`` in the table. They begin at their nearer end and have the parent and the
    generation of other branches there. All lengths count once in ``length_downstream``.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> mask = np.zeros((60, 60), dtype=bool)
    >>> mask[2:40, 29:32] = mask[38:41, 10:50] = True
    >>> branches, nodes = skanrs.analyze(mask), skanrs.nodes(mask)
    >>> rooted = skanrs.root(branches, nodes, at=(0, 30))
    >>> rooted[['parent', 'generation', 'strahler', 'n_tips_downstream']]
       parent  generation  strahler  n_tips_downstream
    0      -1           0         2                  2
    1       0           1         1                  1
    2       0           1         1                  1
    """
    check_tables(branches, nodes)
    index = branches.index.to_numpy()
    if index.dtype.kind not in 'iu' or len(np.unique(index)) < len(index) or (index < 0).any():
        raise ValueError(
            'branches: expected an index of distinct, non-negative integers, got'
            f' {reprlib.repr(index.tolist())}'
        )
    voxels, ends = np.unique(
        np.concatenate([branches['node_id_src'], branches['node_id_dst']]), return_inverse=True
    )
    numbers = nodes['node_id'].to_numpy()
    order = np.argsort(numbers, kind='stable')
    of_ends = np.concatenate([branches['node_src'], branches['node_dst']])
    node_rows = order[np.searchsorted(numbers[order], of_ends)]
    of_voxels = np.zeros(len(voxels), dtype=np.uint32)
    of_voxels[ends] = node_rows
    sources, destinations = np.split(ends.astype(np.uint32), 2)
    inside = branches['in_junction'].to_numpy(dtype=bool)
    degrees = np.bincount(node_rows[np.tile(~inside, 2)], minlength=len(nodes))
    roots = _roots(nodes, degrees == 1, at, max_distance)
    columns_of_trees, lengths, flags = _core.root_branches(
        sources,
        destinations,
        of_voxels,
        branches[length_column(branches)].to_numpy(dtype=np.float64),
        inside,
        len(nodes),
        roots.astype(np.uint32),
    )
    root_of, parent, generation, strahler, tips = columns_of_trees
    labels = np.append(index, -1), np.append(numbers, -1)
    columns = (
        labels[1][root_of],
        labels[0][parent],
        generation,
        strahler,
        lengths[0],
        tips,
        lengths[1],
        *flags,
    )
    rooted = branches.copy()
    for name, column in zip(COLUMNS, columns, strict=True):
        rooted[name] = column
    return rooted


class Face(NamedTuple):
    """A face of an image: the bit that it has in ``border_faces``."""

    bit: int


def as_place(at: Any, ndim: int) -> int | Face | npt.NDArray[np.float64] | None:
    """Return where a root is in an image of so many axes: a node, a face, a point; None: thickest.

    Raises
    ------
    ValueError, TypeError
        If `at` is none of these.
    """
    if isinstance(at, str):
        return None if at == 'thickest' else _as_face(at, ndim)
    if not isinstance(at, bool) and hasattr(at, '__index__') and np.ndim(at) == 0:
        return operator.index(at)
    try:
        point = np.asarray(at, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            "at: expected a node, a point, 'thickest' or a face such as 'z=0', got "
            f'a {type(at).__name__}'
        ) from None
    if point.shape != (ndim,) or not np.isfinite(point).all():
        raise ValueError(f'at: expected a point of {ndim} finite numbers, got {at!r}')
    return point


def _as_face(text: str, ndim: int) -> Face:
    names = 'zyx'[3 - ndim :]
    match = re.fullmatch(f'([{names}])=(0|-1)', text)
    if match is None:
        faces = ', '.join(f'{name}=0, {name}=-1' for name in names)
        raise ValueError(
            f"at: expected a node, a point, 'thickest' or a face ({faces}), got {text!r}"
        )
    return Face(2 * names.index(match[1]) + (match[2] == '-1'))


def _roots(nodes: pd.DataFrame, is_tip: Array, at: Any, max_distance: float | None) -> Array:
    """Return the rows of the nodes at the roots."""
    place = as_place(at, axes_of(nodes))
    if place is None:
        return _thickest(nodes, is_tip)
    if isinstance(place, Face):
        touches = np.asarray(nodes['border_faces'].to_numpy() >> place.bit & 1 == 1)
        if not touches.any() and len(nodes):
            raise ValueError(f'at: expected a face that an object reaches, got {at!r}')
        return _thickest(nodes, is_tip & touches)
    if isinstance(place, int):
        rows = np.flatnonzero(nodes['node_id'] == place)
        if not rows.size:
            raise ValueError(f'at: expected one of the {len(nodes)} nodes, got {at!r}')
        return rows
    return _nearest(nodes, is_tip, place, max_distance)


def _thickest(nodes: pd.DataFrame, wanted: Array) -> Array:
    """Return the thickest of the wanted nodes in each network; of equals the first."""
    rows = np.flatnonzero(wanted)
    networks = nodes['skeleton_id'].to_numpy()[rows]
    radii = nodes['radius'].to_numpy()[rows]
    rows = rows[np.lexsort((rows, -radii, networks))]
    _, first = np.unique(nodes['skeleton_id'].to_numpy()[rows], return_index=True)
    return rows[first]


def _nearest(nodes: pd.DataFrame, is_tip: Array, point: Array, max_distance: float | None) -> Array:
    """Return the tip nearest to a point; of equals the first."""
    coordinates = nodes[[f'coord_{axis}' for axis in range(len(point))]].to_numpy()
    rows = np.flatnonzero(is_tip)
    if not rows.size:
        if len(nodes):
            raise ValueError('at: expected a node, since no network has a tip, got a point')
        return rows
    away = np.linalg.norm(coordinates[rows] - point, axis=1)
    nearest = rows[[np.argmin(away)]]
    if max_distance is None:
        max_distance = float(np.linalg.norm(np.ptp(coordinates, axis=0)) / 10)
    elif not max_distance > 0:
        raise ValueError(f'max_distance: expected a positive number, got {max_distance!r}')
    if away.min() > max_distance:
        tip = ', '.join(f'{number:g}' for number in coordinates[nearest[0]])
        raise ValueError(
            f'at: expected a point at most {max_distance:g} from a tip, got {point.tolist()}; the'
            f' nearest tip, at ({tip}), is {away.min():g} away'
        )
    return nearest
