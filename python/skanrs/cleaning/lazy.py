"""Cleaning of a dask array as a static graph of tasks, equal to that of the whole image.

Closing works on blocks with margins. For components, one task for each block packs it to a bit a
voxel and one labels it; one task for each plane between blocks, across the whole image, finds the
labels that touch there; one task joins them and decides which components change; and one task for
each block labels it again and changes it. The source is read once and kept packed until the end.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
import numpy.typing as npt
from dask.base import tokenize
from dask.delayed import Delayed, delayed
from scipy import sparse

from skanrs._blocks.tasks import Blocks, BlockTask, Index, Key, as_block, check_chunks, result_at
from skanrs._support.typing import Shape

from .closing import close, closing_margin
from .components import change, label, parts_of
from .steps import Changes, Cleaning, Fill, Keep, Parts

__all__ = ['clean_blocks']

Mask = npt.NDArray[np.bool_]
Face = npt.NDArray[np.int32]


def clean_blocks(mask: da.Array, cleaning: Cleaning) -> tuple[da.Array, Delayed]:
    """Clean a dask array lazily; return it and, delayed, the changes; see `skanrs.clean`."""
    check_chunks(mask, 'mask')
    given = mask.chunks
    # Blocks without voxels have no faces.
    mask = mask.rechunk(tuple(tuple(n for n in axis if n) or (0,) for axis in given))
    blocks = Blocks(mask, 'mask')
    name = f'foreground-{tokenize(mask.name)}'
    tasks = {
        (name, *index): (BlockTask(_foreground, *blocks.position(index)), blocks.key(index))
        for index in blocks.indices()
    }
    clean = da.Array(blocks.with_tasks(name, tasks), name, mask.chunks, dtype=bool)
    counts: dict[str, Any] = {}
    if mask.size:
        if cleaning.closing >= 1:
            closed = _close(clean, cleaning.closing)
            counts['closed_voxels'] = [_voxels(closed), _voxels(clean)]
            clean = closed
        for step in cleaning.component_steps():
            clean, counts[type(step).__name__] = _change_components(clean, step)
    counts['voxels'] = _voxels(clean)
    return clean.rechunk(given), delayed(_changes)(counts)


def _changes(counts: dict[str, Any]) -> Changes:
    values: dict[str, int] = {'voxels': int(counts['voxels'])}
    if 'closed_voxels' in counts:
        after, before = counts['closed_voxels']
        values['closed_voxels'] = int(after) - int(before)
    if 'Fill' in counts:
        values['cavities'], values['filled_voxels'] = counts['Fill']
    if 'Keep' in counts:
        values['removed_objects'], values['removed_voxels'] = counts['Keep']
    return Changes(**values)


def _voxels(mask: da.Array) -> Delayed:
    count = delayed(np.count_nonzero)
    return delayed(sum)([count(block) for block in mask.to_delayed().ravel()])


def _foreground(block: Any, offset: Shape, shape: Shape) -> Mask:
    foreground: Mask = as_block(block, offset, shape) != 0
    return foreground


def _close(mask: da.Array, radius: float) -> da.Array:
    margin = closing_margin(radius)
    # An axis that is not cut needs no margin; a margin reaches no further than the next block.
    depth = {
        axis: min(margin, length) if blocks > 1 else 0
        for axis, (length, blocks) in enumerate(zip(mask.shape, mask.numblocks, strict=True))
    }
    closed = da.map_overlap(
        close,
        mask,
        depth=depth,
        boundary='none',
        radius=radius,
        dtype=bool,
        meta=np.empty((0,) * mask.ndim, bool),
    )
    return closed if closed.chunks == mask.chunks else closed.rechunk(mask.chunks)


class _Labelled(NamedTuple):
    """The components of a block, and the labels on its faces by axis: the first and the last."""

    parts: Parts
    faces: list[tuple[Face, Face]]


class _Decision(NamedTuple):
    changed: list[npt.NDArray[np.bool_]]
    """For each block and component whether it changes."""
    counts: tuple[int, int]
    """Components that change, and their voxels."""


def _change_components(mask: da.Array, step: Fill | Keep) -> tuple[da.Array, Delayed]:
    """Return the mask after a step on connected components, and the counts of changes, delayed."""
    blocks = Blocks(mask, 'mask')
    token = tokenize(mask.name, mask.chunks, step)
    shape = tuple(map(int, mask.shape))
    name, merge, counts = (f'clean-{kind}-{token}' for kind in ('blocks', 'merge', 'counts'))
    tasks: dict[Key, Any] = {}
    indices = list(blocks.indices())

    def key(kind: str, index: Index) -> Key:
        return (f'clean-{kind}-{token}', *index)

    for index in indices:
        position = blocks.position(index)
        tasks[key('pack', index)] = (BlockTask(_pack, *position), blocks.key(index))
        task = BlockTask(_label, *position, step, shape)
        tasks[key('label', index)] = (task, key('pack', index))
        tasks[key('parts', index)] = (result_at, key('label', index), 0)
        tasks[key('faces', index)] = (result_at, key('label', index), 1)
    joins = []
    for axis, count in enumerate(blocks.counts):
        for cut in range(1, count):
            sides = [[i for i in indices if i[axis] == at] for at in (cut - 1, cut)]
            positions = [
                [(_number(i, blocks.counts), blocks.position(i)) for i in side] for side in sides
            ]
            join = partial(_join, axis, shape, positions, step.connectivity(mask.ndim))
            faces = [[key('faces', i) for i in side] for side in sides]
            joins.append(key('join', (axis, cut)))
            tasks[joins[-1]] = (join, *faces)
    tasks[merge] = (partial(_decide, step), [key('parts', i) for i in indices], joins)
    tasks[counts] = (result_at, merge, 1)
    for number, index in enumerate(indices):
        finish = BlockTask(_finish, *blocks.position(index), step, number)
        tasks[(name, *index)] = (finish, [key('pack', index), merge])
    graph = blocks.with_tasks(name, tasks)
    return (
        da.Array(graph, name, mask.chunks, dtype=bool),
        Delayed(counts, graph, layer=name),
    )


def _number(index: Index, counts: Index) -> int:
    number = 0
    for at, count in zip(index, counts, strict=True):
        number = number * count + at
    return number


def _pack(block: Any, offset: Shape, shape: Shape) -> npt.NDArray[np.uint8]:
    return np.packbits(as_block(block, offset, shape))


def _unpack(packed: npt.NDArray[np.uint8], shape: Shape) -> Mask:
    size = int(np.prod(shape, dtype=np.int64))
    return np.unpackbits(packed, count=size).view(bool).reshape(shape)


def _label(
    packed: npt.NDArray[np.uint8],
    offset: Shape,
    shape: Shape,
    step: Fill | Keep,
    image_shape: Shape,
) -> _Labelled:
    labels, count = label(_unpack(packed, shape), step)
    faces = [
        (
            np.take(labels, 0, axis).astype(np.int32),
            np.take(labels, -1, axis).astype(np.int32),
        )
        for axis in range(labels.ndim)
    ]
    return _Labelled(parts_of(labels, count, offset, image_shape), faces)


def _join(
    axis: int,
    image_shape: Shape,
    positions: list[list[tuple[int, tuple[Shape, Shape]]]],
    connectivity: int,
    before: list[list[tuple[Face, Face]]],
    after: list[list[tuple[Face, Face]]],
) -> npt.NDArray[np.int64]:
    """Return the pairs of components that touch across a plane: block and label of each."""
    across = tuple(n for at, n in enumerate(image_shape) if at != axis)
    planes = []
    for side, blocks, where in ((-1, before, positions[0]), (0, after, positions[1])):
        plane = np.zeros(across, np.int64)
        for faces, (number, (offset, shape)) in zip(blocks, where, strict=True):
            box = tuple(
                slice(begin, begin + length)
                for at, (begin, length) in enumerate(zip(offset, shape, strict=True))
                if at != axis
            )
            face = faces[axis][side].astype(np.int64)
            plane[box] = np.where(face, face | number << 32, 0)
        planes.append(plane)
    pairs = [np.empty((0, 2), np.int64)]
    for shift in itertools.product((-1, 0, 1), repeat=len(across)):
        if sum(map(abs, shift)) + 1 > connectivity:
            continue
        here = tuple(slice(max(0, s), n + min(0, s)) for s, n in zip(shift, across, strict=True))
        there = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(shift, across, strict=True))
        lower, upper = planes[0][here], planes[1][there]
        touching = (lower != 0) & (upper != 0)
        pairs.append(np.unique(np.stack([lower[touching], upper[touching]], axis=1), axis=0))
    return np.concatenate(pairs)


def _decide(step: Fill | Keep, parts: list[Parts], joins: list[npt.NDArray[np.int64]]) -> _Decision:
    """Join the components of all blocks; decide which change."""
    counts = [part.sizes.size for part in parts]
    starts = np.cumsum([0, *counts])
    total = int(starts[-1])
    pairs = np.concatenate([np.empty((0, 2), np.int64), *joins])
    ends = starts[pairs >> 32] + (pairs & 0xFFFFFFFF) - 1
    graph = sparse.coo_array((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), (total, total))
    count, whole = sparse.csgraph.connected_components(graph, directed=False)
    sizes = np.zeros(count, np.int64)
    at_border = np.zeros(count, np.bool_)
    first = np.full(count, np.iinfo(np.int64).max)
    if total:
        np.add.at(sizes, whole, np.concatenate([part.sizes for part in parts]))
        np.logical_or.at(at_border, whole, np.concatenate([part.at_border for part in parts]))
        np.minimum.at(first, whole, np.concatenate([part.first for part in parts]))
    changed = step.changed(Parts(sizes, at_border, first))
    return _Decision(
        np.split(changed[whole], starts[1:-1]),
        (int(np.count_nonzero(changed)), int(sizes[changed].sum())),
    )


def _finish(
    computed: tuple[npt.NDArray[np.uint8], _Decision],
    offset: Shape,
    shape: Shape,
    step: Fill | Keep,
    number: int,
) -> Mask:
    packed, decision = computed
    block = _unpack(packed, shape)
    changed = decision.changed[number]
    if not changed.any():
        return block
    return change(block, label(block, step)[0], changed)
