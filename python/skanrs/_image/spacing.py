"""The distance between neighbours along each axis."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skanrs._support.typing import Array


class Spacing(NamedTuple):
    """A checked spacing."""

    given: Array
    """As it was given: coordinates times integers stay integers."""
    floats: tuple[float, ...]
    """A number for each axis, as the kernels take it."""


def as_spacing(spacing: npt.ArrayLike, ndim: int) -> Spacing:
    """Check a spacing.

    Raises
    ------
    ValueError
        If there is not one number for each axis, or distances would not be positive and finite.
    """
    try:
        # Strings are refused, even those that look like numbers.
        numbers = np.asarray(spacing).astype(np.float64, casting='same_kind')
        floats = np.broadcast_to(numbers, ndim)
    except (TypeError, ValueError):
        raise ValueError(
            f'spacing: expected a number or one for each of {ndim} axes, got {spacing!r}'
        ) from None
    # The square of a distance must be finite and positive too.
    with np.errstate(over='ignore', under='ignore'):
        squares = floats * floats
        usable = (floats > 0) & (squares > 0) & np.isfinite(squares.sum())
    if not usable.all():
        if np.isfinite(numbers).all() and (numbers > 0).all():
            raise ValueError(
                f'spacing: expected numbers whose squares fit a float, got {spacing!r}'
            )
        raise ValueError(f'spacing: expected positive, finite numbers, got {spacing!r}')
    given = np.asarray(spacing)
    if given.ndim == 0:
        given = np.full(ndim, spacing)
    return Spacing(given, tuple(map(float, floats)))


def refuse_spacing(owner: object, spacing: npt.ArrayLike | None) -> None:
    """Raise a ValueError if a spacing is given for an object that has its own."""
    if spacing is not None:
        name = type(owner).__name__
        raise ValueError(f'spacing: expected None, since a {name} has its own, got {spacing!r}')
