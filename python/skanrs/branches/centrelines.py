"""The smooth lines through the middle of the branches, with the radius along them."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from skanrs._image.array_types import takes_images
from skanrs._image.dask_arrays import is_dask_array, refuse_mixture
from skanrs._image.labels import Labels, with_labels
from skanrs._support import progress

from .bodies import body_of_arrays, body_of_label_arrays, delay_with_body
from .measures import body_of_blocks
from .polylines import Centrelines, centrelines_of

__all__ = ['centrelines']


@takes_images('mask', 'skeleton')
def centrelines(
    mask: Any,
    *,
    spacing: npt.ArrayLike = 1,
    skeleton: Any = None,
    border_is_background: bool = False,
    labels: Labels = False,
    min_voxels: int = 1,
) -> Centrelines:
    """Return the smooth centreline of each branch, with the radius at each of its points.

    Parameters
    ----------
    mask : array_like or dask array, 2 or 3 axes
        The object: booleans, or numbers with at most one nonzero value.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis.
    skeleton : array_like or dask array, shape of `mask`, optional
        The skeleton; by default `skanrs.skeletonize` makes it. A dask array has the chunks of
        `mask`.
    border_is_background : bool, optional
        Whether what lies outside the image is background.
    labels, min_voxels : optional
        For label images; see `skanrs.analyze`.

    Returns
    -------
    centrelines : Centrelines
        ``points`` of shape (N, ndim) in units of the spacing, ``offsets`` where those of each
        branch begin, and ``radii``. Branches have the order of the rows of `skanrs.analyze`, and
        a point for each voxel of the path; next to a junction the radius is that of the nearest
        section that counts. A dask array is computed, block by block; the result is in memory.

    Raises
    ------
    ValueError
        If `mask` is neither 2D nor 3D or has more than two values, if `skeleton` has another shape
        or other chunks or voxels outside the mask, if `spacing` makes no sense, or if `min_voxels`
        is given with `skeleton`.
    TypeError
        If elements are not real numbers, or one of the arrays is a dask array and the other not.

    See Also
    --------
    skanrs.analyze : Defines the centreline, and measures the branches.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> mask = np.zeros((7, 20), dtype=bool)
    >>> mask[2:5, 2:18] = True
    >>> lines = skanrs.centrelines(mask, spacing=0.5)
    >>> lines.offsets.tolist()
    [0, 15]
    >>> lines.radii.mean().round(2).item()
    0.75
    """
    refuse_mixture(skeleton, mask)
    if with_labels(labels, min_voxels):
        if is_dask_array(mask):
            from skanrs._blocks.whole import delay_with_whole

            of_labels: Centrelines = delay_with_whole(
                centrelines,
                {'mask': mask, 'skeleton': skeleton},
                spacing=spacing,
                border_is_background=border_is_background,
                labels=labels,
                min_voxels=min_voxels,
            ).compute()
            return of_labels
        chosen = labels, min_voxels
        with progress.call('centrelines'):
            body = body_of_label_arrays(mask, skeleton, *chosen, spacing, border_is_background)
            return centrelines_of(body)
    arguments = mask, skeleton, spacing, border_is_background
    if is_dask_array(mask):
        lines: Centrelines = delay_with_body(_lines_of_blocks, *arguments).compute()
        return lines
    with progress.call('centrelines'):
        return centrelines_of(body_of_arrays(*arguments))


def _lines_of_blocks(*blocks: Any) -> Centrelines:
    return centrelines_of(body_of_blocks(*blocks))
