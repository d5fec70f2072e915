"""Thinning in chunks equals thinning of the whole image, with a loop over chunks and with dask."""

from __future__ import annotations

import itertools
import pickle
import sys
import time
import tracemalloc
import warnings
from contextlib import nullcontext

import dask
import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images import blobs
from volumes import each_volume, read_volume

import skanrs
from skanrs.thinning import chunks, lazy

pytestmark = pytest.mark.lazy


def ball(radius, side):
    axes = np.ogrid[tuple(slice(0, side) for _ in range(3))]
    return sum((axis - side / 2) ** 2 for axis in axes) < radius**2


def cut(rng, length, most=4):
    """Random chunk lengths along an axis."""
    inner = rng.integers(1, max(length, 2), rng.integers(0, most))
    return tuple(np.diff(np.unique([0, *inner[inner < length], length])).tolist())


def thin_all(image, lengths, method=None):
    starts = [np.cumsum((0, *axis[:-1])) for axis in lengths]
    thinned = []
    for index in np.ndindex(*map(len, lengths)):
        offset = tuple(int(starts[axis][at]) for axis, at in enumerate(index))
        box = tuple(
            slice(start, start + lengths[axis][at])
            for axis, (start, at) in enumerate(zip(offset, index, strict=True))
        )
        thinned.append(
            skanrs.thin_chunk(image[box], offset=offset, shape=image.shape, method=method)
        )
    return thinned


def assemble(thinned, merged, shape):
    skeleton = np.zeros(shape, dtype=bool)
    for chunk in thinned:
        box = tuple(
            slice(start, start + length)
            for start, length in zip(chunk.offset, chunk.chunk_shape, strict=True)
        )
        skeleton[box] = chunk.finish(merged)
    return skeleton


def merge_randomly(parts, rng):
    parts = list(parts)
    while len(parts) > 1:
        rng.shuffle(parts)
        count = min(len(parts), int(rng.integers(2, 6)))
        parts = [*parts[count:], skanrs.merge_thinned(parts[:count])]
    return skanrs.merge_thinned(parts)


@given(st.integers(0, 2**32), st.sampled_from(['lee', 'lee', None]), st.integers(2, 3))
@settings(max_examples=120, deadline=None)
def test_any_image_any_chunks_any_merges(seed, method, ndim):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 26 if ndim == 3 else 80, ndim))
    image = rng.random(shape) < rng.choice([0.2, 0.5, 0.8, 0.95])
    if rng.random() < 0.5:
        image = blobs(shape, seed, rng.uniform(0.7, 3))
    thinned = thin_all(image, [cut(rng, length) for length in shape], method)
    skeleton = assemble(thinned, merge_randomly(thinned, rng), shape)
    np.testing.assert_array_equal(skeleton, skanrs.skeletonize(image, method=method))


SHAPES = {
    'solid': np.ones((14, 15, 16), dtype=bool),
    'empty': np.zeros((9, 10, 11), dtype=bool),
    'ball': ball(14, 36),
    'noise': np.random.default_rng(1).random((18, 19, 70)) < 0.5,
    'checkerboard': np.indices((9, 10, 11)).sum(0) % 2 == 0,
    'one slice': blobs((1, 40, 41), 3),
    'one row': np.ones((1, 1, 90), dtype=bool),
    'plane': np.ones((30, 1, 31), dtype=bool),
    '2d': blobs((70, 150), 4),
}
CHUNKINGS = [1, 2, 3, 7, 11, (1, -1, -1), (-1, 5, -1), (5, 3, 64)]


@pytest.mark.parametrize('chunking', CHUNKINGS, ids=str)
@pytest.mark.parametrize('name', SHAPES)
@pytest.mark.parametrize('group', [1, 300, 256**3])
def test_dask_on_shapes(name, chunking, group, monkeypatch):
    image = SHAPES[name]
    if chunking == 1 and image.size > 400:
        image = image[tuple(slice(0, 6) for _ in image.shape)]
    if isinstance(chunking, tuple):
        chunking = chunking[-image.ndim :]
    monkeypatch.setattr(lazy, 'GROUP_VOXELS', group)
    array = da.from_array(image, chunks=chunking)
    if array.npartitions > 220:
        image = image[tuple(slice(0, 6 * size[0]) for size in array.chunks)]
        array = da.from_array(image, chunks=chunking)
    skeleton = skanrs.skeletonize(array)
    assert skeleton.chunks == array.chunks
    assert skeleton.dtype == bool
    found = skeleton.compute(scheduler='sync')
    np.testing.assert_array_equal(found, skanrs.skeletonize(image))


