"""The rows of the branch table of a skeleton on disk, with measures and lines if they are wanted.

All stay on disk until they are written. Measures are those of 3D images only; the mask is a file
that is mapped into memory for them.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from skanrs._support.ordered_map import ordered_map
from skanrs.files.packed_mask import PackedMask

from .measures_in_chunks import planes_of
from .options import Options
from .progress import Progress
from .result import Result

if TYPE_CHECKING:
    from skanrs.branches.lines_on_disk import LinesOnDisk
    from skanrs.branches.measures_on_disk import MeasuredTable
    from skanrs.branches.on_disk import TableOnDisk
    from skanrs.thinning.on_disk import BlockGrid

__all__ = ['slabs_of_voxels', 'with_rows']

# Planes whose voxels of the skeleton are sorted at a time.
PLANES = 16


def with_rows(
    result: Result,
    grid: 'BlockGrid',
    nodes: Callable[[tuple[int, ...]], npt.NDArray[np.int64]],
    mask: PackedMask | None,
    options: Options,
    folders: dict[str, Path],
    memory: int,
    progress: Progress,
    workers: int,
) -> Result:
    """Return the result with the rows of the table and, for some outputs, the lines on disk.

    `memory` is for planes of the mask, as for `_with_measures`.
    """
    from skanrs._image.spacing import as_spacing
    from skanrs.branches.lines_on_disk import LinesOnDisk
    from skanrs.branches.on_disk import TableOnDisk
    from skanrs.cleaning.surfaces import find_walls

    spacing = as_spacing(options.spacing, len(grid.shape))
    with progress.stage('branches'):
        rows = TableOnDisk(grid.shape, grid.bounds, nodes, spacing, folders['rows'], workers)
    cavities = find_walls(rows.core, grid.shape).cavities
    result = replace(result, skeleton_voxels=rows.voxels, rows=rows, cavities=cavities)
    if options.summary is not None:
        with progress.stage('loops'):
            result = replace(result, loops=rows.count_loops(workers))
    lines = None
    if options.radii:
        assert mask is not None
        if options.need_graph:
            lines = LinesOnDisk(grid.shape, spacing, folders['lines'], has_radii=True)
        with progress.stage('measures'):
            measured = _with_measures(
                rows, grid, nodes, mask, options, folders['measures'], memory, workers, lines
            )
        result = replace(result, rows=measured, nodes_on_disk=measured.nodes)
    elif options.need_graph:
        slabs = slabs_of_voxels(grid, nodes, workers)
        with progress.stage('graph'):
            lines = LinesOnDisk.of(slabs, grid.shape, spacing, folders['lines'])
    return replace(result, lines_on_disk=lines)


def _with_measures(
    rows: 'TableOnDisk',
    blocks: 'BlockGrid',
    read: Callable[[tuple[int, ...]], npt.NDArray[np.int64]],
    mask: PackedMask,
    options: Options,
    folder: Path,
    memory: int,
    workers: int,
    lines: 'LinesOnDisk | None' = None,
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
        An empty folder: a bit a voxel, 32 bytes a voxel of the skeleton, some 350 a branch.
    memory : int
        Bytes of planes of the mask that are held at a time, and of the voxels in them.
    workers : int
        Threads that read.
    lines : LinesOnDisk, optional
        Gets the centrelines.

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
    mapped = MappedMask(planes_of(mask, workers), shape, folder / 'mask')
    slabs = slabs_of_voxels(blocks, read, workers)
    voxels = VoxelsOnDisk(slabs, mapped, grid, folder, memory)
    tips = options.include_tips
    return MeasuredTable(rows, voxels, mapped, grid, folder, include_tips=tips, lines=lines)


def slabs_of_voxels(
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
