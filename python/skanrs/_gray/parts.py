"""Parts of gray images, and the range of their values.

An image in memory is one part; others are blocks or slabs. Ranges of the parts add up exactly to
that of the image, however it is divided. `Smoothed` is a part that is smoothed in the cache
whenever a pass needs it, so that no copy of it in floats need exist.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from skanrs import _core, smoothing
from skanrs._support.typing import Array, Shape

__all__ = [
    'FARTHEST',
    'Each',
    'Part',
    'Range',
    'Smoothed',
    'find_range',
    'for_kernel',
    'join',
    'parts_of',
    'smoothed',
    'value_range',
]

# Weights that reach farther are better applied one axis after the other, to the whole image.
FARTHEST = 16

Each = Callable[[Callable[[Any], Any]], Iterator[Any]]
"""Calls a function with each part of an image and yields the results, in any order."""


@dataclass(frozen=True)
class Smoothed:
    """An image and what it is smoothed with, as `smooth` does; made by `smoothed`.

    Parameters
    ----------
    image : array
        Booleans, integers or floats.
    sigma : sequence of float
        Standard deviation in voxels, one for each axis.
    planes : tuple of two int, optional
        The first plane of the part and the one behind its last, if it is not the whole image.
    """

    image: Array
    sigma: tuple[float, ...]
    planes: tuple[int, int] | None = None

    @property
    def shape(self) -> Shape:
        """The shape of the part."""
        start, end = self.planes or (0, self.image.shape[0])
        return end - start, *self.image.shape[1:]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.image.ndim

    @property
    def size(self) -> int:
        """The number of voxels."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the smoothed values."""
        return np.result_type(self.image.dtype, np.float32)

    def compute(self) -> Array:
        """Return the smoothed image."""
        start, end = self.planes or (0, self.image.shape[0])
        return smoothing.smooth(self.image, self.sigma)[start:end]


Part: TypeAlias = Array | Smoothed
"""What a pass reads."""


def smoothed(image: Array, sigma: tuple[float, ...], planes: tuple[int, int] | None = None) -> Part:
    """Return an image that is smoothed when a pass needs it, or one smoothed here.

    Parameters
    ----------
    image : array
        Booleans, integers or floats.
    sigma : sequence of float
        Standard deviation in voxels, one for each axis.
    planes : tuple of two int, optional
        As for `Smoothed`.
    """
    is_near = max(map(smoothing.margin, sigma)) <= FARTHEST
    part = Smoothed(image, sigma, planes)
    return part if is_near and smoothing.kernel_image(image) is not None else part.compute()


class Range(NamedTuple):
    """The smallest and the largest value, and whether all values equal one of them."""

    low: Any
    high: Any
    only_two: bool

    @classmethod
    def of(cls, part: Part) -> Range | None:
        """Return the range of a part of an image; None if the part is empty."""
        if part.size == 0:
            return None
        ends, has_nan, only_two = _core.value_range(*for_kernel(part))
        if ends is None or has_nan:
            return cls(*(part.dtype.type(np.nan),) * 2, False)
        low, high = map(part.dtype.type, ends)
        return cls(low, high, only_two)

    def joined(self, other: Range | None) -> Range:
        """Return the range of two parts together."""
        if other is None:
            return self
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        ends = all(value in (low, high) for value in (*self[:2], *other[:2]))
        return Range(low, high, self.only_two and other.only_two and ends)


def value_range(each: Each) -> tuple[float, float] | None:
    """Return the smallest and the largest value of an image, ignoring NaN.

    Parameters
    ----------
    each : callable
        Yields the results of a function for all parts of the image.

    Returns
    -------
    tuple of two float, or None
        NaN if all values are NaN; None if the image is empty.
    """
    ends = [part for part in each(_ends) if part is not None]
    if not ends:
        return None
    lows, highs = zip(*ends, strict=True)
    return float(np.fmin.reduce(lows)), float(np.fmax.reduce(highs))


def _ends(part: Part) -> tuple[Any, Any] | None:
    if part.size == 0:
        return None
    ends, _, _ = _core.value_range(*for_kernel(part))
    return (np.nan, np.nan) if ends is None else ends


def find_range(each: Each, stop_at_gray: bool = False) -> Range | None:
    return join(each(Range.of), stop_at_gray)


def join(ranges: Iterable[Range | None], stop_at_gray: bool = False) -> Range | None:
    whole: Range | None = None
    for part in ranges:
        whole = part if whole is None else whole.joined(part)
        if stop_at_gray and whole is not None and not whole.only_two:
            break
    return whole


def parts_of(image: Part) -> Each:
    """Return an `Each` over an image in memory, which is one part."""

    def each(function: Callable[[Any], Any]) -> Iterator[Any]:
        yield function(image)

    return each


def for_kernel(part: Part) -> tuple[Array, Any, tuple[int, int] | None]:
    """Return the elements along three axes, the weights that smooth them, and their planes."""
    weights = planes = None
    if isinstance(part, Smoothed):
        weights, planes = smoothing.weights(part.sigma), part.planes
        part = part.image
        if part.ndim < 3:
            planes = None
    if part.dtype == np.float16 or part.dtype.char == 'g':
        part = part.astype(np.float32 if part.dtype == np.float16 else np.float64)
    elements = smoothing.kernel_image(part if part.ndim <= 3 else part.reshape(-1))
    if elements is None:
        raise TypeError(f'image: expected real numbers, got {part.dtype}')
    return elements, weights, planes
