"""The table of branches."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from skanrs import _core, progress

from ._path_graph import PathGraph, index_arrays
from ._pixel_graph import coordinates_of
from ._read import is_dask_array
from ._skeleton import Skeleton, means_and_stdevs

if TYPE_CHECKING:
    import dask.array as da
    import dask.dataframe as dd

    from skanrs.chunks import ChunkGraph

Array = npt.NDArray[Any]
Pair = tuple[Array, Array]

MEASURES = ('smallest_radii', 'largest_radii', 'surfaces', 'volumes')
"""What a chunk graph of radii tells of branches."""

# Branch types: both ends free, one end free, no end free, no ends.
_TIP_TIP, _TIP_JUNCTION, _JUNCTION_JUNCTION, _CYCLE = range(4)


@overload
def summarize(
    skel: Skeleton | PathGraph | ChunkGraph | Array,
    *,
    value_is_height: bool = ...,
    find_main_branch: bool = ...,
    separator: str | None = ...,
    spacing: npt.ArrayLike | None = ...,
    npartitions: None = ...,
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
) -> dd.DataFrame: ...


def summarize(
    skel: Skeleton | PathGraph | ChunkGraph | Array | da.Array,
    *,
    value_is_height: bool = False,
    find_main_branch: bool = False,
    separator: str | None = None,
    spacing: npt.ArrayLike | None = None,
    npartitions: int | None = None,
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

    Returns
    -------
    summary : pandas.DataFrame, or dask.dataframe.DataFrame for a dask array
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
        If `spacing` is given for what is not an array, or as `Skeleton` raises it; if a part of
        the image is missing in a `ChunkGraph`; if a dask array has chunks of unknown sizes.
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
    from skanrs.chunks import ChunkGraph

    separator = column_separator(separator)
    if is_dask_array(skel):
        from skanrs._dask_table import summarize_blocks

        return summarize_blocks(
            skel,
            value_is_height=value_is_height,
            find_main_branch=find_main_branch,
            separator=separator,
            spacing=1 if spacing is None else spacing,
            npartitions=1 if npartitions is None else npartitions,
        )
    if npartitions is not None:
        raise ValueError(f'npartitions: it is for dask arrays only, not for {type(skel).__name__}')
    if isinstance(skel, ChunkGraph):
        _refuse_spacing(skel, spacing)
        table = chunk_table(skel, slice(0, skel.n_branches), value_is_height)
    else:
        skel = _as_skeleton(skel, spacing, value_is_height)
        heights = skel.pixel_values if value_is_height else None
        if value_is_height and heights is None:
            raise TypeError('value_is_height: the skeleton is of bool, its pixels have no heights')
        with progress.call('summarize'):
            table = pd.DataFrame(_columns(skel, heights), copy=False)
    if find_main_branch:
        from skanrs.summary_utils import find_main_branches

        add_main(table, find_main_branches(table))
    return with_separator(table, separator)


def column_separator(separator: str | None) -> str:
    """Return what stands between the words of a column's name; warn as skan if nobody said."""
    if separator is None:
        warnings.warn(
            'separator in column name will change to _ in version 0.13; '
            "to silence this warning, use `separator='-'` to maintain "
            "current behavior and use `separator='_'` to switch to the "
            'new default behavior.',
            np.exceptions.VisibleDeprecationWarning,
            stacklevel=3,
        )
        return '-'
    return separator


def add_main(table: pd.DataFrame, main: Array) -> None:
    """Add the column of main branches as skan's last one."""
    table.insert(list(table).index('euclidean_distance') + 1, 'main', main)


def with_separator(table: pd.DataFrame, separator: str) -> pd.DataFrame:
    """Put a separator between the words of the names of the columns, in place."""
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
    if not isinstance(skel, (Skeleton, PathGraph)):
        raise TypeError(
            'skel: expected a Skeleton, a PathGraph, a ChunkGraph or an array, got'
            f' {type(skel).__name__}'
        )
    _refuse_spacing(skel, spacing)
    return Skeleton.from_path_graph(skel) if isinstance(skel, PathGraph) else skel


def _refuse_spacing(skel: object, spacing: npt.ArrayLike | None) -> None:
    if spacing is not None:
        raise ValueError(f'spacing: a {type(skel).__name__} has its own; it is for arrays only')


