"""Sholl analysis: how many branches cross spheres around a centre.

Cost: a few passes over the pixel graph, and the search for the centre if none is given.
Source: D. A. Sholl, "Dendritic organization in the neurons of the visual and motor cortices of the
cat", Journal of Anatomy 87 (1953).
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from skanrs.graph.branch_graph import _fast_graph_center_idx

if TYPE_CHECKING:
    import numpy.typing as npt

    from skanrs.graph.skeleton import Skeleton


def _distances(coordinates: npt.NDArray[Any], center: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    squares: npt.NDArray[np.float64] = np.square(coordinates - center, dtype=np.float64)
    return np.asarray(np.sqrt(np.sum(squares, axis=-1)))


def _count(shells: Any) -> float:
    """Return the number of shells; refuse other values."""
    if not isinstance(shells, (int, float, np.integer, np.floating)) or not shells > 0:
        raise ValueError(f'shells: expected a positive number or a list of radii, got {shells!r}')
    return float(shells)


def _normalize_shells(
    shells: int | npt.ArrayLike | None,
    *,
    center: npt.NDArray[Any],
    skeleton_coordinates: npt.NDArray[Any],
    spacing: npt.ArrayLike,
) -> npt.NDArray[Any]:
    """Convert shells, in any form that `sholl_analysis` accepts, to radii.

    Parameters
    ----------
    shells : int or sequence of float or None
        Number of evenly spaced shells, or their radii, or None for shells whose spacing is the
        diagonal of a pixel.
    center : array of float, shape (ndim,)
        The centre, in units of length.
    skeleton_coordinates : array of float, shape (N, ndim)
        The skeleton's pixels, in units of length.
    spacing : array of float, shape (ndim,)
        Distance between neighbouring pixels along each axis.

    Returns
    -------
    radii : array of float
        The radii. Evenly spaced shells have an additional one of radius 0.

    Warns
    -----
    UserWarning
        If the spacing of shells is below the diagonal of a pixel.
    """
    diagonal = np.linalg.norm(spacing)
    if isinstance(shells, np.ndarray):
        # A number, if it is an array without axes.
        shells = shells[()]
    if isinstance(shells, (list, tuple, np.ndarray)):
        radii = np.asarray(shells)
    else:
        end_radius = np.max(np.linalg.norm(skeleton_coordinates - center, axis=1), initial=0)
        step = diagonal if shells is None else end_radius / _count(shells)
        # A margin, so that rounding does not drop the last shell.
        end = end_radius + np.finfo(np.float32).eps
        radii = np.arange(0, end, step) if step else np.zeros(1)
    if len(radii) > 1 and diagonal > (closest := np.min(np.diff(radii))):
        warnings.warn(
            'This implementation of Sholl analysis may not be accurate if the spacing between '
            f'shells is smaller than the (diagonal) voxel spacing. The given voxel spacing is '
            f'{diagonal}, and the smallest shell spacing is {closest}.',
            stacklevel=2,
        )
    return radii


def sholl_analysis(
    skeleton: Skeleton,
    center: npt.ArrayLike | None = None,
    shells: int | npt.ArrayLike | None = None,
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Count how often a skeleton crosses spheres around a centre.

    Parameters
    ----------
    skeleton : Skeleton
        The skeleton.
    center : array_like of float, shape (ndim,), optional
        Centre of the shells, in units of length. By default the geodesic centre: the end or
        junction whose distances along the skeleton to all others have the smallest sum, in the
        skeleton with the most of them if there are several.
    shells : int or array of float, optional
        Number of evenly spaced shells, or their radii in units of length, ascending. By default
        the spacing of shells is the diagonal of a pixel.

    Returns
    -------
    center : array of float, shape (ndim,)
        The centre, in units of length.
    shell_radii : array of float, shape (P,)
        The radii, in units of length.
    intersection_counts : array of int, shape (P,)
        The number of edges of the pixel graph that cross each shell. An edge that crosses several
        counts for the innermost.

    Raises
    ------
    ValueError
        If `center` does not have a coordinate for each axis, or is not given for a skeleton
        without pixels; if `shells` is neither a positive number nor radii.

    Warns
    -----
    UserWarning
        If the spacing of shells is below the diagonal of a pixel.

    Examples
    --------
    >>> import numpy as np
    >>> from skanrs import Skeleton, sholl_analysis
    >>> from skanrs._testdata import skeleton0
    >>> center, radii, counts = sholl_analysis(Skeleton(skeleton0), shells=np.arange(0, 5, 1.5))
    >>> center, counts
    (array([3, 3]), array([0, 3, 3, 0]))
    """
    coordinates = skeleton.coordinates * skeleton.spacing
    if center is None:
        center = coordinates[_fast_graph_center_idx(skeleton)]
    center = np.asarray(center)
    if center.shape != coordinates.shape[1:]:
        raise ValueError(
            f'center: expected shape {coordinates.shape[1:]} as the axes of the skeleton, got'
            f' {center.shape}'
        )
    radii = _normalize_shells(
        shells, center=center, skeleton_coordinates=coordinates, spacing=skeleton.spacing
    )
    shell = np.digitize(_distances(coordinates, center), radii)
    edges = skeleton.graph.tocoo()
    once = edges.row < edges.col
    inner = np.minimum(shell[edges.row[once]], shell[edges.col[once]])
    outer = np.maximum(shell[edges.row[once]], shell[edges.col[once]])
    return center, radii, np.bincount(inner[inner != outer], minlength=len(radii))
