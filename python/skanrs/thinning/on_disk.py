"""The skeleton of an image of any size, with its finished words in a file of a folder.

Blocks are thinned by threads in the order of a space-filling curve, so that neighbours are joined
soon: as in `lazy`, two along each axis at a time. The words of voxels that are kept are written to
disk at once, those of a merge cut to the blocks that they lie in. Memory holds the residues of up
to eight regions at each level, which grow with their faces, and some numbers for each block.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skanrs._blocks.runs import runs_of_blocks
from skanrs._image.image import as_image
from skanrs._support.ordered_map import ordered_map
from skanrs._support.progress import advance
from skanrs._support.records import Records
from skanrs._support.typing import Array, Shape

from .chunks import ImageInfo, Residue, Words, box_of, merge, pack, thin, unpack

Index = tuple[int, ...]
Box = tuple[slice, ...]

_WORD = np.dtype([('key', np.uint64), ('voxels', np.uint64)])


class BlockGrid:
    """Blocks of an image, each made of whole smaller ones.

    Parameters
    ----------
    chunks : sequence of sequences of int
        For each axis the lengths of the smaller blocks, as dask has them.
    edge : int
        They are joined up to this length along each axis.
    """

    def __init__(self, chunks: Sequence[Sequence[int]], edge: int) -> None:
        self._parts = [list(itertools.accumulate(lengths, initial=0)) for lengths in chunks]
        self._runs = [list(runs_of_blocks(lengths, edge)) for lengths in chunks]
        self.bounds = [
            [parts[run.start] for run in of_axis] + [parts[-1]]
            for parts, of_axis in zip(self._parts, self._runs, strict=True)
        ]
        self.shape: Shape = tuple(bounds[-1] for bounds in self.bounds)
        self.counts: Index = tuple(len(of_axis) for of_axis in self._runs)

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """The lengths of the blocks along each axis."""
        return tuple(tuple(np.diff(bounds).tolist()) for bounds in self.bounds)

    def position(self, index: Index) -> tuple[Shape, Shape]:
        """Return the offset and the shape of a block."""
        offset = tuple(bounds[at] for bounds, at in zip(self.bounds, index, strict=True))
        ends = (bounds[at + 1] for bounds, at in zip(self.bounds, index, strict=True))
        return offset, tuple(end - start for start, end in zip(offset, ends, strict=True))

    def box(self, index: Index) -> Box:
        """Return a block as a box."""
        pairs = zip(self.bounds, index, strict=True)
        return tuple(slice(bounds[at], bounds[at + 1]) for bounds, at in pairs)

    def parts(self, index: Index) -> Iterator[Box]:
        """Iterate over the smaller blocks of a block."""
        of_axes = [
            [slice(parts[at], parts[at + 1]) for at in of_axis[number]]
            for parts, of_axis, number in zip(self._parts, self._runs, index, strict=True)
        ]
        return itertools.product(*of_axes)


class SkeletonOnDisk:
    """The skeleton of an image, whose blocks are drawn when they are asked for.

    Parameters
    ----------
    grid : BlockGrid
        The blocks.
    read : callable
        Returns a box of the mask; runs on threads.
    method : {'lee', 'lee-preserving', 'zhang'}
        How it is thinned.
    folder : Path
        An empty folder. It takes 16 bytes for each word of the skeleton, some voxels each.
    workers : int
        The number of threads.

    Attributes
    ----------
    grid : BlockGrid
    foreground : int
        How many voxels of the mask are foreground.
    """

    def __init__(
        self,
        grid: BlockGrid,
        read: Callable[[Box], npt.NDArray[np.bool_]],
        method: str,
        folder: Path,
        workers: int,
    ) -> None:
        self.grid = grid
        self.foreground = 0
        self._info = ImageInfo(grid.shape, method)
        self._words = Records(folder / 'words', _WORD)
        self._read = read
        self._sections: list[tuple[Array, Array]] = []
        """Numbers of blocks, and for each the first and the last of its words, of each task."""
        # A word covers several voxels along each axis that is not of length 1.
        sides = (4, 4, 4) if self._info.shape_3d[0] > 1 else (1, 8, 8)
        self._sides = sides
        self._words_along = [
            -(-n // side) for n, side in zip(self._info.shape_3d, sides, strict=True)
        ]
        bounds = [np.array(of_axis) for of_axis in grid.bounds]
        self._bounds = [np.array([0, 1])] * (3 - len(bounds)) + bounds
        self._thin_all(workers)
        self._index_sections()

    def block(self, index: Index) -> npt.NDArray[np.bool_]:
        """Return a block."""
        words = [_words_of(records) for records in self._records(index)]
        return unpack(self._info, words, *self.grid.position(index))

    def nodes(self, index: Index) -> npt.NDArray[np.int64]:
        """Return the linear indices of the voxels in a block, ascending, without drawing it."""
        records = np.concatenate([np.empty(0, _WORD), *self._records(index)])
        # The first voxel of a word is its lowest bit, the last axis is the fastest.
        voxels = np.unpackbits(
            np.ascontiguousarray(records['voxels']).astype('<u8').view(np.uint8),
            bitorder='little',
        )
        word, bit = np.divmod(np.flatnonzero(voxels), 64)
        coordinates = np.unravel_index(records['key'][word].astype(np.int64), self._words_along)
        within = np.unravel_index(bit, self._sides)
        offset, extent = self.grid.position(index)
        start, shape = self._info.in_3d(offset, 0), self._info.in_3d(extent, 1)
        at = [
            word_along * side + inside - first
            for word_along, side, inside, first in zip(
                coordinates, self._sides, within, start, strict=True
            )
        ]
        is_in = [(along >= 0) & (along < n) for along, n in zip(at, shape, strict=True)]
        which = np.flatnonzero(np.logical_and.reduce(is_in))
        return np.sort(np.ravel_multi_index(tuple(along[which] for along in at), shape))

    def _records(self, index: Index) -> list[Array]:
        """Return the words of a block, by the tasks that kept them."""
        number = int(np.ravel_multi_index(index, self.grid.counts))
        first, last = np.searchsorted(self._blocks, [number, number + 1])
        ranges = self._ranges[first:last].tolist()
        return [self._words.read(range(start, stop)) for start, stop in ranges]

    def _thin_all(self, workers: int) -> None:
        counts = self.grid.counts
        order = sorted(np.ndindex(*counts), key=_interleaved)
        # The residues of each level, by the region that they will be joined to.
        waiting: list[dict[Index, list[Residue]]] = [{} for _ in range(64)]
        for done, (index, (kept, residue, foreground)) in enumerate(
            zip(order, ordered_map(self._thin_block, order, workers), strict=True)
        ):
            self.foreground += foreground
            number = np.array([np.ravel_multi_index(index, counts)])
            self._add_section(number, _records_of(kept), np.array([0, len(kept.keys)]))
            region, along = index, counts
            for level in itertools.count():
                if math.prod(along) == 1:
                    break
                parent = tuple(at // 2 for at in region)
                members = waiting[level].setdefault(parent, [])
                members.append(residue)
                spans = (min(2, n - 2 * at) for n, at in zip(along, parent, strict=True))
                if len(members) < math.prod(spans):
                    break
                del waiting[level][parent]
                if len(members) > 1:
                    kept, residue = merge(self._info, members)
                    self._add_by_block(kept)
                region, along = parent, tuple(-(-n // 2) for n in along)
            advance((done + 1) / len(order))

    def _thin_block(self, index: Index) -> tuple[Words, Residue, int]:
        packed, foreground = [], 0
        for box in self.grid.parts(index):
            mask = self._read(box)
            foreground += int(np.count_nonzero(mask))
            packed.append(pack(as_image(mask, 'image'), [part.start for part in box], self._info))
        box_of_block = box_of(self._info, *self.grid.position(index))
        return (*thin(packed, [box_of_block], self._info), foreground)

    def _add_by_block(self, kept: Words) -> None:
        """Write what a merge kept, cut to the blocks that its words lie in."""
        records = _records_of(kept)
        coordinates = np.unravel_index(kept.keys.astype(np.int64), self._words_along)
        # A word at a face lies in blocks on both sides of it.
        touched = []
        for at, side, bounds in zip(coordinates, self._sides, self._bounds, strict=True):
            first = np.searchsorted(bounds, at * side, side='right') - 1
            end = np.minimum(at * side + side, bounds[-1])
            touched.append((first, np.searchsorted(bounds, end, side='left') - 1))
        counts = [len(bounds) - 1 for bounds in self._bounds]
        blocks, words = [], []
        most = [int((last - first).max(initial=0)) for first, last in touched]
        for further in np.ndindex(*(count + 1 for count in most)):
            index = [first + more for more, (first, _) in zip(further, touched, strict=True)]
            within = [at <= last for at, (_, last) in zip(index, touched, strict=True)]
            word = np.flatnonzero(np.logical_and.reduce(within))
            blocks.append(np.ravel_multi_index(tuple(at[word] for at in index), counts))
            words.append(word)
        block, word = np.concatenate(blocks), np.concatenate(words)
        order = np.lexsort((word, block))
        numbers, starts = np.unique(block[order], return_index=True)
        self._add_section(numbers, records[word[order]], np.append(starts, len(order)))

    def _add_section(self, blocks: Array, records: Array, starts: Array) -> None:
        first = self._words.append(records).start
        self._sections.append((blocks, first + np.stack([starts[:-1], starts[1:]], axis=1)))

    def _index_sections(self) -> None:
        blocks, ranges = (np.concatenate(parts) for parts in zip(*self._sections, strict=True))
        self._sections.clear()
        order = np.argsort(blocks, kind='stable')
        self._blocks, self._ranges = blocks[order], ranges[order]


def _records_of(words: Words) -> Array:
    records = np.empty(len(words.keys), _WORD)
    records['key'], records['voxels'] = words
    return records


def _words_of(records: Array) -> Words:
    return Words(*(np.ascontiguousarray(records[name]) for name in ('key', 'voxels')))


def _interleaved(index: Index) -> int:
    """Return the rank of a block in an order that finishes one cube of blocks after the other."""
    rank = 0
    for bit in range(max(index).bit_length()):
        for axis, at in enumerate(index):
            rank |= (at >> bit & 1) << (bit * len(index) + len(index) - 1 - axis)
    return rank


__all__ = ['BlockGrid', 'SkeletonOnDisk']
