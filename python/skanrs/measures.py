"""From a mask to the table of its branches with their radii."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from . import _core
from ._masks import as_mask
from .csr import Skeleton, summarize
from .csr._path_graph import graph_arrays, index_arrays
from .csr._pixel_graph import as_image, spacing_per_axis
from .csr._skeleton import means_and_stdevs
from .csr._summarize import with_separator
from .radius._radii import Whole, radii_of_nodes
from .thinning import skeletonize

if TYPE_CHECKING:
    import dask.array as da
    import dask.dataframe as dd

__all__ = ['analyze']

Array = npt.NDArray[Any]


@overload
def analyze(
    mask: da.Array,
    *,
    spacing: npt.ArrayLike = ...,
    skeleton: da.Array | None = ...,
    method: str | None = ...,
    border_is_background: bool = ...,
    find_main_branch: bool = ...,
    separator: str = ...,
    npartitions: int | None = ...,
) -> dd.DataFrame: ...
@overload
def analyze(
    mask: npt.ArrayLike,
    *,
    spacing: npt.ArrayLike = ...,
    skeleton: npt.ArrayLike | None = ...,
    method: str | None = ...,
    border_is_background: bool = ...,
    find_main_branch: bool = ...,
    separator: str = ...,
    npartitions: None = ...,
) -> pd.DataFrame: ...
def analyze(
    mask: Any,
    *,
    spacing: npt.ArrayLike = 1,
    skeleton: Any = None,
    method: str | None = None,
    border_is_background: bool = False,
    find_main_branch: bool = False,
    separator: str = '_',
    npartitions: int | None = None,
) -> Any:
    """Measure the branches of an object: lengths, radii, surfaces and volumes, a row for each.

    Parameters
    ----------
    mask : array_like, 2 or 3 axes
        The object: booleans, or numbers of at most one value that is not 0.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis, such as 0.5 for half a micrometre. All
        lengths of the table are in its unit.
    skeleton : array_like, shape of `mask`, optional
        The skeleton if it is there already, thinned or pruned; every element that is not 0 belongs
        to it. Without it, `skanrs.skeletonize` makes it.
    method : {'lee', 'zhang'}, optional
        How to thin; see `skanrs.skeletonize`.
    border_is_background : bool, optional
        Whether what lies outside the image is background. Without it a vessel that leaves the
        image is as thick at the border as inside.
    find_main_branch : bool, optional
        Whether to add a column that marks the longest shortest path of each skeleton.
    separator : str, optional
        What stands between the words of a column's name.
    npartitions : int, optional
        For a dask array: how many parts of about the same number of rows the lazy table has.

    Returns
    -------
    table : pandas.DataFrame
        The columns of `skanrs.summarize`, and then:

        - ``mean_radius``, ``min_radius``, ``max_radius``, ``stdev_radius``: of the radii (see
          `skanrs.radii`) of the voxels along the branch, both ends included, the source of a cycle
          twice; mean and standard deviation by skan's formulas.
        - ``tortuosity``: ``branch_distance`` / ``euclidean_distance``; NaN for cycles.
        - ``surface_area``, ``volume``: of the chain of truncated cones through the voxels of the
          branch, each with the radius there; the surface without the two ends. For 2D images
          ``perimeter`` (both sides, without the ends) and ``area`` of the chain of trapezoids.

    Raises
    ------
    ValueError
        If `mask` is neither 2D nor 3D or has more than two values, if `skeleton` has another shape
        or voxels outside the mask, if `spacing` or `method` make no sense, or if `method` is given
        with `skeleton` or `npartitions` for an array in memory.
    TypeError
        If elements are not real numbers.

    See Also
    --------
    skanrs.network_summary : The numbers of the whole network.
    skanrs.prune : Removes short branches first.

    Notes
    -----
    Neighbouring branches share their junction's voxel, and near a junction the cones of a thin
    branch reach into the thick one, so volumes of branches add up to more than that of the mask.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> mask = np.zeros((9, 9, 40), dtype=bool)
    >>> mask[3:6, 3:6, 2:38] = True
    >>> table = skanrs.analyze(mask, spacing=0.5)
    >>> table[['branch_distance', 'mean_radius', 'tortuosity', 'volume']].round(3)
       branch_distance  mean_radius  tortuosity  volume
    0             16.5          1.0         1.0  51.836
    """
    array = as_mask(mask)
    if npartitions is not None:
        raise ValueError('npartitions: it is for dask arrays only')
    steps = spacing_per_axis(spacing, array.ndim)
    skel = _skeleton(array, spacing, skeleton, method)
    table = summarize(skel, find_main_branch=find_main_branch, separator='_')
    whole = Whole(array.shape, tuple(steps), border_is_background)
    radii = radii_of_nodes(skel._nodes, array, whole)
    starts, nodes = index_arrays(skel.paths.indptr, skel.paths.indices)
    sums = _core.path_sums(starts.astype(np.int64), radii[nodes])
    is_flat = array.ndim == 2
    graph = graph_arrays(skel.graph)
    measures = _core.path_measures(*graph, starts, nodes, radii, is_flat)
    return with_measures(table, sums, np.diff(starts), measures, is_flat, separator)


def _skeleton(mask: Array, spacing: npt.ArrayLike, skeleton: Any, method: str | None) -> Skeleton:
    """Return the skeleton of a mask; its values do not matter."""
    if skeleton is None:
        image: Array = skeletonize(mask, method=method)
    else:
        if method is not None:
            raise ValueError('method: the skeleton is given, so nothing is thinned')
        image = as_image(skeleton, 'skeleton')
        if image.shape != mask.shape:
            raise ValueError(
                f'skeleton: expected shape {mask.shape} as the mask, got {image.shape}'
            )
        image = image.astype(bool, copy=False)
    return Skeleton(image, spacing=spacing, keep_images=False)


def with_measures(
    table: pd.DataFrame,
    sums: tuple[Array, Array],
    counts: Array,
    measures: tuple[Array, Array, Array, Array],
    is_flat: bool,
    separator: str,
) -> pd.DataFrame:
    """Add the columns of measures to a table of branches, in place.

    Parameters
    ----------
    table : pandas.DataFrame
        Named with '_'.
    sums, counts : ndarray
        For each branch the sum of its radii, that of their squares, and how many they are.
    measures : tuple of ndarray
        Smallest and largest radius, surface and volume.
    is_flat : bool
        Whether the image is 2D.
    separator : str
        What is to stand between words.

    Returns
    -------
    table : pandas.DataFrame
        The table itself.
    """
    # Without background radii are infinite, and cycles have no distance between their ends.
    with np.errstate(invalid='ignore', divide='ignore'):
        means, stdevs = means_and_stdevs(*sums, counts)
        chords = table['euclidean_distance'].to_numpy()
        tortuosities = table['branch_distance'].to_numpy() / np.where(chords > 0, chords, np.nan)
    smallest, largest, surfaces, volumes = measures
    table['mean_radius'] = means
    table['min_radius'] = smallest
    table['max_radius'] = largest
    table['stdev_radius'] = stdevs
    table['tortuosity'] = tortuosities
    table['perimeter' if is_flat else 'surface_area'] = surfaces
    table['area' if is_flat else 'volume'] = volumes
    return with_separator(table, separator)
