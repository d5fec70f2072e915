"""The numbers of a whole network, from the table of its branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from skanrs import _core
from skanrs._blocks.read import read_image
from skanrs._image.array_types import takes_images
from skanrs._image.labels import Labels, with_labels
from skanrs._image.position import in_three_axes
from skanrs._image.spacing import as_spacing
from skanrs._support.typing import Array
from skanrs.graph.skeleton import Skeleton

from .columns import length_column
from .network_columns import TYPES, cluster_numbers, densities, shares_and_edges, volume_of_shape
from .network_of_labels import LabelNetworks, labels_to_summarize

if TYPE_CHECKING:
    import dask.array as da

__all__ = ['network_summary']


_MOST_AXES = 3


@takes_images('skeleton', 'mask')
def network_summary(
    table: pd.DataFrame,
    *,
    skeleton: Skeleton | npt.ArrayLike | da.Array | None = None,
    volume: float | None = None,
    shape: Sequence[int] | None = None,
    spacing: npt.ArrayLike = 1,
    quantiles: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95),
    bins: int | Sequence[float] = 10,
    labels: Labels = False,
    mask: npt.ArrayLike | None = None,
    min_voxels: int = 1,
) -> pd.DataFrame:
    """Summarize a network: counts, lengths, densities and the distribution of radii, in one row.

    Parameters
    ----------
    table : pandas.DataFrame
        The branches of one image, as `skanrs.analyze` or `skanrs.summarize` return them, with
        either separator; a lazy table must be computed first.
    skeleton : Skeleton, array_like or dask array, optional
        The skeleton that the table is of. Only it tells of isolated voxels, which have no row in
        the table, and of every loop. A dask array is computed, block by block; with `labels` it has
        to be in memory.
    volume : float, optional
        What densities refer to: the volume (in 2D the area) of the image or of the mask, in units
        of the spacing. By default that of the image of a `Skeleton`, if there is one.
    shape : sequence of int, optional
        Instead of `volume`: the shape of the image, whose volume follows with `spacing`.
    spacing : float or sequence of float, one for each axis, optional
        The spacing of the table; used with `shape` only.
    quantiles : sequence of float, optional
        The quantiles of the radius, from 0 to 1.
    bins : int or sequence of float, optional
        The bins of the histogram of the radius: their number, of equal width from 0 to the largest
        radius, or their edges. Edges make the rows of several images comparable.
    labels : bool or sequence of int, optional
        Whether to summarize each label of a table with the column ``label``, or each of these only,
        in a row of its own. `skeleton` then is one of labels.
    mask : array_like, optional
        With `labels`: the label image. There is a row for each of its labels then, also for those
        whose skeleton vanished, and the number of their voxels.
    min_voxels : int, optional
        Labels with fewer voxels in `mask` are left out.

    Returns
    -------
    summary : pandas.DataFrame
        One row of numbers, to be written as CSV or JSON and to be stacked with
        ``pandas.concat``:

        - ``total_length``, ``mean_length`` of the branches, by ``length`` if the table has it, else
          by ``branch_distance``; ``n_branches``, and of them
          ``n_endpoint_endpoint``, ``n_junction_endpoint``, ``n_junction_junction``, ``n_cycles``
          (branches that end at their first voxel).
        - ``n_endpoints``: ends of branches that no other branch shares.
        - ``n_junctions``: clusters of junction voxels, where three or more branches meet. skan's
          graph has a node for each junction voxel; voxels that touch count as one junction here.
        - ``n_networks``: connected components with at least one branch. With `skeleton` also
          ``n_isolated``: the single voxels beside them.
        - ``n_loops``: the first Betti number, the largest number of branches that can be removed
          without disconnecting a network. With `skeleton` that of its voxels: their tunnels, in 2D
          their holes. Without it that of the table: branches − nodes + networks, which is never
          larger; see the notes.
        - With ``touches_border`` in the table: ``n_cut``, the branches that the border of the image
          cuts off; ``median_length`` and ``median_radius`` of all branches, and of those that are
          not cut ``median_uncut_length`` and ``median_uncut_radius``.
        - With a volume: ``volume``, ``length_density`` and ``branch_density``, per volume.
        - With radii in the table: ``mean_radius``, ``radius_q5``, … (quantiles in per cent), and
          the histogram as ``radius_edge_0``, …, ``radius_length_0``, …: the length of the branches
          whose mean radius is at least edge i and below edge i + 1, the last edge included.
          Branches are weighted by length: half of the length is thinner than ``radius_q50``.
          ``total_surface_area`` and ``total_volume`` (in 2D ``total_perimeter`` and ``total_area``)
          are sums over the branches; ``volume_without_branch`` (``area_without_branch``) is the
          attribute of the table.
        - With `labels`, a row for each label, the smallest first: ``label``, and with `mask`
          ``n_voxels``, come before the other columns. Bins of equal width are those of all labels.
          ``volume_without_branch`` is there with `mask` only.

    Raises
    ------
    ValueError
        If columns are missing in the table, if `volume` and `shape` are both given, if `mask` is
        given without `labels`, or if arguments are out of their ranges.
    TypeError
        If `table` is not a pandas table, or labels are not integers or not in memory.

    See Also
    --------
    skanrs.analyze : Makes the table.

    Notes
    -----
    skan's graph omits edges between junction voxels that touch, so clusters of junction voxels have
    no loops; the triangles in them are not loops of the object. But a tunnel of one voxel may be
    surrounded by junction voxels. It is not a loop of the graph, and the table does not contain it.
    In dense networks, as in `skanrs.datasets`, this can be one loop in ten; in smooth objects it is
    rare. With `skeleton`, ``n_loops`` counts all loops from the voxels: components + cavities −
    Euler number, with 26 neighbours.

    If rows were removed from the table, the remaining rows are summarized as they are: a node with
    a single remaining branch is an end.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> mask = np.zeros((40, 40), dtype=bool)
    >>> mask[18:21, 2:38] = mask[2:38, 18:21] = True
    >>> summary = skanrs.network_summary(skanrs.analyze(mask), shape=mask.shape)
    >>> summary[['n_branches', 'n_junctions', 'n_endpoints', 'n_loops']]
       n_branches  n_junctions  n_endpoints  n_loops
    0           4            1            4        0
    """
    if not isinstance(table, pd.DataFrame):
        hint = '; call .compute() first' if hasattr(table, 'compute') else ''
        raise TypeError(f'table: expected a pandas.DataFrame, got {type(table).__name__}{hint}')
    named = table.set_axis([str(name).replace('-', '_') for name in table.columns], axis=1)
    ndim = _check_columns(named)
    whole_volume = _volume_of(volume, shape, spacing, skeleton, ndim)
    if with_labels(labels, min_voxels):
        names, voxels = labels_to_summarize(named, skeleton, labels, mask, min_voxels)
        networks = LabelNetworks(named, names)
        return networks.summary(ndim, voxels, skeleton, whole_volume, quantiles, bins)
    if mask is not None:
        raise ValueError('mask: expected None without labels, got a mask')
    lengths = named[length_column(named)].to_numpy(dtype=float)
    columns: dict[str, Any] = {
        'total_length': lengths.sum(),
        'mean_length': lengths.mean() if lengths.size else np.nan,
        'n_branches': lengths.size,
    }
    types = np.bincount(named['branch_type'].to_numpy(dtype=np.int64), minlength=len(TYPES))
    columns |= zip(TYPES, types.tolist(), strict=True)
    columns |= _nodes_and_networks(named, ndim)
    if 'touches_border' in named:
        columns |= _cut_branches(named, lengths)
    if skeleton is not None:
        columns |= _of_voxels(skeleton, ndim)
    columns |= densities(columns, whole_volume)
    if 'mean_radius' in named:
        radii = named['mean_radius'].to_numpy(dtype=float)
        columns |= _radius_columns(radii, lengths, quantiles, bins)
        for name in ('surface_area', 'volume', 'perimeter', 'area'):
            if name in named:
                columns[f'total_{name}'] = named[name].to_numpy(dtype=float).sum()
            if f'{name}_without_branch' in named.attrs:
                columns[f'{name}_without_branch'] = named.attrs[f'{name}_without_branch']
    return pd.DataFrame(columns, index=pd.RangeIndex(1))


def _check_columns(table: pd.DataFrame) -> int:
    """Return the number of axes of the image that a table is of."""
    ndim = 0
    while f'image_coord_src_{ndim}' in table:
        ndim += 1
    wanted = ['skeleton_id', 'node_id_src', 'node_id_dst', 'branch_distance', 'branch_type']
    wanted += [f'image_coord_{end}_{axis}' for end in ('src', 'dst') for axis in range(ndim or 1)]
    absent = [name for name in wanted if name not in table]
    if absent:
        raise ValueError(
            f'table: expected the columns of skanrs.analyze or skanrs.summarize, but'
            f' {absent[0]!r} is missing'
        )
    unknown = table['branch_type'][~table['branch_type'].isin(range(len(TYPES)))]
    if len(unknown):
        raise ValueError(f'table: expected branch types from 0 to 3, got {unknown.iloc[0]}')
    return ndim


def _nodes_and_networks(table: pd.DataFrame, ndim: int) -> dict[str, int]:
    """Count ends, junctions, networks and loops."""
    ends = np.concatenate([table['node_id_src'], table['node_id_dst']])
    nodes, first, degrees = np.unique(ends, return_index=True, return_counts=True)
    networks = table['skeleton_id'].nunique()
    coordinates = np.column_stack(
        [
            np.concatenate([table[f'image_coord_src_{axis}'], table[f'image_coord_dst_{axis}']])
            for axis in range(ndim)
        ]
    )
    return {
        'n_endpoints': int((degrees == 1).sum()),
        'n_junctions': _clusters(coordinates[first[degrees > 2]]),
        'n_networks': int(networks),
        'n_loops': len(table) - nodes.size + int(networks),
    }


def _cut_branches(table: pd.DataFrame, lengths: Array) -> dict[str, float]:
    """Count the branches that the border cuts off, and take medians with and without them."""
    is_cut = table['touches_border'].to_numpy(dtype=bool)
    columns: dict[str, float] = {'n_cut': int(is_cut.sum())}
    measures = {'length': lengths}
    if 'mean_radius' in table:
        measures['radius'] = table['mean_radius'].to_numpy(dtype=float)
    for name, values in measures.items():
        uncut = values[~is_cut]
        columns[f'median_{name}'] = float(np.median(values)) if values.size else np.nan
        columns[f'median_uncut_{name}'] = float(np.median(uncut)) if uncut.size else np.nan
    return columns


def _clusters(coordinates: Array) -> int:
    """Count groups of voxels that touch, diagonally too."""
    return np.unique(cluster_numbers(coordinates, np.zeros(len(coordinates)))).size


def _of_voxels(skeleton: Any, ndim: int) -> dict[str, int]:
    """Count the loops of a skeleton, and its voxels that have no neighbour."""
    if isinstance(skeleton, Skeleton):
        axes = len(skeleton.spacing)
        nodes, shape = getattr(skeleton, '_nodes', None), tuple(skeleton.skeleton_shape)
    else:
        pixels = read_image(skeleton, 'skeleton')
        nodes, shape = pixels.nodes, pixels.shape
        axes = len(shape)
    if axes != ndim:
        raise ValueError(f'skeleton: expected {ndim} axes as the table has, got {axes}')
    if nodes is None or ndim > _MOST_AXES:
        # Of such a skeleton there is the graph only.
        if not isinstance(skeleton, Skeleton):
            skeleton = Skeleton._of_pixels(pixels, as_spacing(1, ndim))
        return {'n_isolated': int((skeleton.degrees == 0).sum())}
    _, isolated, tunnels, _ = _core.topology(nodes, in_three_axes(shape, 1))
    return {'n_loops': tunnels, 'n_isolated': isolated}


def _volume_of(
    volume: float | None,
    shape: Sequence[int] | None,
    spacing: npt.ArrayLike,
    skeleton: Any,
    ndim: int,
) -> float | None:
    """Return the volume that densities refer to."""
    floats = as_spacing(spacing, ndim).floats
    if volume is not None:
        if shape is not None:
            raise ValueError('volume, shape: expected one of them, got both')
        if not (isinstance(volume, (int, float, np.number)) and 0 < float(volume) < np.inf):
            raise ValueError(f'volume: expected a positive, finite number, got {volume!r}')
        return float(volume)
    if shape is not None:
        lengths = np.asarray(shape)
        if lengths.shape != (ndim,) or lengths.dtype.kind not in 'iu' or (lengths <= 0).any():
            raise ValueError(f'shape: expected {ndim} positive integers, got {shape!r}')
        return volume_of_shape(shape, floats)
    if isinstance(skeleton, Skeleton):
        volume = float(np.prod(np.asarray(skeleton.skeleton_shape) * skeleton.spacing, dtype=float))
        return volume if volume > 0 else None
    return None


def _radius_columns(
    radii: Array, lengths: Array, quantiles: Sequence[float], bins: int | Sequence[float]
) -> dict[str, float]:
    """Describe how the length is distributed over radii."""
    shares, edges = shares_and_edges(radii, quantiles, bins)
    total = lengths.sum()
    columns = {'mean_radius': (radii * lengths).sum() / total if total else np.nan}
    order = np.argsort(radii, kind='stable')
    reached = np.cumsum(lengths[order])
    for share in shares:
        value = np.nan
        if radii.size:
            at = np.searchsorted(reached, share * reached[-1])
            value = radii[order[min(at, radii.size - 1)]]
        columns[f'radius_q{share * 100:g}'] = float(value)
    counts, _ = np.histogram(radii, bins=edges, weights=lengths)
    columns |= {f'radius_edge_{at}': float(edge) for at, edge in enumerate(edges)}
    columns |= {f'radius_length_{at}': float(length) for at, length in enumerate(counts)}
    return columns