@each_volume
@pytest.mark.parametrize('chunking', [(100, 100, 100), (23, 400, 170)], ids=str)
def test_dask_on_real_volumes(volume, chunking, monkeypatch):
    image = read_volume(volume)
    monkeypatch.setattr(lazy, 'GROUP_VOXELS', 100**3)
    found = skanrs.skeletonize(da.from_array(image, chunks=chunking)).compute()
    np.testing.assert_array_equal(found, skanrs.skeletonize(image))


@pytest.mark.parametrize('method', ['lee', 'zhang', None])
def test_dask_2d_methods(method):
    image = blobs((90, 170), 8, 3)
    array = da.from_array(image, chunks=(40, 33))
    found = skanrs.skeletonize(array, method=method).compute(scheduler='sync')
    np.testing.assert_array_equal(found, skanrs.skeletonize(image, method=method))


@pytest.mark.parametrize('dtype', ['u1', '<f4', '>f8', '>i2'])
def test_dask_dtypes(dtype):
    image = blobs((20, 30, 40), 2).astype(dtype) * 3
    found = skanrs.skeletonize(da.from_array(image, chunks=16)).compute(scheduler='sync')
    np.testing.assert_array_equal(found, skanrs.skeletonize(image))


def refuse(*arguments, **keywords):
    raise AssertionError('something was computed')


def test_nothing_is_computed_before_it_is_asked_for():
    reads = []

    def read(block_info=None):
        reads.append(1)
        return np.ones((8, 8, 8), dtype=bool)

    array = da.map_blocks(read, chunks=((8,) * 3,) * 3, dtype=bool, meta=np.ones((0,) * 3, bool))
    reads.clear()
    with dask.config.set(scheduler=refuse):
        skeleton = skanrs.skeletonize(array)
        with pytest.raises(AssertionError, match='something was computed'):
            skeleton.compute()
    assert not reads
    skeleton.compute(scheduler='sync')
    assert len(reads) == 27


@pytest.mark.parametrize(('group', 'most'), [(8**3, 4.6), (24**3, 2.2)])
def test_few_tasks_a_block(monkeypatch, group, most):
    monkeypatch.setattr(lazy, 'GROUP_VOXELS', group)
    array = da.zeros((96, 96, 96), chunks=8, dtype=bool)
    skeleton = skanrs.skeletonize(array)
    tasks = len(dict(skeleton.__dask_graph__())) - len(dict(array.__dask_graph__()))
    assert tasks / array.npartitions < most


def test_building_costs_little_for_each_block():
    seconds = []
    for blocks in (10, 20):
        array = da.zeros((blocks * 256,) * 3, chunks=256, dtype=bool)
        # CPU time of this process: the load of the machine does not matter.
        begin = time.process_time()
        skanrs.summarize(skanrs.skeletonize(array), separator='_')
        seconds.append(time.process_time() - begin)
    # Eight times as many; graphs that copy each other would take 64 times as long.
    assert seconds[1] < max(20 * seconds[0], 1)


def test_graph_takes_little_memory_for_each_block():
    array = da.zeros((16 * 256,) * 3, chunks=256, dtype=bool)
    tracemalloc.start()
    try:
        table = skanrs.summarize(skanrs.skeletonize(array), separator='_', npartitions=4)
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert table.npartitions == 4
    assert held < 4_000 * array.npartitions
    assert most < 4_500 * array.npartitions


def test_parts_of_a_skeleton_one_at_a_time_warn():
    mask = np.random.default_rng(3).random((20, 21, 22)) < 0.2
    array = da.from_array(mask, chunks=9)
    skeleton = skanrs.skeletonize(array)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        for _ in range(4):
            assert np.array_equal(skeleton.compute(scheduler='sync'), skanrs.skeletonize(mask))
        persisted = skeleton.persist(scheduler='sync')
        for part in persisted.blocks.ravel():
            part.compute(scheduler='sync')
        parts = list(skeleton.blocks.ravel())
        for part in parts[:2]:
            part.compute(scheduler='sync')
    with pytest.warns(da.PerformanceWarning, match=r'skeleton\.persist\(\), or .*to_zarr'):
        parts[2].compute(scheduler='sync')
    # It asks for each block separately. Dask 2024.12 joins them, and thins the image once.
    measure = pytest.importorskip('dask_image.ndmeasure')
    warns = pytest.warns(da.PerformanceWarning, match='3 parts of one lazy skeleton')
    with nullcontext() if dask.__version__ < '2025' else warns:
        measure.label(skanrs.skeletonize(da.from_array(mask[:8, :8, :8], chunks=(2, 8, 8))))


