"""The numbers of a whole network, from the table of its branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from skanrs import _core
from skanrs._blocks.read import read_image
from skanrs._image.labels import (
    Labels,
    as_labels,
    chosen_labels,
    find_labels,
    nodes_by_label,
    with_labels,
)
from skanrs._image.position import in_three_axes
from skanrs._image.spacing import as_spacing
from skanrs._support.typing import Array
from skanrs.graph.labels import own_labels
from skanrs.graph.skeleton import Skeleton

from .columns import length_column

if TYPE_CHECKING:
    import dask.array as da

__all__ = ['network_summary']


_MOST_AXES = 3
_TYPES = ('n_endpoint_endpoint', 'n_junction_endpoint', 'n_junction_junction', 'n_cycles')


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
        the table, and of every loop. A dask array is computed, block by block.
    volume : float, optional
        What densities refer to: the volume (in 2D the area) of the image or of the mask, in units
        of the spacing.
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
          are sums over the branches.
        - With `labels`, a row for each label, the smallest first: ``label``, and with `mask`
          ``n_voxels``, come before the other columns. Bins of equal width are those of all labels.

    Raises
    ------
    ValueError
        If columns are missing in the table, if `volume` and `shape` are both given, if `mask` is
        given without `labels`, or if arguments are out of their ranges.
    TypeError
        If `table` is not a pandas table, or labels are not integers.

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
    whole = _volume_of(volume, shape, spacing, skeleton, ndim)
    if with_labels(labels, min_voxels):
        names, voxels = _names_of_labels(named, skeleton, labels, mask, min_voxels)
        of_labels = _Labels(named, names)
        return of_labels.summary(ndim, voxels, skeleton, whole, quantiles, bins)
    if mask is not None:
        raise ValueError('mask: expected None without labels')
    lengths = named[length_column(named)].to_numpy(dtype=float)
    columns: dict[str, Any] = {
        'total_length': lengths.sum(),
        'mean_length': lengths.mean() if lengths.size else np.nan,
        'n_branches': lengths.size,
    }
    types = np.bincount(named['branch_type'].to_numpy(dtype=np.int64), minlength=len(_TYPES))
    columns |= zip(_TYPES, types.tolist(), strict=True)
    columns |= _nodes_and_networks(named, ndim)
    if 'touches_border' in named:
        columns |= _cut_branches(named, lengths)
    if skeleton is not None:
        columns |= _of_voxels(skeleton, ndim)
    columns |= _densities(columns, whole)
    if 'mean_radius' in named:
        radii = named['mean_radius'].to_numpy(dtype=float)
        columns |= _radius_columns(radii, lengths, quantiles, bins)
        for name in ('surface_area', 'volume', 'perimeter', 'area'):
            if name in named:
                columns[f'total_{name}'] = named[name].to_numpy(dtype=float).sum()
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
    if not table['branch_type'].isin(range(len(_TYPES))).all():
        raise ValueError('table: expected branch types from 0 to 3')
    return ndim


def _nodes_and_networks(table: pd.DataFrame, ndim: int) -> dict[str, int]:
    """Count ends, junctions, networks and loops."""
    ends = np.concatenate([table['node_id_src'], table['node_id_dst']])
    nodes, first, degrees = np.unique(ends, return_index=True, return_counts=True)
    networks = table['skeleton_id'].nunique()
    places = np.column_stack(
        [
            np.concatenate([table[f'image_coord_src_{axis}'], table[f'image_coord_dst_{axis}']])
            for axis in range(ndim)
        ]
    )
    return {
        'n_endpoints': int((degrees == 1).sum()),
        'n_junctions': _clusters(places[first[degrees > 2]]),
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
        whole = values[~is_cut]
        columns[f'median_{name}'] = float(np.median(values)) if values.size else np.nan
        columns[f'median_uncut_{name}'] = float(np.median(whole)) if whole.size else np.nan
    return columns


def _clusters(places: Array) -> int:
    """Count groups of voxels that touch, diagonally too."""
    return np.unique(_cluster_numbers(places, np.zeros(len(places)))).size


def _cluster_numbers(places: Array, labels: Array) -> Array:
    """Return the number of each voxel's group: those of its label that touch, diagonally too."""
    if not len(places):
        return np.empty(0, np.int32)
    # Imported here, so that importing the package stays light.
    from scipy.sparse import csgraph
    from scipy.spatial import KDTree

    # Neighbours are at most 1 apart along each axis.
    pairs = KDTree(places).query_pairs(1.5, p=np.inf, output_type='ndarray')
    pairs = pairs[labels[pairs[:, 0]] == labels[pairs[:, 1]]]
    graph = sparse.coo_array((np.ones(len(pairs)), pairs.T), shape=(len(places),) * 2)
    numbers: Array = csgraph.connected_components(graph, directed=False)[1]
    return numbers


