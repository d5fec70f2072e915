"""Pruning: removes short end branches from a skeleton."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._image.array_types import takes_images
from skanrs._image.labels import Labels
from skanrs._image.position import in_three_axes
from skanrs._support.typing import Array, Indices, Shape

from .keep import Kept
from .removal import Given, check_source_of_radii, remove_voxels

if TYPE_CHECKING:
    import dask.array as da

__all__ = ['prune', 'prune_by_length']


@takes_images('skeleton', 'mask', returns_image=True)
def prune(
    skeleton: Given,
    *,
    min_length: float | None = None,
    max_radius_ratio: float | None = None,
    max_bulge: float | None = None,
    mask: npt.ArrayLike | da.Array | None = None,
    radii: npt.ArrayLike | da.Array | None = None,
    spacing: npt.ArrayLike | None = None,
    labels: Labels = False,
) -> Given:
    """Remove short end branches: those that lead from a junction to an endpoint.

    Thinning makes an end branch wherever the surface of an object is rough. An end branch is
    removed if it is shorter than one of the limits, the shortest of the skeleton first. If two
    branches are left at its junction, they become one branch with their common length. So where a
    vessel ends in two short end branches, the longer one stays. This is repeated until nothing
    changes.

    Parameters
    ----------
    skeleton : Skeleton, ndarray or dask array, 2 or 3 axes
        The skeleton; of an array, nonzero elements belong to it. It is not changed.
    min_length : float, optional
        End branches shorter than this are removed, in units of the spacing; see the notes.
    max_radius_ratio : float, optional
        End branches shorter than this times the radius at their junction are removed; needs `mask`
        or `radii`. An end branch within its vessel is about as long as the radius of the vessel, so
        values from 1 to 2 are useful.
    max_bulge : float, optional
        End branches whose bulge is smaller than this are removed; needs `mask` or `radii`. The
        bulge has no unit and fits thick and thin vessels alike, see the notes. Its authors took
        1.5 for lymphatic and 3 for healthy blood vessels.
    mask : array_like or dask array, shape of the skeleton, optional
        The object that the skeleton is of; a dask array with the same chunks if that is one.
    radii : array_like, shape (N,), or dask array, shape of the skeleton, optional
        Instead of `mask`: the radius at each voxel of the skeleton, as `skanrs.radii` returns it;
        for a dask array also the lazy image that `skanrs.radius_image` returns.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis of an array, 1 if it is not given. A
        `Skeleton` has its own.
    labels : bool or sequence of int, optional
        Whether an array is a label image: each nonzero value, or each of these only, is pruned as
        if it were the only one, and the result has no others. `mask` is a label image then; of dask
        arrays one task needs it in memory. A `Skeleton` made with labels has them already.

    Returns
    -------
    pruned : Skeleton, ndarray or dask array
        The pruned skeleton, of the type of `skeleton`; elements of an array keep their values. A
        dask array is lazy, has the same chunks, and equals the result for the whole array.

    Raises
    ------
    ValueError
        If there is no limit, if a limit is negative or not finite, if `max_radius_ratio` or
        `max_bulge` come without `mask` and `radii` or they without one of them, if shapes or chunks
        differ, or if a `Skeleton` has no image or takes values for heights. What depends on
        elements is raised when a dask array is computed.
    TypeError
        If `skeleton` is neither a `Skeleton` nor an array, or if only one of skeleton and mask is
        a dask array.

    See Also
    --------
    skanrs.open_loops : Cuts the loops of a skeleton.
    skanrs.Skeleton.prune_paths : Removes the paths that you name, as skan does.
    skanrs.analyze : Takes a pruned skeleton with ``skeleton=``.

    Notes
    -----
    Connected components, tunnels and cavities stay, and so does every branch with two endpoints:
    only simple voxels are removed, those whose removal changes no topology. Neighbours of removed
    voxels are thinned, so that a former junction leaves no corner. A skeleton without short end
    branches is returned unchanged. In clumps and sheets of voxels, as thinning leaves them around
    small tunnels and cavities, skan's graph has ends that are no endpoints of the image; they
    stay, and the table still has some short branches of type 1 there.

    Lengths count steps between voxels, as ``branch_distance`` of the table, which is about a tenth
    longer than ``length`` of `skanrs.analyze`. They need no mask, so that the result depends on the
    skeleton alone and is the same in chunks. To prune by ``length``, name the branches, once or
    until none is left::

        table = skanrs.analyze(mask, skeleton=skeleton)
        is_short = (table['branch_type'] == 1) & (table['length'] < 5)
        pruned = skanrs.Skeleton(skeleton).prune_paths(is_short)

    The bulge of an end branch is the length of its part outside the ball around its junction, whose
    radius is that of the junction, with the radius at the tip, over the mean radius of that part;
    it is 0 if no part is outside. (D. Drees et al., Scalable robust graph and feature extraction
    for arbitrary vessel networks in large volumetric datasets, BMC Bioinformatics 22:346, 2021;
    there the inner part is found by nearest surfaces, and the object is thinned again.)

    The length of a branch is known only for the whole branch, and removing one end branch makes
    another. Each block of a dask array is read once, and one task prunes the list of all voxels of
    the skeleton, about 150 bytes each; no task holds the dense image.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> image = np.zeros((5, 12), dtype=bool)
    >>> image[3, 1:11] = image[1:3, 5] = True
    >>> skanrs.prune(image, min_length=3).astype(int)
    array([[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
           [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
           [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
           [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0],
           [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]])
    """
    limits = _limits(min_length, max_radius_ratio, max_bulge, mask, radii)
    keep = partial(_keep, limits)
    pruned: Given = remove_voxels(
        'prune', skeleton, keep, mask, radii, spacing=spacing, labels=labels
    )
    return pruned


def prune_by_length(
    nodes: Indices, shape: Shape, spacing: tuple[float, ...], min_length: float
) -> Kept:
    """Return which voxels stay of a skeleton of two or three axes.

    `nodes` are their linear indices, ascending; `min_length` is finite and not negative.
    """
    return _keep((min_length, 0.0, 0.0), nodes, shape, spacing, None, None)


def _keep(
    limits: tuple[float, float, float],
    nodes: Indices,
    shape: Shape,
    spacing: tuple[float, ...],
    radii: Array | None,
    starts: Indices | None,
) -> Kept:
    """Return which voxels pruning leaves."""
    geometry = in_three_axes(shape, 1), in_three_axes(spacing, 1.0)
    return _core.prune_nodes(nodes, *geometry, *limits, radii, starts)


def _limits(
    min_length: float | None,
    max_radius_ratio: float | None,
    max_bulge: float | None,
    mask: Any,
    radii: Any,
) -> tuple[float, float, float]:
    """Return the limits, 0 for those that were not given."""
    by_radius = {'max_radius_ratio': max_radius_ratio, 'max_bulge': max_bulge}
    limits = {'min_length': min_length, **by_radius}
    if all(limit is None for limit in limits.values()):
        raise ValueError(f'{", ".join(limits)}: expected at least one of them, got none')
    for name, limit in limits.items():
        if limit is None:
            continue
        if np.ndim(limit) != 0 or np.asarray(limit).dtype.kind not in 'iuf':
            raise TypeError(f'{name}: expected a number, got {limit!r}')
        if not 0 <= limit < np.inf:
            raise ValueError(f'{name}: expected a finite, non-negative number, got {limit}')
    needed_by = [name for name, limit in by_radius.items() if limit is not None]
    check_source_of_radii(needed_by, ' or '.join(by_radius), mask, radii)
    return float(min_length or 0), float(max_radius_ratio or 0), float(max_bulge or 0)
