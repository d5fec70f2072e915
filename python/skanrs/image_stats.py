"""Summary statistics of a skeleton image.

Cost: a few passes over the image and one pixel graph. Reproduces ``skan.image_stats`` 0.13.1,
except that the skeleton itself is never counted as a mesh (see docs/differences.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from skanrs._image.array_types import takes_images

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ['image_summary', 'mesh_sizes']


@takes_images('skeleton', spacing=False, whole=True)
def mesh_sizes(skeleton: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Compute the sizes of the meshes: background regions enclosed by branches.

    Parameters
    ----------
    skeleton : array, shape (M, N)
        A skeleton; every nonzero pixel belongs to it. Only 2D skeletons have meshes.

    Returns
    -------
    sizes : array of int, shape (P,)
        Number of pixels of each 4-connected background region that does not touch the border of
        the image, in row order of the first pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from skanrs.image_stats import mesh_sizes
    >>> image = np.array([[0, 0, 1, 0, 0],
    ...                   [0, 0, 1, 1, 1],
    ...                   [0, 0, 1, 0, 0],
    ...                   [0, 1, 0, 1, 0]])
    >>> mesh_sizes(image)
    array([], dtype=int64)
    >>> mesh_sizes(np.pad(image, 1, constant_values=1))
    array([7, 2, 3, 1])
    """
    from scipy import ndimage

    labels, _ = ndimage.label(~skeleton.astype(bool))
    border = np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1]))
    sizes = np.bincount(labels.ravel())
    sizes[border] = 0
    sizes[:1] = 0  # label 0 is the skeleton
    return np.asarray(sizes[sizes != 0])


@takes_images('skeleton', whole=True)
def image_summary(
    skeleton: npt.NDArray[Any], *, spacing: float | npt.ArrayLike = 1
) -> pd.DataFrame:
    """Compute summary statistics of a skeleton image.

    Parameters
    ----------
    skeleton : array, shape (M, N)
        A skeleton; every nonzero pixel belongs to it.
    spacing : float or array of float, shape (ndim,), optional
        Distance between neighbouring pixels along each axis, in units of length.

    Returns
    -------
    stats : pandas.DataFrame
        One row: ``scale`` (the spacing), ``number of junctions``, ``area`` (of the image, in units
        of area), ``junctions per unit area``, ``average mesh area``, ``median mesh area``,
        ``mesh area standard deviation`` (in pixels; NaN, with NumPy's RuntimeWarning, if there
        is no mesh), ``number of disjoint skeletons``.

    Examples
    --------
    >>> import numpy as np
    >>> from skanrs.image_stats import image_summary
    >>> image = np.zeros((5, 6), dtype=bool)
    >>> image[:, 2] = image[2] = True
    >>> image[1:4, 5] = image[[0, 4], 3:5] = True
    >>> image_summary(image, spacing=2.0)['average mesh area']
    0    2.0
    Name: average mesh area, dtype: float64
    """
    from scipy import ndimage

    from skanrs import csr

    graph, _ = csr.skeleton_to_csgraph(skeleton, spacing=spacing)
    degrees = np.diff(graph.indptr)
    pixel_area = (
        np.prod(np.asarray(spacing))
        if np.ndim(spacing)
        else np.asarray(spacing)[()] ** skeleton.ndim
    )
    stats = pd.DataFrame({'scale': [spacing], 'number of junctions': np.sum(degrees > 2)})
    stats['area'] = np.prod(skeleton.shape) * pixel_area
    stats['junctions per unit area'] = stats['number of junctions'] / stats['area']
    sizes = mesh_sizes(skeleton)
    stats['average mesh area'] = np.mean(sizes)
    stats['median mesh area'] = np.median(sizes)
    stats['mesh area standard deviation'] = np.std(sizes)
    neighbourhood = np.ones((3,) * skeleton.ndim)
    stats['number of disjoint skeletons'] = ndimage.label(skeleton, neighbourhood)[1]
    return stats
