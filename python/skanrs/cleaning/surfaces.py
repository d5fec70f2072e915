"""Closed surfaces in a skeleton: thinning keeps the cavities of a mask, and their walls with them.

A voxel of the wall of a cavity has four neighbours in the wall at least, one for each way around
it between both sides. So all walls lie in the 4-core of the graph of neighbours, what is left when
voxels with fewer than four neighbours are removed until there is none. In a network of lines that
is nothing, or a few clusters at junctions. The background is labelled only within the boxes of the
parts of the core, not in the whole image.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from skanrs import _core
from skanrs._support.reprs import counted

__all__ = [
    'CavityWarning',
    'Walls',
    'core_in_box',
    'crowded_voxels',
    'find_walls',
    'warn_of_walls',
]

LEAST_NEIGHBOURS = 4
SMALLEST_WALL = 6
"""Voxels around a cavity of one voxel."""
LARGEST_BOX = 1 << 24
"""A part of the core in a larger box is a wall: clusters at junctions have a few voxels."""
LEAST_SHARE = 0.1
"""The part of a skeleton from which on its walls are worth a warning; pinholes are less."""


class CavityWarning(UserWarning):
    """A skeleton has closed surfaces around cavities of the mask.

    Thinning keeps cavities, and the voxels of the surface around one make many short branches.
    `skanrs.clean` fills cavities. `skanrs.analyze` warns if a tenth of a skeleton is surfaces, the
    command of each.

    Examples
    --------
    >>> import warnings, numpy as np, skanrs
    >>> mask = np.zeros((9, 9, 40), dtype=bool)
    >>> mask[2:7, 2:7, 2:38] = True
    >>> mask[4, 4, 6:34] = False
    >>> with warnings.catch_warnings(action='error', category=skanrs.CavityWarning):
    ...     filled = skanrs.clean(mask, fill_cavities=True)
    ...     len(skanrs.analyze(filled))  # raises for the mask itself
    1
    """


class Walls(NamedTuple):
    """The closed surfaces of a skeleton."""

    cavities: int
    """How many cavities they enclose."""
    voxels: int
    """How many voxels they have."""


def find_walls(
    nodes: npt.NDArray[np.int64], shape: tuple[int, ...], least: float = SMALLEST_WALL
) -> Walls:
    """Return how many cavities the surfaces of a skeleton enclose.

    Parameters
    ----------
    nodes : ndarray of int64
        The linear indices of the skeleton's voxels, ascending; those with fewer than four
        neighbours may be left out.
    shape : tuple of int
        The shape of the image; there are no cavities in 2D.
    least : float, optional
        How many voxels of walls are worth a search.

    Returns
    -------
    Walls
        At least so many cavities; those whose walls are wider than 256 voxels count as one.
    """
    if len(shape) != 3:
        return Walls(0, 0)
    neighbours, is_crowded = _neighbours(nodes, shape)
    if np.count_nonzero(is_crowded) < max(least, SMALLEST_WALL):
        return Walls(0, 0)
    core, inside = _core_of(neighbours, is_crowded, np.zeros(nodes.size, np.bool_))
    part = _core.components(inside.indptr, inside.indices)
    count = part.max(initial=-1) + 1
    coordinates = np.stack(np.unravel_index(nodes[core], shape), axis=1)
    order = np.argsort(part, kind='stable')
    bounds = np.searchsorted(part[order], np.arange(count + 1))
    cavities = voxels = 0
    for first, last in itertools.pairwise(bounds):
        if last - first < SMALLEST_WALL:
            continue
        wall = coordinates[order[first:last]]
        wall -= wall.min(axis=0) - 1
        box = wall.max(axis=0) + 2
        if box.min() < 5:
            continue
        if box.prod() > LARGEST_BOX:
            cavities, voxels = cavities + 1, voxels + len(wall)
            continue
        from scipy import ndimage

        background = np.ones(box, np.bool_)
        background[tuple(wall.T)] = False
        # One component is that around the wall.
        enclosed = ndimage.label(background)[1] - 1
        cavities, voxels = cavities + enclosed, voxels + (len(wall) if enclosed else 0)
    return Walls(cavities, voxels)


def warn_of_walls(
    nodes: npt.NDArray[np.int64],
    shape: tuple[int, ...],
    crowded: int | None,
    *,
    stacklevel: int = 1,
) -> None:
    """Raise a `CavityWarning` if much of a skeleton is walls; arguments as for `find_walls`.

    `crowded` is how many voxels have four neighbours or more, None if that is not known.
    """
    least = LEAST_SHARE * nodes.size
    if crowded is not None and crowded < least:
        return
    walls = find_walls(nodes, shape, least)
    if not walls.voxels or walls.voxels < least:
        return
    around = counted(walls.cavities, 'cavity', 'cavities')
    warnings.warn(
        f'{walls.voxels / nodes.size:.0%} of the skeleton are closed surfaces around {around} of '
        'the mask, which make many short branches; skanrs.clean(mask, fill_cavities=True) fills '
        'cavities',
        CavityWarning,
        stacklevel=stacklevel + 1,
    )


def core_in_box(
    nodes: npt.NDArray[np.int64], shape: tuple[int, ...], box: Sequence[tuple[int, int]]
) -> npt.NDArray[np.int64]:
    """Return the voxels of a box of the image that can be in a wall, whatever lies outside.

    Parameters
    ----------
    nodes : ndarray of int64
        The linear indices in the image of the skeleton's voxels in the box, ascending; or what
        this function returned for smaller boxes that fill it.
    shape : tuple of int
        The shape of the image.
    box : sequence of (int, int)
        Where the box begins and ends along each axis.

    Returns
    -------
    ndarray of int64
    """
    if len(shape) != 3:
        return np.empty(0, np.int64)
    stays = np.zeros(nodes.size, np.bool_)
    for at, (start, stop), length in zip(np.unravel_index(nodes, shape), box, shape, strict=True):
        stays |= (at == start) & (start > 0) | (at == stop - 1) & (stop < length)
    return nodes[_core_of(*_neighbours(nodes, shape), stays)[0]]


def _neighbours(
    nodes: npt.NDArray[np.int64], shape: tuple[int, ...]
) -> tuple[Any, npt.NDArray[np.bool_]]:
    """Return the graph of neighbours, and whether each voxel has four or more."""
    indptr, indices, _ = _core.pixel_graph(nodes, shape, (1.0,) * 3, 3, prune=False)
    ones = np.ones(len(indices), np.int8)
    graph = sparse.csr_array((ones, indices, indptr), (nodes.size, nodes.size))
    return graph, np.diff(indptr) >= LEAST_NEIGHBOURS


def _core_of(
    neighbours: Any, is_crowded: npt.NDArray[np.bool_], stays: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.intp], Any]:
    """Return which voxels are left, and their graph, when crowded ones and some others stay."""
    core = np.flatnonzero(is_crowded | stays)
    while True:
        inside = neighbours[core][:, core]
        kept = (np.diff(inside.indptr) >= LEAST_NEIGHBOURS) | stays[core]
        if kept.all():
            return core, inside
        core = core[kept]


def crowded_voxels(skeleton: Any, chunks: Sequence[Sequence[int]]) -> npt.NDArray[np.int64]:
    """Return the linear indices, ascending, of the voxels with four neighbours or more.

    Parameters
    ----------
    skeleton : array-like of bool
        Its boxes are read, block by block, with the voxels beside each block.
    chunks : sequence of sequences of int
        For each of three axes the lengths of the blocks.

    Returns
    -------
    ndarray of int64
    """
    shape = tuple(map(sum, chunks))
    bounds = [list(itertools.pairwise(itertools.accumulate(axis, initial=0))) for axis in chunks]
    crowded = [np.empty(0, np.int64)]
    for block in itertools.product(*bounds):
        starts = [max(0, start - 1) for start, _ in block]
        box = tuple(
            slice(start, min(stop + 1, length))
            for start, (_, stop), length in zip(starts, block, shape, strict=True)
        )
        part = np.asarray(skeleton[box])
        nodes = np.flatnonzero(part)
        if not nodes.size:
            continue
        indptr, _, _ = _core.pixel_graph(nodes, part.shape, (1.0,) * 3, 3, prune=False)
        inner = nodes[np.diff(indptr) >= LEAST_NEIGHBOURS]
        inside = np.unravel_index(inner, part.shape)
        coordinates = [at + start for at, start in zip(inside, starts, strict=True)]
        own = np.all(
            [
                (at >= start) & (at < stop)
                for at, (start, stop) in zip(coordinates, block, strict=True)
            ],
            axis=0,
        )
        crowded.append(np.ravel_multi_index([at[own] for at in coordinates], shape))
    return np.sort(np.concatenate(crowded))
