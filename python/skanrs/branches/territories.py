"""Images of branches: which branch each voxel of a mask or of a skeleton belongs to.

Source: ``src/network/territories.rs``. It also states the cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from skanrs import _core
from skanrs._blocks.read import Pixels, read_image
from skanrs._image.array_types import takes_images
from skanrs._image.dask_arrays import is_dask_array, refuse_mixture
from skanrs._image.image import as_image
from skanrs._image.masks import as_mask, check_lazy_mask
from skanrs._image.position import in_three_axes
from skanrs._image.spacing import as_spacing
from skanrs._support import progress
from skanrs.graph.skeleton import Skeleton

from .branch_numbers import Numbers, count_numbers, numbers_of_voxels
from .measures import check_same_shape

if TYPE_CHECKING:
    import dask.array as da

__all__ = ['branch_image', 'counted_volume', 'territories']


@overload
def territories(
    mask: da.Array, skeleton: da.Array, *, spacing: npt.ArrayLike = ...
) -> da.Array: ...
# Without dask's own types the first overload takes anything.
@overload
def territories(  # type: ignore[overload-cannot-match]
    mask: npt.ArrayLike, skeleton: npt.ArrayLike, *, spacing: npt.ArrayLike = ...
) -> Numbers: ...
@takes_images('mask', 'skeleton', returns_image=True)
def territories(mask: Any, skeleton: Any, *, spacing: npt.ArrayLike = 1) -> Any:
    """Draw which branch each voxel of a mask belongs to.

    Parameters
    ----------
    mask : array_like or dask array, 2 or 3 axes
        The object: booleans, or numbers with at most one nonzero value.
    skeleton : array_like or dask array, shape of `mask`
        Its skeleton; nonzero elements belong to it. A dask array has the chunks of
        `mask`.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis.

    Returns
    -------
    territories : ndarray of int32, or dask array, shape of `mask`
        The number of the branch, which is that of its row in the table of `skanrs.analyze` plus 1,
        so that 1 is the first. 0 in the background, and in objects without branches.

    Raises
    ------
    ValueError
        If `mask` is neither 2D nor 3D or has more than two values, if `skeleton` has another shape
        or other chunks or voxels outside the mask, or if `spacing` makes no sense.
    TypeError
        If elements are not real numbers, or one of the arrays is a dask array and the other not.

    See Also
    --------
    counted_volume : The volume of each branch, by its voxels.
    branch_image : The same for the voxels of the skeleton only.

    Notes
    -----
    A voxel belongs to the branch of the nearest voxel of the skeleton in its own object, which are
    the voxels of the mask that are connected to it (26 neighbours, 8 in 2D). Of equally near ones
    the smaller number counts, as it does for voxels of the skeleton at which several branches end.
    The `volume` of `skanrs.analyze` divides the mask by largest balls instead, so that the wall of
    a thick vessel is not counted for a thin one that leaves it.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> mask = np.zeros((5, 9), dtype=bool)
    >>> mask[1:4, 1:8] = True
    >>> skeleton = np.zeros_like(mask)
    >>> skeleton[2, 2:7] = True
    >>> skanrs.territories(mask, skeleton)
    array([[0, 0, 0, 0, 0, 0, 0, 0, 0],
           [0, 1, 1, 1, 1, 1, 1, 1, 0],
           [0, 1, 1, 1, 1, 1, 1, 1, 0],
           [0, 1, 1, 1, 1, 1, 1, 1, 0],
           [0, 0, 0, 0, 0, 0, 0, 0, 0]], dtype=int32)
    """
    refuse_mixture(skeleton, mask)
    if is_dask_array(mask):
        from .territory_blocks import territory_blocks

        check_lazy_mask(mask)
        return territory_blocks(mask, skeleton, as_spacing(spacing, mask.ndim))
    checked = as_mask(mask)
    spacings = as_spacing(spacing, checked.ndim)
    with progress.call('territories'):
        image = as_image(skeleton, 'skeleton')
        check_same_shape(image, checked)
        nodes = image.nodes()
        pixels = Pixels.of_mask(image.shape, nodes)
        numbers = numbers_of_voxels(Skeleton._of_pixels(pixels, spacings))
        shape = in_three_axes(checked.shape, 1)
        rows = _core.MaskRows(shape, (False,) * 3)
        rows.insert(checked.elements.reshape(shape), checked.bits, (0,) * 3)
        steps = in_three_axes(spacings.floats, 1.0)
        drawn = _core.Territories(rows, nodes, numbers, steps).draw((0,) * 3, shape)
    return drawn.reshape(checked.shape)


@overload
def branch_image(skeleton: da.Array, *, spacing: npt.ArrayLike = ...) -> da.Array: ...
@overload
def branch_image(  # type: ignore[overload-cannot-match]
    skeleton: npt.ArrayLike, *, spacing: npt.ArrayLike = ...
) -> Numbers: ...
@takes_images('skeleton', returns_image=True)
def branch_image(skeleton: Any, *, spacing: npt.ArrayLike = 1) -> Any:
    """Draw which branch each voxel of a skeleton belongs to.

    Parameters
    ----------
    skeleton : array_like or dask array, 1 to 4 axes
        The skeleton; nonzero elements belong to it.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis, that of the table: where junction voxels
        touch, it decides between which of them branches lead.

    Returns
    -------
    image : ndarray of int32, or dask array, shape of `skeleton`
        The number of the branch, which is that of its row in the table plus 1; where several end,
        the smallest. 0 in the background and at isolated voxels, which have no branch.

    Raises
    ------
    ValueError
        If the number of axes is out of range, or `spacing` makes no sense.
    TypeError
        If elements are not real numbers.

    See Also
    --------
    territories : The same for all voxels of the mask.
    skanrs.Skeleton.path_label_image : Without this rule for junctions, as skan draws it.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> skanrs.branch_image(np.eye(3, dtype=bool))
    array([[1, 0, 0],
           [0, 1, 0],
           [0, 0, 1]], dtype=int32)
    """
    if is_dask_array(skeleton):
        from .territory_blocks import branch_blocks

        return branch_blocks(skeleton, as_spacing(spacing, skeleton.ndim))
    pixels = read_image(skeleton, 'skeleton')
    image = np.zeros(pixels.shape, dtype=np.int32)
    image.reshape(-1)[pixels.nodes] = numbers_of_voxels(
        Skeleton._of_pixels(pixels, as_spacing(spacing, len(pixels.shape)))
    )
    return image


@takes_images('territories')
def counted_volume(
    territories: npt.ArrayLike | da.Array, branches: pd.DataFrame, *, spacing: npt.ArrayLike = 1
) -> pd.Series[float]:
    """Return the volume of each branch by counting the voxels of its territory.

    Parameters
    ----------
    territories : array_like or dask array of int
        The territories, of `skanrs.territories`. A dask array is computed, block by block.
    branches : pandas.DataFrame
        The table of their branches.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis.

    Returns
    -------
    counted_volume : pandas.Series of float
        Number of voxels times the volume of one (in 2D its area), with the index of `branches`.
        They add up to the mask, less objects without branches.

    Raises
    ------
    ValueError
        If the territories have other numbers than those of the branches.
    TypeError
        If the territories are no integers.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> mask = np.zeros((5, 9), dtype=bool)
    >>> mask[1:4, 1:8] = True
    >>> skeleton = np.zeros_like(mask)
    >>> skeleton[2, 2:7] = True
    >>> branches = skanrs.analyze(mask, skeleton=skeleton, spacing=0.5)
    >>> territories = skanrs.territories(mask, skeleton)
    >>> branches['counted_volume'] = skanrs.counted_volume(territories, branches, spacing=0.5)
    >>> branches['counted_volume'].tolist()
    [5.25]
    """
    image = territories if is_dask_array(territories) else np.asarray(territories)
    if image.dtype.kind not in 'iu':
        raise TypeError(f'territories: expected an image of integers, got one of {image.dtype}')
    voxel = float(np.prod(as_spacing(spacing, image.ndim).floats))
    if is_dask_array(image):
        from .territory_blocks import count_in_blocks

        counts = count_in_blocks(image, len(branches) + 1)
    else:
        counts = count_numbers(image, len(branches) + 1)
    return pd.Series(counts[1:] * voxel, index=branches.index, name='counted_volume')
