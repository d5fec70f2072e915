"""Thresholding of grey-level images before thinning.

The filters are those of scikit-image, which is imported on first use. Cost: that of the filters.
Reproduces ``skan.pre`` 0.13.1.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from skanrs._image.array_types import takes_images
from skanrs.smoothing import check_largest_sigma

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    SMOOTH_METHODS: dict[str, Callable[..., Any]]

__all__ = ['SMOOTH_METHODS', 'hyperball', 'threshold']


def __getattr__(name: str) -> Any:
    if name == 'SMOOTH_METHODS':
        from skimage import filters, restoration

        return {'Gaussian': filters.gaussian, 'TV': restoration.denoise_tv_bregman}
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


def hyperball(ndim: int, radius: int) -> npt.NDArray[np.bool_]:
    """Return a ball as a structuring element.

    Parameters
    ----------
    ndim : int
        Number of dimensions.
    radius : int
        Radius, in pixels.

    Returns
    -------
    ball : array of bool, shape ``(2 * radius + 1,) * ndim``
        True where the distance from the centre is at most `radius`.

    Examples
    --------
    >>> from skanrs.pre import hyperball
    >>> hyperball(2, 1).astype(int)
    array([[0, 1, 0],
           [1, 1, 1],
           [0, 1, 0]])
    """
    squares = np.square(np.arange(2 * radius + 1) - radius)
    total = sum(np.meshgrid(*[squares] * ndim, indexing='ij', sparse=True))
    return np.asarray(total) <= radius * radius


@takes_images('image', spacing=False, returns_image=True, whole=True)
def threshold(
    image: npt.NDArray[Any],
    *,
    sigma: float = 0.0,
    radius: int = 0,
    offset: float = 0.0,
    method: str = 'sauvola',
    smooth_method: str = 'Gaussian',
) -> npt.NDArray[np.bool_]:
    """Smooth an image and threshold it, globally or locally.

    Parameters
    ----------
    image : array
        The image.
    sigma : float, optional
        If positive, the image is smoothed first: standard deviation of the Gaussian, in pixels, or
        weight of the total variation filter.
    radius : int, optional
        Radius of the neighbourhood for local thresholds, in pixels. 0: one global threshold, by
        Otsu's method.
    offset : float, optional
        Added to Otsu's and to the median threshold; the parameter ``k`` of Sauvola's and Niblack's.
    method : {'sauvola', 'niblack', 'median'}
        Which local threshold to use.
    smooth_method : {'Gaussian', 'TV'}
        The smoothing filter; case is ignored. For other names, warn and do not smooth.

    Returns
    -------
    thresholded : array of bool, same shape as `image`
        True where the image is above the threshold.

    Raises
    ------
    ValueError
        If `radius` is not 0 and `method` is not one of the above, or if `sigma` of the Gaussian is
        above 1,000 and longer than the image.

    Examples
    --------
    >>> import numpy as np
    >>> from skanrs.pre import threshold
    >>> threshold(np.array([[0.0, 0.0, 0.9, 1.0]]))
    array([[False, False,  True,  True]])
    """
    from skimage import filters, restoration

    if sigma > 0:
        match smooth_method.lower():
            case 'gaussian':
                check_largest_sigma(sigma, np.shape(image))
                image = filters.gaussian(image, sigma=sigma)
            case 'tv':
                image = restoration.denoise_tv_bregman(image, weight=sigma)
            case _:
                warnings.warn(
                    f"smooth_method {smooth_method!r} is neither 'Gaussian' nor 'TV': "
                    'the image is not smoothed',
                    stacklevel=2,
                )
    if radius == 0:
        level = filters.threshold_otsu(image) + offset
    elif method == 'median':
        from scipy import ndimage

        level = ndimage.median_filter(image, footprint=hyperball(image.ndim, radius)) + offset
    elif method == 'sauvola':
        level = filters.threshold_sauvola(image, window_size=2 * radius + 1, k=offset)
    elif method == 'niblack':
        level = filters.threshold_niblack(image, window_size=2 * radius + 1, k=offset)
    else:
        raise ValueError(f"method: expected 'median', 'niblack' or 'sauvola', got {method!r}")
    return np.asarray(image > level)