def _columns(skel: Skeleton, heights: Array | None) -> dict[str, Array]:
    traced = skel._still_traced()
    voxels = None
    if traced is None:
        starts, nodes = skel.paths.indptr, skel.paths.indices
        sources, destinations = nodes[starts[:-1]], nodes[starts[1:] - 1]
        graph = index_arrays(skel.graph.indptr, skel.graph.indices)
        components = _core.components(*graph)[sources]
        is_tip = skel.degrees[sources] == 1, skel.degrees[destinations] == 1
        types = _branch_types(is_tip, sources == destinations)
    else:
        (sources, destinations), voxels, types = _core.path_ends(
            traced.starts, traced.nodes, traced.masks, skel._nodes
        )
        components = traced.components.copy()
    of_ends = None if heights is None else (heights[sources], heights[destinations])
    if voxels is None or 'coordinates' in skel.__dict__:
        coordinates = skel._coordinates_of(sources), skel._coordinates_of(destinations)
        places = _places_of_pixels(coordinates, skel.spacing, of_ends)
    else:
        places = _places_of_voxels(voxels, skel.skeleton_shape, skel.spacing, of_ends)
    return _branch_columns(
        components=components,
        nodes=(sources, destinations),
        # A copy, lest a change of the table change the skeleton.
        lengths=np.array(skel.path_lengths()),
        types=types,
        means_and_stdevs=skel._means_and_stdevs(),
        places=places,
        heights=of_ends,
    )


def chunk_table(graph: ChunkGraph, rows: slice, value_is_height: bool) -> pd.DataFrame:
    """Return these rows of the table of the whole image, columns named with '_'."""
    arrays = graph._graph.table(rows.start, rows.stop)
    return branch_table(arrays, graph, value_is_height, rows.start)


def main_branches(arrays: dict[str, Array]) -> Array:
    """Return which branches are main, from the ends and lengths of all."""
    from skanrs.summary_utils import find_main_branches

    return find_main_branches(
        pd.DataFrame(
            {
                'node_id_src': arrays['source_nodes'],
                'node_id_dst': arrays['destination_nodes'],
                'branch_distance': arrays['lengths'],
            }
        )
    )


def branch_table(
    arrays: dict[str, Array],
    graph: ChunkGraph,
    value_is_height: bool,
    start: int,
    chords: Array | None = None,
) -> pd.DataFrame:
    """Return the table of rows from number `start` on, of the image that `graph` is of.

    Where rows are a part of the table their `chords` may have to be given, see `chord_lengths`.
    """
    if value_is_height and (graph.dtype == bool or graph.dtype.itemsize > 8):
        raise TypeError(f'value_is_height: the skeleton is of {graph.dtype}, which has no heights')
    index = np.int32 if graph.n_pixels <= np.iinfo(np.int32).max else np.int64
    has_radii = graph._graph.has_radii
    if graph.dtype == bool or has_radii:
        count = arrays['lengths'].size
        statistics: Pair = np.ones(count), np.zeros(count)
    else:
        statistics = means_and_stdevs(arrays['sums'], arrays['squares'], arrays['voxels'])
    nodes = _ends(arrays, 'nodes', lambda nodes: nodes.astype(index))
    places, heights = _places(arrays, graph, value_is_height, chords)
    columns = _branch_columns(
        components=arrays['components'].astype(index),
        nodes=nodes,
        lengths=arrays['lengths'],
        types=_branch_types(_ends(arrays, 'is_tip', lambda is_tip: is_tip), nodes[0] == nodes[1]),
        means_and_stdevs=statistics,
        places=places,
        heights=heights,
    )
    # Where rows are a part, they keep their numbers.
    index_of_rows = pd.RangeIndex(start, start + len(arrays['lengths']))
    table = pd.DataFrame(columns, index=index_of_rows, copy=False)
    if has_radii:
        from skanrs.measures import add_measures

        names = ('sums', 'squares', 'voxels', *MEASURES)
        add_measures(table, *(arrays[name] for name in names), is_flat=len(graph.shape) == 2)
    return table


def chord_lengths(arrays: dict[str, Array], graph: ChunkGraph, value_is_height: bool) -> Array:
    """Return the distances between the ends of all branches.

    From four coordinates on the last bit of numpy's product depends on where a row stands in the
    table, so that a part of the table cannot know it.
    """
    return _places(arrays, graph, value_is_height)[0].chords


