"""Masks from gray images: foreground rules and Otsu's threshold, after smoothing or without.

The foreground rule is found in passes over parts of the image (`_gray.parts`). Counts of the parts
add up exactly to those of the image, so the mask does not depend on how the image is divided.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from skanrs import _core, smoothing
from skanrs._gray.parts import Each, Part, Range, Smoothed, find_range, for_kernel, join, parts_of
from skanrs._image.array_types import takes_images
from skanrs._image.dask_arrays import is_dask_array, refuse_dask_array
from skanrs._image.elements import check_elements
from skanrs._image.image import as_array
from skanrs._image.position import in_three_axes
from skanrs._support import progress
from skanrs._support.typing import Array

if TYPE_CHECKING:
    import dask.array as da

__all__ = ['Rule', 'find_rule', 'mask_of', 'otsu', 'otsu_threshold', 'smooth']

BINS = 256
# Largest span of integers with one bin for each value, as in scikit-image.
COUNTED_ONE_BY_ONE = 1 << 16


class Rule(NamedTuple):
    """A rule that decides which voxels are foreground."""

    kind: Literal['nonzero', 'equal', 'above']
    number: Any = None

    @property
    def threshold(self) -> float | None:
        """The threshold, if there is one."""
        return self.number if self.kind == 'above' else None

    def __call__(self, image: Part) -> npt.NDArray[np.bool_]:
        """Return the foreground of an image or of a part of it."""
        if self.kind == 'equal':
            return np.asarray(
                (image.compute() if isinstance(image, Smoothed) else image) == self.number
            )
        elements, weights, _ = for_kernel(image)
        number = self._number(image.dtype)
        mask = np.empty(elements.shape, dtype=bool)
        with progress.call('threshold'):
            _core.foreground(elements, number, mask.view(np.uint8), weights)
        if isinstance(image, Smoothed):
            start, end = image.planes or (0, image.image.shape[0])
            return mask.reshape(image.image.shape)[start:end]
        return mask.reshape(image.shape)

    def pack(self, image: Part, mask: _core.MaskRows, first: int) -> None:
        """Write the foreground of planes into a packed mask, from plane `first` on."""
        if self.kind == 'equal':
            block = self(image)
            elements = block.view(np.uint8).reshape(in_three_axes(block.shape, 1))
            mask.insert(elements, 1, in_three_axes((first, *(0,) * (block.ndim - 1)), 0))
            return
        elements, *smoothing_of = for_kernel(image)
        number = self._number(image.dtype)
        if image.ndim < 3:
            first = 0
        with progress.call('threshold'):
            _core.packed_foreground(elements, number, mask, first, *smoothing_of)

    def _number(self, dtype: np.dtype[Any]) -> float | None:
        """Return the threshold as numpy compares with it: in the type of the image."""
        number = self.threshold
        if number is not None and dtype.kind == 'f':
            with np.errstate(over='ignore'):
                number = float(dtype.type(number))
        return number


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
        whole = find_range(each, stop_at_gray=True)
        if whole is None:
            return Rule('nonzero')
        if not whole.only_two:
            values = 'NaN among its values' if np.isnan(whole.low) else 'more than two values'
            raise ValueError(
                f'threshold: expected one for a gray image ({dtype}, {values}), got none; use '
                '--threshold VALUE, --threshold otsu, --threshold none (all nonzero voxels), or '
                '--labels if each value is an object'
            )
        low, high = whole.low, whole.high
        return Rule('nonzero') if 0 in (low, high) or low == high else Rule('equal', high)
    return Rule('above', _otsu(each, dtype) if threshold == 'otsu' else float(threshold))


@takes_images('image', spacing=False, whole=True)
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
    refuse_dask_array(image, 'image', 'skanrs.otsu, which is lazy')
    image = as_array(image, 'image')
    rule = find_rule(parts_of(image), image.dtype, threshold)
    return rule(image), rule.threshold


@takes_images('image', spacing=False, returns_image=True, whole=True)
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
        `skanrs.gaussian` of the image as floats: float64 for wide integers and for float64.

    Examples
    --------
    >>> import numpy as np
    >>> from skanrs.threshold import smooth
    >>> smooth(np.array([[0, 0, 8, 0, 0]], dtype=np.uint8), 0.5).round(1)
    array([[0. , 0.9, 6.3, 0.9, 0. ]], dtype=float32)
    """
    refuse_dask_array(image, 'image', 'skanrs.gaussian, which is lazy')
    return smoothing.smooth(image, sigma)


