"""Gaussian smoothing, with the numbers of `scipy.ndimage.gaussian_filter`.

Images of up to three axes are smoothed by a kernel in pieces that fit the cache; dask arrays block
by block with a margin, so that results are those of the whole image to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._image.array_types import takes_images
from skanrs._image.dask_arrays import is_dask_array
from skanrs._image.elements import check_elements
from skanrs._image.image import as_array
from skanrs._image.position import in_three_axes
from skanrs._support import progress
from skanrs._support.typing import Array, Shape

if TYPE_CHECKING:
    import dask.array as da

__all__ = [
    'as_sigma', 'check_largest_sigma', 'gaussian', 'kernel_image', 'margin', 'smooth',
    'smooth_blocks', 'weights',
]  # fmt: skip

# Radius of the Gaussian kernel in standard deviations; scipy's default.
TRUNCATE = 4.0
# Sigmas at or below it leave an axis as it is, in scipy.
LEAST_SIGMA = 1e-15
# The largest sigma for images whose axes are shorter.
LARGEST_SIGMA = 1000
KERNEL_TYPES = frozenset('BbHhIiLlQqfd')
# Types that results are returned in; scipy has rules of its own for what exceeds 53 bits.
SAME_TYPE = frozenset(('u1', 'i1', 'u2', 'i2', 'u4', 'i4', 'f4', 'f8'))


@overload
def gaussian(image: da.Array, sigma: float | Sequence[float]) -> da.Array: ...
# Without dask's own types the first overload takes anything.
@overload
def gaussian(  # type: ignore[overload-cannot-match]
    image: npt.ArrayLike, sigma: float | Sequence[float]
) -> npt.NDArray[Any]: ...
@takes_images('image', spacing=False, returns_image=True)
def gaussian(image: Any, sigma: float | Sequence[float]) -> Any:
    """Smooth an image with a Gaussian.

    Parameters
    ----------
    image : array_like or dask array
        Booleans, integers or floats.
    sigma : float or sequence of float, one for each axis
        The standard deviation in voxels; 0 leaves an axis as it is.

    Returns
    -------
    smoothed : ndarray or dask array, shape and type of `image`
        For dask arrays it is lazy; chunks narrower than the kernel are joined.

    Raises
    ------
    ValueError
        If `sigma` has another length than the image has axes, is negative or not finite, or is
        above 1,000 and longer than the longest axis.
    TypeError
        If the elements of `image` are not real numbers.

    See Also
    --------
    skanrs.otsu : A threshold for the result.

    Notes
    -----
    The result equals that of ``scipy.ndimage.gaussian_filter`` with its defaults (``truncate=4``,
    mode ``reflect``) to the last bit, for any chunks. As there, the values of an image of integers
    are cut to integers after each axis; smooth ``image.astype('float32')`` to keep fractions.
    Images of up to three axes are smoothed on `get_num_threads` threads, those of booleans and
    64-bit integers by scipy.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> skanrs.gaussian(np.array([0, 0, 8, 0, 0], dtype=np.float32), 0.5).round(1)
    array([0. , 0.9, 6.3, 0.9, 0. ], dtype=float32)
    """
    if is_dask_array(image):
        check_elements(image.dtype, 'image')
        return smooth_blocks(image, as_sigma(sigma, image.shape), _same_type, image.dtype)
    array = as_array(image, 'image')
    check_elements(array.dtype, 'image')
    return _same_type(array, as_sigma(sigma, array.shape))


def as_sigma(sigma: Any, shape: Shape) -> tuple[float, ...]:
    """Return the standard deviation for each axis; raise a ValueError if it is invalid."""
    ndim = len(shape)
    try:
        numbers = np.asarray(sigma, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.empty((0, 0))
    if numbers.ndim > 1 or (numbers.ndim == 1 and numbers.size != ndim):
        raise ValueError(
            f'sigma: expected a number, or one for each of the {ndim} axes, got {sigma!r}'
        )
    if not (np.isfinite(numbers).all() and (numbers >= 0).all()):
        raise ValueError(f'sigma: expected finite numbers that are not negative, got {sigma!r}')
    check_largest_sigma(numbers.max(initial=0), shape)
    return tuple(np.broadcast_to(numbers, ndim).tolist())


def check_largest_sigma(sigma: float, shape: Shape) -> None:
    """Raise a ValueError if sigma is above 1,000 and longer than the image.

    The work grows with sigma, and nothing is left of an image that is so smooth.
    """
    largest = max((LARGEST_SIGMA, *shape))
    if sigma > largest:
        raise ValueError(f'sigma: expected at most {largest} voxels, got {sigma:g}')


def smooth(image: npt.NDArray[Any], sigma: float | Sequence[float]) -> npt.NDArray[Any]:
    """Return the image smoothed, in float32 or, for wide integers and float64, in float64.

    Parameters
    ----------
    image : array
        Booleans, integers or floats.
    sigma : float or sequence of float
        Standard deviation in voxels, one for all axes or one for each.
    """
    sigmas = as_sigma(sigma, image.shape)
    wide = np.result_type(image.dtype, np.float32)
    elements = kernel_image(image)
    if elements is None:
        return _by_scipy(image.astype(wide), sigmas)
    return _by_kernel(elements, sigmas, wide)


def smooth_blocks(
    image: da.Array, sigma: tuple[float, ...], function: Any, dtype: np.dtype[Any]
) -> da.Array:
    """Apply `function(block, sigma)` to the blocks of a dask array with their margins, lazily."""
    import dask.array as da

    # An axis that is not cut needs no margin.
    margins = {
        axis: min(margin(one), length) if blocks > 1 else 0
        for axis, (one, length, blocks) in enumerate(
            zip(sigma, image.shape, image.numblocks, strict=True)
        )
    }
    return da.map_overlap(
        function,
        image,
        depth=margins,
        boundary='none',
        sigma=sigma,
        dtype=dtype,
        meta=np.empty((0,) * image.ndim, dtype),
    )


def margin(sigma: float) -> int:
    """Return how many voxels away a value counts.

    A part with this margin on each side gets the values of the complete image, to the bit: along
    each axis the same numbers are summed in the same order.
    """
    return int(TRUNCATE * sigma + 0.5)


def weights(sigma: Sequence[float]) -> tuple[list[float], list[float], list[float]]:
    """Return the weights along each of three axes; none for an axis that stays as it is."""
    found = tuple(_weights(one) if one > LEAST_SIGMA else [] for one in sigma)
    along_z, along_y, along_x = in_three_axes(found, [])
    return along_z, along_y, along_x


def kernel_image(image: Array) -> Array | None:
    """Return an image as the kernels read it, with three axes, or None if they do not."""
    if image.ndim not in (1, 2, 3) or image.dtype.char not in {*KERNEL_TYPES, '?'}:
        return None
    if image.dtype.kind == 'b':
        # A file can hold booleans whose bytes are neither 0 nor 1.
        image = (image.view(np.uint8) != 0).view(np.uint8)
    image = image.astype(image.dtype.newbyteorder('='), copy=False)
    # One type for each width: C has two names for some.
    image = image.view(f'{image.dtype.kind}{image.dtype.itemsize}')
    image = image if image.flags.aligned else image.copy()
    return image.reshape(in_three_axes(image.shape, 1))


def _weights(sigma: float) -> list[float]:
    distances = np.arange(-margin(sigma), margin(sigma) + 1)
    # The operations of scipy, in its order.
    values = np.exp(-0.5 / (sigma * sigma) * distances**2)
    found: list[float] = (values / values.sum()).tolist()
    return found


def _same_type(image: Array, sigma: tuple[float, ...]) -> Array:
    """Smooth as scipy does, which keeps the type."""
    elements = None if image.dtype.kind == 'b' else kernel_image(image)
    if elements is None or elements.dtype.str[1:] not in SAME_TYPE:
        return _by_scipy(image, sigma)
    return _by_kernel(elements, sigma, image.dtype)


def _by_kernel(elements: Array, sigma: tuple[float, ...], dtype: np.dtype[Any]) -> Array:
    ndim = len(sigma)
    shape: Shape = elements.shape
    smoothed = np.empty(shape, dtype.newbyteorder('='))
    with progress.call('smoothing'):
        _core.gaussian_filter(elements, weights(sigma), smoothed)
    return smoothed.reshape(shape[3 - ndim :])


def _by_scipy(image: Array, sigma: tuple[float, ...]) -> Array:
    from scipy import ndimage

    smoothed: Array = ndimage.gaussian_filter(image, sigma, truncate=TRUNCATE)
    return smoothed
