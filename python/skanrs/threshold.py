"""Masks from gray images: foreground rules, Gaussian smoothing, Otsu's threshold.

The foreground rule is found in passes over parts of the image. Ranges and counts of the parts add
up exactly to those of the image, so the mask does not depend on how the image is divided. Smoothing
holds a copy of the image in float32 (float64 for wide integers and for float64).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from skanrs._support.typing import Array

__all__ = [
    'Range',
    'Rule',
    'find_rule',
    'mask_of',
    'otsu_threshold',
    'parts_of',
    'smooth',
    'smoothing_margin',
    'two_values',
    'value_range',
]

BINS = 256
# Largest span of integers with one bin for each value, as in scikit-image.
COUNTED_ONE_BY_ONE = 1 << 16
PART_VOXELS = 1 << 22
# Radius of the Gaussian kernel in standard deviations; scipy's default.
TRUNCATE = 4.0

Each = Callable[[Callable[[Array], Any]], Iterator[Any]]
"""Calls a function with each part of an image and yields the results, in any order."""


class Range(NamedTuple):
    """The smallest and the largest value, and whether all values equal one of them."""

    low: Any
    high: Any
    only_two: bool

    @classmethod
    def of(cls, part: Array) -> 'Range | None':
        """Return the range of a part of an image; None if the part is empty."""
        if part.size == 0:
            return None
        part = _nonzero(part) if part.dtype.kind == 'b' else part
        low, high = part.min(), part.max()
        # Plane by plane: for a gray image the first plane is usually enough.
        return cls(low, high, all(((plane == low) | (plane == high)).all() for plane in part))

    def joined(self, other: 'Range | None') -> 'Range':
        """Return the range of two parts together."""
        if other is None:
            return self
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        ends = all(value in (low, high) for value in (*self[:2], *other[:2]))
        return Range(low, high, self.only_two and other.only_two and ends)


class Rule(NamedTuple):
    """A rule that decides which voxels are foreground."""

    kind: Literal['nonzero', 'equal', 'above']
    number: Any = None

    @property
    def threshold(self) -> float | None:
        """The threshold, if there is one."""
        return self.number if self.kind == 'above' else None

    def __call__(self, image: Array) -> npt.NDArray[np.bool_]:
        """Return the foreground of an image or of a part of it."""
        if self.kind == 'nonzero':
            return _nonzero(image)
        return np.asarray(image == self.number if self.kind == 'equal' else image > self.number)


def find_rule(
    each: Each, dtype: np.dtype[Any], threshold: float | Literal['otsu', 'none'] | None = None
) -> Rule:
    """Find the foreground rule that `mask_of` applies.

    Parameters
    ----------
    each : callable
        Yields the results of a function for all parts of the image.
    dtype : numpy.dtype
        Type of the image.
    threshold : float, 'otsu', 'none' or None
        See `mask_of`.

    Returns
    -------
    Rule
        Returns the foreground of any part.
    """
    if threshold == 'none' or (threshold is None and dtype.kind == 'b'):
        return Rule('nonzero')
    if threshold is None:
        whole = _range(each, stop_at_gray=True)
        if whole is None:
            return Rule('nonzero')
        if not whole.only_two:
            found = 'NaN among its values' if np.isnan(whole.low) else 'more than two values'
            raise ValueError(
                f'the image is gray ({dtype}, {found}); say what is foreground: '
                '--threshold VALUE, --threshold otsu, --threshold none for all that is not zero, '
                'or --labels if every value is an object of its own'
            )
        low, high = whole.low, whole.high
        return Rule('nonzero') if 0 in (low, high) or low == high else Rule('equal', high)
    return Rule('above', _otsu(each, dtype) if threshold == 'otsu' else float(threshold))


def two_values(image: Array) -> tuple[Any, Any] | None:
    """Return the smallest and the largest value if there are no other values, else None.

    Parameters
    ----------
    image : array
        Booleans, integers or floats.

    Returns
    -------
    tuple of two values, or None
        The two are equal if the image is constant.
    """
    if image.size == 0:
        return image.dtype.type(0), image.dtype.type(0)
    whole = _range(parts_of(image), stop_at_gray=True)
    return whole[:2] if whole is not None and whole.only_two else None


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


def _ends(part: Array) -> tuple[Any, Any] | None:
    if part.size == 0:
        return None
    part = _nonzero(part) if part.dtype.kind == 'b' else part
    return np.fmin.reduce(part, axis=None), np.fmax.reduce(part, axis=None)


def mask_of(
    image: Array, threshold: float | Literal['otsu', 'none'] | None = None
) -> tuple[npt.NDArray[np.bool_], float | None]:
    """Return the foreground of an image.

    Parameters
    ----------
    image : array
        Booleans, integers or floats.
    threshold : float, 'otsu', 'none' or None
        A number: larger values are foreground. 'otsu': the number is found by `otsu_threshold`.
        'none': nonzero values are foreground. None: the image must be a mask, that is, boolean or
        of two values. The nonzero value is foreground, or the larger one if neither is zero.

    Returns
    -------
    mask : array of bool
        True in the foreground.
    number : float or None
        The threshold, if one was used.

    Raises
    ------
    ValueError
        If no threshold is given and the image is not a mask.

    Examples
    --------
    >>> import numpy as np
    >>> from skanrs.threshold import mask_of
    >>> mask_of(np.array([[1, 5, 9]]), threshold=4)
    (array([[False,  True,  True]]), 4.0)
    """
    rule = find_rule(parts_of(image), image.dtype, threshold)
    return rule(image), rule.threshold


def smooth(image: npt.NDArray[Any], sigma: float | Sequence[float]) -> npt.NDArray[Any]:
    """Return the image smoothed with a Gaussian, as floats.

    Parameters
    ----------
    image : array
        Booleans, integers or floats.
    sigma : float or sequence of float
        Standard deviation in voxels, one for all axes or one for each.

    Returns
    -------
    array of float32 or float64

    Examples
    --------
    >>> import numpy as np
    >>> from skanrs.threshold import smooth
    >>> smooth(np.array([[0, 0, 8, 0, 0]], dtype=np.uint8), 0.5).round(1)
    array([[0. , 0.9, 6.3, 0.9, 0. ]], dtype=float32)
    """
    wide = np.result_type(image.dtype, np.float32)
    smoothed: Array = ndimage.gaussian_filter(image.astype(wide), sigma, truncate=TRUNCATE)
    return smoothed


def smoothing_margin(sigma: float) -> int:
    """Return the radius of the kernel of `smooth`, in voxels.

    Parameters
    ----------
    sigma : float
        Standard deviation in voxels.

    Returns
    -------
    int
        A part read with this margin on each side gets the same values as in the complete image,
        to the bit: along each axis the same numbers are summed in the same order.
    """
    return int(TRUNCATE * sigma + 0.5)


def otsu_threshold(image: npt.NDArray[Any]) -> float:
    """Return the threshold that best separates two classes (Otsu 1979).

    Integers that span up to 65,536 values have one bin for each value; other images have 256 bins.
    The result equals ``skimage.filters.threshold_otsu``.

    Parameters
    ----------
    image : array
        Booleans, integers or floats, all finite.

    Returns
    -------
    float
        Larger values belong to the upper class.

    Raises
    ------
    ValueError
        If the image is empty or holds a value that is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from skanrs.threshold import otsu_threshold
    >>> otsu_threshold(np.array([[10, 11, 12], [90, 91, 92]], dtype=np.uint8))
    12.0
    """
    return _otsu(parts_of(image), image.dtype)


def _otsu(each: Each, dtype: np.dtype[Any]) -> float:
    if dtype.kind == 'b' or (dtype.kind in 'iu' and dtype.itemsize <= 2):
        # One bin for each value of the type: no pass to find the range.
        low, high = (0, 1) if dtype.kind == 'b' else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        counts = _sum(each(_Counts(int(low), int(high))))
        present = np.flatnonzero(counts) if counts is not None else np.empty(0, dtype=int)
        if present.size == 0:
            raise ValueError('image: expected at least one voxel for otsu, got none')
        counts = counts[present[0] : present[-1] + 1]
        low, high = int(low) + int(present[0]), int(low) + int(present[-1])
    else:
        whole = _range(each)
        if whole is None:
            raise ValueError('image: expected at least one voxel for otsu, got none')
        low, high = whole.low, whole.high
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError('image: expected finite values for otsu, got NaN or infinity')
        counts = None
    if low == high:
        return float(low)
    centres: Array
    if counts is None and dtype.kind in 'iu' and int(high) - int(low) < COUNTED_ONE_BY_ONE:
        counts = _sum(each(_Counts(int(low), int(high))))
    if counts is not None:
        centres = np.arange(int(low), int(high) + 1)
    else:
        counts = _sum(each(_Bins(low, high)))
        edges = np.histogram_bin_edges(np.empty(0, dtype), BINS, (low, high))
        centres = (edges[:-1] + edges[1:]) / 2
    # Single precision, as in scikit-image.
    weights = counts.astype(np.float32)
    below = np.cumsum(weights)
    above = np.cumsum(weights[::-1])[::-1]
    mean_below = np.cumsum(weights * centres) / below
    mean_above = (np.cumsum((weights * centres)[::-1]) / above[::-1])[::-1]
    between = below[:-1] * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2
    return float(centres[np.argmax(between)])


@dataclass(frozen=True)
class _Counts:
    """Counts integers, one bin for each value."""

    low: int
    high: int

    def __call__(self, part: Array) -> npt.NDArray[np.int64]:
        span = self.high - self.low + 1
        counts = np.zeros(span, dtype=np.int64)
        for plane in _nonzero(part) if part.dtype.kind == 'b' else part:
            counts += np.bincount((plane.astype(np.int64) - self.low).ravel(), minlength=span)
        return counts


@dataclass(frozen=True)
class _Bins:
    """Counts values in `BINS` bins."""

    low: Any
    high: Any

    def __call__(self, part: Array) -> npt.NDArray[np.int64]:
        counts: npt.NDArray[np.int64]
        counts, _ = np.histogram(part, bins=BINS, range=(self.low, self.high))
        return counts


def _range(each: Each, stop_at_gray: bool = False) -> Range | None:
    whole: Range | None = None
    for part in each(Range.of):
        whole = part if whole is None else whole.joined(part)
        if stop_at_gray and whole is not None and not whole.only_two:
            break
    return whole


def _sum(counts: Iterator[npt.NDArray[np.int64]]) -> Any:
    total = None
    for part in counts:
        total = part if total is None else total + part
    return total


def parts_of(image: Array) -> Each:
    """Return an `Each` over slabs of an image in memory, along the first axis."""
    step = max(1, PART_VOXELS * len(image) // max(1, image.size))

    def each(function: Callable[[Array], Any]) -> Iterator[Any]:
        return (function(image[start : start + step]) for start in range(0, len(image), step))

    return each


def _nonzero(image: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    # A file can hold booleans whose bytes are neither 0 nor 1.
    return np.asarray((image.view(np.uint8) if image.dtype.kind == 'b' else image) != 0)