def test_layers_are_wrapped_once():
    array = da.from_array(np.ones((6, 6, 6), dtype=bool), chunks=2) > 0
    skeleton = skanrs.skeletonize(array)
    block, _ = next(skanrs.iter_blocks(skeleton))
    assert all(block.dask.layers[name] is layer for name, layer in skeleton.dask.layers.items())
    # A layer of which only some tasks were needed is wrapped again for the others.
    upper = skanrs.skeletonize(array[:4])
    both = skanrs.skeletonize(da.concatenate([upper, array[4:]]))
    assert not [
        key
        for name, layer in both.dask.layers.items()
        for key, task in layer.items()
        if getattr(task, 'func', None) is not None
    ]


def test_no_voxels():
    for shape in [(0, 4), (3, 0, 5)]:
        skeleton = skanrs.skeletonize(da.zeros(shape, chunks=2))
        assert skeleton.compute().shape == shape


def test_dask_refusals():
    unknown = da.ones((9, 9), chunks=3)
    unknown = unknown[unknown[:, 0] > 0]
    with pytest.raises(ValueError, match=r'^image: expected chunks of known sizes'):
        skanrs.skeletonize(unknown)
    with pytest.raises(ValueError, match=r'^image: expected a 2D or 3D array, got 4D'):
        skanrs.skeletonize(da.ones((2, 2, 2, 2)))
    with pytest.raises(ValueError, match='^method: '):
        skanrs.skeletonize(da.ones((2, 2, 2)), method='zhang')
    with pytest.raises(TypeError, match='^image: '):
        skanrs.skeletonize(da.ones((2, 2, 2), dtype=complex))


def test_pickles_travel_out_of_band():
    image = blobs((40, 40, 40), 1, 3)
    thinned = thin_all(image, [(20, 20)] * 3)
    buffers = []
    data = pickle.dumps(thinned[0], protocol=5, buffer_callback=buffers.append)
    assert len(data) < 2000
    assert sum(buffer.raw().nbytes for buffer in buffers) == thinned[0].nbytes
    assert sys.getsizeof(thinned[0]) >= thinned[0].nbytes
    thinned = [pickle.loads(pickle.dumps(chunk)) for chunk in thinned]
    merged = pickle.loads(pickle.dumps(skanrs.merge_thinned(thinned)))
    skeleton = assemble(thinned, merged, image.shape)
    np.testing.assert_array_equal(skeleton, skanrs.skeletonize(image))


def test_pickles_are_small():
    """Only the voxels near the faces are in a residue, however many the chunk holds."""
    image = np.zeros((60, 60, 60), dtype=bool)
    image[::6, ::6, :] = True
    [chunk] = thin_all(np.pad(image, 10), [(80,)] * 3)
    assert chunk.residue.nbytes == 0
    lines = skanrs.thin_chunk(image, offset=(10, 10, 10), shape=(80, 80, 80))
    assert lines.residue.nbytes < 100 * 2 * 40 + 4000


def test_arguments_are_not_changed():
    image = blobs((20, 20, 20), 1)
    thinned = thin_all(image, [(10, 10)] * 3)
    before = pickle.dumps(thinned)
    merged = skanrs.merge_thinned(thinned[:4])
    again = skanrs.merge_thinned(thinned[:4])
    assert pickle.dumps(merged) == pickle.dumps(again)
    skanrs.merge_thinned([merged, *thinned[4:]])
    assert pickle.dumps(thinned) == before
    assert pickle.dumps(merged) == pickle.dumps(again)


def broken(part, rule):
    """A residue with a rule of the method broken."""
    residue = part.residue
    script, undecided = residue.script, residue.undecided
    if rule == 'the script is lost':
        script = chunks.Script(*(array[:0] for array in script))
    elif rule == 'scripted voxels are never deleted':
        script = script._replace(steps=np.full_like(script.steps, 2**32 - 1))
    elif rule == 'scripted voxels go a round late':
        late = script.steps < 2**32 - 1
        script = script._replace(steps=(script.steps + 6 * late).astype('u4'))
    elif rule == 'doubt is taken for deletion':
        undecided = chunks.Words(*(array[:0] for array in undecided))
    return chunks.ThinnedChunk(
        part.image,
        part.offset,
        part.chunk_shape,
        part.kept,
        chunks.Residue(residue.boxes, undecided, script),
    )


