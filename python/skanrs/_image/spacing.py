"""The distance between neighbours along each axis."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skanrs._support.typing import Array


def spacing_per_axis(spacing: npt.ArrayLike, ndim: int) -> list[float]:
    """Return the spacing along each axis; refuse what makes no distances."""
    try:
        given = np.asarray(spacing, dtype=np.float64)
        steps = np.broadcast_to(given, ndim)
    except (TypeError, ValueError):
        raise ValueError(
            f'spacing: expected a number or one for each of {ndim} axes, got {spacing!r}'
        ) from None
    # The square of a distance must be finite and positive too.
    with np.errstate(over='ignore', under='ignore'):
        squares = steps * steps
        usable = (steps > 0) & (squares > 0) & np.isfinite(squares.sum())
    if not usable.all():
        if np.isfinite(given).all() and (given > 0).all():
            raise ValueError(
                f'spacing: expected numbers whose squares fit a float, got {spacing!r}'
            )
        raise ValueError(f'spacing: expected positive, finite numbers, got {spacing!r}')
    return [float(step) for step in steps]


def spacing_as_given(spacing: npt.ArrayLike, ndim: int) -> Array:
    return np.full(ndim, spacing) if np.isscalar(spacing) else np.asarray(spacing)
