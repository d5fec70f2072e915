"""Columns that the summaries of one network and of the networks of labels share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from skanrs._support.typing import Array

TYPES = ('n_endpoint_endpoint', 'n_junction_endpoint', 'n_junction_junction', 'n_cycles')
"""The columns that count branches of each type."""


def cluster_numbers(coordinates: Array, labels: Array) -> Array:
    """Return the number of each voxel's group: those of its label that touch, diagonally too."""
    if not len(coordinates):
        return np.empty(0, np.int32)
    # Imported here, so that importing the package stays light.
    from scipy.sparse import csgraph
    from scipy.spatial import KDTree

    # Neighbours are at most 1 apart along each axis.
    pairs = KDTree(coordinates).query_pairs(1.5, p=np.inf, output_type='ndarray')
    pairs = pairs[labels[pairs[:, 0]] == labels[pairs[:, 1]]]
    graph = sparse.coo_array((np.ones(len(pairs)), pairs.T), shape=(len(coordinates),) * 2)
    numbers: Array = csgraph.connected_components(graph, directed=False)[1]
    return numbers


def volume_of_shape(shape: Sequence[int], spacing: Sequence[float]) -> float:
    """Return the volume of an image of this shape, in 2D the area."""
    return float(np.prod(np.asarray(shape).astype(float)) * np.prod(spacing))


def densities(columns: dict[str, Any], volume: float | None) -> dict[str, Any]:
    """Return the columns per volume, if it is known."""
    if volume is None:
        return {}
    return {
        'volume': volume,
        'length_density': columns['total_length'] / volume,
        'branch_density': columns['n_branches'] / volume,
    }


def shares_and_edges(
    radii: Array, quantiles: Sequence[float], bins: int | Sequence[float]
) -> tuple[Array, Array]:
    """Return the quantiles and the edges of the histogram of radii."""
    shares = np.asarray(quantiles, dtype=float)
    if shares.ndim != 1 or not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError(f'quantiles: expected numbers from 0 to 1, got {quantiles!r}')
    finite = radii[np.isfinite(radii)]
    return shares, _bin_edges(bins, float(finite.max()) if finite.size else 1.0)


def _bin_edges(bins: int | Sequence[float], largest: float) -> Array:
    if isinstance(bins, np.ndarray):
        # A number, if it is an array without axes.
        bins = bins[()]
    if isinstance(bins, (int, np.integer)):
        if isinstance(bins, bool) or bins < 1:
            raise ValueError(f'bins: expected a positive integer or edges, got {bins!r}')
        return np.linspace(0, largest, bins + 1)
    edges = np.asarray(bins, dtype=float)
    if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f'bins: expected at least two ascending edges, got {bins!r}')
    return edges