RULES = [
    'the script is lost',
    'scripted voxels are never deleted',
    'scripted voxels go a round late',
    'doubt is taken for deletion',
    'beyond the chunk is background',
]


@pytest.mark.parametrize('rule', RULES)
def test_a_broken_rule_is_noticed(rule):
    wrong = 0
    for seed in range(12):
        image = blobs((24, 24, 24), seed, 2)
        expected = skanrs.skeletonize(image)
        if rule == RULES[-1]:
            boxes = list(itertools.product([slice(0, 12), slice(12, 24)], repeat=3))
            found = np.zeros_like(image)
            for box in boxes:
                found[box] = skanrs.skeletonize(image[box])
        else:
            thinned = [broken(part, rule) for part in thin_all(image, [(12, 12)] * 3)]
            found = assemble(thinned, skanrs.merge_thinned(thinned), image.shape)
        wrong += not np.array_equal(found, expected)
    assert wrong > 6


def test_positions():
    block = np.ones((2, 3, 4), dtype=bool)
    with pytest.raises(
        ValueError, match=r'^offset: .*, got one at offset \(3, 0, 0\) of shape \(2, 3, 4\)'
    ):
        skanrs.thin_chunk(block, offset=(3, 0, 0), shape=(4, 4, 4))
    with pytest.raises(ValueError, match='^offset: '):
        skanrs.thin_chunk(block, offset=(-1, 0, 0), shape=(4, 4, 4))
    with pytest.raises(ValueError, match='^offset: expected 3 numbers'):
        skanrs.thin_chunk(block, offset=(0, 0), shape=(4, 4, 4))
    with pytest.raises(TypeError, match='^offset: expected a sequence of integers'):
        skanrs.thin_chunk(block, offset=(0.5, 0, 0), shape=(4, 4, 4))
    with pytest.raises(ValueError, match=r'^shape: expected fewer voxels'):
        skanrs.thin_chunk(block, offset=(0, 0, 0), shape=(2**40, 2**40, 4))
    with pytest.raises(ValueError, match=r'^shape: expected fewer voxels'):
        skanrs.thin_chunk(block[0], offset=(0, 2**64 - 16), shape=(3, 2**64 - 1))
    with pytest.raises(ValueError, match='^block: expected a 2D or 3D array'):
        skanrs.thin_chunk(block[0, 0], offset=(0,), shape=(4,))


def test_chunks_of_different_images_do_not_merge():
    block = np.ones((2, 2, 2), dtype=bool)
    one = skanrs.thin_chunk(block, offset=(0, 0, 0), shape=(4, 4, 4))
    two = skanrs.thin_chunk(block, offset=(0, 0, 1), shape=(4, 4, 4))
    other = skanrs.thin_chunk(block, offset=(0, 0, 0), shape=(4, 4, 5))
    with pytest.raises(ValueError, match=r'^chunks: .*share no voxel.*\[0, 0, 1\]'):
        skanrs.merge_thinned([one, two])
    with pytest.raises(ValueError, match='^chunks: .*share no voxel'):
        skanrs.merge_thinned([one, one])
    with pytest.raises(ValueError, match='^chunks: expected chunks of one image'):
        skanrs.merge_thinned([one, other])
    with pytest.raises(ValueError, match='^chunks: expected at least one'):
        skanrs.merge_thinned([])
    with pytest.raises(TypeError, match='^chunks: expected ThinnedChunk'):
        skanrs.merge_thinned([block])
    merged = skanrs.merge_thinned([one])
    missing = r'box at offset \(0, 0, 2\) of shape \(2, 2, 2\)'
    with pytest.raises(ValueError, match=missing):
        one.finish(merged)
    with pytest.raises(ValueError, match='^merged: '):
        other.finish(merged)


def test_damaged_data_are_refused():
    [chunk] = thin_all(blobs((20, 20, 20), 1), [(20,)] * 3)
    keys = chunk.kept.keys
    for damaged in (keys[::-1], keys + np.uint64(10**6), keys[1:]):
        kept = chunks.Words(damaged, chunk.kept.voxels)
        broken_chunk = chunks.ThinnedChunk(
            chunk.image, chunk.offset, chunk.chunk_shape, kept, chunk.residue
        )
        with pytest.raises(ValueError, match='damaged'):
            broken_chunk.finish(skanrs.merge_thinned([chunk]))
