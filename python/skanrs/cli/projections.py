"""Projections of a skeleton along the axes, drawn into arrays and written as PNG.

A pixel has the highest colour of the lines that cross it. The cost is that of the lines' pixels, so
any number of branches takes seconds at most.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skanrs import threads
from skanrs._support.ordered_map import ordered_map

from .scene import LEVELS, Colour, Lines

__all__ = ['Projection', 'png', 'projections']

# Pixels along the longest axis.
SIDE = 720
BACKGROUND = (22, 24, 29)


class Projection(NamedTuple):
    """A picture of the lines, seen along an axis."""

    axis: str
    """The axis: x, y or z."""
    levels: npt.NDArray[np.uint8]
    """The level of each pixel, 0 where there is no line."""


def projections(lines: Lines, colour: Colour, *, flat: bool) -> Iterator[Projection]:
    """Draw lines as seen along each axis.

    Parameters
    ----------
    lines : Lines
        The lines.
    colour : Colour
        Their colours.
    flat : bool
        Whether the image is 2D and seen along z only.
    """
    sizes = np.array(lines.shape) * np.array(lines.spacing)
    pixel = float(sizes[: 2 if flat else 3].max()) / SIDE
    points = (lines.voxels + 0.5) * (np.array(lines.spacing) / pixel)
    extents = np.maximum(np.ceil(sizes / pixel), 1).astype(int)
    values = colour.levels[lines.branches]
    # Columns and rows of each picture: x and y from above, z beside and below it.
    seen = {'z': (0, 1)} if flat else {'z': (0, 1), 'x': (2, 1), 'y': (0, 2)}

    def draw(axis: str) -> Projection:
        across, down = seen[axis]
        at = points[:, [down, across]]
        return Projection(axis, _drawn(at, lines.starts, values, extents[[down, across]]))

    return ordered_map(draw, seen, threads.get_num_threads())


def _drawn(
    points: npt.NDArray[np.float64],
    starts: npt.NDArray[np.int64],
    values: npt.NDArray[np.uint8],
    shape: npt.NDArray[Any],
) -> npt.NDArray[np.uint8]:
    """Return the highest value of the lines in each pixel."""
    picture = np.zeros(tuple(shape), np.uint8)
    of_points = np.repeat(values, np.diff(starts))
    inner = np.ones(len(points), bool)
    inner[starts[1:] - 1] = False
    (first,) = np.nonzero(inner)
    steps = points[first + 1] - points[first]
    parts = np.ceil(np.abs(steps).max(axis=1, initial=0)).astype(np.int64)
    _put(picture, points, of_points)
    # Segments longer than a pixel get points between their ends, one more in each turn.
    for part in range(1, int(parts.max(initial=0))):
        long = parts > part
        first, steps, parts = first[long], steps[long], parts[long]
        _put(picture, points[first] + steps * (part / parts)[:, np.newaxis], of_points[first])
    return picture


def _put(
    picture: npt.NDArray[np.uint8],
    points: npt.NDArray[np.float64],
    values: npt.NDArray[np.uint8],
) -> None:
    rows, columns = points.astype(np.int64).T
    np.maximum.at(picture.reshape(-1), rows * picture.shape[1] + columns, values)


def png(levels: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8]) -> bytes:
    """Return a picture as a PNG file.

    Parameters
    ----------
    levels : array of uint8, shape (M, N)
        The level of each pixel.
    palette : array of uint8, shape (256, 3)
        The colour of each level; that of level 0 is the background.
    """
    colours = palette.copy()
    colours[0] = BACKGROUND
    assert colours.shape == (LEVELS, 3)
    rows = np.pad(levels, ((0, 0), (1, 0)))  # each row without a filter
    head = struct.pack('>2I5B', levels.shape[1], levels.shape[0], 8, 3, 0, 0, 0)
    parts = {b'IHDR': head, b'PLTE': colours.tobytes(), b'IDAT': zlib.compress(rows.tobytes(), 6)}
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
        for kind, data in [*parts.items(), (b'IEND', b'')]
    )
