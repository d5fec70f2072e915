"""The steps that clean a mask, checked, and what they changed."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ['Changes', 'Cleaning', 'Fill', 'Keep', 'Parts']


class Parts(NamedTuple):
    """The connected components of the foreground or of the background of an image."""

    sizes: npt.NDArray[np.int64]
    """The voxels of each."""
    at_border: npt.NDArray[np.bool_]
    """Whether it has a voxel at the border of the image."""
    first: npt.NDArray[np.int64]
    """The linear index of its first voxel."""


@dataclass(frozen=True)
class Fill:
    """Fill the components of the background that do not reach the border of the image."""

    of_background = True

    def connectivity(self, ndim: int) -> int:
        """Return the largest number of axes along which neighbours differ."""
        return 1

    def changed(self, parts: Parts) -> npt.NDArray[np.bool_]:
        """Return for each component whether it is filled."""
        return ~parts.at_border


@dataclass(frozen=True)
class Keep:
    """Remove the objects that are small, and then all but the largest."""

    min_size: int
    largest: int | None

    of_background = False

    def connectivity(self, ndim: int) -> int:
        """Return the largest number of axes along which neighbours differ."""
        return ndim

    def changed(self, parts: Parts) -> npt.NDArray[np.bool_]:
        """Return for each component whether it is removed."""
        removed = parts.sizes < self.min_size
        if self.largest is not None:
            # Of objects of the same size, the one that begins first counts as larger.
            removed[np.lexsort((parts.first, -parts.sizes))[self.largest :]] = True
        return removed


@dataclass(frozen=True)
class Cleaning:
    """Checked arguments of `skanrs.clean`."""

    closing: float
    """The radius of the ball; less than 1 changes nothing."""
    fill_cavities: bool
    min_size: int
    largest: int | None

    @classmethod
    def of(
        cls, *, closing: float, fill_cavities: bool, min_size: int, largest: int | None
    ) -> Cleaning:
        """Check the arguments of `skanrs.clean`."""
        if not isinstance(fill_cavities, (bool, np.bool_)):
            raise TypeError(f'fill_cavities: expected a bool, got {fill_cavities!r}')
        return cls(
            _radius(closing),
            bool(fill_cavities),
            _count('min_size', min_size, 0),
            None if largest is None else _count('largest', largest, 1),
        )

    def component_steps(self) -> Iterator[Fill | Keep]:
        """Iterate over the steps that work on connected components, in order."""
        if self.fill_cavities:
            yield Fill()
        if self.min_size > 1 or self.largest is not None:
            yield Keep(self.min_size, self.largest)

    @property
    def changes_nothing(self) -> bool:
        """Whether no step is wanted."""
        return self.closing < 1 and not any(True for _ in self.component_steps())


@dataclass(frozen=True)
class Changes:
    """What cleaning changed in a mask."""

    closed_voxels: int | None = None
    """Voxels that closing added; None if it was not wanted."""
    cavities: int | None = None
    """Cavities, in 2D holes, that were filled."""
    filled_voxels: int | None = None
    removed_objects: int | None = None
    removed_voxels: int | None = None
    voxels: int = 0
    """Voxels of the clean mask."""


def _radius(value: Any) -> float:
    try:
        radius = float(value)
    except (TypeError, ValueError):
        radius = math.nan
    if isinstance(value, str) or not 0 <= radius < 1 << 15:
        raise ValueError(f'closing: expected a radius in voxels from 0 to 32767, got {value!r}')
    return radius


def _count(name: str, value: Any, least: int) -> int:
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f'{name}: expected an integer, got {value!r}') from None
    if not least <= count < 1 << 62:
        raise ValueError(f'{name}: expected {least} or more, got {value!r}')
    return count
