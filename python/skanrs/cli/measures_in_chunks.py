"""Measures of the branches of a mask on disk.

If tables of branches of a 3D image are all that is wanted, their rows stay on disk and the mask is
a file that is mapped into memory (`rows_with_measures`). Else what the measures need is in memory,
and nothing twice: the skeleton is read as a list of its voxels and traced, then the mask is packed
to a bit a voxel, and branches are measured as those of an image in memory (`with_measures`). Both
are read in slabs of planes, one after the other.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from skanrs._support import progress
from skanrs._support.ordered_map import ordered_map
from skanrs.files.packed_mask import PackedMask

from .options import Options
from .result import Result

if TYPE_CHECKING:
    from skanrs.branches.measures_on_disk import MeasuredTable
    from skanrs.branches.on_disk import TableOnDisk
    from skanrs.thinning.on_disk import BlockGrid

__all__ = ['rows_with_measures', 'with_measures']

# Voxels of the slabs that are read.
LARGEST_SLAB = 1 << 24
# Planes whose voxels of the skeleton are sorted at a time.
PLANES = 16


def rows_with_measures(
    rows: 'TableOnDisk',
    blocks: 'BlockGrid',
    read: Callable[[tuple[int, ...]], npt.NDArray[np.int64]],
    mask: PackedMask,
    options: Options,
    folder: Path,
    memory: int,
    workers: int,
) -> 'MeasuredTable':
    """Return the rows of a table with measures.

    Parameters
    ----------
    rows : TableOnDisk
        The rows of the branches of a 3D image.
    blocks : BlockGrid
        The blocks of the image.
    read : callable
        Returns the linear indices of the voxels of the skeleton in a block, ascending; runs on
        threads.
    mask : PackedMask
        The mask, on disk. Each of its objects has a voxel of the skeleton.
    options : Options
        The options, with spacing for each axis.
    folder : Path
        An empty folder: a bit a voxel, 32 bytes a voxel of the skeleton, some 150 a branch.
    memory : int
        Bytes of planes of the mask that are held at a time, and of the voxels in them.
    workers : int
        Threads that read.

    Returns
    -------
    MeasuredTable
    """
    from skanrs._image.spacing import as_spacing
    from skanrs.branches.measures_on_disk import MeasuredTable
    from skanrs.branches.voxels_on_disk import MappedMask, VoxelsOnDisk
    from skanrs.radius.block import Grid

    shape = blocks.shape
    grid = Grid(shape, as_spacing(options.spacing, 3).floats, border_is_background=False)
    mapped = MappedMask(_slabs(mask, workers), shape, folder / 'mask')
    slabs = _slabs_of_voxels(blocks, read, workers)
    voxels = VoxelsOnDisk(slabs, mapped, grid, folder, memory)
    return MeasuredTable(rows, voxels, mapped, grid, folder, include_tips=options.include_tips)


def _slabs_of_voxels(
    blocks: 'BlockGrid',
    read: Callable[[tuple[int, ...]], npt.NDArray[np.int64]],
    workers: int,
) -> Iterator[tuple[npt.NDArray[np.int64], int]]:
    """Yield the linear indices of a skeleton in some planes, and where these end."""
    from skanrs._image.position import in_image

    def in_whole(index: tuple[int, ...]) -> npt.NDArray[np.int64]:
        return in_image(read(index), *blocks.position(index), blocks.shape)

    plane = math.prod(blocks.shape[1:])
    for slab, last in enumerate(blocks.bounds[0][1:]):
        indices = ((slab, *rest) for rest in np.ndindex(*blocks.counts[1:]))
        of_blocks = list(ordered_map(in_whole, indices, workers))
        for end in (*range(blocks.bounds[0][slab] + PLANES, last, PLANES), last):
            counts = [np.searchsorted(voxels, end * plane) for voxels in of_blocks]
            parts = [voxels[:n] for voxels, n in zip(of_blocks, counts, strict=True)]
            of_blocks = [voxels[n:] for voxels, n in zip(of_blocks, counts, strict=True)]
            yield np.sort(np.concatenate(parts)), end


def with_measures(
    result: Result, skeleton: PackedMask, mask: PackedMask, options: Options, workers: int
) -> Result:
    """Return the result with the table of branches and, where outputs need it, what they need.

    Parameters
    ----------
    result : Result
        What is known so far.
    skeleton, mask : PackedMask
        Both on disk.
    options : Options
        The options, with spacing for each axis.
    workers : int
        Threads that read.

    Returns
    -------
    Result
    """
    from skanrs import _core
    from skanrs._blocks.read import Pixels
    from skanrs._image.masks import as_mask
    from skanrs._image.spacing import as_spacing
    from skanrs.branches.measured import Measured
    from skanrs.branches.measures import Body
    from skanrs.graph.skeleton import Skeleton
    from skanrs.radius.block import Grid

    _core.return_freed_memory()
    shape, spacing = mask.shape, as_spacing(options.spacing, len(mask.shape))
    pixels = Pixels.of_mask(shape, _voxels(skeleton, workers))
    traced = Skeleton._of_pixels(pixels, spacing)
    if not options.need_graph:
        traced._forget_graph()
    slabs = ((as_mask(slab), offset) for slab, offset in _slabs(mask, workers))
    body = Body(traced, None, slabs, Grid(shape, spacing.floats, border_is_background=False))
    with progress.call('measures'):
        measures = body.measures(include_tips=options.include_tips)
    measured = Measured(traced, measures, body)
    if options.need_nodes:
        result = replace(result, nodes=measured.nodes)
    if options.need_graph:
        return replace(result, measured=measured, table=measured.table)
    del body
    # The table needs no mask, whose memory it takes.
    measured = replace(measured, body=None)
    return replace(result, table=measured.table)


def _voxels(skeleton: PackedMask, workers: int) -> npt.NDArray[np.int64]:
    """Return the linear indices of a skeleton on disk, ascending."""
    nodes, found = np.empty(skeleton.voxels, np.int64), 0
    plane = math.prod(skeleton.shape[1:])
    for slab, offset in _slabs(skeleton, workers):
        of_slab = np.flatnonzero(slab)
        nodes[found : found + len(of_slab)] = of_slab + offset[0] * plane
        found += len(of_slab)
    return nodes


def _slabs(
    mask: PackedMask, workers: int
) -> Iterator[tuple[npt.NDArray[np.bool_], tuple[int, ...]]]:
    """Read all planes of a mask on disk; yield some at a time, and the offset of the first."""
    height = max(1, LARGEST_SLAB // max(1, math.prod(mask.shape[1:])))
    starts = range(0, mask.shape[0], height)
    slabs = ordered_map(lambda start: mask[start : start + height], starts, workers)
    for start, slab in zip(starts, slabs, strict=True):
        yield slab, (start, *(0,) * (len(mask.shape) - 1))
