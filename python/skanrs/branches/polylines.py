"""Centrelines as arrays, from the body of an image or of each label."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .measures import Body


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
