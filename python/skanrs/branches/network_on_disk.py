"""The numbers of a whole network, from the rows of its table part by part.

They are those of `network_summary` to the last bit. Columns of numbers go to files, and are added
in numpy's order; ends of branches are sorted on disk by their node. Voxels of junctions then come
in the order of the image, so that clusters of them are closed behind the last two planes.

Memory holds a byte for each network, and the junctions of two planes. Disk: 32 bytes for each end
of a branch in 3D, and 8 bytes for each number of a measure, 56 for a radius.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from skanrs._image.spacing import as_spacing
from skanrs._support.record_statistics import median_of, pieces_of, sum_of
from skanrs._support.records import Records
from skanrs._support.sorted_records import SortedRecords
from skanrs._support.typing import Array, Indices, Shape

from .columns import length_column
from .network_columns import (
    TYPES,
    cluster_numbers,
    densities,
    shares_and_edges,
    volume_of_shape,
)
from .partitions import connected_sets

__all__ = ['NetworkOnDisk']

_TOTALS = ('surface_area', 'volume', 'perimeter', 'area')
_HISTOGRAM = 1 << 16
"""How many weights numpy's histogram adds at a time."""


class NetworkOnDisk:
    """A network whose rows come in parts, in the order of the table.

    Parameters
    ----------
    folder : Path
        A folder to be made.
    ndim : int
        Number of axes of the image.
    """

    def __init__(self, folder: Path, ndim: int) -> None:
        folder.mkdir()
        self._folder = folder
        self._ndim = ndim
        end = [('key', np.int64), ('coordinates', np.int64, (ndim,))]
        self._ends = SortedRecords(folder / 'ends', end)
        self._numbers: dict[str, Records] = {}
        self._radii = SortedRecords(
            folder / 'radii', [('key', np.int64), ('radius', np.float64), ('length', np.float64)]
        )
        self._types = np.zeros(len(TYPES), dtype=np.int64)
        self._is_network = np.zeros(0, dtype=bool)
        self._cut: int | None = None
        self._unknown: set[str] = set()
        """Which columns have a NaN."""
        self._largest = -np.inf

    def add(self, part: pd.DataFrame) -> None:
        """Add the next rows, columns named with '_'."""
        for end in ('src', 'dst'):
            ends = np.empty(len(part), self._ends.dtype)
            ends['key'] = part[f'node_id_{end}']
            for axis in range(self._ndim):
                ends['coordinates'][:, axis] = part[f'image_coord_{end}_{axis}']
            self._ends.append(ends)
        self._types += np.bincount(part['branch_type'], minlength=len(TYPES))
        numbers = part['skeleton_id'].to_numpy()
        if (missing := int(numbers.max(initial=-1)) + 1 - len(self._is_network)) > 0:
            # Grown in large steps, since numbers come one after the other.
            more = max(missing, len(self._is_network))
            self._is_network = np.append(self._is_network, np.zeros(more, dtype=bool))
        self._is_network[numbers] = True
        lengths = part[length_column(part)].to_numpy(dtype=float)
        measures = {'length': lengths}
        if 'mean_radius' in part:
            measures['radius'] = part['mean_radius'].to_numpy(dtype=float)
            self._add_radii(measures['radius'], lengths)
        for name, values in measures.items():
            self._append(name, values)
            if 'touches_border' in part:
                self._append(f'uncut_{name}', values[~part['touches_border'].to_numpy(dtype=bool)])
        if 'touches_border' in part:
            self._cut = (self._cut or 0) + int(part['touches_border'].sum())
        for name in _TOTALS:
            if name in part:
                self._append(name, part[name].to_numpy(dtype=float))

    def summary(
        self,
        *,
        loops: int | None = None,
        isolated: int | None = None,
        shape: Shape | None = None,
        spacing: npt.ArrayLike = 1,
        quantiles: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95),
        bins: int | Sequence[float] = 10,
        attrs: Mapping[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Return the row of `network_summary`; to be called once, after a part at least.

        Parameters
        ----------
        loops, isolated : int, optional
            The tunnels of the skeleton and its single voxels, where they are known.
        shape, spacing, quantiles, bins
            See `network_summary`.
        attrs : mapping, optional
            The attributes of the table.
        """
        lengths = self._numbers['length']
        total = np.float64(sum_of(lengths))
        columns: dict[str, Any] = {
            'total_length': total,
            'mean_length': total / lengths.count if lengths.count else np.nan,
            'n_branches': lengths.count,
        }
        columns |= zip(TYPES, self._types.tolist(), strict=True)
        columns |= self._nodes_and_networks()
        if self._cut is not None:
            columns['n_cut'] = self._cut
            for name in ('length', 'radius'):
                if name in self._numbers:
                    columns[f'median_{name}'] = self._median(name)
                    columns[f'median_uncut_{name}'] = self._median(f'uncut_{name}')
        columns |= {} if loops is None else {'n_loops': loops}
        columns |= {} if isolated is None else {'n_isolated': isolated}
        floats = as_spacing(spacing, self._ndim).floats
        columns |= densities(columns, None if shape is None else volume_of_shape(shape, floats))
        if 'radius' in self._numbers:
            columns |= self._radius_columns(total, quantiles, bins)
            for name in _TOTALS:
                if name in self._numbers:
                    columns[f'total_{name}'] = sum_of(self._numbers[name])
                if attrs is not None and f'{name}_without_branch' in attrs:
                    columns[f'{name}_without_branch'] = attrs[f'{name}_without_branch']
        return pd.DataFrame(columns, index=pd.RangeIndex(1))

    def _append(self, name: str, values: Array) -> None:
        if name not in self._numbers:
            self._numbers[name] = Records(self._folder / name, np.float64)
        self._numbers[name].append(values)
        if np.isnan(values).any():
            self._unknown.add(name)

    def _add_radii(self, radii: Array, lengths: Array) -> None:
        records = np.empty(len(radii), self._radii.dtype)
        # The bits of numbers that are not negative ascend as they do; NaN is the last.
        is_nan = np.isnan(radii)
        records['key'] = np.where(is_nan, np.iinfo(np.int64).max, (radii + 0.0).view(np.int64))
        records['radius'], records['length'] = radii, lengths
        self._radii.append(records)
        self._append('weighted', radii * lengths)
        self._largest = max(self._largest, radii[np.isfinite(radii)].max(initial=-np.inf))

    def _median(self, name: str) -> float:
        numbers = self._numbers[name]
        return median_of(numbers) if numbers.count and name not in self._unknown else np.nan

    def _nodes_and_networks(self) -> dict[str, int]:
        nodes = ends = 0
        clusters = _Clusters(self._ndim)
        for records in self._ends.groups():
            _, first, degrees = np.unique(records['key'], return_index=True, return_counts=True)
            nodes += len(first)
            ends += int(np.count_nonzero(degrees == 1))
            clusters.add(records['coordinates'][first[degrees > 2]])
        networks = int(np.count_nonzero(self._is_network))
        return {
            'n_endpoints': ends,
            'n_junctions': clusters.count,
            'n_networks': networks,
            'n_loops': self._numbers['length'].count - nodes + networks,
        }

    def _radius_columns(
        self, total: np.float64, quantiles: Sequence[float], bins: int | Sequence[float]
    ) -> dict[str, float]:
        largest = np.array([self._largest]) if np.isfinite(self._largest) else np.empty(0)
        shares, edges = shares_and_edges(largest, quantiles, bins)
        columns = {'mean_radius': sum_of(self._numbers['weighted']) / total if total else np.nan}
        values = self._quantiles(shares)
        columns |= {
            f'radius_q{share * 100:g}': value for share, value in zip(shares, values, strict=True)
        }
        reached = np.zeros(edges.shape)
        pieces = (pieces_of(self._numbers[name], _HISTOGRAM) for name in ('radius', 'length'))
        for radii, lengths in zip(*pieces, strict=True):
            reached += _lengths_below(edges, radii, lengths)
        columns |= {f'radius_edge_{at}': float(edge) for at, edge in enumerate(edges)}
        columns |= {
            f'radius_length_{at}': float(length) for at, length in enumerate(np.diff(reached))
        }
        return columns

    def _quantiles(self, shares: Array) -> list[float]:
        """Return the radii below which these shares of the length are."""
        sums = Records(self._folder / 'reached', [('radius', np.float64), ('sum', np.float64)])
        before = np.empty(0)
        for part in self._radii.read():
            # As one sum over all, which adds from the left.
            reached = np.cumsum(np.concatenate([before, part['length']]))[len(before) :]
            records = np.empty(len(part), sums.dtype)
            records['radius'], records['sum'] = part['radius'], reached
            sums.append(records)
            before = reached[-1:]
        if not sums.count:
            return [np.nan] * len(shares)
        wanted = shares * before[0]
        at = np.zeros(len(shares), dtype=np.int64)
        for piece in pieces_of(sums, _HISTOGRAM):
            at += np.searchsorted(piece['sum'], wanted)
        at = at.clip(max=sums.count - 1)
        return [float(sums.read(range(number, number + 1))['radius'][0]) for number in at.tolist()]


class _Clusters:
    """The number of groups of voxels that touch, of voxels in the order of the image."""

    def __init__(self, ndim: int) -> None:
        self.count = 0
        self._voxels = np.empty((0, ndim), np.int64)
        self._groups = np.empty(0, np.int64)

    def add(self, voxels: Indices) -> None:
        """Add the next voxels, shape (N, ndim)."""
        if not len(voxels):
            return
        known = len(self._voxels)
        voxels = np.concatenate([self._voxels, voxels])
        numbers = cluster_numbers(voxels, np.zeros(len(voxels)))
        groups = int(self._groups.max(initial=-1)) + 1
        # Voxels that touch, and those that did through voxels before.
        sets = connected_sets(len(voxels) + groups, numbers[:known], len(voxels) + self._groups)
        of_voxels = sets[numbers]
        self.count += len(np.unique(of_voxels)) - groups
        near = voxels[:, 0] >= voxels[-1, 0] - 1
        self._voxels = voxels[near]
        self._groups = np.unique(of_voxels[near], return_inverse=True)[1]


def _lengths_below(edges: Array, radii: Array, lengths: Array) -> Array:
    """Return the length of what is thinner than each edge, in the last place the edge itself.

    As numpy's histogram adds weights.
    """
    order = np.argsort(radii)
    radii = radii[order]
    reached = np.concatenate([np.zeros(1), lengths[order].cumsum()])
    inner = radii.searchsorted(edges[:-1], 'left')
    at = np.append(inner, radii.searchsorted(edges[-1], 'right'))
    below: Array = reached[at]
    return below
