"""What lies in each region of a label image: lengths, volumes, branches, junctions and tips.

A branch is divided by its length. Each point of its centreline stands for half of the way to the
points beside it, and lies where its voxel does. So sums over regions are those of the whole.

Cost: the centrelines, and a comparison for each voxel of the label image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from skanrs._image.image import as_array
from skanrs._image.spacing import Spacing
from skanrs._support.typing import Array, Indices, Shape

from .measures import Body

_RUNS = 1 << 20
"""Voxels that are compared at a time."""
_COUNTS = ('n_endpoints', 'n_junctions')


class Sizes(NamedTuple):
    """How many voxels each region has."""

    regions: Array
    """Their labels, ascending."""
    counts: Indices


def as_regions(regions: Any, shape: Shape) -> Array:
    """Check a label image in memory for a mask of this shape."""
    image = as_array(regions, 'regions')
    check_regions(image.shape, image.dtype, shape)
    return image


def check_regions(shape: Shape, dtype: np.dtype[Any], expected: Shape) -> None:
    """Raise an error unless regions are integers of this shape."""
    if shape != expected:
        raise ValueError(f'regions: expected shape {expected} as the mask, got {shape}')
    if dtype.kind not in 'iu':
        raise TypeError(f'regions: expected a label image of integers, got one of {dtype}')


def count_regions(image: Array) -> Sizes:
    """Count the voxels of each label, run by run, since regions are much larger than voxels."""
    sizes = [Sizes(np.empty(0, image.dtype), np.empty(0, np.int64))]
    # Without a copy of the image, whatever its memory order.
    planes = image.reshape(1, -1) if image.ndim == 1 else image
    for plane in planes:
        flat = plane.reshape(-1)
        for start in range(0, flat.size, _RUNS):
            piece = flat[start : start + _RUNS]
            firsts = np.append(0, np.flatnonzero(piece[1:] != piece[:-1]) + 1)
            sizes.append(Sizes(piece[firsts], np.diff(firsts, append=piece.size)))
    return add_sizes(sizes)


def add_sizes(parts: Sequence[Sizes]) -> Sizes:
    """Return the sizes in all parts together."""
    regions, numbers = np.unique(
        np.concatenate([part.regions for part in parts]), return_inverse=True
    )
    counts = np.zeros(regions.size, dtype=np.int64)
    np.add.at(counts, numbers, np.concatenate([part.counts for part in parts]))
    return Sizes(regions, counts)


def divide_by_regions(
    body: Body, labels: Array, measures: dict[str, Array]
) -> tuple[pd.DataFrame, Array]:
    """Add up in each region what is in it.

    Parameters
    ----------
    body : Body
        The skeleton in its mask.
    labels : ndarray
        The region of each voxel of the skeleton.
    measures : dict
        The columns of its branches.

    Returns
    -------
    sums : pandas.DataFrame
        A row for each region with a voxel of the skeleton, for `region_table`.
    regions : ndarray
        The region of each branch, in which most of its length is.
    """
    regions, numbers = np.unique(labels, return_inverse=True)
    rows, of_rows, shares = _shares(body, numbers, regions.size)
    lengths = shares * measures['length'][rows]
    size = 'area' if body.ndim == 2 else 'volume'
    of_branches = {
        'total_length': lengths,
        'n_branches': shares * ~measures['in_junction'][rows],
        f'total_{size}': shares * measures[size][rows],
        'mean_radius': lengths * measures['mean_radius'][rows],
    }
    columns = {
        name: np.bincount(of_rows, values, minlength=regions.size)
        for name, values in of_branches.items()
    }
    of_nodes, degrees = numbers[body.nodes.voxels], body.nodes.degrees
    for name, is_one in zip(_COUNTS, (degrees == 1, degrees > 2), strict=True):
        columns[name] = np.bincount(of_nodes[is_one], minlength=regions.size)
    # The largest share of each row; of equal ones that of the smallest label.
    order = np.lexsort((of_rows, -shares, rows))
    first = np.append(0, np.cumsum(np.bincount(rows, minlength=len(body.starts) - 1)))[:-1]
    return pd.DataFrame({'region': regions} | columns), regions[of_rows[order[first]]]


def region_table(sums: Sequence[pd.DataFrame], sizes: Sizes, spacing: Spacing) -> pd.DataFrame:
    """Return the table of all regions, also of those without branches."""
    table = empty_region_table(len(spacing.floats), sizes.regions.dtype)
    joined = pd.concat(sums).groupby('region', sort=True).sum() if sums else table
    added = joined.reindex(sizes.regions, fill_value=0)
    volumes = sizes.counts * float(np.prod(spacing.floats))
    lengths = added['total_length'].to_numpy(dtype=float)
    size = 'total_area' if 'total_area' in table else 'total_volume'
    columns: dict[str, npt.NDArray[Any]] = {
        'region': sizes.regions,
        'n_voxels': sizes.counts,
        'volume': volumes,
        'length_density': lengths / volumes,
        'branch_density': added['n_branches'].to_numpy(dtype=float) / volumes,
        'volume_fraction': added[size].to_numpy(dtype=float) / volumes,
    }
    columns |= {str(name): added[name].to_numpy() for name in added}
    weighted = columns['mean_radius'].astype(float)
    nothing = np.full(len(lengths), np.nan)
    columns['mean_radius'] = np.divide(weighted, lengths, out=nothing, where=lengths > 0)
    return pd.DataFrame(columns)[list(table)].astype(table.dtypes.to_dict())


def empty_region_table(ndim: int, dtype: np.dtype[Any]) -> pd.DataFrame:
    """Return the table of no regions, whose labels are of this type."""
    floats = np.float64
    columns = {
        'region': dtype,
        'n_voxels': np.int64,
        'volume': floats,
        'total_length': floats,
        'n_branches': floats,
        'n_endpoints': np.int64,
        'n_junctions': np.int64,
        'length_density': floats,
        'branch_density': floats,
        'mean_radius': floats,
        'total_area' if ndim == 2 else 'total_volume': floats,
        'volume_fraction': floats,
    }
    return pd.DataFrame({name: np.empty(0, of_type) for name, of_type in columns.items()})


def _shares(
    body: Body, numbers: Indices, count: int
) -> tuple[Indices, Indices, npt.NDArray[np.float64]]:
    """Return branches, the numbers of regions that they are in, and the share of each."""
    points, starts = body.centrelines()[0], body.starts
    rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    halves = np.zeros(len(points) + 1)
    halves[1:-1] = np.sqrt((np.diff(points, axis=0) ** 2).sum(axis=1)) / 2
    halves[starts] = 0
    weights = halves[:-1] + halves[1:]
    totals = np.bincount(rows, weights, minlength=len(starts) - 1)
    # Points of a branch without length count equally.
    weights[totals[rows] == 0] = 1
    totals = np.bincount(rows, weights, minlength=len(starts) - 1)
    pairs, of_pairs = np.unique(rows * count + body.along(numbers), return_inverse=True)
    shares = np.bincount(of_pairs, weights, minlength=pairs.size)
    pair_rows, pair_regions = np.divmod(pairs, max(1, count))
    return pair_rows, pair_regions, shares / totals[pair_rows]
