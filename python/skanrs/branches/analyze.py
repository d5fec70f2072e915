"""From a mask to the table of its branches with their radii."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, overload

import numpy.typing as npt
import pandas as pd

from skanrs._image.array_types import takes_images
from skanrs._image.dask_arrays import is_dask_array, refuse_mixture
from skanrs._image.image import as_image
from skanrs._image.labels import Labels, as_labels, thin_labels, with_labels
from skanrs._image.masks import as_mask, check_lazy_mask
from skanrs._image.spacing import as_spacing
from skanrs._support import progress
from skanrs.cleaning.surfaces import warn_of_walls
from skanrs.thinning.method import method_of
from skanrs.thinning.skeletonize import thin

from .columns import empty_table, finish_table, with_separator
from .intensity import as_intensity
from .measured import Measured, measure, measure_labels
from .measures import empty_measures
from .regions import as_regions, empty_region_table

if TYPE_CHECKING:
    import dask.array as da
    import dask.dataframe as dd

__all__ = ['analyze']


@overload
def analyze(
    mask: da.Array,
    *,
    spacing: npt.ArrayLike = ...,
    skeleton: da.Array | None = ...,
    method: str | None = ...,
    preserve_topology: bool = ...,
    border_is_background: bool = ...,
    include_tips: bool = ...,
    find_main_branch: bool = ...,
    separator: str = ...,
    npartitions: int | None = ...,
    labels: Labels = ...,
    min_voxels: int = ...,
    intensity: da.Array | None = ...,
    regions: None = ...,
) -> dd.DataFrame: ...
@overload
def analyze(
    mask: da.Array,
    *,
    spacing: npt.ArrayLike = ...,
    skeleton: da.Array | None = ...,
    method: str | None = ...,
    preserve_topology: bool = ...,
    border_is_background: bool = ...,
    include_tips: bool = ...,
    find_main_branch: bool = ...,
    separator: str = ...,
    npartitions: int | None = ...,
    labels: Labels = ...,
    min_voxels: int = ...,
    intensity: da.Array | None = ...,
    regions: da.Array,
) -> tuple[dd.DataFrame, dd.DataFrame]: ...
@overload
def analyze(
    mask: npt.ArrayLike,
    *,
    spacing: npt.ArrayLike = ...,
    skeleton: npt.ArrayLike | None = ...,
    method: str | None = ...,
    preserve_topology: bool = ...,
    border_is_background: bool = ...,
    include_tips: bool = ...,
    find_main_branch: bool = ...,
    separator: str = ...,
    npartitions: None = ...,
    labels: Labels = ...,
    min_voxels: int = ...,
    intensity: npt.ArrayLike | None = ...,
    regions: None = ...,
) -> pd.DataFrame: ...
@overload
def analyze(
    mask: npt.ArrayLike,
    *,
    spacing: npt.ArrayLike = ...,
    skeleton: npt.ArrayLike | None = ...,
    method: str | None = ...,
    preserve_topology: bool = ...,
    border_is_background: bool = ...,
    include_tips: bool = ...,
    find_main_branch: bool = ...,
    separator: str = ...,
    npartitions: None = ...,
    labels: Labels = ...,
    min_voxels: int = ...,
    intensity: npt.ArrayLike | None = ...,
    regions: npt.ArrayLike,
) -> tuple[pd.DataFrame, pd.DataFrame]: ...
@takes_images('mask', 'skeleton', 'intensity', 'regions')
def analyze(
    mask: Any,
    *,
    spacing: npt.ArrayLike = 1,
    skeleton: Any = None,
    method: str | None = None,
    preserve_topology: bool = False,
    border_is_background: bool = False,
    include_tips: bool = False,
    find_main_branch: bool = False,
    separator: str = '_',
    npartitions: int | None = None,
    labels: Labels = False,
    min_voxels: int = 1,
    intensity: Any = None,
    regions: Any = None,
) -> Any:
    """Measure the branches of an object: lengths, radii, surfaces and volumes, a row for each.

    Parameters
    ----------
    mask : array_like or dask array, 2 or 3 axes
        The object: booleans, or numbers with at most one nonzero value. A dask array may be
        chunked in any way. A zarr array, an HDF5 dataset and a `skanrs.LazyImage` are taken as dask
        arrays, a DataArray of xarray as its array.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis, such as 0.5 for half a micrometre. All
        lengths of the table are in its unit. By default that of a `skanrs.LazyImage` or of the
        coordinates of a DataArray, else 1.
    skeleton : array_like or dask array, shape of `mask`, optional
        The skeleton, pruned or not; nonzero elements belong to it. By default
        `skanrs.skeletonize` makes it. A dask array has the chunks of `mask`.
    method, preserve_topology : optional
        How to thin; see `skanrs.skeletonize`.
    border_is_background : bool, optional
        Whether what lies outside the image is background. Without it a vessel that leaves the
        image is as thick at the border as inside.
    include_tips : bool, optional
        Whether ``length`` includes ``tip_length``, so that free ends reach the surface.
    find_main_branch : bool, optional
        Whether to add a column that marks the longest shortest path of each skeleton.
    separator : str, optional
        What stands between the words of a column's name.
    npartitions : int, optional
        For a dask array: how many parts of about the same number of rows the lazy table has.
    labels : bool or sequence of int, optional
        Whether `mask`, and `skeleton` if given, are label images of integers: each nonzero value,
        or each of these only, is an object of its own, thinned and measured as if it were the only
        one.
    min_voxels : int, optional
        Labels with fewer voxels are left out. Only with `labels`.
    intensity : array_like or dask array, shape of `mask`, optional
        An image of numbers to measure along the branches and in their territories, such as a
        second channel. A dask array has the chunks of `mask`.
    regions : array_like or dask array of int, shape of `mask`, optional
        A label image, such as a registered atlas, whose regions are summarized in a second table.
        A dask array has the chunks of `mask`.

    Returns
    -------
    table : pandas.DataFrame, or dask.dataframe.DataFrame for a dask array
        The columns of `skanrs.summarize`, and then those below. For a dask array the table is lazy,
        each block of the mask is read once, and the numbers are those of the whole image, to the
        last bit. With `labels`, the first column is ``label``, and rows are in its order.

        - ``length``: of the centreline, which is smooth between the voxels and ends where the
          skeleton ends; ``tortuosity``: that length over the distance of the ends of the
          centreline, NaN where it returns to its start.
        - ``mean_radius``, ``min_radius``, ``max_radius``, ``stdev_radius``: of the radii along the
          centreline. A radius is that of the circle with the area of the section perpendicular to
          the centreline, in 2D half of the width. Sections nearer to a junction than its own
          distance to the background do not count, for they cut other branches too.
        - ``volume`` and ``surface_area``, in 2D ``area`` and ``perimeter``: of the part of the mask
          that is the branch's. Each voxel of the mask belongs to one voxel of the skeleton; what
          belongs to that of a junction is shared by its branches in proportion to the squares
          of their mean radii, the surface to the radii (in 2D to the radii, and equally).
        - ``tip_length``: how much longer the centreline would be, if its free ends went on to the
          surface.
        - ``node_src``, ``node_dst``: the nodes at its ends, ``node_id`` of `skanrs.nodes`;
          ``in_junction``: whether it lies inside a junction, from one of its voxels to another.
        - ``touches_border``: whether the border of the image cuts it off, so that its length is not
          known: a free end of it touches a face, see `skanrs.nodes`.
        - With `intensity`: ``mean_intensity``, ``median_intensity``, ``stdev_intensity``,
          ``min_intensity``, ``max_intensity`` of its values at the voxels of the branch, with both
          ends, and ``territory_intensity``, their mean over the voxels of the mask in its
          territory, see `skanrs.territories`. NaN does not count; where there is nothing else, the
          result is NaN.
        - With `regions`: ``region``, the label in which most of its length lies.

    by_region : pandas.DataFrame, or dask.dataframe.DataFrame
        Only with `regions`, and then the result is a tuple of both tables: a row for each label of
        the image, 0 included, in their order. A branch that crosses regions is divided by its
        length, so that sums over regions are those of the whole.

        - ``region``; ``n_voxels`` and ``volume`` (in 2D the area) of the region itself.
        - ``total_length``, ``total_volume`` (in 2D ``total_area``) of the branches, ``n_branches``
          without those inside junctions: a number with a fraction, since branches are divided.
        - ``n_endpoints`` and ``n_junctions``: nodes of degree 1, and of 3 or more, see
          `skanrs.nodes`.
        - ``length_density``, ``branch_density``: per volume of the region; ``volume_fraction``;
          ``mean_radius``, weighted by length.

    Raises
    ------
    ValueError
        If `mask` is neither 2D nor 3D or has more than two values, if `skeleton` has another shape
        or voxels outside the mask (for dask arrays when it is computed) or other chunks, if
        `intensity` or `regions` have another shape or other chunks, if `spacing` or `method` make
        no sense, if a way to thin or `min_voxels` is given with `skeleton` or `npartitions` for an
        array in memory, or, with `labels`, if a voxel of the skeleton has another label in `mask`.
    TypeError
        If elements are not real numbers or, with `labels` and in `regions`, not integers, or one of
        the arrays is a dask array and the other not.

    Warns
    -----
    CavityWarning
        If a tenth of the skeleton or more is closed surfaces around cavities of the mask, see
        `skanrs.CavityWarning`; for dask arrays when it is computed, with `labels` not.

    See Also
    --------
    skanrs.network_summary : The numbers of the whole network.
    skanrs.prune : Removes short branches first.

    Notes
    -----
    With the voxels x_i of a branch in units of the spacing, the centreline p minimises
    sum abs(p_i - x_i)^2 + 15 a^2 sum abs(p_(i-1) - 2 p_i + p_(i+1))^2, a being the longest spacing
    over the shortest; what it lost in bends is added once more. Ends at junctions stay at their
    voxel. A voxel v of the mask belongs to the voxel x of the skeleton with the smallest
    abs(v - x)^2 - d(x)^2, d being the distance to the background of `skanrs.radii`. The surface
    follows from counts of neighbours by the formula of Cauchy and Crofton. Errors on objects of
    known measures are in the documentation, on the page on accuracy.

    ``branch_distance`` counts steps between voxels as skan does; in straight tubes of random
    direction it is an eighth too long. Sections are not known outside the image: rays that leave it
    do not count unless `border_is_background`, and the surface has no wall there.

    Objects whose skeleton has no branch, one voxel or none, have no row. What belongs to them is
    ``table.attrs['volume_without_branch']`` (2D: ``'area_without_branch'``); with the volumes of
    all branches it adds up to the volume of the mask, for every voxel is counted once. With
    `labels`, the mask is that of all labels that are measured, and `skanrs.network_summary` tells
    the volume for each, by ``table.attrs['voxel_volume']`` (2D: ``'voxel_area'``).

    For a dask array one task makes these columns from the mask, packed to a bit a voxel, and the
    voxels of the skeleton; all others work on blocks. With `labels` one task needs the whole label
    image in memory.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> mask = np.zeros((9, 9, 40), dtype=bool)
    >>> mask[3:6, 3:6, 2:38] = True
    >>> table = skanrs.analyze(mask, spacing=0.5)
    >>> table[['length', 'mean_radius', 'tortuosity', 'volume', 'tip_length']].round(3)
       length  mean_radius  tortuosity  volume  tip_length
    0    16.5        0.867         1.0    40.5         1.5
    """
    if skeleton is not None and (method is not None or preserve_topology):
        given = f'method: expected None, got {method!r}'
        if method is None:
            given = f'preserve_topology: expected False, got {preserve_topology!r}'
        raise ValueError(f'{given}; the skeleton is given')
    refuse_mixture(skeleton, mask)
    refuse_mixture(intensity, mask, 'intensity')
    refuse_mixture(regions, mask, 'regions')
    if with_labels(labels, min_voxels):
        way = method, preserve_topology, min_voxels
        options: dict[str, Any] = {
            'border_is_background': border_is_background,
            'include_tips': include_tips,
        }
        if is_dask_array(mask):
            from .lazy import analyze_labels

            arrays = {
                'mask': mask,
                'skeleton': skeleton,
                'intensity': intensity,
                'regions': regions,
            }
            ways = {'method': method, 'preserve_topology': preserve_topology}
            options |= {'spacing': spacing, 'find_main_branch': find_main_branch}
            options |= {'separator': separator, 'labels': labels, 'min_voxels': min_voxels}
            return analyze_labels(analyze, arrays, npartitions, ways | options)
        if npartitions is None:
            beside = intensity, regions
            measured = _measure_labels(mask, skeleton, labels, way, spacing, beside, options)
            return _tables(measured, find_main_branch, separator)
    if is_dask_array(mask):
        import dask
        import dask.dataframe as dd

        from skanrs.thinning.lazy import skeletonize_blocks

        from .lazy import summarize_blocks
        from .measure_blocks import Measures, voxels_and_measures

        check_lazy_mask(mask)
        if skeleton is None:
            skeleton = skeletonize_blocks(mask, method, preserve_topology)
        voxels, measures = voxels_and_measures(
            mask,
            skeleton,
            spacing,
            border_is_background,
            include_tips=include_tips,
            intensity=intensity,
            regions=regions,
            warns=True,
        )
        table = summarize_blocks(
            voxels,
            meta=empty_table(
                mask.ndim,
                spacing=spacing,
                find_main_branch=find_main_branch,
                separator=separator,
                measures=empty_measures(
                    mask.ndim, intensity is not None, None if regions is None else regions.dtype
                ),
            ),
            value_is_height=False,
            find_main_branch=find_main_branch,
            separator=separator,
            spacing=spacing,
            npartitions=1 if npartitions is None else npartitions,
            measures=Measures.part('columns', measures),
        )
        if regions is None:
            return table
        empty = with_separator(empty_region_table(mask.ndim, regions.dtype), separator)
        delayed = Measures.part('by_region', measures)
        if separator != '_':
            delayed = dask.delayed(with_separator)(delayed, separator)
        return table, dd.from_delayed([delayed], meta=empty, prefix='regions', verify_meta=False)
    if npartitions is not None:
        raise ValueError(f'npartitions: expected None for an array in memory, got {npartitions!r}')
    checked = as_mask(mask)
    spacings = as_spacing(spacing, checked.ndim)
    values = None if intensity is None else as_intensity(intensity, checked.shape)
    areas = None if regions is None else as_regions(regions, checked.shape)
    with progress.call('analyze'):
        if skeleton is None:
            thinned = thin(checked, method_of(method, preserve_topology, checked.ndim))
            image = as_image(thinned, 'skeleton')
        else:
            image = as_image(skeleton, 'skeleton')
        measured = measure(
            image,
            spacings,
            checked,
            border_is_background=border_is_background,
            include_tips=include_tips,
            intensity=values,
            regions=areas,
            keep_graph=False,
        )
        # The table needs no mask, whose memory it takes.
        measured = replace(measured, body=None)
        tables = _tables(measured, find_main_branch, separator)
    # One call more, that of `takes_images`, leads here.
    graph = measured.skeleton
    warn_of_walls(graph._nodes, checked.shape, graph._crowded(), stacklevel=3)
    return tables


def _tables(measured: Measured, find_main_branch: bool, separator: str) -> Any:
    """Return the table of branches or, if there are regions, both tables."""
    table = finish_table(measured.table, find_main_branch, separator)
    if measured.by_region is None:
        return table
    return table, with_separator(measured.by_region, separator)


def _measure_labels(
    mask: Any,
    skeleton: Any,
    labels: Labels,
    way: tuple[str | None, bool, int],
    spacing: npt.ArrayLike,
    beside: tuple[Any, Any],
    options: dict[str, bool],
) -> Measured:
    """Measure a label image in memory.

    `way` is how to thin it, and the fewest voxels; `beside` are intensities and regions.
    """
    checked = as_labels(mask, 'mask', labels)
    spacings = as_spacing(spacing, checked.image.ndim)
    intensity, regions = beside
    values = None if intensity is None else as_intensity(intensity, checked.image.shape)
    areas = None if regions is None else as_regions(regions, checked.image.shape)
    method, preserve_topology, min_voxels = way
    with progress.call('analyze'):
        if skeleton is None:
            thin_by = method_of(method, preserve_topology, checked.image.ndim)
            skeleton = thin_labels(checked, thin_by, min_voxels)
        elif min_voxels != 1:
            raise ValueError(f'min_voxels: expected 1, got {min_voxels}; the skeleton is given')
        of_skeleton = as_labels(skeleton, 'skeleton', labels)
        return measure_labels(
            of_skeleton,
            spacings,
            checked,
            min_voxels=min_voxels,
            intensity=values,
            regions=areas,
            **options,
        )
