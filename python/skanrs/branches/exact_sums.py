"""Sums of floats by groups that do not depend on the order of the terms: exact until the mean.

A float is a sum of digits to the base 2^28. Digits of equal place add up as integers, exactly, so
sums of blocks can be joined in any order. The digits of a sum are then added as floats, from the
lowest on, so that its last bit may differ from that of the exact sum rounded once. Invariant: a
group has fewer than 2^35 terms.

Source: the superaccumulator of U. Kulisch. Cost: linear in the terms, times the places that their
digits span (one for small integers, two for most images of float32, three for float64).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skanrs._support.typing import Array, Indices

Floats = npt.NDArray[np.float64]

_BITS = 28
_PIECE = 1 << 20
"""Terms at a time; the product with a digit must be exact in a float64."""
_COUNT, _INFINITE, _MINUS_INFINITE = range(1 << 20, (1 << 20) + 3)
"""Places that hold how many terms there are, and how many are infinite."""


class Sums(NamedTuple):
    """The digits of sums: the entry i adds ``digits[i] * 2 ** (28 * places[i])`` to a group."""

    groups: Indices
    places: Indices
    digits: Indices


def sums_of(groups: Array, values: Array) -> Sums:
    """Add up the values of each group; group 0 and NaN are left out.

    Parameters
    ----------
    groups : ndarray of int, shape (N,)
        The number of each value's group.
    values : ndarray of numbers, shape (N,)
    """
    parts: list[Sums] = []
    for start in range(0, len(groups), _PIECE):
        piece = slice(start, start + _PIECE)
        is_member = groups[piece] != 0
        members = groups[piece][is_member]
        numbers = values[piece][is_member].astype(np.float64)
        is_number = ~np.isnan(numbers)
        if is_number.any():
            parts += _of_piece(members[is_number], numbers[is_number])
    return add_sums(parts)


def _of_piece(groups: Array, values: Floats) -> Iterator[Sums]:
    first = groups.min()
    groups = groups - first

    def counted(which: Array, place: int, weights: Floats | None = None) -> Sums:
        digits = np.bincount(which, weights).astype(np.int64)
        found = np.flatnonzero(digits)
        return Sums(found + int(first), np.full(found.size, place), digits[found])

    yield counted(groups, _COUNT)
    for infinity, place in ((np.inf, _INFINITE), (-np.inf, _MINUS_INFINITE)):
        yield counted(groups[values == infinity], place)
    rest = np.where(np.isinf(values), 0, values)
    while (largest := max(rest.max(), -rest.min())) > 0:
        place = (int(np.frexp(largest)[1]) - 1) // _BITS
        digits = np.trunc(np.ldexp(rest, -_BITS * place))
        rest -= np.ldexp(digits, _BITS * place)
        yield counted(groups, place, digits)


def add_sums(parts: Sequence[Sums]) -> Sums:
    """Return the sums of all parts."""
    if not parts:
        return Sums(*(np.empty(0, dtype=np.int64) for _ in Sums._fields))
    groups, places, digits = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((places, groups))
    groups, places, digits = groups[order], places[order], digits[order]
    starts = np.flatnonzero(
        np.r_[groups.size > 0, (np.diff(groups) != 0) | (np.diff(places) != 0)][: groups.size]
    )
    return Sums(groups[starts], places[starts], np.add.reduceat(digits, starts))


def means_of(sums: Sums, count: int) -> Floats:
    """Return the means of the groups from 1 to `count`; NaN where there is no term."""

    def dense(place: int) -> Indices:
        digits = np.zeros(count, dtype=np.int64)
        which = sums.places == place
        digits[sums.groups[which] - 1] = sums.digits[which]
        return digits

    places = sums.places[sums.places < _COUNT]
    low, high = (int(places.min()), int(places.max())) if places.size else (0, 0)

    def add_digits(signs: Indices | int) -> tuple[Floats, Indices]:
        total, carry = np.zeros(count), np.zeros(count, dtype=np.int64)
        for place in range(low, high + 1):
            carry = carry + dense(place) * signs
            total += np.ldexp((carry & ((1 << _BITS) - 1)).astype(float), _BITS * place)
            carry >>= _BITS
        return total + np.ldexp(carry.astype(float), _BITS * (high + 1)), carry

    with np.errstate(over='ignore', invalid='ignore', divide='ignore'):
        # Digits of a positive sum are positive, so that none cancel.
        signs = np.where(add_digits(1)[1] < 0, -1, 1)
        total = add_digits(signs)[0] * signs
        for place, infinity in ((_INFINITE, np.inf), (_MINUS_INFINITE, -np.inf)):
            total[dense(place) > 0] += infinity
        return total / dense(_COUNT)
