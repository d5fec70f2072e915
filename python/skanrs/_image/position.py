"""Blocks of a larger image: where they lie, and clear errors for those that do not."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from skanrs import _core
from skanrs._support.typing import Indices, Shape

MOST_AXES = 4
"""Images have at most this many axes: a set of directions to neighbours must fit 128 bits."""


class NamedBlock:
    """Names the block in errors that do not."""

    def __init__(self, offset: Shape, shape: Shape) -> None:
        self.place = place_of(offset, shape)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if error is not None:
            name_block(error, self.place)


def name_block(error: BaseException, place: str) -> None:
    """Add to an error for which block it was raised, unless it says so already.

    Where the error is a plain message its text becomes longer, so that everything which shows the
    error shows the block; else, as for a file that does not exist, the block is a note.
    """
    where = f'in the block {place}'
    message = str(error)
    if where in message or where in getattr(error, '__notes__', ()):
        return
    before = error.args
    if len(before) == 1 and before[0] == message:
        error.args = (f'{message} ({where})',)
        if str(error) != message:
            return
        error.args = before
    error.add_note(where)


def place_of(offset: Shape, shape: Shape) -> str:
    """Describe where a block lies, for messages."""
    return f'at offset {offset} of shape {shape}'


def integers(name: str, values: Sequence[int]) -> Shape:
    """Return an argument as whole numbers that are not negative, or say what it has to be."""
    try:
        numbers = tuple(operator.index(value) for value in values)
    except TypeError:
        raise TypeError(f'{name}: expected a sequence of integers, got {values!r}') from None
    if any(number < 0 for number in numbers):
        raise ValueError(f'{name}: expected no negative numbers, got {numbers}')
    return numbers


def check_position(offset: Shape, shape: Shape, whole: Shape) -> None:
    """Refuse a block that does not lie in the image."""
    place = place_of(offset, shape)
    if not 1 <= len(whole) <= MOST_AXES:
        raise ValueError(f'shape: expected 1 to {MOST_AXES} axes, got {whole}')
    if len(shape) != len(whole):
        raise ValueError(f'block: expected {len(whole)} axes as shape {whole} has, got one {place}')
    if len(offset) != len(whole):
        raise ValueError(f'offset: expected {len(whole)} numbers as shape {whole}, got {offset}')
    ends = (at + length for at, length in zip(offset, shape, strict=True))
    if any(end > length for end, length in zip(ends, whole, strict=True)):
        raise ValueError(f'offset: the block {place} does not lie in an image of shape {whole}')


def in_three_axes(values: tuple[Any, ...], first: Any) -> tuple[Any, ...]:
    """Return values for three axes, with `first` for the axes that the image lacks."""
    return (first,) * (3 - len(values)) + values


def coordinates_of(nodes: Indices, shape: Shape) -> Indices:
    """Return the coordinates of linear indices, one row each."""
    return np.ascontiguousarray(_core.unravel(nodes, shape).T)
