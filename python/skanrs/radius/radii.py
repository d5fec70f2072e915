"""Radii of arrays in memory; dask arrays are passed on to `lazy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import numpy.typing as npt

from skanrs._blocks.read import pixels_of
from skanrs._image.array_types import takes_images
from skanrs._image.dask_arrays import is_dask_array, refuse_mixture
from skanrs._image.image import as_image
from skanrs._image.labels import LabelImage, Labels, as_labels, with_labels
from skanrs._image.masks import as_mask
from skanrs._image.spacing import as_spacing, refuse_spacing
from skanrs._support import progress
from skanrs._support.typing import Array, Indices, Shape
from skanrs.graph.labels import own_labels, pixels_of_labels
from skanrs.graph.skeleton import Skeleton

from .block import Radii, radii_of_nodes
from .labels import radii_of_labels

if TYPE_CHECKING:
    import dask.array


@takes_images('skeleton', 'mask', whole=True)
def radii(
    skeleton: Skeleton | npt.ArrayLike,
    mask: npt.ArrayLike,
    *,
    spacing: npt.ArrayLike | None = None,
    border_is_background: bool = False,
    labels: Labels = False,
) -> Radii:
    """Measure the radius of an object at each voxel of its skeleton.

    The radius is the Euclidean distance from the centre of a voxel to the centre of the nearest
    background voxel.

    Parameters
    ----------
    skeleton : Skeleton, or array_like of 2 or 3 axes
        The skeleton; nonzero elements belong to it.
    mask : array_like, shape of the skeleton
        The object: booleans, or numbers with at most one nonzero value.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis, 1 if it is not given. A `Skeleton` has its
        own.
    border_is_background : bool, optional
        Whether voxels outside the image are background. By default they are ignored, so a vessel
        that leaves the image is as thick at the border as inside.
    labels : bool or sequence of int, optional
        Whether both arrays are label images, in memory and of integers: the radius is the distance
        to the nearest voxel of another value. A `Skeleton` made with labels has them already.

    Returns
    -------
    radii : ndarray of float64, shape (N,)
        The radius of each voxel in units of the spacing, in C order. This is the order of
        ``Skeleton.coordinates``, so ``radii[skeleton.path(0)]`` are the radii along a path.
        Infinite if the image has no background.

    Raises
    ------
    ValueError
        If `mask` has another shape than the skeleton or more than two values, if a voxel of the
        skeleton does not belong to it, or if `spacing` is invalid.
    TypeError
        If elements are not real numbers, or for dask arrays.

    See Also
    --------
    radius_image : The same as an image, lazy for dask arrays.
    skanrs.analyze : Radii of branches.

    Notes
    -----
    The radii are those of ``scipy.ndimage.distance_transform_edt`` at these voxels. They are equal
    to the last bit if the squares of the spacing are exact in a float, as for integers, else to
    some units in the last place. They need one bit per voxel of the mask instead of about 20 bytes.

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
            'skeleton, mask: expected arrays in memory, got dask arrays; use'
            ' skanrs.radius_image, which is lazy'
        )
    return _measure(skeleton, mask, spacing, border_is_background, labels)[2]


