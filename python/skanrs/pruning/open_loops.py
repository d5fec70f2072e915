"""Opening loops: cuts each loop of a skeleton once.

Branches and the voxels at which they end are a graph. The branches outside a spanning forest close
its loops. In the forest of the branches with the largest least radius, each branch outside is the
thinnest of the loop that it closes; in that of the longest ones it is the shortest. Without an
inner voxel of each of them the graph is a forest, with the components that it had.

Invariant: the branches of the graph are connected through voxels that stay, so that no component of
the skeleton vanishes or splits. Where junction voxels touch, cutting can uncover steps between them
that the graph left out before. Such loops are at the ends of cut branches. So this is repeated with
the voxels around the loops, and at the end with all, until the graph has no loop.

Cost: that of the graph and of a sort of its branches, twice; some dozen times for the branches that
are in a loop or between two.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from skanrs._blocks.read import Pixels
from skanrs._image.array_types import takes_images
from skanrs._image.labels import Labels
from skanrs._image.spacing import as_spacing
from skanrs._support.typing import Array, Indices, Shape
from skanrs.branches.finished_paths import Clusters
from skanrs.graph.path_graph import index_arrays
from skanrs.graph.skeleton import Skeleton

from .keep import Kept
from .removal import Given, check_source_of_radii, remove_voxels

if TYPE_CHECKING:
    import dask.array as da

__all__ = ['open_loops']

Cut = Literal['thinnest', 'shortest']


@takes_images('skeleton', 'mask', returns_image=True)
def open_loops(
    skeleton: Given,
    cut: Cut,
    *,
    mask: npt.ArrayLike | da.Array | None = None,
    radii: npt.ArrayLike | da.Array | None = None,
    spacing: npt.ArrayLike | None = None,
    labels: Labels = False,
) -> Given:
    """Open the loops of a skeleton, so that its branches are trees.

    In a vessel tree or an airway, loops are errors of the mask: two branches that touch.

    Parameters
    ----------
    skeleton : Skeleton, ndarray or dask array, 2 or 3 axes
        The skeleton; of an array, every element that is not 0 belongs to it. It is not changed.
    cut : {'thinnest', 'shortest'}
        Whether to remove, of each loop, the voxel with the smallest radius, of the branch that is
        thinnest there, or its shortest branch. A loop without junctions is cut at one voxel.
    mask, radii : optional
        The object, or the radius at each voxel, see `skanrs.prune`; one of them is needed for
        ``'thinnest'``.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis of an array, 1 if it is not given. A
        `Skeleton` has its own.
    labels : bool or sequence of int, optional
        Whether an array is a label image, see `skanrs.prune`.

    Returns
    -------
    opened : Skeleton, ndarray or dask array
        The skeleton without loops, of the type of `skeleton`; elements of an array keep their
        values. A dask array is lazy, has the same chunks, and equals the result for the whole
        array.

    Raises
    ------
    ValueError
        If `cut` is none of the two, if it is ``'thinnest'`` without `mask` and `radii` or not with
        one of them, if shapes or chunks differ, or if a `Skeleton` has no image or takes values
        for heights.
    TypeError
        If `skeleton` is neither a `Skeleton` nor an array, or if only one of skeleton and mask is
        a dask array.

    See Also
    --------
    skanrs.prune : Removes short end branches, which cutting leaves.
    skanrs.root : Marks the branches that close loops, and removes none.
    skanrs.network_summary : Counts loops.

    Notes
    -----
    Loops are those of the table: branches − nodes + networks, see `skanrs.network_summary`.
    Connected components stay. Of equally thin voxels the one with the smallest linear index goes,
    of equally short branches the later one in the table; both depend on the skeleton only. Tunnels
    of a single voxel among junction voxels are no loops of the table, and stay.

    Each block of a dask array is read once, and one task has the list of all voxels of the
    skeleton.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> image = np.zeros((5, 12), dtype=bool)
    >>> image[2, :4] = image[2, 8:] = image[1, 4:8] = image[3, 4:8] = True
    >>> skanrs.open_loops(image, 'shortest').astype(int)
    array([[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
           [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0],
           [1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1],
           [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
           [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]])
    """
    if cut not in ('thinnest', 'shortest'):
        raise ValueError(f"cut: expected 'thinnest' or 'shortest', got {cut!r}")
    needed_by = ['cut'] if cut == 'thinnest' else []
    check_source_of_radii(needed_by, "cut='thinnest'", mask, radii)
    opened: Given = remove_voxels(
        'open_loops', skeleton, _keep, mask, radii, spacing=spacing, labels=labels
    )
    return opened


def _keep(
    nodes: Indices,
    shape: Shape,
    spacing: tuple[float, ...],
    radii: Array | None,
    starts: Indices | None,
) -> Kept:
    """Return which voxels opening leaves."""
    if starts is None:
        return _keep_of_one(nodes, shape, spacing, radii)
    kept = [np.empty(0, dtype=bool)]
    for ends in pairwise(starts.tolist()):
        members = slice(*ends)
        of_members = None if radii is None else radii[members]
        kept.append(_keep_of_one(nodes[members], shape, spacing, of_members))
    return np.concatenate(kept)


def _keep_of_one(
    nodes: Indices, shape: Shape, spacing: tuple[float, ...], radii: Array | None
) -> Kept:
    """Return which voxels of one skeleton opening leaves."""
    kept = np.ones(len(nodes), dtype=bool)
    left = np.arange(len(nodes))
    while left.size:
        pixels = Pixels(shape, np.dtype(bool), nodes[left], np.empty(0, dtype=bool))
        skeleton = Skeleton._of_pixels(pixels, as_spacing(spacing, len(shape)))
        gone = _voxels_to_remove(skeleton, None if radii is None else radii[left])
        kept[left[gone]] = False
        if gone.size:
            is_near = _around_loops(skeleton, nodes[left], shape)
            is_near[gone] = False
            left = left[is_near]
        elif left.size == np.count_nonzero(kept):
            break
        else:
            left = np.flatnonzero(kept)
    return kept


def _around_loops(skeleton: Skeleton, nodes: Indices, shape: Shape) -> Kept:
    """Return which voxels are needed to trace the branches in loops and between loops."""
    starts, voxels = index_arrays(skeleton.paths.indptr, skeleton.paths.indices)
    ends = np.stack([voxels[starts[:-1]], voxels[starts[1:] - 1]], axis=1)
    degrees = np.bincount(ends.ravel(), minlength=len(nodes))
    # The numbers of the branches left at each node, combined by XOR: of the last one, its number.
    combined = np.zeros(len(nodes), np.int64)
    np.bitwise_xor.at(combined, ends.ravel(), np.repeat(np.arange(len(ends)), 2))
    is_left = np.ones(len(ends), dtype=bool)
    tips = np.flatnonzero(degrees == 1)
    while tips.size:
        gone = np.unique(combined[tips])
        is_left[gone] = False
        of_gone = ends[gone].ravel()
        np.subtract.at(degrees, of_gone, 1)
        np.bitwise_xor.at(combined, of_gone, np.repeat(gone, 2))
        tips = np.unique(of_gone)
        tips = tips[degrees[tips] == 1]
    in_loops = np.zeros(len(nodes), dtype=bool)
    in_loops[voxels[np.repeat(is_left, np.diff(starts))]] = True
    return Clusters.of(nodes, shape).surroundings(in_loops)[1]


def _voxels_to_remove(skeleton: Skeleton, radii: Array | None) -> Indices:
    """Return the numbers of voxels without which the graph of the branches has no loop.

    With radii the thinnest voxels, without them the shortest branches.
    """
    starts, voxels = index_arrays(skeleton.paths.indptr, skeleton.paths.indices)
    firsts, lasts = starts[:-1], starts[1:] - 1
    ends = voxels[firsts], voxels[lasts]
    is_ring = (ends[0] == ends[1]) & (skeleton.degrees[ends[0]] == 2)
    is_inner = np.ones(len(voxels), dtype=bool)
    is_inner[firsts[~is_ring]] = is_inner[lasts] = False
    rows = np.repeat(np.arange(len(firsts)), np.diff(starts))[is_inner]
    inner = voxels[is_inner]
    # A branch without an inner voxel cannot be cut.
    weights = np.full(len(firsts), np.inf)
    if radii is not None:
        # Of each branch the thinnest voxel comes first, the smallest of equals.
        order = np.lexsort((inner, radii[inner], rows))
        rows, inner = rows[order], inner[order]
    found, first_inner = np.unique(rows, return_index=True)
    of_found = skeleton.path_lengths()[found] if radii is None else radii[inner[first_inner]]
    weights[found] = of_found
    closing = _outside_of_forest(ends, weights, len(skeleton._nodes))
    is_whole = closing & ~is_ring if radii is None else np.zeros_like(closing)
    of_one = (closing & ~is_whole)[found]
    return np.concatenate([inner[is_whole[rows]], inner[first_inner[of_one]]])


def _outside_of_forest(
    ends: tuple[Indices, Indices], weights: npt.NDArray[np.float64], count: int
) -> npt.NDArray[np.bool_]:
    """Return which edges are not in the spanning forest of the greatest weights."""
    order = np.argsort(-weights, kind='stable')
    # Distinct ranks from 1 on: the forest is one, and no weight is 0.
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(1, len(order) + 1)
    # Pairs have one number each, which 32 bits do not hold.
    low, high = np.minimum(*ends).astype(np.int64), np.maximum(*ends)
    _, best = np.unique((low * count + high)[order], return_index=True)
    best = order[best]
    best = best[low[best] != high[best]]
    graph = sparse.coo_array((ranks[best], (low[best], high[best])), shape=(count, count))
    forest = sparse.csgraph.minimum_spanning_tree(graph.tocsr())
    outside = np.ones(len(order), dtype=bool)
    outside[order[forest.data.astype(np.int64) - 1]] = False
    return outside
