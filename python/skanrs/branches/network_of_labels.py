"""The numbers of the network of each label, for all labels at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from skanrs import _core
from skanrs._image.dask_arrays import is_dask_array
from skanrs._image.labels import (
    Labels,
    as_labels,
    chosen_labels,
    find_labels,
    nodes_by_label,
    refuse_labels,
)
from skanrs._image.position import in_three_axes
from skanrs._support.typing import Array
from skanrs.graph.labels import own_labels
from skanrs.graph.skeleton import Skeleton

from .columns import length_column
from .network_columns import TYPES, cluster_numbers, densities, shares_and_edges


def labels_to_summarize(
    table: pd.DataFrame, skeleton: Any, labels: Labels, mask: Any, min_voxels: int
) -> tuple[Array, Array | None]:
    """Return the labels to summarize, ascending, and how many voxels they have if it is known."""
    if 'label' not in table:
        raise ValueError("table: expected the column 'label' with labels, but it is missing")
    if is_dask_array(skeleton):
        refuse_labels(labels, 'skeleton')
    if mask is not None:
        objects = find_labels(as_labels(mask, 'mask', labels))
        is_large = objects.counts >= min_voxels
        return objects.values[is_large], objects.counts[is_large]
    if min_voxels != 1:
        raise ValueError(f'min_voxels: expected mask with it, got {min_voxels}')
    names = table['label'].to_numpy()
    if isinstance(skeleton, Skeleton) and skeleton.pixel_labels is not None:
        names = np.concatenate([names, skeleton.pixel_labels])
    chosen = chosen_labels(labels, names.dtype)
    return np.unique(names if chosen is None else names[np.isin(names, chosen)]), None


class LabelNetworks:
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

    def median(self, of_items: npt.NDArray[np.intp], values: Array) -> Array:
        """Take the medians of values by the numbers of their labels; NaN where there are none."""
        sizes = self.count(of_items)
        ends = np.cumsum(sizes)
        ordered = values[np.lexsort((values, of_items))]
        has_some = sizes > 0
        last, size = ends[has_some] - 1, sizes[has_some]
        of_labels = (ordered[last - size // 2] + ordered[last - (size - 1) // 2]) / 2
        medians = np.full(sizes.size, np.nan)
        # Of values with NaN, which are the last ones, the median is NaN.
        medians[has_some] = np.where(np.isnan(ordered[last]), np.nan, of_labels)
        return medians

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
        columns |= {name: self.count(self.of_rows[types == at]) for at, name in enumerate(TYPES)}
        columns |= self._nodes_and_networks(ndim)
        if 'touches_border' in table:
            columns |= self._cut_branches(lengths)
        if skeleton is not None:
            columns |= self._of_voxels(skeleton, columns)
        columns |= densities(columns, volume)
        if 'mean_radius' in table:
            radii = table['mean_radius'].to_numpy(dtype=float)
            columns |= self._radius_columns(radii, lengths, quantiles, bins)
            for name in ('surface_area', 'volume', 'perimeter', 'area'):
                if name in table:
                    values = table[name].to_numpy(dtype=float)
                    columns[f'total_{name}'] = self.total(self.of_rows, values)
                voxel = table.attrs.get(f'voxel_{name}')
                if voxel is not None and voxels is not None:
                    # Branches have a whole number of voxels.
                    left = voxels - np.rint(columns[f'total_{name}'] / voxel)
                    columns[f'{name}_without_branch'] = left * voxel
        return pd.DataFrame(columns)

    def _nodes_and_networks(self, ndim: int) -> dict[str, Array]:
        table, twice = self.table, np.concatenate([self.of_rows, self.of_rows])
        ends = np.concatenate([table['node_id_src'], table['node_id_dst']])
        _, first, degrees = np.unique(ends, return_index=True, return_counts=True)
        of_nodes = twice[first]
        is_junction = degrees > 2
        coordinates = [
            np.concatenate([table[f'image_coord_src_{axis}'], table[f'image_coord_dst_{axis}']])
            for axis in range(ndim)
        ]
        junctions = np.column_stack(coordinates)[first[is_junction]]
        clusters = cluster_numbers(junctions, of_nodes[is_junction])
        _, first_of_clusters = np.unique(clusters, return_index=True)
        _, first_of_networks = np.unique(table['skeleton_id'], return_index=True)
        networks = self.count(self.of_rows[first_of_networks])
        return {
            'n_endpoints': self.count(of_nodes[degrees == 1]),
            'n_junctions': self.count(of_nodes[is_junction][first_of_clusters]),
            'n_networks': networks,
            'n_loops': self.count(self.of_rows) - self.count(of_nodes) + networks,
        }

    def _cut_branches(self, lengths: Array) -> dict[str, Array]:
        is_cut = self.table['touches_border'].to_numpy(dtype=bool)
        columns = {'n_cut': self.count(self.of_rows[is_cut])}
        measures = {'length': lengths}
        if 'mean_radius' in self.table:
            measures['radius'] = self.table['mean_radius'].to_numpy(dtype=float)
        for name, values in measures.items():
            columns[f'median_{name}'] = self.median(self.of_rows, values)
            columns[f'median_uncut_{name}'] = self.median(self.of_rows[~is_cut], values[~is_cut])
        return columns

    def _of_voxels(self, skeleton: Any, columns: dict[str, Any]) -> dict[str, Array]:
        """Count the tunnels of the skeletons of labels, and their voxels that have no neighbour."""
        if not isinstance(skeleton, Skeleton):
            skeleton = Skeleton(skeleton, labels=self.names)
        labels = own_labels(skeleton, labels=True)
        assert labels is not None
        is_named = np.isin(labels, self.names)
        nodes, of_nodes = skeleton._nodes[is_named], self.number(labels[is_named])
        isolated = self.count(of_nodes[skeleton.degrees[is_named] == 0])
        loops: Array = columns['n_loops'].copy()
        shape = in_three_axes(tuple(skeleton.skeleton_shape), 1)
        order, starts = nodes_by_label(of_nodes, np.arange(self.names.size))
        # Without cycles and junctions there are no tunnels.
        has_some = (loops > 0) | (columns['n_junctions'] > 0)
        order = order[np.repeat(has_some, np.diff(starts))]
        groups = np.append(0, np.cumsum(np.diff(starts)[has_some]))
        loops[has_some] = _core.tunnels(nodes[order], groups, shape)
        return {'n_loops': loops, 'n_isolated': isolated}

    def _radius_columns(
        self, radii: Array, lengths: Array, quantiles: Sequence[float], bins: int | Sequence[float]
    ) -> dict[str, Array]:
        shares, edges = shares_and_edges(radii, quantiles, bins)
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
