"""The position of a block in its image, and errors that name the block."""

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
    """Context manager that adds the position of a block to errors."""

    def __init__(self, offset: Shape, shape: Shape) -> None:
        self.position = position_text(offset, shape)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if error is not None:
            name_block(error, self.position)


def name_block(error: BaseException, position: str) -> None:
    """Add the position of a block to an error that does not name it yet.

    A plain message gets a longer text, so that the block is seen wherever the message is shown. Any
    other error, such as that of a missing file, gets a note.
    """
    where = f'in the block {position}'
    message = str(error)
    if where in message or where in getattr(error, '__notes__', ()):
        return
    arguments = error.args
    if len(arguments) == 1 and arguments[0] == message:
        error.args = (f'{message} ({where})',)
        if str(error) != message:
            return
        error.args = arguments
    error.add_note(where)


def position_text(offset: Shape, shape: Shape) -> str:
    """Describe where a block lies, for messages."""
    return f'at offset {offset} of shape {shape}'


def integers(name: str, values: Sequence[int]) -> Shape:
    """Check that an argument is a sequence of non-negative integers; return it as a tuple."""
    try:
        numbers = tuple(operator.index(value) for value in values)
    except TypeError:
        raise TypeError(f'{name}: expected a sequence of integers, got {values!r}') from None
    if any(number < 0 for number in numbers):
        raise ValueError(f'{name}: expected non-negative integers, got {numbers}')
    return numbers


def check_position(offset: Shape, shape: Shape, image_shape: Shape) -> None:
    """Raise a ValueError if a block does not lie in the image."""
    position = position_text(offset, shape)
    if not 1 <= len(image_shape) <= MOST_AXES:
        raise ValueError(f'shape: expected 1 to {MOST_AXES} axes, got {image_shape}')
    if len(shape) != len(image_shape):
        raise ValueError(
            f'block: expected {len(image_shape)} axes as in shape {image_shape}, got one {position}'
        )
    if len(offset) != len(image_shape):
        raise ValueError(
            f'offset: expected {len(image_shape)} numbers as shape {image_shape}, got {offset}'
        )
    ends = (start + length for start, length in zip(offset, shape, strict=True))
    if any(end > length for end, length in zip(ends, image_shape, strict=True)):
        raise ValueError(f'offset: expected a block within shape {image_shape}, got one {position}')


def in_three_axes(values: tuple[Any, ...], first: Any) -> tuple[Any, ...]:
    """Return values for three axes, with `first` for the axes that the image lacks."""
    return (first,) * (3 - len(values)) + values


def in_image(nodes: Indices, offset: Shape, extent: Shape, shape: Shape) -> Indices:
    """Return the linear indices in an image of voxels by their linear indices in a block of it."""
    in_block = np.unravel_index(nodes, extent)
    at = tuple(along + first for along, first in zip(in_block, offset, strict=True))
    return np.ravel_multi_index(at, shape).astype(np.int64)


def coordinates_of(nodes: Indices, shape: Shape) -> Indices:
    """Return the coordinates of linear indices, one row each."""
    return np.ascontiguousarray(_core.unravel(nodes, shape).T)