@overload
def otsu(image: da.Array) -> da.Array: ...
# Without dask's own types the first overload takes anything.
@overload
def otsu(image: npt.ArrayLike) -> float: ...  # type: ignore[overload-cannot-match]
@takes_images('image', spacing=False)
def otsu(image: Any) -> Any:
    """Find the threshold that best separates two classes of values (Otsu 1979).

    Parameters
    ----------
    image : array_like or dask array
        Booleans, integers or floats, all finite.

    Returns
    -------
    threshold : float or dask array of no axes
        Larger values belong to the upper class, ``image > threshold``. Lazy for dask arrays.

    Raises
    ------
    ValueError
        If the image is empty or holds a value that is not finite; for dask arrays when it is
        computed.
    TypeError
        If the elements are not real numbers.

    See Also
    --------
    skanrs.gaussian : Smooths an image before the threshold.

    Notes
    -----
    The result equals that of ``skimage.filters.threshold_otsu``, for any chunks. Integers that span
    up to 65,536 values have one bin for each value; other images have 256 bins. A dask array of
    floats is read twice: for the range of its values, and for the bins.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> skanrs.otsu(np.array([[10, 11, 12], [90, 91, 92]], dtype=np.uint8))
    12.0
    """
    if not is_dask_array(image):
        array = as_array(image, 'image')
        check_elements(array.dtype, 'image')
        with progress.call('otsu'):
            return otsu_threshold(array)
    import dask
    import dask.array as da

    check_elements(image.dtype, 'image')
    blocks = image.to_delayed().ravel().tolist()
    whole = None
    if not _has_few_values(image.dtype):
        ranges = [dask.delayed(Range.of)(block) for block in blocks]
        whole = dask.delayed(join)(ranges)
    counter = dask.delayed(_counter)(image.dtype, whole)
    counts = [dask.delayed(_count)(counter, block) for block in blocks]
    number = dask.delayed(_best)(counter, counts)
    return da.from_delayed(number, (), dtype=np.float64, meta=np.empty((), np.float64))


@takes_images('image', spacing=False, whole=True)
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
    refuse_dask_array(image, 'image', 'skanrs.otsu, which is lazy')
    image = as_array(image, 'image')
    return _otsu(parts_of(image), image.dtype)


def _otsu(each: Each, dtype: np.dtype[Any]) -> float:
    counter = _counter(dtype, None if _has_few_values(dtype) else find_range(each))
    return _best(counter, each(counter))


def _has_few_values(dtype: np.dtype[Any]) -> bool:
    """Return whether a type has a bin for each value: then no pass has to find the range."""
    return dtype.kind == 'b' or (dtype.kind in 'iu' and dtype.itemsize <= 2)


def _counter(dtype: np.dtype[Any], whole: Range | None) -> _Counts | _Bins:
    """Return what counts the values of a part of an image of this range, if it has to be known."""
    if _has_few_values(dtype):
        if dtype.kind == 'b':
            return _Counts(0, 1)
        return _Counts(int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    if whole is None:
        raise ValueError('image: expected at least one voxel for otsu, got none')
    low, high = whole.low, whole.high
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError('image: expected finite values for otsu, got NaN or infinity')
    if dtype.kind in 'iu' and int(high) - int(low) < COUNTED_ONE_BY_ONE:
        return _Counts(int(low), int(high))
    return _Bins(low, high)


def _count(counter: _Counts | _Bins, part: Part) -> npt.NDArray[np.int64]:
    return counter(part)


def _best(counter: _Counts | _Bins, parts: Iterable[npt.NDArray[np.int64]]) -> float:
    """Return the centre of the bin that separates the classes best."""
    if counter.low == counter.high:
        return float(counter.low)
    counts = sum(parts, start=np.zeros(1, np.int64))
    present = np.flatnonzero(counts)
    if present.size == 0:
        raise ValueError('image: expected at least one voxel for otsu, got none')
    centres: Array
    if isinstance(counter, _Counts):
        counts = counts[present[0] : present[-1] + 1]
        centres = np.arange(counter.low + int(present[0]), counter.low + int(present[-1]) + 1)
        if centres.size == 1:
            return float(centres[0])
    else:
        edges = counter.edges()
        centres = (edges[:-1] + edges[1:]) / 2
    # Single precision, as in scikit-image.
    weights = counts.astype(np.float32)
    weight_below = np.cumsum(weights)
    above = np.cumsum(weights[::-1])[::-1]
    mean_below = np.cumsum(weights * centres) / weight_below
    mean_above = (np.cumsum((weights * centres)[::-1]) / above[::-1])[::-1]
    between = weight_below[:-1] * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2
    return float(centres[np.argmax(between)])


@dataclass(frozen=True)
class _Counts:
    """Counts integers, one bin for each value."""

    low: int
    high: int

    def __call__(self, part: Part) -> npt.NDArray[np.int64]:
        elements, *_ = for_kernel(part)
        return _core.count_each(elements, self.low, self.high - self.low + 1)


@dataclass(frozen=True)
class _Bins:
    """Counts values in `BINS` bins."""

    low: Any
    high: Any

    def edges(self) -> Array:
        """Return the edges of the bins."""
        of_type = np.empty(0, np.asarray(self.low).dtype)
        edges: Array = np.histogram_bin_edges(of_type, BINS, (self.low, self.high))
        return edges

    def __call__(self, part: Part) -> npt.NDArray[np.int64]:
        edges = self.edges()
        if edges.dtype.char not in 'fd':
            whole = part.compute() if isinstance(part, Smoothed) else part
            counts, _ = np.histogram(whole, bins=BINS, range=(self.low, self.high))
            return np.asarray(counts)
        if part.dtype.kind in 'iu':
            span = float(int(self.high) - int(self.low))
        else:
            span = float(self.high - self.low)
        elements, *smoothing_of = for_kernel(part)
        return _core.count_bins(elements, float(self.low), span, edges.tolist(), *smoothing_of)