def _of_voxels(skeleton: Any, ndim: int) -> dict[str, int]:
    """Count the loops of a skeleton, and its voxels that have no neighbour."""
    if isinstance(skeleton, Skeleton):
        if len(skeleton.spacing) != ndim:
            raise ValueError(f'skeleton: expected {ndim} axes as the table has')
        nodes, shape = getattr(skeleton, '_nodes', None), tuple(skeleton.skeleton_shape)
    else:
        pixels = read_image(skeleton, 'skeleton')
        nodes, shape = pixels.nodes, pixels.shape
        if len(shape) != ndim:
            raise ValueError(f'skeleton: expected {ndim} axes as the table has, got {len(shape)}')
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
        floats = as_spacing(spacing, ndim).floats
        return float(np.prod(lengths.astype(float)) * np.prod(floats))
    if isinstance(skeleton, Skeleton):
        whole = float(np.prod(np.asarray(skeleton.skeleton_shape) * skeleton.spacing, dtype=float))
        return whole if whole > 0 else None
    return None


def _densities(columns: dict[str, Any], volume: float | None) -> dict[str, Any]:
    if volume is None:
        return {}
    return {
        'volume': volume,
        'length_density': columns['total_length'] / volume,
        'branch_density': columns['n_branches'] / volume,
    }


def _radius_columns(
    radii: Array, lengths: Array, quantiles: Sequence[float], bins: int | Sequence[float]
) -> dict[str, float]:
    """Describe how the length is distributed over radii."""
    shares, edges = _shares_and_edges(radii, quantiles, bins)
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


def _shares_and_edges(
    radii: Array, quantiles: Sequence[float], bins: int | Sequence[float]
) -> tuple[Array, Array]:
    """Return the quantiles and the edges of the histogram of radii."""
    shares = np.asarray(quantiles, dtype=float)
    if shares.ndim != 1 or not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError(f'quantiles: expected numbers from 0 to 1, got {quantiles!r}')
    finite = radii[np.isfinite(radii)]
    return shares, _bin_edges(bins, float(finite.max()) if finite.size else 1.0)


def _bin_edges(bins: int | Sequence[float], largest: float) -> Array:
    if isinstance(bins, (int, np.integer)):
        if isinstance(bins, bool) or bins < 1:
            raise ValueError(f'bins: expected a positive integer or edges, got {bins!r}')
        return np.linspace(0, largest, bins + 1)
    edges = np.asarray(bins, dtype=float)
    if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f'bins: expected at least two ascending edges, got {bins!r}')
    return edges


def _names_of_labels(
    table: pd.DataFrame, skeleton: Any, labels: Labels, mask: Any, min_voxels: int
) -> tuple[Array, Array | None]:
    """Return the labels to summarize, ascending, and how many voxels they have if it is known."""
    if 'label' not in table:
        raise ValueError("table: expected a column 'label' with labels, as labels=True makes it")
    if mask is not None:
        found = find_labels(as_labels(mask, 'mask', labels))
        is_large = found.counts >= min_voxels
        return found.values[is_large], found.counts[is_large]
    if min_voxels != 1:
        raise ValueError(f'min_voxels: expected mask with it, got {min_voxels}')
    names = table['label'].to_numpy()
    if isinstance(skeleton, Skeleton) and skeleton.pixel_labels is not None:
        names = np.concatenate([names, skeleton.pixel_labels])
    chosen = chosen_labels(labels, names.dtype)
    return np.unique(names if chosen is None else names[np.isin(names, chosen)]), None


