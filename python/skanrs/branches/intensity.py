"""Intensities of an image along branches and in their territories.

Means over territories are made of exact sums, so that they do not depend on chunks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from skanrs._image.elements import check_elements
from skanrs._image.image import as_array, take
from skanrs._image.position import in_three_axes
from skanrs._support.typing import Array, Indices, Shape

from .exact_sums import Floats, Sums, add_sums, means_of, sums_of
from .measures import OF_INTENSITY, Body

_BOX_VOXELS = 1 << 22
"""Voxels whose territories are drawn at a time."""


def as_intensity(intensity: Any, shape: Shape) -> Array:
    """Check an image of intensities in memory for a mask of this shape."""
    image = as_array(intensity, 'intensity')
    check_intensity(image.shape, image.dtype, shape)
    return image


def check_intensity(shape: Shape, dtype: np.dtype[Any], expected: Shape) -> None:
    """Raise an error unless intensities are real numbers of this shape."""
    if shape != expected:
        raise ValueError(f'intensity: expected shape {expected} as the mask, got {shape}')
    check_elements(dtype, 'intensity')


def intensities(body: Body, image: Array) -> dict[str, Array]:
    """Return the columns of intensities of a body in an image in memory, of the body's shape."""
    shape = in_three_axes(image.shape, 1)
    territories, planes = body.territories(), image.reshape(shape)
    sums = []
    for offset, extent in _boxes(shape):
        box = tuple(slice(at, at + length) for at, length in zip(offset, extent, strict=True))
        drawn = territories.draw(offset, extent)
        sums.append(sums_of(drawn.reshape(-1), planes[box].reshape(-1)))
    return intensity_columns(body, take(image, body.voxels), add_sums(sums))


def intensity_columns(body: Body, values: Array, sums: Sums) -> dict[str, Array]:
    """Return the columns of intensities from the values at a skeleton's voxels.

    `sums` are those of the territories.
    """
    along = _along(body.along(values).astype(np.float64), body.starts)
    columns = (*along, means_of(sums, len(body.starts) - 1))
    return dict(zip(OF_INTENSITY, columns, strict=True))


def _along(values: Floats, starts: Indices) -> tuple[Floats, ...]:
    """Return mean, median, standard deviation, least and greatest of each branch, without NaN."""
    rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    is_number = ~np.isnan(values)
    rows, values = rows[is_number], values[is_number]
    counts = np.bincount(rows, minlength=len(starts) - 1)
    found, firsts = np.flatnonzero(counts), (np.cumsum(counts) - counts)[counts > 0]
    columns = tuple(np.full(counts.size, np.nan) for _ in range(5))
    if not found.size:
        return columns
    with np.errstate(invalid='ignore', over='ignore'):
        means = np.add.reduceat(values, firsts) / counts[found]
        away = values - np.repeat(means, counts[found])
        stdevs = np.sqrt(np.add.reduceat(away * away, firsts) / counts[found])
        ordered = values[np.lexsort((values, rows))]
        lower = ordered[firsts + (counts[found] - 1) // 2]
        upper = ordered[firsts + counts[found] // 2]
        medians = np.where(lower == upper, lower, lower / 2 + upper / 2)
    lasts = firsts + counts[found] - 1
    of_found = means, medians, stdevs, ordered[firsts], ordered[lasts]
    for column, numbers in zip(columns, of_found, strict=True):
        column[found] = numbers
    return columns


def _boxes(shape: Shape) -> Iterator[tuple[Shape, Shape]]:
    """Cut three axes into slabs of planes, or planes into rows."""
    depth, height, width = shape
    if 0 in shape:
        return
    rows = min(height, max(1, _BOX_VOXELS // width))
    planes = max(1, _BOX_VOXELS // (rows * width)) if rows == height else 1
    for z in range(0, depth, planes):
        for y in range(0, height, rows):
            yield (z, y, 0), (min(planes, depth - z), min(rows, height - y), width)
