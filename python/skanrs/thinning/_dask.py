"""Thinning of a dask array as a static graph of tasks, through dask's public interface only.

For each source block one task packs its foreground; neighbouring blocks are joined to groups of
about `GROUP_VOXELS`, each thinned by one task; a tree of merges joins the residues of two groups
along each axis at a time; one task a source block writes its part of the skeleton. The source is
read once, the whole image is nowhere in one place, and only residues and kept voxels travel.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import dask
import dask.array as da
import numpy as np

from skanrs._dask import check_chunks
from skanrs._elements import check_elements

from ._skeletonize import uses_zhang
from .chunks import Image, Words, box_of, merge, pack, thin, unpack

GROUP_VOXELS = 256**3
"""Small blocks are joined up to this size: larger groups leave fewer voxels undecided."""

Index = tuple[int, ...]


def skeletonize_blocks(image: da.Array, method: str | None) -> da.Array:
    """Thin a dask array lazily; see `skanrs.skeletonize`."""
    check_chunks(image, 'image')
    whole = Image(tuple(map(int, image.shape)), uses_zhang(method, image.ndim, 'image'))
    check_elements(image.dtype, 'image')
    if image.size == 0:
        return da.zeros(image.shape, dtype=bool, chunks=image.chunks)
    starts = [tuple(itertools.accumulate(lengths, initial=0)) for lengths in image.chunks]
    blocks = image.to_delayed()
    packed = {
        index: dask.delayed(_pack)(blocks[index], _place(starts, index)[0], whole)
        for index in np.ndindex(*image.numblocks)
    }
    groups = _groups(image.chunks)
    kept, residues = _thin_groups(packed, groups, starts, whole)
    kept = _merge_groups(kept, residues, whole)
    group_of = {index: group for group, members in _members(groups) for index in members}
    finish = dask.delayed(_finish)
    skeleton = np.empty(image.numblocks, dtype=object)
    for index in np.ndindex(*image.numblocks):
        offset, shape = _place(starts, index)
        block = finish(whole, kept[group_of[index]], offset, shape)
        skeleton[index] = da.from_delayed(block, shape=shape, dtype=bool)
    return da.block(skeleton.tolist())


def _place(starts: Sequence[Sequence[int]], index: Index) -> tuple[Index, Index]:
    """Offset and shape of a source block."""
    offset = tuple(starts[axis][at] for axis, at in enumerate(index))
    return offset, tuple(starts[axis][at + 1] - offset[axis] for axis, at in enumerate(index))


def _groups(chunks: Sequence[Sequence[int]]) -> list[list[range]]:
    """Blocks to join along each axis, so that groups are cubes of about `GROUP_VOXELS`."""
    shape = [sum(lengths) for lengths in chunks]
    # Axes shorter than the side of a cube leave more to the others.
    side, left = 0.0, float(GROUP_VOXELS)
    for rank, length in enumerate(sorted(shape)):
        side = left ** (1 / (len(shape) - rank))
        left /= min(side, length)
    return [list(_runs(lengths, side)) for lengths in chunks]


def _runs(lengths: Sequence[int], side: float) -> Iterator[range]:
    """Give runs of neighbouring blocks: at most `side` together, or one block."""
    start, total = 0, 0
    for at, length in enumerate(lengths):
        if at > start and total + length > side:
            yield range(start, at)
            start, total = at, 0
        total += length
    yield range(start, len(lengths))


def _members(groups: list[list[range]]) -> Iterator[tuple[Index, list[Index]]]:
    """Each group's index with the indices of its source blocks."""
    for group in np.ndindex(*map(len, groups)):
        runs = [groups[axis][at] for axis, at in enumerate(group)]
        yield group, list(itertools.product(*runs))


def _thin_groups(
    packed: dict[Index, Any],
    groups: list[list[range]],
    starts: Sequence[Sequence[int]],
    whole: Image,
) -> tuple[dict[Index, list[Any]], dict[Index, Any]]:
    """Thin every group; return what each keeps and its residue."""
    kept, residues = {}, {}
    thin_group = dask.delayed(thin, nout=2)
    for group, members in _members(groups):
        offset, _ = _place(starts, members[0])
        last, length = _place(starts, members[-1])
        shape = [b + n - a for a, b, n in zip(offset, last, length, strict=True)]
        box = box_of(whole, offset, shape)
        words, residues[group] = thin_group([packed[index] for index in members], [box], whole)
        kept[group] = [words]
    return kept, residues


def _merge_groups(
    kept: dict[Index, list[Any]], residues: dict[Index, Any], whole: Image
) -> dict[Index, list[Any]]:
    """Merge neighbours, two along each axis at a time; return what was kept for each group."""
    merge_residues = dask.delayed(merge, nout=2)
    parents = {group: group for group in residues}
    while len(residues) > 1:
        joined: dict[Index, list[Any]] = {}
        for region, residue in residues.items():
            joined.setdefault(tuple(at // 2 for at in region), []).append(residue)
        residues, decided = {}, {}
        for region, members in joined.items():
            decided[region], residues[region] = merge_residues(members, whole)
        parents = {group: tuple(at // 2 for at in region) for group, region in parents.items()}
        for group, region in parents.items():
            kept[group].append(decided[region])
    return kept


def _pack(block: Any, offset: Index, whole: Image) -> Words:
    return pack(np.asarray(block), offset, whole)


def _finish(whole: Image, kept: list[Words], offset: Index, shape: Index) -> Any:
    return unpack(whole, kept, offset, shape)