class _Labels:
    """The rows of a table by label, for columns that are made for all labels at once.

    Parameters
    ----------
    table : pandas.DataFrame
        The table, with the column ``label``.
    names : ndarray, ascending
        The labels to summarize.
    """

    def __init__(self, table: pd.DataFrame, names: Array) -> None:
        self.names = names
        label = table['label'].to_numpy()
        self.table = table[np.isin(label, names)]
        self.of_rows = self.number(self.table['label'].to_numpy())

    def number(self, labels: Array) -> npt.NDArray[np.intp]:
        """Return the numbers of labels that are among those to summarize."""
        return np.searchsorted(self.names, labels)

    def count(self, of_items: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Count items by the numbers of their labels."""
        return np.bincount(of_items, minlength=self.names.size)

    def total(self, of_items: npt.NDArray[np.intp], values: Array) -> Array:
        """Add up values by the numbers of their labels."""
        return np.bincount(of_items, weights=values, minlength=self.names.size)

    def summary(
        self,
        ndim: int,
        voxels: Array | None,
        skeleton: Any,
        volume: float | None,
        quantiles: Sequence[float],
        bins: int | Sequence[float],
    ) -> pd.DataFrame:
        """Return the rows of `network_summary`."""
        table = self.table
        lengths = table[length_column(table)].to_numpy(dtype=float)
        total, count = self.total(self.of_rows, lengths), self.count(self.of_rows)
        mean = np.divide(total, count, out=np.full(total.size, np.nan), where=count > 0)
        columns: dict[str, Any] = {'label': self.names}
        if voxels is not None:
            columns['n_voxels'] = voxels
        columns |= {'total_length': total, 'mean_length': mean, 'n_branches': count}
        types = table['branch_type'].to_numpy()
        columns |= {name: self.count(self.of_rows[types == at]) for at, name in enumerate(_TYPES)}
        columns |= self._nodes_and_networks(ndim)
        if skeleton is not None:
            columns |= self._of_voxels(skeleton, columns)
        columns |= _densities(columns, volume)
        if 'mean_radius' in table:
            radii = table['mean_radius'].to_numpy(dtype=float)
            columns |= self._radius_columns(radii, lengths, quantiles, bins)
            for name in ('surface_area', 'volume', 'perimeter', 'area'):
                if name in table:
                    values = table[name].to_numpy(dtype=float)
                    columns[f'total_{name}'] = self.total(self.of_rows, values)
        return pd.DataFrame(columns)

    def _nodes_and_networks(self, ndim: int) -> dict[str, Array]:
        table, twice = self.table, np.concatenate([self.of_rows, self.of_rows])
        ends = np.concatenate([table['node_id_src'], table['node_id_dst']])
        _, first, degrees = np.unique(ends, return_index=True, return_counts=True)
        of_nodes = twice[first]
        is_junction = degrees > 2
        places = [
            np.concatenate([table[f'image_coord_src_{axis}'], table[f'image_coord_dst_{axis}']])
            for axis in range(ndim)
        ]
        junctions = np.column_stack(places)[first[is_junction]]
        clusters = _cluster_numbers(junctions, of_nodes[is_junction])
        _, first_of_clusters = np.unique(clusters, return_index=True)
        _, first_of_networks = np.unique(table['skeleton_id'], return_index=True)
        networks = self.count(self.of_rows[first_of_networks])
        return {
            'n_endpoints': self.count(of_nodes[degrees == 1]),
            'n_junctions': self.count(of_nodes[is_junction][first_of_clusters]),
            'n_networks': networks,
            'n_loops': self.count(self.of_rows) - self.count(of_nodes) + networks,
        }

    def _of_voxels(self, skeleton: Any, columns: dict[str, Any]) -> dict[str, Array]:
        """Count the tunnels of the skeletons of labels, and their voxels that have no neighbour."""
        if not isinstance(skeleton, Skeleton):
            skeleton = Skeleton(skeleton, labels=self.names)
        labels = own_labels(skeleton, labels=True)
        assert labels is not None
        is_named = np.isin(labels, self.names)
        nodes, of_nodes = skeleton._nodes[is_named], self.number(labels[is_named])
        isolated = self.count(of_nodes[skeleton.degrees[is_named] == 0])
        loops = columns['n_loops'].copy()
        shape = in_three_axes(tuple(skeleton.skeleton_shape), 1)
        order, starts = nodes_by_label(of_nodes, np.arange(self.names.size))
        # Without cycles and junctions there are no tunnels.
        for number in np.flatnonzero((loops > 0) | (columns['n_junctions'] > 0)).tolist():
            of_label = nodes[order[starts[number] : starts[number + 1]]]
            _, _, tunnels, _ = _core.topology(of_label, shape)
            loops[number] = tunnels
        return {'n_loops': loops, 'n_isolated': isolated}

    def _radius_columns(
        self, radii: Array, lengths: Array, quantiles: Sequence[float], bins: int | Sequence[float]
    ) -> dict[str, Array]:
        shares, edges = _shares_and_edges(radii, quantiles, bins)
        count, total = self.names.size, self.total(self.of_rows, lengths)
        weighted = self.total(self.of_rows, radii * lengths)
        none = np.full(count, np.nan)
        columns = {'mean_radius': np.divide(weighted, total, out=none.copy(), where=total > 0)}
        order = np.lexsort((radii, self.of_rows))
        sizes = self.count(self.of_rows)
        starts, of_order = np.cumsum(sizes) - sizes, self.of_rows[order]
        # Of each label alone, less what rounding of the sum over all labels may hide.
        reached = np.cumsum(lengths[order])
        reached -= np.append(0, reached)[starts][of_order]
        reached += 1e-9 * total[of_order]
        for share in shares:
            shorter = self.count(of_order[reached < share * total[of_order]])
            at = starts + np.minimum(shorter, sizes - 1)
            values = none.copy()
            values[sizes > 0] = radii[order[at[sizes > 0]]]
            columns[f'radius_q{share * 100:g}'] = values
        columns |= {f'radius_edge_{at}': np.full(count, edge) for at, edge in enumerate(edges)}
        bin_of_rows = np.searchsorted(edges, radii, side='right') - 1
        bin_of_rows[radii == edges[-1]] = edges.size - 2
        for number in range(edges.size - 1):
            rows = bin_of_rows == number
            columns[f'radius_length_{number}'] = self.total(self.of_rows[rows], lengths[rows])
        return columns
