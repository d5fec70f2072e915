"""The table of branches."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from skanrs._image.array_types import takes_images
from skanrs._image.dask_arrays import is_dask_array
from skanrs._image.elements import check_elements
from skanrs._image.labels import Labels, check_label_dtype, with_labels
from skanrs._image.spacing import refuse_spacing
from skanrs._support.typing import Array
from skanrs.graph.labels import own_labels
from skanrs.graph.path_graph import PathGraph
from skanrs.graph.skeleton import Skeleton

from .columns import (
    chunk_table,
    column_separator,
    empty_table,
    finish_table,
    skeleton_table,
)

if TYPE_CHECKING:
    import dask.array as da
    import dask.dataframe as dd

    from .chunk_graph import ChunkGraph


@overload
def summarize(
    skel: Skeleton | PathGraph | ChunkGraph | Array,
    *,
    value_is_height: bool = ...,
    find_main_branch: bool = ...,
    separator: str | None = ...,
    spacing: npt.ArrayLike | None = ...,
    npartitions: None = ...,
    labels: Labels = ...,
) -> pd.DataFrame: ...


@overload
def summarize(
    skel: da.Array,
    *,
    value_is_height: bool = ...,
    find_main_branch: bool = ...,
    separator: str | None = ...,
    spacing: npt.ArrayLike | None = ...,
    npartitions: int | None = ...,
    labels: Labels = ...,
) -> dd.DataFrame: ...


@takes_images('skel', lazy_labels=True)
def summarize(
    skel: Skeleton | PathGraph | ChunkGraph | Array | da.Array,
    *,
    value_is_height: bool = False,
    find_main_branch: bool = False,
    separator: str | None = None,
    spacing: npt.ArrayLike | None = None,
    npartitions: int | None = None,
    labels: Labels = False,
) -> pd.DataFrame | dd.DataFrame:
    """Compute a table with one row for each branch.

    Parameters
    ----------
    skel : Skeleton, PathGraph, ChunkGraph, ndarray or dask array
        What to summarize; an array is a skeleton image. Of a dask array the table is lazy: it is
        made block by block when it is computed.
    value_is_height : bool, optional
        Whether the value of a pixel is its height: its ends then have one coordinate more. For an
        array, branches lead up and down as well.
    find_main_branch : bool, optional
        Whether to add a column that marks the longest shortest path of each skeleton.
    separator : str, optional
        What stands between the words of a column's name. Without it there is a warning, and '-'.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis of an array, 1 if it is not given. A
        `Skeleton` has its own.
    npartitions : int, optional
        For a dask array: in how many parts of the same number of rows the lazy table is made, 1 if
        it is not given. With 1, finished branches travel with the graphs of blocks to the task that
        makes the table, at little more than one task a block. With more, they stay where they were
        found until they are gathered by partition, so that no worker needs room for the table, at
        six tasks a block and some for each pair of partitions. One task still sees 8 bytes for each
        block that each skeleton reaches into and, with `find_main_branch`, 25 for each branch; for
        images of four axes, or three and heights, 17 to 33 for each branch.
    labels : bool or sequence of int, optional
        Whether an array is a label image, as `skanrs.skeletonize` makes it of one: each nonzero
        value, or each of these only, is a skeleton of its own. A `Skeleton` has its own labels.

    Returns
    -------
    summary : pandas.DataFrame, or dask.dataframe.DataFrame for a dask array
        In this order: ``skeleton_id`` (int32; the connected component, by its first pixel),
        ``node_id_src``, ``node_id_dst`` (int32; the pixels at the ends, ``paths.indices``),
        ``branch_distance`` (the length along the branch), ``branch_type`` (0: both ends free,
        1: one end free, 2: between junctions, 3: cycle), ``mean_pixel_value``,
        ``stdev_pixel_value``, ``image_coord_src_*``, ``image_coord_dst_*`` (in units of pixels),
        ``coord_src_*``, ``coord_dst_*`` (times the spacing), ``euclidean_distance`` (between the
        ends), and ``main`` if asked. With labels, the first column is ``label``, in the dtype of
        the image; rows are in the order of labels, and identifiers are those of the whole image.

    Raises
    ------
    ValueError
        If `spacing` is given for what is not an array, or as `Skeleton` raises it; if a part of
        the image is missing in a `ChunkGraph`; if a dask array has chunks of unknown sizes; if
        `labels` is given for what is not an array, or with heights.
    TypeError
        If the pixels have no values that could be heights, or are no labels.

    Warns
    -----
    numpy.exceptions.VisibleDeprecationWarning
        If `separator` is not given.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> image = np.zeros((5, 7), dtype=bool)
    >>> image[2, 1:6] = True
    >>> table = skanrs.summarize(skanrs.Skeleton(image), separator='_')
    >>> table[['branch_distance', 'branch_type', 'euclidean_distance']]
       branch_distance  branch_type  euclidean_distance
    0              4.0            0                 4.0
    """
    from .chunk_graph import ChunkGraph

    # One call more, that of `takes_images`, leads here.
    separator = column_separator(separator, stacklevel=4)
    of_labels = with_labels(labels)
    if of_labels and not (is_dask_array(skel) or isinstance(skel, (np.ndarray, Skeleton))):
        name = type(skel).__name__
        raise TypeError(f'labels: expected False for a {name}, got {labels!r}')
    if is_dask_array(skel):
        from .lazy import summarize_blocks

        spacing = 1 if spacing is None else spacing
        if of_labels:
            check_label_dtype(skel.dtype, 'skel')
        check_elements(skel.dtype, 'skel')
        meta = empty_table(
            skel.ndim,
            dtype=skel.dtype,
            spacing=spacing,
            value_is_height=value_is_height,
            find_main_branch=find_main_branch,
            separator=separator,
            labels=of_labels,
        )
        return summarize_blocks(
            skel,
            meta=meta,
            value_is_height=value_is_height,
            find_main_branch=find_main_branch,
            separator=separator,
            spacing=spacing,
            npartitions=1 if npartitions is None else npartitions,
            labels=labels,
        )
    if npartitions is not None:
        raise ValueError(
            f'npartitions: expected None for a {type(skel).__name__}, got {npartitions!r}'
        )
    if isinstance(skel, ChunkGraph):
        refuse_spacing(skel, spacing)
        table = chunk_table(skel, slice(0, skel.n_branches), value_is_height)
    else:
        skel = _as_skeleton(skel, spacing, value_is_height, labels)
        table = skeleton_table(skel, value_is_height)
    return finish_table(table, find_main_branch, separator)


def _as_skeleton(
    skel: Skeleton | PathGraph | Array,
    spacing: npt.ArrayLike | None,
    value_is_height: bool,
    labels: Labels,
) -> Skeleton:
    if isinstance(skel, np.ndarray):
        return Skeleton(
            skel,
            spacing=1 if spacing is None else spacing,
            keep_images=False,
            value_is_height=value_is_height,
            labels=labels,
        )
    if not isinstance(skel, (Skeleton, PathGraph)):
        raise TypeError(
            'skel: expected a Skeleton, a PathGraph, a ChunkGraph or an array, got'
            f' {type(skel).__name__}'
        )
    refuse_spacing(skel, spacing)
    if isinstance(skel, Skeleton):
        own_labels(skel, labels)
    return Skeleton.from_path_graph(skel) if isinstance(skel, PathGraph) else skel


def table_meta(
    ndim: int,
    *,
    dtype: npt.DTypeLike = bool,
    spacing: npt.ArrayLike = 1,
    value_is_height: bool = False,
    find_main_branch: bool = False,
    separator: str | None = None,
) -> pd.DataFrame:
    """Return the empty branch table, with the right columns and dtypes.

    Parameters
    ----------
    ndim : int
        The number of axes of the image.
    dtype : dtype, optional
        The dtype of the image; it matters for heights.
    spacing : float or sequence of float, optional
        The spacing; coordinates are integers if it is.
    value_is_height, find_main_branch : bool, optional
        As for `skanrs.summarize`.
    separator : str, optional
        What stands between the words of a column's name. Without it there is a warning, and '-'.

    Returns
    -------
    meta : pandas.DataFrame
        No rows; for ``dask.dataframe.from_delayed(..., meta=meta)``.

    Raises
    ------
    ValueError, TypeError
        As `skanrs.summarize` raises them.

    Warns
    -----
    numpy.exceptions.VisibleDeprecationWarning
        If `separator` is not given.

    Examples
    --------
    >>> import skanrs
    >>> skanrs.table_meta(2, separator='_').dtypes['coord_src_1']
    dtype('int64')
    """
    return empty_table(
        ndim,
        dtype=dtype,
        spacing=spacing,
        value_is_height=value_is_height,
        find_main_branch=find_main_branch,
        separator=column_separator(separator),
    )
