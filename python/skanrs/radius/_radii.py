"""Radii in memory, and the way to the lazy ones of dask arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from skanrs import _core, progress
from skanrs._elements import check_elements, foreground_bits
from skanrs._masks import as_mask, in_three_axes
from skanrs.csr import Skeleton
from skanrs.csr._pixel_graph import foreground_nodes, spacing_per_axis
from skanrs.csr._read import is_dask_array

if TYPE_CHECKING:
    import dask.array

Array = npt.NDArray[Any]
Radii = npt.NDArray[np.float64]
Shape = tuple[int, ...]


class Whole(NamedTuple):
    """The image that blocks are parts of, and how distances in it are taken."""

    shape: Shape
    spacing: tuple[float, ...]
    border_is_background: bool

    def in_3d(self) -> tuple[Shape, tuple[float, ...], tuple[bool, ...]]:
        """Shape, spacing, and whether the outside is background, along three axes."""
        border = (self.border_is_background,) * len(self.shape)
        return (
            in_three_axes(self.shape, 1),
            in_three_axes(self.spacing, 1.0),
            in_three_axes(border, False),
        )


class BlockRadii(NamedTuple):
    """Squared radii of a block's voxels, and what other blocks may ask of it."""

    squares: Radii
    waits: npt.NDArray[np.bool_]
    """Whether a voxel's radius depends on other blocks."""
    faces: list[tuple[int, bool, npt.NDArray[np.uint32]]]
    """Axis (of three), whether it is the last face, and the depths of its columns."""


def radii(
    skeleton: Skeleton | npt.ArrayLike,
    mask: npt.ArrayLike,
    *,
    spacing: npt.ArrayLike | None = None,
    border_is_background: bool = False,
) -> Radii:
    """Measure the radius of an object at each voxel of its skeleton.

    The radius is the Euclidean distance from the centre of the voxel to that of the nearest voxel
    which does not belong to the object.

    Parameters
    ----------
    skeleton : Skeleton, or array_like of 2 or 3 axes
        The skeleton; every element that is not 0 belongs to it.
    mask : array_like, shape of the skeleton
        The object: booleans, or numbers of at most one value that is not 0.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis, 1 if it is not given. A `Skeleton` has its
        own.
    border_is_background : bool, optional
        Whether what lies outside the image is background. Without it a vessel that leaves the
        image is as thick at the border as inside.

    Returns
    -------
    radii : ndarray of float64, shape (N,)
        The radius of each voxel, in units of the spacing; in C order, which is that of
        ``Skeleton.coordinates``, so that ``radii[skeleton.path(0)]`` are those along a path.
        Infinite if there is no background at all.

    Raises
    ------
    ValueError
        If `mask` has another shape than the skeleton or more than two values, if a voxel of the
        skeleton does not belong to it, or if `spacing` makes no sense.
    TypeError
        If elements are not real numbers, or for dask arrays.

    See Also
    --------
    radius_image : The same as an image, lazy for dask arrays.
    skanrs.analyze : Radii of branches.

    Notes
    -----
    The numbers are those of ``scipy.ndimage.distance_transform_edt`` at these voxels; equal to the
    last bit where the squares of the spacing are exact in a float (as for whole numbers), else to
    some units in the last place. They take one bit a voxel of the mask, not some twenty bytes.

    Voxels are counted to their centres: in a tube of radius 3 with its axis on a row of voxels the
    nearest background lies between 3 and 4 away.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> mask = np.zeros((7, 12), dtype=bool)
    >>> mask[2:5] = True
    >>> skanrs.radii(skanrs.skeletonize(mask), mask).max()
    np.float64(2.0)
    """
    if is_dask_array(skeleton) or is_dask_array(mask):
        raise TypeError(
            'skeleton, mask: radii are for arrays in memory; for dask arrays there is'
            ' skanrs.radius_image, which is lazy'
        )
    array = as_mask(mask)
    nodes, shape, steps = _nodes_of(skeleton, spacing, array.ndim)
    if array.shape != shape:
        raise ValueError(f'mask: expected shape {shape} as the skeleton, got {array.shape}')
    with progress.call('radii'):
        return radii_of_nodes(nodes, array, Whole(shape, steps, border_is_background))