class Places(NamedTuple):
    """Where the ends of branches lie; first the axes of the sources, then of the destinations."""

    pixels: Sequence[Array] | Array
    scaled: Sequence[Array] | Array
    """The same in units of the spacing."""
    chords: Array
    """How far the ends are apart."""


def _places(
    arrays: dict[str, Array],
    graph: ChunkGraph,
    value_is_height: bool,
    chords: Array | None = None,
) -> tuple[Places, Pair | None]:
    """Return where the ends in rows of a chunk graph lie, and their heights."""
    heights = None
    if value_is_height:
        dtype = graph.dtype if graph.dtype.kind == 'f' else np.dtype(np.float64)
        heights = _ends(arrays, 'values', lambda values: values.astype(dtype))
    voxels = _ends(arrays, 'indices', lambda indices: indices)
    return _places_of_voxels(voxels, graph.shape, graph.spacing, heights, chords), heights


def _places_of_voxels(
    voxels: Sequence[Array],
    shape: tuple[int, ...],
    spacing: npt.ArrayLike,
    heights: Pair | None,
    chords: Array | None = None,
) -> Places:
    """Return where voxels of these linear indices lie."""
    steps = np.ascontiguousarray(spacing)
    of_kernel = steps.dtype in (np.int64, np.float64) and steps.shape == (len(shape),)
    if of_kernel and heights is None and len(shape) <= 3:
        return Places(*_core.end_places(voxels[0], voxels[1], shape, steps))
    coordinates = coordinates_of(voxels[0], shape), coordinates_of(voxels[1], shape)
    return _places_of_pixels(coordinates, spacing, heights, chords)


def _places_of_pixels(
    coordinates: Pair, spacing: npt.ArrayLike, heights: Pair | None, chords: Array | None = None
) -> Places:
    """Return where pixels of these coordinates lie, which may be any numbers."""
    scaled = _scaled(coordinates[0], spacing), _scaled(coordinates[1], spacing)
    if chords is None:
        source, destination = scaled
        if heights is not None:
            source = np.concatenate([source, heights[0][:, np.newaxis]], axis=1)
            destination = np.concatenate([destination, heights[1][:, np.newaxis]], axis=1)
        difference = destination - source
        chords = np.asarray(np.sqrt(difference**2 @ np.ones(difference.shape[1])))
    return Places(
        pixels=[*coordinates[0].T, *coordinates[1].T],
        scaled=[*scaled[0].T, *scaled[1].T],
        chords=chords,
    )


def _ends(arrays: dict[str, Array], name: str, change: Callable[[Array], Array]) -> Pair:
    return change(arrays[f'source_{name}']), change(arrays[f'destination_{name}'])


def _branch_columns(
    *,
    components: Array,
    nodes: Pair,
    lengths: Array,
    types: Array,
    means_and_stdevs: Pair,
    places: Places,
    heights: Pair | None,
) -> dict[str, Array]:
    """Return the columns of the table; pairs are of sources and destinations."""
    ends = ('src', 'dst')
    columns = {
        'skeleton_id': components,
        'node_id_src': nodes[0],
        'node_id_dst': nodes[1],
        'branch_distance': lengths,
        'branch_type': types,
        'mean_pixel_value': means_and_stdevs[0],
        'stdev_pixel_value': means_and_stdevs[1],
    }
    ndim = len(places.pixels) // 2
    for at, column in enumerate(places.pixels):
        columns[f'image_coord_{ends[at // ndim]}_{at % ndim}'] = column
    for end, of_end in enumerate(ends):
        for axis in range(ndim):
            columns[f'coord_{of_end}_{axis}'] = places.scaled[end * ndim + axis]
        if heights is not None:
            columns[f'coord_{of_end}_{ndim}'] = heights[end]
    columns['euclidean_distance'] = places.chords
    return columns


def _scaled(pixels: Array, spacing: npt.ArrayLike) -> Array:
    # One type on both sides: where memory is short, numpy crashes in a product that has to convert.
    scaled: Array = pixels.astype(np.result_type(pixels, spacing), copy=False) * spacing
    return scaled


def _branch_types(is_tip: Pair, is_cycle: Array) -> npt.NDArray[np.int64]:
    types = np.full(is_cycle.shape, _JUNCTION_JUNCTION)
    types[is_tip[0] | is_tip[1]] = _TIP_JUNCTION
    types[is_tip[0] & is_tip[1]] = _TIP_TIP
    types[is_cycle] = _CYCLE
    return types
