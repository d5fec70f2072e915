"""Thinning of a dask array as a static graph of tasks, through dask's public interface only.

For each source block one task packs its foreground; neighbouring blocks are joined to groups of
about `GROUP_VOXELS`, each thinned by one task; a tree of merges joins the residues of two groups
along each axis at a time; one task a source block writes its part of the skeleton. The source is
read once, no task holds the whole image, and only residues and kept voxels are transferred.

There are two tasks for each source block and, for each group of them, three and those of the
merges, about a half: close to two a block where blocks are small. A block that is a group is packed
and thinned by one task: less than five.
"""

from __future__ import annotations

import itertools
import sys
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
from dask.base import tokenize

from skanrs._blocks.runs import runs_of_blocks
from skanrs._blocks.tasks import Blocks, BlockTask, Index, Key, NamedLayer, as_block, result_at
from skanrs._image.elements import check_elements
from skanrs._image.image import as_image, check_axes
from skanrs._image.labels import Labels, as_labels, check_label_dtype, with_labels
from skanrs._support.typing import Shape

from .chunks import (
    AnyWords,
    ImageInfo,
    LabelCounts,
    Residue,
    box_of,
    label_info,
    merge,
    pack,
    thin,
    unpack,
)
from .method import method_of

GROUP_VOXELS = 256**3
"""Small blocks are joined up to this size: larger groups leave fewer voxels undecided."""


PARTS = 3
"""After so many computations of parts of a skeleton there is a warning."""


def skeletonize_blocks(
    image: da.Array,
    method: str | None,
    preserve_topology: bool,
    labels: Labels = False,
    min_voxels: int = 1,
) -> da.Array:
    """Thin a dask array lazily; see `skanrs.skeletonize`."""
    blocks = Blocks(image, 'image')
    check_axes(image.ndim, 'image', 2, 3)
    of_labels, dtype = None, np.dtype(bool)
    if with_labels(labels, min_voxels):
        check_label_dtype(image.dtype, 'image')
        of_labels, dtype = label_info(labels, min_voxels, image.dtype), image.dtype
    else:
        check_elements(image.dtype, 'image')
    of_shape = tuple(map(int, image.shape))
    info = ImageInfo(of_shape, method_of(method, preserve_topology, image.ndim), of_labels)
    if image.size == 0:
        return da.zeros(image.shape, dtype=dtype, chunks=image.chunks)
    name = f'skeletonize-{tokenize(image.name, image.chunks, info, GROUP_VOXELS)}'
    tasks = _Tasks(name, info, blocks)
    tasks.thin_groups()
    tasks.merge_groups()
    tasks.finish_blocks()
    graph = blocks.with_tasks(name, _SkeletonLayer(tasks.tasks, name))
    return da.Array(graph, name, image.chunks, dtype=dtype)


class _SkeletonLayer(NamedLayer):
    """The tasks of a lazy skeleton; warns if parts of it are computed one at a time.

    Dask culls a layer to the keys that a computation needs; every block needs the whole image.
    """

    def __init__(self, tasks: dict[Key, Any], name: str) -> None:
        super().__init__(tasks)
        self._name = name
        self._count = sum(key[0] == name for key in tasks)
        self._parts: set[int] = set()

    def cull(self, keys: set[Key], all_hlg_keys: Any) -> Any:
        blocks = frozenset(key for key in keys if key[0] == self._name)
        if 0 < len(blocks) < self._count and len(self._parts) < PARTS:
            self._parts.add(hash(blocks))
            if len(self._parts) == PARTS:
                warnings.warn(
                    f'skeleton: {PARTS} parts of one lazy skeleton are computed separately, and'
                    ' each thins the whole image; compute it once: skeleton.persist(), or'
                    ' skeleton.to_zarr(path) and dask.array.from_zarr(path)',
                    da.PerformanceWarning,
                    stacklevel=2,
                )
        return super().cull(keys, all_hlg_keys)