@overload
def radius_image(
    skeleton: dask.array.Array,
    mask: dask.array.Array,
    *,
    spacing: npt.ArrayLike = 1,
    border_is_background: bool = False,
) -> dask.array.Array: ...
# Without dask's own types the first overload takes anything.
@overload
def radius_image(  # type: ignore[overload-cannot-match]
    skeleton: npt.ArrayLike,
    mask: npt.ArrayLike,
    *,
    spacing: npt.ArrayLike = 1,
    border_is_background: bool = False,
) -> Radii: ...
def radius_image(
    skeleton: Any,
    mask: Any,
    *,
    spacing: npt.ArrayLike = 1,
    border_is_background: bool = False,
) -> Any:
    """Draw the radius of an object at each voxel of its skeleton.

    Parameters
    ----------
    skeleton : array_like or dask array, 2 or 3 axes
        The skeleton; every element that is not 0 belongs to it.
    mask : array_like or dask array, shape of the skeleton
        The object: booleans, or numbers of at most one value that is not 0.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis.
    border_is_background : bool, optional
        Whether what lies outside the image is background.

    Returns
    -------
    image : ndarray of float64 or dask array, shape of `skeleton`
        The radius, see `radii`, at each voxel of the skeleton, 0 elsewhere. For dask arrays it is
        lazy, with the same chunks, which must be those of both, and equal to that of the whole
        arrays.

    Raises
    ------
    ValueError
        If `mask` has another shape than the skeleton or more than two values, if a voxel of the
        skeleton does not belong to it (for dask arrays when it is computed), or if `spacing` makes
        no sense.
    TypeError
        If elements are not real numbers, or one of the arrays is a dask array and the other not.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> mask = np.zeros((5, 6), dtype=bool)
    >>> mask[1:4] = True
    >>> skeleton = np.zeros_like(mask)
    >>> skeleton[2, 1:5] = True
    >>> skanrs.radius_image(skeleton, mask)
    array([[0., 0., 0., 0., 0., 0.],
           [0., 0., 0., 0., 0., 0.],
           [0., 2., 2., 2., 2., 0.],
           [0., 0., 0., 0., 0., 0.],
           [0., 0., 0., 0., 0., 0.]])
    """
    refuse_mixture(skeleton, mask)
    if is_dask_array(mask):
        from ._dask import radius_blocks

        return radius_blocks(skeleton, mask, spacing, border_is_background)
    array = as_mask(mask)
    nodes, shape, _ = _nodes_of(skeleton, None, array.ndim)
    values = radii(skeleton, mask, spacing=spacing, border_is_background=border_is_background)
    image = np.zeros(shape)
    image.reshape(-1)[nodes] = values
    return image


def refuse_mixture(skeleton: Any, mask: Any) -> None:
    """Raise a TypeError if one of two arrays is a dask array and the other, if there, is not."""
    if skeleton is not None and is_dask_array(skeleton) != is_dask_array(mask):
        names = ('mask', 'skeleton') if is_dask_array(mask) else ('skeleton', 'mask')
        raise TypeError(
            f'skeleton, mask: expected dask arrays or arrays in memory, but {names[0]} is a dask'
            f' array and {names[1]} is not'
        )


def radii_of_nodes(nodes: npt.NDArray[np.int64], mask: Array, whole: Whole) -> Radii:
    """Return the radii of the voxels of these linear indices; `mask` is the whole image."""
    squares = block_radii(nodes, mask, (0,) * mask.ndim, whole).squares
    return np.sqrt(squares, out=squares)


def block_radii(
    nodes: npt.NDArray[np.int64], mask: Array, offset: Shape, whole: Whole
) -> BlockRadii:
    """Return what a block of a mask tells of the radii of its voxels `nodes`."""
    shape, spacing, border = whole.in_3d()
    elements, bits = foreground_bits(mask)
    elements = elements.reshape(in_three_axes(mask.shape, 1)) if mask.ndim < 3 else elements
    start = in_three_axes(offset, 0)
    found = BlockRadii(*_core.block_radii(elements, bits, nodes, start, shape, spacing, border))
    outside = np.flatnonzero(found.squares == 0)
    if outside.size:
        at = np.unravel_index(nodes[outside[0]], mask.shape)
        place = tuple(int(a + b) for a, b in zip(at, offset, strict=True))
        raise ValueError(
            f'skeleton: expected voxels of the mask only, but {outside.size} are background there,'
            f' the first at {place}'
        )
    return found


def _nodes_of(
    skeleton: Any, spacing: npt.ArrayLike | None, ndim: int
) -> tuple[npt.NDArray[np.int64], Shape, tuple[float, ...]]:
    """Return linear indices of a skeleton's voxels, its shape, and its spacing."""
    if isinstance(skeleton, Skeleton):
        if spacing is not None:
            raise ValueError('spacing: a Skeleton has its own; it is for arrays only')
        nodes = getattr(skeleton, '_nodes', None)
        if nodes is None:
            raise ValueError('skeleton: expected one that was made from an image, not a graph')
        shape = tuple(skeleton.skeleton_shape)
        return nodes, shape, tuple(spacing_per_axis(skeleton.spacing, len(shape)))
    array = np.asarray(skeleton)
    check_elements(array.dtype, 'skeleton')
    steps = spacing_per_axis(1 if spacing is None else spacing, ndim)
    nodes = foreground_nodes(array) if array.ndim else np.empty(0, dtype=np.int64)
    return nodes, array.shape, tuple(steps)
