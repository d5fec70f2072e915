"""The voxels of a skeleton in files: their radii, and what of the mask belongs to each.

All are found slab by slab of the mask, whose bits are a file that is mapped into memory
(`MappedMask`).

- A *radius* that is found in some planes is right if it is smaller than the distance to the next
  plane beyond them; for the others more planes are taken.
- The *cells* of a slab are shared out among its voxels and those of planes around it. A voxel at a
  distance D from the slab with a radius of at most d owns nothing there if D² − d² is more than the
  power distance of each voxel of the slab from its owner. Else more planes are taken. What objects
  without any voxel of the skeleton gave is known at the end, and is taken back.

So both are those of the whole image, to the last bit.

Cost: each plane of the mask is read a few times. Memory: some planes of the mask, and the voxels of
the skeleton in them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._support.progress import advance
from skanrs._support.records import Records
from skanrs._support.typing import Indices, Shape
from skanrs.radius.block import Grid, Radii, check_inside

MARGIN = 16
"""The planes around a slab that are taken first."""

_CELL = np.dtype([('sums', np.uint64, (2,))])

VOXEL = 60
"""About the bytes that a voxel of the skeleton takes while cells are shared out."""

SAFE = 1 - 1e-9
"""A square below another times this is smaller, whatever was rounded."""


class MappedMask:
    """A mask of three axes in a file, a bit a voxel, mapped into memory.

    Parameters
    ----------
    slabs : iterable of (ndarray of bool, tuple of int)
        All planes of the mask in their order, some at a time, and the offset of each slab.
    shape : tuple of int
        The shape of the mask.
    path : Path
        A new file.

    Attributes
    ----------
    rows : MaskRows
        The mask as kernels take it.
    voxels : int
        How many voxels it has.
    """

    def __init__(
        self, slabs: Iterable[tuple[npt.NDArray[np.bool_], Shape]], shape: Shape, path: Path
    ) -> None:
        self.voxels = 0
        with path.open('xb') as file:
            for slab, _ in slabs:
                rows = _core.MaskRows(slab.shape, (False,) * 3)
                rows.insert(slab.view(np.uint8), 1, (0, 0, 0))
                rows.words().tofile(file)
                self.voxels += rows.count()
        self.rows = _core.MaskRows.map(str(path), shape, (False,) * 3)
        self.plane_bytes = shape[1] * -(-shape[2] // 64) * 8

    def close(self) -> None:
        """Give up the file, which some systems do not remove before."""
        del self.rows


class VoxelsOnDisk:
    """The voxels of a skeleton, by their linear indices in the image.

    Parameters
    ----------
    slabs : iterable of (ndarray of int64, int)
        The linear indices of the voxels in the next planes, ascending, and where these end; all
        planes of the image.
    mask : MappedMask
        The mask.
    grid : Grid
        The image, along three axes; its border is no background.
    folder : Path
        An empty folder. It takes 32 bytes a voxel.
    memory : int
        The bytes of planes of the mask that are held at a time, and of the voxels in them.

    Attributes
    ----------
    count : int
        How many voxels there are.
    starts : ndarray of int64
        How many of them lie before each plane, and all.
    """

    def __init__(
        self,
        slabs: Iterable[tuple[Indices, int]],
        mask: MappedMask,
        grid: Grid,
        folder: Path,
        memory: int,
    ) -> None:
        self._mask = mask
        self._grid = grid
        self._plane = math.prod(grid.shape[1:])
        self._voxels = Records(folder / 'voxels', np.int64)
        self.starts = self._store(slabs)
        self.count = self._voxels.count
        self._memory = memory
        self._radii = Records(folder / 'radii', np.float64)
        self._largest = self._measure_radii()
        self._cells = Records(folder / 'cells', _CELL)
        self._share_out()

    def voxels(self, numbers: range) -> Indices:
        """Return the linear indices of consecutive voxels."""
        return self._voxels.read(numbers)

    def radii(self, numbers: range) -> Radii:
        """Return the radii of consecutive voxels."""
        return self._radii.read(numbers)

    def cells(self, numbers: range) -> npt.NDArray[np.uint64]:
        """Return the voxels and the surface sums of the cells of consecutive voxels, a row each."""
        return np.asarray(self._cells.read(numbers)['sums'])

    def numbers(self, first: int, end: int) -> range:
        """Return the numbers of the voxels in some planes."""
        return range(int(self.starts[first]), int(self.starts[end]))

    def _store(self, slabs: Iterable[tuple[Indices, int]]) -> Indices:
        starts, first = [np.zeros(1, np.int64)], 0
        for voxels, end in slabs:
            planes = np.arange(first + 1, end + 1) * self._plane
            starts.append(self._voxels.count + np.searchsorted(voxels, planes))
            self._voxels.append(voxels)
            first = end
        return np.concatenate(starts)

    def _slabs(self, reach: int) -> Iterator[tuple[int, int]]:
        """Iterate over slabs; memory is for them and so many planes on either side."""
        depth = self._grid.shape[0]
        most = self._memory // self._mask.plane_bytes - 2 * reach
        voxels = self._memory // VOXEL
        first = 0
        while first < depth:
            before = int(self.starts[max(0, first - reach)])
            last = int(np.searchsorted(self.starts, before + voxels, side='right')) - 1
            end = min(depth if last == depth else last - reach, first + most)
            end = min(max(end, first + max(1, reach // 2)), depth)
            yield first, end
            self._mask.rows.release()
            advance(end / depth)
            first = end

    def _measure_radii(self) -> float:
        """Store the radii of all voxels; return the largest."""
        largest = 0.0
        for first, end in self._slabs(MARGIN):
            voxels = self.voxels(self.numbers(first, end))
            squares = self._squared_radii(voxels)
            check_inside(squares, voxels, self._grid.shape, (0, 0, 0))
            radii = np.sqrt(squares, out=squares)
            largest = max(largest, radii.max(initial=0.0))
            self._radii.append(radii)
        return largest

    def _squared_radii(self, voxels: Indices) -> Radii:
        depth, step = self._grid.shape[0], self._grid.spacing[0]
        squares, margin = np.empty(len(voxels)), MARGIN
        left = np.arange(len(voxels))
        while left.size:
            z = voxels[left] // self._plane
            first, end = max(0, int(z[0]) - margin), min(depth, int(z[-1]) + 1 + margin)
            planes = self._mask.rows.planes(first, end)
            found = planes.squared_radii(voxels[left] - first * self._plane, self._grid.spacing)
            # How far the next plane is that was not looked at.
            before = np.inf if first == 0 else z - first + 1
            after = np.inf if end == depth else end - z
            beyond = np.minimum(before, after) * step
            is_known = (found < beyond * beyond * SAFE) | np.isinf(beyond)
            squares[left[is_known]] = found[is_known]
            left, margin = left[~is_known], 2 * margin
        return squares

    def _share_out(self) -> None:
        """Store what of the mask belongs to each voxel."""
        reach = self._planes_within(self._largest**2) + MARGIN
        for first, end in self._slabs(reach):
            self._cells.append(np.zeros(len(self.numbers(first, end)), _CELL))
        if not self.count:
            return
        loose = []
        for first, end in self._slabs(reach):
            planes = self._mask.rows.planes
            numbers, sums, of_slab = self._cells_between(first, end, reach, planes)
            self._add(numbers, sums)
            loose.append(of_slab)
        strays = self._strays_among(np.concatenate(loose), reach)
        for first, end in self._slabs(reach) if strays.size else ():
            if _between(strays, first * self._plane, end * self._plane).size:
                of_strays = partial(self._only, strays)
                numbers, sums, _ = self._cells_between(first, end, reach, of_strays)
                # Numbers without a sign wrap.
                self._add(numbers, 0 - sums)

    def _strays_among(self, loose: Indices, reach: int) -> Indices:
        """Return the voxels of objects without any of the skeleton."""
        depth, plane = self._grid.shape[0], self._plane
        while True:
            # With those beside a slab: the next round may find more of them to be connected.
            left = [np.empty(0, np.int64)]
            for first, end in self._slabs(reach):
                start, stop = max(0, first - 1), min(depth, end + 1)
                here = _between(loose, start * plane, stop * plane) - start * plane
                if here.size:
                    found = _core.strays_among(self._mask.rows.planes(start, stop), here)
                    left.append(_between(found + start * plane, first * plane, end * plane))
            strays = np.concatenate(left)
            if strays.size == loose.size:
                return strays
            loose = strays

    def _cells_between(
        self, first: int, end: int, reach: int, planes: Callable[[int, int], _core.MaskRows]
    ) -> tuple[range, npt.NDArray[np.uint64], Indices]:
        """Return the voxels around a slab, what they own of it, and what may be of no object."""
        depth = self._grid.shape[0]
        while True:
            start, stop = max(0, first - reach), min(depth, end + reach)
            numbers = self.numbers(start, stop)
            sums, farthest, loose = _core.cells_between(
                planes(start, stop),
                self.voxels(numbers) - start * self._plane,
                self.radii(numbers),
                self._grid.spacing,
                3,
                first - start,
                end - start,
            )
            if stop - start == depth:
                needed = 0
            elif np.isposinf(farthest):
                needed = 2 * reach
            else:
                needed = self._planes_within(farthest + self._largest**2)
            if needed <= reach:
                return numbers, sums, loose + start * self._plane
            reach = needed

    def _only(self, voxels: Indices, start: int, stop: int) -> _core.MaskRows:
        """Return some planes of a mask of these voxels alone."""
        _, height, width = self._grid.shape
        voxels = _between(voxels, start * self._plane, stop * self._plane)
        rows = _core.MaskRows((stop - start, height, width), (False,) * 3)
        row, x = np.divmod(voxels - start * self._plane, width)
        rows.set((row * (-(-width // 64) * 64) + x).astype(np.uint64))
        return rows

    def _planes_within(self, square: float) -> int:
        """Return how many planes around a slab are not farther than the root of a square."""
        if np.isposinf(square):
            return self._grid.shape[0]
        return math.ceil(math.sqrt(max(0.0, square) / SAFE) / self._grid.spacing[0])

    def _add(self, numbers: range, sums: npt.NDArray[np.uint64]) -> None:
        if len(numbers):
            cells = self._cells.mapped(numbers, writable=True)
            cells['sums'] += sums


def _between(voxels: Indices, first: int, end: int) -> Indices:
    """Return those of ascending linear indices that are at least `first` and less than `end`."""
    start, stop = np.searchsorted(voxels, [first, end])
    return voxels[start:stop]
