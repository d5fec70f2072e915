"""Cleaning of masks in memory; dask arrays are passed on to `lazy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from skanrs._image.array_types import takes_images
from skanrs._image.dask_arrays import is_dask_array
from skanrs._image.masks import as_mask, check_lazy_mask
from skanrs._support import progress

from .closing import close
from .components import change, label, parts_of
from .steps import Changes, Cleaning

if TYPE_CHECKING:
    import dask.array as da

__all__ = ['clean', 'clean_whole']


@overload
def clean(
    mask: da.Array,
    *,
    closing: float = 0,
    fill_cavities: bool = False,
    min_size: int = 0,
    largest: int | None = None,
) -> da.Array: ...
# Without dask's own types the first overload takes anything.
@overload
def clean(  # type: ignore[overload-cannot-match]
    mask: npt.ArrayLike,
    *,
    closing: float = 0,
    fill_cavities: bool = False,
    min_size: int = 0,
    largest: int | None = None,
) -> npt.NDArray[np.bool_]: ...
@takes_images('mask', spacing=False, returns_image=True)
def clean(
    mask: Any,
    *,
    closing: float = 0,
    fill_cavities: bool = False,
    min_size: int = 0,
    largest: int | None = None,
) -> Any:
    """Clean a mask before it is thinned: close gaps, fill cavities, remove small objects.

    The steps are done in the order of the arguments; those that are not given change nothing.

    Parameters
    ----------
    mask : array_like or dask array, 2 or 3 axes
        The object: booleans, or numbers with at most one nonzero value. A dask array may be
        chunked in any way.
    closing : float, optional
        Radius in voxels of the ball (in 2D the disc) of a binary closing, which fills gaps and
        pores narrower than the ball.
    fill_cavities : bool, optional
        Whether to fill the background that does not reach the border of the image: cavities in
        3D, holes in 2D. Background voxels are connected through faces (in 2D edges).
    min_size : int, optional
        Objects of fewer voxels are removed. The voxels of an object are connected through faces,
        edges and corners.
    largest : int, optional
        How many objects to keep at most, the largest ones. Of objects of the same size, the one
        whose first voxel comes first in the array is kept.

    Returns
    -------
    ndarray of bool or dask array of bool, shape of `mask`
        The clean mask; for a dask array a lazy one with the same chunks.

    Raises
    ------
    ValueError
        If `mask` is neither 2D nor 3D or has more than two values, or a number is out of range.
    TypeError
        If the elements of `mask` are not real numbers, or an argument is of another type.

    See Also
    --------
    skanrs.skeletonize : Thins the mask.

    Notes
    -----
    The results equal those of ``skimage.morphology.closing`` with a ball,
    ``scipy.ndimage.binary_fill_holes``, and ``skimage.morphology.remove_small_objects`` with
    26-connectivity (in 2D 8), on the whole array. Components need about 7 bytes a voxel of memory.

    A dask array is cleaned block by block, and the result is that of the whole array: components
    are joined across the faces of blocks. Each block is read once and kept at a bit a voxel
    until all were read.

    Thinning keeps cavities: a mask with a cavity has a skeleton with a closed surface, whose
    voxels make thousands of short branches.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> mask = np.zeros((5, 9), dtype=bool)
    >>> mask[1:4, 1:4] = True
    >>> mask[2, 2] = False
    >>> mask[2, 7] = True
    >>> skanrs.clean(mask, fill_cavities=True, min_size=2).astype(int)
    array([[0, 0, 0, 0, 0, 0, 0, 0, 0],
           [0, 1, 1, 1, 0, 0, 0, 0, 0],
           [0, 1, 1, 1, 0, 0, 0, 0, 0],
           [0, 1, 1, 1, 0, 0, 0, 0, 0],
           [0, 0, 0, 0, 0, 0, 0, 0, 0]])
    """
    cleaning = Cleaning.of(
        closing=closing, fill_cavities=fill_cavities, min_size=min_size, largest=largest
    )
    if is_dask_array(mask):
        from .lazy import clean_blocks

        check_lazy_mask(mask)
        return clean_blocks(mask, cleaning)[0]
    checked = as_mask(mask)
    with progress.call('clean'):
        return clean_whole(checked.array != 0, cleaning)[0]


def clean_whole(
    mask: npt.NDArray[np.bool_], cleaning: Cleaning
) -> tuple[npt.NDArray[np.bool_], Changes]:
    """Return a clean mask and what was changed; the mask is not changed."""
    values: dict[str, int] = {}
    if mask.size and cleaning.closing >= 1:
        before = np.count_nonzero(mask)
        mask = close(mask, cleaning.closing)
        values['closed_voxels'] = int(np.count_nonzero(mask) - before)
    for step in cleaning.component_steps() if mask.size else ():
        labels, count = label(mask, step)
        parts = parts_of(labels, count, (0,) * mask.ndim, mask.shape)
        changed = step.changed(parts)
        mask = change(mask, labels, changed)
        names = (
            ('cavities', 'filled_voxels')
            if step.of_background
            else ('removed_objects', 'removed_voxels')
        )
        values[names[0]] = int(np.count_nonzero(changed))
        values[names[1]] = int(parts.sizes[changed].sum())
    return mask, Changes(**values, voxels=int(np.count_nonzero(mask)))
