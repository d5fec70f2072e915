"""Images of branches of dask arrays, exact for any chunks.

One task gathers the voxels of the skeleton and numbers them, with the mask, packed to a bit a
voxel, if territories are wanted. Then each block is drawn by a task of its own. Blocks are read
once.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from functools import partial
from typing import Any

import dask
import dask.array as da
import numpy as np
import numpy.typing as npt
from dask.base import tokenize
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph

from skanrs import _core
from skanrs._blocks.read import Pixels
from skanrs._blocks.tasks import Blocks, BlockTask, Key, as_block, check_same_blocks
from skanrs._image.elements import check_elements
from skanrs._image.image import as_image, check_axes
from skanrs._image.position import MOST_AXES, in_three_axes
from skanrs._image.spacing import Spacing
from skanrs._support.typing import Array, Indices, Shape
from skanrs.graph.skeleton import Skeleton
from skanrs.radius.lazy import pack_mask

from .branch_numbers import Numbers, count_numbers, numbers_of_voxels
from .measures import Position

Packed = npt.NDArray[np.uint8]


class Drawn(ABC):
    """An image of which boxes are drawn when they are read."""

    shape: Shape
    dtype = np.dtype(np.int32)

    @abstractmethod
    def draw(self, offset: Shape, shape: Shape) -> Numbers:
        """Return a box."""

    def __getitem__(self, box: Any) -> Numbers:
        bounds = [along.indices(length) for along, length in zip(box, self.shape, strict=True)]
        offset = tuple(start for start, _, _ in bounds)
        return self.draw(offset, tuple(max(0, stop - start) for start, stop, _ in bounds))


class NumberedVoxels(Drawn):
    """The voxels of a skeleton with the numbers of their branches.

    Parameters
    ----------
    shape : tuple of int
        The shape of the image.
    nodes, numbers : ndarray
        The linear index of each voxel, ascending, and the number of its branch.
    """

    def __init__(self, shape: Shape, nodes: Indices, numbers: Numbers) -> None:
        self.shape = shape
        self.nodes = nodes
        self.numbers = numbers

    def draw(self, offset: Shape, shape: Shape) -> Numbers:
        """Return the numbers of the branches in a box."""
        image = np.zeros(shape, dtype=np.int32)
        if image.size:
            last = tuple(start + length - 1 for start, length in zip(offset, shape, strict=True))
            ends = (np.ravel_multi_index(corner, self.shape) for corner in (offset, last))
            first, stop = np.searchsorted(self.nodes, list(ends))
            # The last voxel of the box may be one of them.
            stop += 1
            coordinates = np.stack(np.unravel_index(self.nodes[first:stop], self.shape))
            coordinates -= np.array(offset)[:, np.newaxis]
            lengths = np.array(shape)[:, np.newaxis]
            inside = ((coordinates >= 0) & (coordinates < lengths)).all(axis=0)
            image[tuple(coordinates[:, inside])] = self.numbers[first:stop][inside]
        return image


class Prepared(Drawn):
    """The territories of an image; the kernel is made where it is used first.

    Parameters
    ----------
    spacing : tuple of float
        The distance between neighbours along each axis.
    positions : list of (tuple of int, tuple of int)
        The offsets and shapes of the blocks.
    masks : list of ndarray of uint8
        The mask of each block, a bit a voxel.
    voxels : NumberedVoxels
        The skeleton.
    """

    def __init__(
        self,
        spacing: tuple[float, ...],
        positions: list[Position],
        masks: list[Packed],
        voxels: NumberedVoxels,
    ) -> None:
        self.shape = voxels.shape
        self._arguments = spacing, positions, masks, voxels
        self._lock = threading.Lock()
        self._kernel: _core.Territories | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Prepared, self._arguments

    def draw(self, offset: Shape, shape: Shape) -> Numbers:
        """Return the numbers of the branches in a box."""
        with self._lock:
            kernel = self._kernel
            if kernel is None:
                kernel = self._kernel = self._make()
        drawn = kernel.draw(in_three_axes(offset, 0), in_three_axes(shape, 1))
        return drawn.reshape(shape)

    def _make(self) -> _core.Territories:
        spacing, positions, masks, voxels = self._arguments
        rows = _core.MaskRows(in_three_axes(self.shape, 1), (False,) * 3)
        for (offset, extent), packed in zip(positions, masks, strict=True):
            unpacked = np.unpackbits(packed, count=int(np.prod(extent)))
            block = unpacked.reshape(in_three_axes(extent, 1))
            rows.insert(block, 1, in_three_axes(offset, 0))
        steps = in_three_axes(spacing, 1.0)
        return _core.Territories(rows, voxels.nodes, voxels.numbers, steps)


def territory_blocks(mask: da.Array, skeleton: da.Array, spacing: Spacing) -> da.Array:
    """Draw territories lazily; see `skanrs.territories`."""
    return _drawn_blocks(mask, prepare_territories(mask, skeleton, spacing))


def branch_blocks(skeleton: da.Array, spacing: Spacing) -> da.Array:
    """Draw branches lazily; see `skanrs.branch_image`."""
    return _drawn_blocks(skeleton, number_voxels(skeleton, spacing))


def prepare_territories(mask: da.Array, skeleton: da.Array, spacing: Spacing) -> Delayed:
    """Return, delayed, the territories as a `Drawn` image."""
    check_elements(skeleton.dtype, 'skeleton')
    check_same_blocks(skeleton, mask, 'mask')
    blocks, of_mask = Blocks(skeleton, 'skeleton'), Blocks(mask, 'mask')
    token = tokenize(mask.name, skeleton.name, mask.chunks, spacing.floats)
    positions = [blocks.position(index) for index in blocks.indices()]
    tasks: dict[Key, Any] = {}
    packed = []
    for index, position in zip(blocks.indices(), positions, strict=True):
        packed.append((f'territories-mask-{token}', *index))
        tasks[packed[-1]] = (BlockTask(pack_mask, *position), of_mask.key(index))
    voxels = _add_voxels(tasks, blocks, token)
    name = f'territories-prepared-{token}'
    prepare = partial(_prepare, tuple(map(int, skeleton.shape)), spacing, positions)
    tasks[name] = (prepare, voxels, packed)
    return Delayed(name, blocks.with_tasks(name, tasks, of_mask))


def number_voxels(skeleton: da.Array, spacing: Spacing) -> Delayed:
    """Return, delayed, the branches of a skeleton as a `Drawn` image."""
    check_axes(skeleton.ndim, 'skeleton', 1, MOST_AXES)
    check_elements(skeleton.dtype, 'skeleton')
    blocks = Blocks(skeleton, 'skeleton')
    name = f'branch-image-{tokenize(skeleton.name, skeleton.chunks, spacing.floats)}'
    tasks: dict[Key, Any] = {}
    voxels = _add_voxels(tasks, blocks, name)
    number = partial(_number, tuple(map(int, skeleton.shape)), spacing)
    tasks[name] = (number, voxels)
    return Delayed(name, blocks.with_tasks(name, tasks))


def _add_voxels(tasks: dict[Key, Any], blocks: Blocks, token: str) -> list[Key]:
    """Add the tasks that find the voxels of a skeleton; return their keys."""
    keys = []
    for index in blocks.indices():
        keys.append((f'skeleton-voxels-{token}', *index))
        task = BlockTask(_voxels, *blocks.position(index), blocks.array.shape)
        tasks[keys[-1]] = (task, blocks.key(index))
    return keys


def _drawn_blocks(like: da.Array, drawn: Delayed) -> da.Array:
    """Return a dask array in the blocks of another, each drawn by a task."""
    name = f'drawn-{tokenize(drawn.key, like.chunks)}'
    blocks = Blocks(like, 'image')
    tasks = {
        (name, *index): (BlockTask(_draw, *blocks.position(index)), drawn.key)
        for index in blocks.indices()
    }
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=[drawn])
    return da.Array(graph, name, like.chunks, dtype=np.int32)


def count_in_blocks(image: da.Array, count: int) -> Indices:
    """Return how often each of the numbers below `count` occurs in a dask array."""
    blocks = Blocks(image, 'territories')
    name = f'territories-counts-{tokenize(image.name, count)}'
    tasks = {
        (name, *index): (BlockTask(_count, *blocks.position(index), count), blocks.key(index))
        for index in blocks.indices()
    }
    graph = blocks.with_tasks(name, tasks)
    counts = dask.compute(*(Delayed(key, graph, layer=name) for key in tasks))
    total: Indices = np.sum([np.zeros(count, dtype=np.int64), *counts], axis=0)
    return total


def _voxels(block: Any, offset: Shape, shape: Shape, whole: Shape) -> Indices:
    return as_image(as_block(block, offset, shape), 'skeleton').nodes_in(offset, whole)


def _number(shape: Shape, spacing: Spacing, voxels: list[Indices]) -> NumberedVoxels:
    """Return all voxels of a skeleton with the numbers of their branches."""
    # A stable sort makes use of the runs that are already sorted.
    nodes = np.sort(np.concatenate(voxels), kind='stable')
    pixels = Pixels.of_mask(shape, nodes)
    return NumberedVoxels(shape, nodes, numbers_of_voxels(Skeleton._of_pixels(pixels, spacing)))


def _prepare(
    shape: Shape,
    spacing: Spacing,
    positions: list[Position],
    voxels: list[Indices],
    masks: list[Packed],
) -> Prepared:
    return Prepared(spacing.floats, positions, masks, _number(shape, spacing, voxels))


def _draw(drawn: Drawn, offset: Shape, shape: Shape) -> Numbers:
    return drawn.draw(offset, shape)


def _count(block: Any, offset: Shape, shape: Shape, count: int) -> Array:
    return count_numbers(as_block(block, offset, shape), count)
