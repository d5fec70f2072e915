"""Measures of the branches of a mask on disk whose table or graph is in memory.

What the measures need is in memory, and nothing twice: the skeleton is read as a list of its voxels
and traced, then the mask is packed to a bit a voxel, and branches are measured as those of an image
in memory. Both are read in slabs of planes, one after the other.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from skanrs._support import progress
from skanrs._support.ordered_map import ordered_map
from skanrs.files.packed_mask import PackedMask

from .options import Options
from .result import Result

__all__ = ['planes_of', 'with_measures']

# Voxels of the slabs that are read.
LARGEST_SLAB = 1 << 24


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
    slabs = ((as_mask(slab), offset) for slab, offset in planes_of(mask, workers))
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
    for slab, offset in planes_of(skeleton, workers):
        of_slab = np.flatnonzero(slab)
        nodes[found : found + len(of_slab)] = of_slab + offset[0] * plane
        found += len(of_slab)
    return nodes


def planes_of(
    mask: PackedMask, workers: int
) -> Iterator[tuple[npt.NDArray[np.bool_], tuple[int, ...]]]:
    """Read all planes of a mask on disk; yield some at a time, and the offset of the first."""
    height = max(1, LARGEST_SLAB // max(1, math.prod(mask.shape[1:])))
    starts = range(0, mask.shape[0], height)
    slabs = ordered_map(lambda start: mask[start : start + height], starts, workers)
    for start, slab in zip(starts, slabs, strict=True):
        yield slab, (start, *(0,) * (len(mask.shape) - 1))
