"""Branch tables of image files: reading, thresholding, thinning, summarizing.

Each image is processed by one thread and held in memory until it is yielded. Files are read with
imageio and filtered with scikit-image. Reproduces ``skan.pipe`` 0.13.1.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from skanrs import csr, pre
from skanrs.image_stats import image_summary
from skanrs.thinning.skeletonize import skeletonize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    Result = tuple[npt.NDArray[Any], npt.NDArray[np.bool_], npt.NDArray[Any], pd.DataFrame]

__all__ = ['CPU_COUNT', 'process_images', 'process_single_image']

CPU_COUNT = int(os.environ.get('CPU_COUNT') or os.cpu_count() or 1)


def _get_scale(image: Any, md_path_or_scale: str | float | None) -> float:
    """Get the pixel size: a number, or a path in ``image.meta`` such as ``Scan/PixelHeight``.

    None means 1: measurements are in pixels.
    """
    if md_path_or_scale is None:
        return 1.0
    try:
        return float(md_path_or_scale)
    except ValueError:
        value = image.meta
        for key in str(md_path_or_scale).split('/'):
            value = value[key]
        return float(value)


def process_single_image(
    filename: str | os.PathLike[str],
    image_format: str | None,
    scale_metadata_path: str | float | None,
    threshold_radius: float,
    smooth_radius: float,
    brightness_offset: float,
    crop_radius: int,
    smooth_method: str,
) -> Result:
    """Read, threshold, thin and summarize one image.

    Parameters
    ----------
    filename, image_format, scale_metadata_path, threshold_radius, smooth_radius, \
brightness_offset, crop_radius, smooth_method
        As in :func:`process_images`. If `image_format` is None, imageio detects the format.

    Returns
    -------
    image : array, shape (M, N)
        The image, cropped.
    thresholded : array of bool, shape (M, N)
        Its foreground.
    skeleton : array of float, shape (M, N)
        The shape index of the image [1]_ on the skeleton, 0 elsewhere.
    framedata : pandas.DataFrame
        The branch table with ``_`` in its names, ``mean_shape_index`` for ``mean_pixel_value``, and
        ``squiggle`` (log2 of branch over euclidean distance), ``scale`` and ``filename``.

    References
    ----------
    .. [1] J. J. Koenderink and A. J. van Doorn, "Surface shape and curvature scales", Image and
       Vision Computing 10 (1992).

    Examples
    --------
    >>> import tempfile, imageio.v2, numpy as np
    >>> from skanrs.pipe import process_single_image
    >>> file = tempfile.mkdtemp() + '/bright.png'
    >>> rows, columns = np.indices((40, 60))
    >>> bright = 200 * np.exp(-((rows - 20) ** 2) / 20)
    >>> imageio.v2.imwrite(file, (bright + 20).astype(np.uint8))
    >>> image, foreground, skeleton, table = process_single_image(
    ...     file, None, scale_metadata_path=0.5, threshold_radius=4, smooth_radius=0.2,
    ...     brightness_offset=-0.1, crop_radius=0, smooth_method='Gaussian'
    ... )
    >>> table[['branch_type', 'branch_distance', 'scale']].round(1)
       branch_type  branch_distance  scale
    0            0             26.7    0.5
    """
    import imageio.v2 as imageio
    from skimage.feature import shape_index

    image = imageio.imread(filename, format=image_format)
    scale = _get_scale(image, scale_metadata_path)
    if crop_radius > 0:
        image = image[crop_radius:-crop_radius, crop_radius:-crop_radius]
    radius = int(np.ceil(threshold_radius / scale))
    sigma = smooth_radius * radius
    thresholded = pre.threshold(
        image, sigma=sigma, radius=radius, offset=brightness_offset, smooth_method=smooth_method
    )
    quality = shape_index(image, sigma=sigma, mode='reflect')
    # The shape index is NaN where the image is flat; pixels off the skeleton must be 0.
    skeleton = np.where(skeletonize(thresholded), quality, 0)
    framedata = csr.summarize(csr.Skeleton(skeleton, spacing=scale), separator='_')
    framedata['squiggle'] = np.log2(framedata['branch_distance'] / framedata['euclidean_distance'])
    framedata['scale'] = scale
    framedata = framedata.rename(columns={'mean_pixel_value': 'mean_shape_index'})
    framedata['filename'] = cast('Any', filename)
    return image, thresholded, skeleton, framedata


def process_images(
    filenames: Sequence[str | os.PathLike[str]],
    image_format: str,
    threshold_radius: float,
    smooth_radius: float,
    brightness_offset: float,
    scale_metadata_path: str | float | None,
    crop_radius: int = 0,
    smooth_method: str = 'Gaussian',
    num_threads: int = CPU_COUNT,
) -> Iterator[Any]:
    """Analyse the skeletons of many image files.

    Parameters
    ----------
    filenames : list of str
        The files.
    image_format : str
        Name of their format in imageio; with ``'auto'`` imageio detects it.
    threshold_radius : float
        Radius of the neighbourhood for Sauvola's threshold, in units of length.
    smooth_radius : float
        Standard deviation of the Gaussian that smooths the image first, relative to
        `threshold_radius`.
    brightness_offset : float
        The parameter ``k`` of Sauvola's threshold.
    scale_metadata_path : str or float or None
        Size of a pixel, in units of length: a number, or its path in the metadata of the file,
        such as ``'Scan/PixelHeight'``. None: measure in pixels.
    crop_radius : int, optional
        Number of pixels to remove at each border.
    smooth_method : {'Gaussian', 'TV'}, optional
        The smoothing filter.
    num_threads : int, optional
        Number of images to process at once.

    Yields
    ------
    result : tuple
        For each image, in order of completion: its filename, the image, its foreground, its
        skeleton and its branch table, as in :func:`process_single_image`. The last item holds the
        branch tables of all images and a table with one row for each image (see
        :func:`skanrs.image_stats.image_summary`).

    Examples
    --------
    >>> from skanrs.pipe import process_images
    >>> *images, (branches, summaries) = process_images(
    ...     ['a.tif', 'b.tif'], 'auto', 5e-8, 0.1, 0.075, 1e-9
    ... )  # doctest: +SKIP
    """
    from tqdm import tqdm

    file_format = None if image_format == 'auto' else image_format
    branch_tables = []
    summaries = []
    with ThreadPoolExecutor(max_workers=num_threads) as executor:
        futures = {
            executor.submit(
                process_single_image,
                filename,
                file_format,
                scale_metadata_path,
                threshold_radius,
                smooth_radius,
                brightness_offset,
                crop_radius,
                smooth_method,
            ): filename
            for filename in filenames
        }
        for future in tqdm(as_completed(futures), total=len(filenames)):
            filename = futures.pop(future)
            image, thresholded, skeleton, framedata = future.result()
            branch_tables.append(framedata)
            scale = _get_scale(image, scale_metadata_path)
            summary = image_summary(skeleton, spacing=scale)
            summary['filename'] = cast('Any', filename)
            summary['branch density'] = len(framedata) / summary['area']
            between_junctions = framedata['branch_type'] == 2
            distances = framedata.loc[between_junctions, 'branch_distance']
            summary['mean J2J branch distance'] = distances.mean()
            summaries.append(summary)
            yield filename, image, thresholded, skeleton, framedata
    yield pd.concat(branch_tables), pd.concat(summaries)
