"""From a gray image to a mask: what counts as foreground, smoothing, Otsu's threshold.

Cost: a few passes over the image; smoothing holds one copy of it in float32 (float64 for wide
integers and float64 itself).
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

__all__ = ['mask_of', 'otsu_threshold', 'smooth', 'two_values']

BINS = 256
# Integers that span no more than this are counted one by one, as scikit-image does.
COUNTED_ONE_BY_ONE = 1 << 16


def two_values(image: npt.NDArray[Any]) -> tuple[Any, Any] | None:
    """Return the smallest and the largest value if the image holds no others, else None.

    Parameters
    ----------
    image : array
        Booleans, integers or floats.

    Returns
    -------
    tuple of two values, or None
        The two are equal where the image is constant.
    """
    if image.size == 0:
        return image.dtype.type(0), image.dtype.type(0)
    low, high = image.min(), image.max()
    # Plane by plane: gray images are found out at the first.
    for plane in image:
        if not ((plane == low) | (plane == high)).all():
            return None
    return low, high


def mask_of(
    image: npt.NDArray[Any], threshold: float | Literal['otsu', 'none'] | None = None
) -> tuple[npt.NDArray[np.bool_], float | None]:
    """Return the foreground of an image.

    Parameters
    ----------
    image : array
        Booleans, integers or floats.
    threshold : float, 'otsu', 'none' or None
        A number: what is larger is foreground. 'otsu': the number is found by `otsu_threshold`.
        'none': what is not zero is foreground. None: the image must be a mask, that is boolean or
        of two values; the larger one is foreground (what is not zero, where one of them is zero).

    Returns
    -------
    mask : array of bool
        True in the foreground.
    number : float or None
        The threshold, if one was used.

    Raises
    ------
    ValueError
        If no threshold is given and the image is not a mask.

    Examples
    --------
    >>> import numpy as np
    >>> from skanrs.threshold import mask_of
    >>> mask_of(np.array([[1, 5, 9]]), threshold=4)
    (array([[False,  True,  True]]), 4.0)
    """
    if threshold == 'none' or (threshold is None and image.dtype == bool):
        return _nonzero(image), None
    if threshold is None:
        values = two_values(image)
        if values is None:
            found = 'NaN among its values' if np.isnan(image.min()) else 'more than two values'
            raise ValueError(
                f'the image is gray ({image.dtype}, {found}); say what is foreground: '
                '--threshold VALUE, --threshold otsu, or --threshold none for all that is not zero'
            )
        low, high = values
        return (_nonzero(image) if 0 in (low, high) or low == high else image == high), None
    number = otsu_threshold(image) if threshold == 'otsu' else float(threshold)
    return image > number, number


def smooth(image: npt.NDArray[Any], sigma: float | Sequence[float]) -> npt.NDArray[Any]:
    """Return the image smoothed by a Gaussian, in floats.

    Parameters
    ----------
    image : array
        Booleans, integers or floats.
    sigma : float or sequence of float
        Standard deviation in voxels, one for all axes or one for each.

    Returns
    -------
    array of float32 or float64
    """
    wide = np.result_type(image.dtype, np.float32)
    smoothed: npt.NDArray[Any] = ndimage.gaussian_filter(image.astype(wide), sigma)
    return smoothed


def otsu_threshold(image: npt.NDArray[Any]) -> float:
    """Return the threshold that separates two classes best (Otsu 1979).

    Integers that span up to 65,536 values are counted one by one, anything else in 256 bins, and
    the result equals ``skimage.filters.threshold_otsu``.

    Parameters
    ----------
    image : array
        Booleans, integers or floats, all finite.

    Returns
    -------
    float
        What is larger belongs to the upper class.

    Raises
    ------
    ValueError
        If the image is empty or holds a value that is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from skanrs.threshold import otsu_threshold
    >>> otsu_threshold(np.array([[10, 11, 12], [90, 91, 92]], dtype=np.uint8))
    12.0
    """
    if image.size == 0:
        raise ValueError('an empty image has no threshold by otsu')
    if image.dtype == bool:
        image = _nonzero(image).view(np.uint8)
    low, high = image.min(), image.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError('the image holds NaN or infinity; otsu needs finite values')
    if low == high:
        return float(low)
    centres: npt.NDArray[Any]
    if image.dtype.kind in 'iu' and int(high) - int(low) < COUNTED_ONE_BY_ONE:
        span = int(high) - int(low) + 1
        counts = np.zeros(span, dtype=np.int64)
        for plane in image:
            counts += np.bincount((plane.astype(np.int64) - int(low)).ravel(), minlength=span)
        centres = np.arange(int(low), int(high) + 1)
    else:
        counts, edges = np.histogram(image, bins=BINS, range=(low, high))
        centres = (edges[:-1] + edges[1:]) / 2
    # In single precision, as scikit-image computes it.
    weights = counts.astype(np.float32)
    below = np.cumsum(weights)
    above = np.cumsum(weights[::-1])[::-1]
    mean_below = np.cumsum(weights * centres) / below
    mean_above = (np.cumsum((weights * centres)[::-1]) / above[::-1])[::-1]
    between = below[:-1] * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2
    return float(centres[np.argmax(between)])


def _nonzero(image: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    # A file can hold booleans whose bytes are neither 0 nor 1.
    return np.asarray((image.view(np.uint8) if image.dtype == bool else image) != 0)
