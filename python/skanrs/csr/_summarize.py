"""The table of branches."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from skanrs import _core

from ._path_graph import PathGraph, index_arrays
from ._skeleton import Skeleton

Array = npt.NDArray[Any]

# Branch types: both ends free, one end free, no end free, no ends.
_TIP_TIP, _TIP_JUNCTION, _JUNCTION_JUNCTION, _CYCLE = range(4)


def summarize(
    skel: Skeleton | PathGraph | Array,
    *,
    value_is_height: bool = False,
    find_main_branch: bool = False,
    separator: str | None = None,
    spacing: npt.ArrayLike | None = None,
) -> pd.DataFrame:
    """Compute a table with one row for each branch.

    Parameters
    ----------
    skel : Skeleton, PathGraph or ndarray
        What to summarize; an array is a skeleton image.
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

    Returns
    -------
    summary : pandas.DataFrame
        In this order: ``skeleton_id`` (int32; the connected component, by its first pixel),
        ``node_id_src``, ``node_id_dst`` (int32; the pixels at the ends, ``paths.indices``),
        ``branch_distance`` (the length along the branch), ``branch_type`` (0: both ends free,
        1: one end free, 2: between junctions, 3: cycle), ``mean_pixel_value``,
        ``stdev_pixel_value``, ``image_coord_src_*``, ``image_coord_dst_*`` (in units of pixels),
        ``coord_src_*``, ``coord_dst_*`` (times the spacing), ``euclidean_distance`` (between the
        ends), and ``main`` if asked.

    Raises
    ------
    ValueError
        If `spacing` is given for what is not an array, or as `Skeleton` raises it.
    TypeError
        If the pixels have no values that could be heights.

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
    if separator is None:
        warnings.warn(
            'separator in column name will change to _ in version 0.13; '
            "to silence this warning, use `separator='-'` to maintain "
            "current behavior and use `separator='_'` to switch to the "
            'new default behavior.',
            np.exceptions.VisibleDeprecationWarning,
            stacklevel=2,
        )
        separator = '-'
    skel = _as_skeleton(skel, spacing, value_is_height)
    heights = skel.pixel_values if value_is_height else None
    if value_is_height and heights is None:
        raise TypeError('value_is_height: the skeleton is of bool, its pixels have no heights')
    table = pd.DataFrame(_columns(skel, heights), copy=False)
    if find_main_branch:
        from skanrs.summary_utils import find_main_branches

        table['main'] = find_main_branches(table)
    if separator != '_':
        table.columns = pd.Index([name.replace('_', separator) for name in table.columns])
    return table


def _as_skeleton(
    skel: Skeleton | PathGraph | Array, spacing: npt.ArrayLike | None, value_is_height: bool
) -> Skeleton:
    if isinstance(skel, np.ndarray):
        return Skeleton(
            skel,
            spacing=1 if spacing is None else spacing,
            keep_images=False,
            value_is_height=value_is_height,
        )
    if spacing is not None:
        raise ValueError(f'spacing: a {type(skel).__name__} has its own; it is for arrays only')
    return Skeleton.from_path_graph(skel) if isinstance(skel, PathGraph) else skel


def _columns(skel: Skeleton, heights: Array | None) -> dict[str, Array]:
    starts, nodes = skel.paths.indptr, skel.paths.indices
    sources, destinations = nodes[starts[:-1]], nodes[starts[1:] - 1]
    graph = index_arrays(skel.graph.indptr, skel.graph.indices)
    means, stdevs = skel._means_and_stdevs()
    ends = {
        'src': skel._coordinates_of(sources),
        'dst': skel._coordinates_of(destinations),
    }
    columns = {
        'skeleton_id': _core.components(*graph)[sources],
        'node_id_src': sources,
        'node_id_dst': destinations,
        # A copy, lest a change of the table change the skeleton.
        'branch_distance': np.array(skel.path_lengths()),
        'branch_type': _branch_types(skel.degrees, sources, destinations),
        'mean_pixel_value': means,
        'stdev_pixel_value': stdevs,
    }
    for end, coordinates in ends.items():
        for axis, column in enumerate(coordinates.T):
            columns[f'image_coord_{end}_{axis}'] = column
    real = {}
    for end, end_nodes in (('src', sources), ('dst', destinations)):
        real[end] = ends[end] * skel.spacing
        for axis, column in enumerate(real[end].T):
            columns[f'coord_{end}_{axis}'] = column
        if heights is not None:
            columns[f'coord_{end}_{len(ends[end].T)}'] = at_end = heights[end_nodes]
            real[end] = np.concatenate([real[end], at_end[:, np.newaxis]], axis=1)
    difference = real['dst'] - real['src']
    columns['euclidean_distance'] = np.sqrt(difference**2 @ np.ones(difference.shape[1]))
    return columns


def _branch_types(degrees: Array, sources: Array, destinations: Array) -> npt.NDArray[np.int64]:
    source_is_tip, destination_is_tip = degrees[sources] == 1, degrees[destinations] == 1
    types = np.full(sources.shape, _JUNCTION_JUNCTION)
    types[source_is_tip | destination_is_tip] = _TIP_JUNCTION
    types[source_is_tip & destination_is_tip] = _TIP_TIP
    types[sources == destinations] = _CYCLE
    return types
