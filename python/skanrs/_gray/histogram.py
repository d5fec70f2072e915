"""Histograms of gray images, and the threshold that Otsu's method finds in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._support.typing import Array

from .parts import Part, Smoothed, for_kernel

__all__ = ['BINS', 'Bins', 'Counts', 'best_threshold']

BINS = 256


def best_threshold(counter: Counts | Bins, parts: Iterable[npt.NDArray[np.int64]]) -> float:
    """Return the centre of the bin that separates the classes best."""
    if counter.low == counter.high:
        return float(counter.low)
    counts = sum(parts, start=np.zeros(1, np.int64))
    present = np.flatnonzero(counts)
    if present.size == 0:
        raise ValueError('image: expected at least one voxel for otsu, got none')
    centres: Array
    if isinstance(counter, Counts):
        counts = counts[present[0] : present[-1] + 1]
        centres = np.arange(counter.low + int(present[0]), counter.low + int(present[-1]) + 1)
        if centres.size == 1:
            return float(centres[0])
    else:
        centres = counter.centres()
    # Single precision, as in scikit-image.
    weights = counts.astype(np.float32)
    weight_below = np.cumsum(weights)
    above = np.cumsum(weights[::-1])[::-1]
    mean_below = np.cumsum(weights * centres) / weight_below
    mean_above = (np.cumsum((weights * centres)[::-1]) / above[::-1])[::-1]
    between = weight_below[:-1] * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2
    return float(centres[np.argmax(between)])


@dataclass(frozen=True)
class Counts:
    """Counts integers, one bin for each value."""

    low: int
    high: int

    def __call__(self, part: Part) -> npt.NDArray[np.int64]:
        elements, *_ = for_kernel(part)
        return _core.count_each(elements, self.low, self.high - self.low + 1)


@dataclass(frozen=True)
class Bins:
    """Counts values in `BINS` bins."""

    low: Any
    high: Any

    def edges(self) -> Array:
        """Return the edges of the bins."""
        of_type = np.empty(0, np.asarray(self.low).dtype)
        edges: Array = np.histogram_bin_edges(of_type, BINS, (self.low, self.high))
        return edges

    def centres(self) -> Array:
        """Return the centres of the bins."""
        edges = self.edges()
        centres: Array = (edges[:-1] + edges[1:]) / 2
        return centres

    def __call__(self, part: Part) -> npt.NDArray[np.int64]:
        edges = self.edges()
        if edges.dtype.char not in 'fd':
            whole = part.compute() if isinstance(part, Smoothed) else part
            counts, _ = np.histogram(whole, bins=BINS, range=(self.low, self.high))
            return np.asarray(counts)
        elements, *smoothing_of = for_kernel(part)
        return _core.count_bins(elements, *self._for_kernel(part, edges), *smoothing_of)

    def pack(
        self, part: Part, between: tuple[float, float], most: int, mask: _core.MaskRows, first: int
    ) -> tuple[npt.NDArray[np.int64], tuple[npt.NDArray[np.uint64], Array] | None]:
        """Count values and pack those above the larger of two numbers, from plane `first` on.

        Also returned are the bits and values of the voxels above the smaller one only, or None if
        they are more than `most`.
        """
        elements, *smoothing_of = for_kernel(part)
        bins = self._for_kernel(part, self.edges())
        return _core.count_and_pack(elements, bins, between, most, mask, first, *smoothing_of)

    def _for_kernel(self, part: Part, edges: Array) -> tuple[float, float, list[float]]:
        if part.dtype.kind in 'iu':
            span = float(int(self.high) - int(self.low))
        else:
            span = float(self.high - self.low)
        return float(self.low), span, edges.tolist()