@overload
def radius_image(
    skeleton: dask.array.Array,
    mask: dask.array.Array,
    *,
    spacing: npt.ArrayLike = 1,
    border_is_background: bool = False,
) -> dask.array.Array: ...
@overload
def radius_image(
    skeleton: npt.ArrayLike,
    mask: npt.ArrayLike,
    *,
    spacing: npt.ArrayLike = 1,
    border_is_background: bool = False,
    labels: Literal[False] = False,
) -> Radii: ...
@overload
def radius_image(
    skeleton: npt.ArrayLike | dask.array.Array,
    mask: npt.ArrayLike | dask.array.Array,
    *,
    spacing: npt.ArrayLike = 1,
    border_is_background: bool = False,
    labels: Labels,
) -> Any: ...
@takes_images('skeleton', 'mask', returns_image=True)
def radius_image(
    skeleton: Any,
    mask: Any,
    *,
    spacing: npt.ArrayLike = 1,
    border_is_background: bool = False,
    labels: Labels = False,
) -> Any:
    """Draw the radius of an object at each voxel of its skeleton.

    Parameters
    ----------
    skeleton : array_like or dask array, 2 or 3 axes
        The skeleton; nonzero elements belong to it.
    mask : array_like or dask array, shape of the skeleton
        The object: booleans, or numbers with at most one nonzero value.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis.
    border_is_background : bool, optional
        Whether what lies outside the image is background.
    labels : bool or sequence of int, optional
        Whether both arrays are label images, see `radii`. Of dask arrays one task needs both in
        memory.

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
        skeleton does not belong to it (for dask arrays when it is computed), or if `spacing` is
        invalid.
    TypeError
        If elements are not real numbers, or only one of the arrays is a dask array.

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
        from .lazy import radius_blocks

        if with_labels(labels):
            return _delay_radii_of_labels(skeleton, mask, spacing, border_is_background, labels)
        return radius_blocks(skeleton, mask, spacing, border_is_background)
    shape, nodes, values = _measure(skeleton, mask, spacing, border_is_background, labels)
    image = np.zeros(shape)
    image.reshape(-1)[nodes] = values
    return image


def _delay_radii_of_labels(
    skeleton: Any,
    mask: Any,
    spacing: npt.ArrayLike,
    border_is_background: bool,
    labels: Labels,
) -> Any:
    import dask.array as da

    from skanrs._blocks.whole import delay_with_whole, empty_arrays

    arrays = {'mask': mask, 'skeleton': skeleton}
    options: dict[str, Any] = {
        'spacing': spacing,
        'border_is_background': border_is_background,
        'labels': labels,
    }
    empty = radius_image(**empty_arrays(arrays), **options)
    whole = da.from_delayed(
        delay_with_whole(radius_image, arrays, **options), mask.shape, meta=empty
    )
    return whole.rechunk(mask.chunks)


def _measure(
    skeleton: Any,
    mask: npt.ArrayLike,
    spacing: npt.ArrayLike | None,
    border_is_background: bool,
    labels: Labels,
) -> tuple[Shape, Indices, Radii]:
    """Return the shape of an image, the linear indices of a skeleton's voxels and their radii."""
    nodes, shape, floats, of_nodes = _voxels_of(skeleton, spacing, labels)
    checked = as_mask(mask) if of_nodes is None else as_labels(mask, 'mask', True).image
    if checked.shape != shape:
        raise ValueError(f'mask: expected shape {shape} as the skeleton, got {checked.shape}')
    with progress.call('radii'):
        if of_nodes is None:
            radii = radii_of_nodes(nodes, checked, floats, border_is_background)
        else:
            label_image = LabelImage(checked, None)
            radii = radii_of_labels(nodes, of_nodes, label_image, floats, border_is_background)
    return shape, nodes, radii


def _voxels_of(
    skeleton: Any, spacing: npt.ArrayLike | None, labels: Labels
) -> tuple[Indices, Shape, tuple[float, ...], Array | None]:
    """Return the indices of a skeleton's voxels, its shape, its spacing, and labels if any."""
    if isinstance(skeleton, Skeleton):
        refuse_spacing(skeleton, spacing)
        nodes = getattr(skeleton, '_nodes', None)
        if nodes is None:
            raise ValueError('skeleton: expected one made from an image, got one made from a graph')
        shape = tuple(skeleton.skeleton_shape)
        floats = as_spacing(skeleton.spacing, len(shape)).floats
        return nodes, shape, floats, own_labels(skeleton, labels)
    if with_labels(labels):
        pixels, of_pixels = pixels_of_labels(as_labels(skeleton, 'skeleton', labels))
    else:
        image = as_image(skeleton, 'skeleton')
        pixels, of_pixels = pixels_of(image), None
    floats = as_spacing(1 if spacing is None else spacing, len(pixels.shape)).floats
    return pixels.nodes, pixels.shape, floats, of_pixels