class _Tasks:
    """The tasks that thin the blocks of an array, by key."""

    def __init__(self, name: str, info: ImageInfo, blocks: Blocks) -> None:
        self.tasks: dict[Key, Any] = {}
        self.name = name
        self.token = name.rpartition('-')[2]
        self.info = info
        self.blocks = blocks
        self.groups = _groups(blocks.array.chunks)
        self.kept: dict[Index, list[Key]] = {}
        self.residues: dict[Index, Key] = {}

    def add(self, kind: str, index: Index, task: tuple[Any, ...]) -> Key:
        """Add a task and return its key."""
        key = (sys.intern(f'skeletonize-{kind}-{self.token}'), *index)
        self.tasks[key] = task
        return key

    def thin_groups(self) -> None:
        """Pack every block and thin every group."""
        for group, members in _members(self.groups):
            thinned = self.add('thin', group, self._thin(members))
            self.kept[group] = [self.add('kept', (0, *group), (result_at, thinned, 0))]
            self.residues[group] = self.add('residue', (0, *group), (result_at, thinned, 1))

    def _thin(self, members: list[Index]) -> tuple[Any, ...]:
        """Return the task that thins a group, after those that pack its blocks."""
        if len(members) == 1:
            thin_block = BlockTask(_thin_block, *self.blocks.position(members[0]), self.info)
            return thin_block, self.blocks.key(members[0])
        packed = []
        for index in members:
            pack_block = BlockTask(_pack, *self.blocks.position(index), self.info)
            packed.append(self.add('pack', index, (pack_block, self.blocks.key(index))))
        return BlockTask(_thin, *self._place(members), self.info), packed

    def merge_groups(self) -> None:
        """Merge neighbours, two along each axis at a time, until nothing is left to decide."""
        residues = self.residues
        levels: list[dict[Index, Key]] = []
        while len(residues) > 1:
            joined: dict[Index, list[Key]] = {}
            for region, residue in residues.items():
                joined.setdefault(_parent(region), []).append(residue)
            residues, kept = {}, {}
            for region, members in joined.items():
                index = (len(levels) + 1, *region)
                merged = self.add('merge', index, (partial(merge, self.info), members))
                kept[region] = self.add('kept', index, (result_at, merged, 0))
                residues[region] = self.add('residue', index, (result_at, merged, 1))
            levels.append(kept)
        [self.root] = residues.values()
        # What the merges above a region keep, from the last merge down.
        above: dict[Index, list[Key]] = {}
        for kept in reversed(levels):
            above = {at: [key, *above.get(_parent(at), ())] for at, key in kept.items()}
        for group, of_group in self.kept.items():
            of_group += above.get(_parent(group), ())

    def finish_blocks(self) -> None:
        """Write the skeleton of every block."""
        counts: Key | None = None
        if self.info.labels is not None and self.info.labels.min_voxels > 1:
            counts = self.add('counts', (), (_counts_of, self.root))
        for group, members in _members(self.groups):
            for index in members:
                finish = BlockTask(_finish, *self.blocks.position(index), self.info)
                self.tasks[(self.name, *index)] = (finish, [self.kept[group], counts])

    def _place(self, members: list[Index]) -> tuple[Shape, Shape]:
        """Offset and shape of the group of these blocks."""
        offset, _ = self.blocks.position(members[0])
        last, length = self.blocks.position(members[-1])
        return offset, tuple(b + n - a for a, b, n in zip(offset, last, length, strict=True))


def _groups(chunks: Sequence[Sequence[int]]) -> list[list[range]]:
    """Blocks to join along each axis, so that groups are cubes of about `GROUP_VOXELS`."""
    shape = [sum(lengths) for lengths in chunks]
    # Axes shorter than the side of a cube leave more to the others.
    side, left = 0.0, float(GROUP_VOXELS)
    for rank, length in enumerate(sorted(shape)):
        side = left ** (1 / (len(shape) - rank))
        left /= min(side, length)
    return [list(runs_of_blocks(lengths, side)) for lengths in chunks]


def _members(groups: list[list[range]]) -> Iterator[tuple[Index, list[Index]]]:
    """Each group's index with the indices of its source blocks."""
    for group in np.ndindex(*map(len, groups)):
        runs = [groups[axis][at] for axis, at in enumerate(group)]
        yield group, list(itertools.product(*runs))


def _parent(region: Index) -> Index:
    return tuple([at // 2 for at in region])


def _pack(block: Any, offset: Shape, shape: Shape, info: ImageInfo) -> AnyWords:
    array = as_block(block, offset, shape)
    if info.labels is not None:
        return pack(as_labels(array, 'image', True).image, offset, info)
    return pack(as_image(array, 'image'), offset, info)


def _thin_block(
    block: Any, offset: Shape, shape: Shape, info: ImageInfo
) -> tuple[AnyWords, Residue]:
    return _thin([_pack(block, offset, shape, info)], offset, shape, info)


def _thin(
    packed: list[AnyWords], offset: Shape, shape: Shape, info: ImageInfo
) -> tuple[AnyWords, Residue]:
    return thin(packed, [box_of(info, offset, shape)], info)


def _finish(computed: list[Any], offset: Shape, shape: Shape, info: ImageInfo) -> Any:
    kept, counts = computed
    return unpack(info, kept, offset, shape, counts)


def _counts_of(residue: Residue) -> LabelCounts | None:
    return residue.counts
