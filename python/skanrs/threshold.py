"""Masks from gray images: foreground rules and Otsu's threshold, after smoothing or without.

The foreground rule is found in passes over parts of the image (`_gray.parts`). Counts of the parts
add up exactly to those of the image, so the mask does not depend on how the image is divided.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from skanrs import _core, smoothing
from skanrs._gray.histogram import BINS, Bins, Counts, best_threshold
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

    from skanrs._image.packed import PackedImage

__all__ = ['Rule', 'find_rule', 'mask_of', 'otsu', 'otsu_threshold', 'pack_by_otsu', 'smooth']

# Largest span of integers with one bin for each value, as in scikit-image.
COUNTED_ONE_BY_ONE = 1 << 16
# Every so many planes one is sampled; no multiple of a usual period.
SAMPLED = 47
# Bins on either side of the threshold of a sample in which that of the image is expected, at most.
EXPECTED = 24
# One of so many voxels may have a value there, each of which takes so many bytes.
UNDECIDED, BYTES = 64, 24


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


def pack_by_otsu(
    parts: Iterable[tuple[Part, int]], dtype: np.dtype[Any], mask: PackedImage, memory: int
) -> Rule:
    """Pack what is above Otsu's threshold, in two passes where `find_rule` and packing take three.

    The first pass finds the range and, from some planes, about where the threshold will be. The
    second one counts, packs, and notes the voxels whose values are near that. Only if the threshold
    is elsewhere, or if these are too many, another pass packs all.

    Parameters
    ----------
    parts : iterable of tuple (Part, int)
        Parts of an image of three axes, each with the number of its first plane; iterated over for
        each pass.
    dtype : numpy.dtype
        The type of the image, float32 or float64.
    mask : PackedImage
        Receives the foreground.
    memory : int
        Bytes that voxels near the threshold may take.

    Returns
    -------
    Rule
        That of `find_rule`.
    """
    whole: Range | None = None
    samples: list[tuple[Array, Array]] = []
    for part, _ in parts:
        of_part = Range.of(part)
        whole = of_part if whole is None else whole.joined(of_part)
        ends = _counter(dtype, of_part)
        samples.append(_sample(part, ends.low, ends.high))
    counter = _counter(dtype, whole)
    assert isinstance(counter, Bins)
    voxels = math.prod(mask.shape)
    most = max(0, min(voxels // UNDECIDED, memory // BYTES))
    between = _expected(counter, samples, most / 2 / voxels)
    counts: list[npt.NDArray[np.int64]] = []
    near: list[tuple[npt.NDArray[np.uint64], Array]] = []
    for part, first in parts:
        count, found = counter.pack(part, between or (np.inf, np.inf), most, mask.rows, first)
        counts.append(count)
        if found is None:
            between = None
        else:
            near.append(found)
            most -= found[0].size
    rule = Rule('above', best_threshold(counter, counts))
    number = rule._number(dtype)
    assert number is not None
    if between is not None and between[0] <= number <= between[1]:
        for bits, values in near:
            mask.rows.set(bits[values > number])
    else:
        for part, first in parts:
            rule.pack(part, mask.rows, first)
    return rule


def _sample(part: Part, low: Any, high: Any) -> tuple[Array, Array]:
    """Return the centres of bins and the counts of some planes of a part of this range."""
    if low == high:
        return np.array([low]), np.array([part.size / SAMPLED])
    with np.errstate(over='ignore', invalid='ignore'):
        edges = np.linspace(float(low), float(high), BINS + 1)
    counts = np.zeros(BINS, np.int64)
    for at in range(min(SAMPLED, part.shape[0]) // 2, part.shape[0], SAMPLED):
        if isinstance(part, Smoothed):
            start = at + (part.planes or (0, 0))[0]
            plane: Part = replace(part, planes=(start, start + 1))
        else:
            plane = part[at : at + 1]
        elements, *smoothing_of = for_kernel(plane)
        bins = float(low), float(high) - float(low), edges.tolist()
        counts += _core.count_bins(elements, *bins, *smoothing_of)
    return (edges[:-1] + edges[1:]) / 2, counts


def _expected(
    counter: Bins, samples: Sequence[tuple[Array, Array]], most: float
) -> tuple[float, float] | None:
    """Return between which values Otsu's threshold will be, judging by samples of an image.

    None if more than this share of the voxels is expected to be there.
    """
    if counter.low == counter.high:
        return None
    centres, counts = map(np.concatenate, zip(*samples, strict=True))
    sums, edges = np.histogram(centres, BINS, (counter.low, counter.high), weights=counts)
    # Both ends are in the image, if not in the samples.
    sums[[0, -1]] += 1
    at = int(np.searchsorted(edges, best_threshold(counter, [sums]))) - 1
    for reach in range(EXPECTED, 0, -1):
        first, end = max(0, at - reach), min(BINS, at + reach + 1)
        if sums[first:end].sum() <= most * sums.sum():
            return float(edges[first]), float(edges[end])
    return None


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
    number = dask.delayed(best_threshold)(counter, counts)
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
    return best_threshold(counter, each(counter))


def _has_few_values(dtype: np.dtype[Any]) -> bool:
    """Return whether a type has a bin for each value: then no pass has to find the range."""
    return dtype.kind == 'b' or (dtype.kind in 'iu' and dtype.itemsize <= 2)


def _counter(dtype: np.dtype[Any], whole: Range | None) -> Counts | Bins:
    """Return what counts the values of a part of an image of this range, if it has to be known."""
    if _has_few_values(dtype):
        if dtype.kind == 'b':
            return Counts(0, 1)
        return Counts(int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    if whole is None:
        raise ValueError('image: expected at least one voxel for otsu, got none')
    low, high = whole.low, whole.high
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError('image: expected finite values for otsu, got NaN or infinity')
    if dtype.kind in 'iu' and int(high) - int(low) < COUNTED_ONE_BY_ONE:
        return Counts(int(low), int(high))
    return Bins(low, high)


def _count(counter: Counts | Bins, part: Part) -> npt.NDArray[np.int64]:
    return counter(part)
