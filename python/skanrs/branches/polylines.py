"""Centrelines as arrays, from the body of an image or of each label."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skanrs._blocks.read import Pixels
from skanrs._image.labels import LabelImage
from skanrs._image.spacing import Spacing
from skanrs._support.typing import Array

from .measures import Body, label_bodies


class Centrelines(NamedTuple):
    """Polylines, one for each branch, in flat arrays.

    With N points and B branches:

    Parameters
    ----------
    points : ndarray of float64, shape (N, ndim)
        All points, in units of the spacing.
    offsets : ndarray of int64, shape (B + 1,)
        Where the points of each branch begin, and N.
    radii : ndarray of float64, shape (N,)
        The radius at each point.

    See Also
    --------
    centrelines : Makes them.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> mask = np.zeros((7, 20), dtype=bool)
    >>> mask[2:5, 2:18] = True
    >>> lines = skanrs.centrelines(mask)
    >>> [line.shape for line in np.split(lines.points, lines.offsets[1:-1])]
    [(15, 2)]
    """

    points: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.int64]
    radii: npt.NDArray[np.float64]


def centrelines_of(body: Body) -> Centrelines:
    """Return the centrelines of a skeleton in its mask."""
    points, radii = body.centrelines()
    return Centrelines(points, body.starts, radii)


def centrelines_of_labels(
    pixels: Pixels,
    labels: Array,
    mask: LabelImage,
    spacing: Spacing,
    border_is_background: bool,
) -> Centrelines:
    """Return the centrelines of the skeletons of labels, in the order of labels."""
    none = Centrelines(np.empty((0, mask.image.ndim)), np.zeros(1, np.int64), np.empty(0))
    bodies = label_bodies(pixels, labels, mask, spacing, border_is_background)
    points, offsets, radii = zip(none, *map(centrelines_of, bodies), strict=True)
    lengths = np.concatenate([np.diff(of_label) for of_label in offsets])
    return Centrelines(
        np.concatenate(points), np.append(0, np.cumsum(lengths)), np.concatenate(radii)
    )
