"""Label images in chunks against the whole image: any chunking, any order of merges."""

import pickle

import dask
import dask.array as da
import numpy as np
import pytest
from blocks import random_chunks
from label_images import VALUES, label_images, structured_labels

import skanrs


def in_chunks(image, chunks, random, **options):
    """Thin in chunks, merge random groups, and put the finished chunks together."""
    blocks = list(skanrs.iter_blocks(image, chunks=chunks))
    shape = image.shape
    thinned = [
        skanrs.thin_chunk(block, offset=offset, shape=shape, **options) for block, offset in blocks
    ]
    merged = list(thinned)
    while len(merged) > 1 or merged[0] is thinned[0]:
        random.shuffle(merged)
        group = int(random.integers(2, 5))
        one = skanrs.merge_thinned(merged[:group])
        merged[:group] = [pickle.loads(pickle.dumps(one)) if random.integers(3) == 0 else one]
    assert not merged[0].residue.undecided.voxels.any()
    skeleton = np.zeros_like(image)
    for chunk, (block, offset) in zip(thinned, blocks, strict=True):
        box = tuple(slice(at, at + n) for at, n in zip(offset, block.shape, strict=True))
        part = chunk.finish(merged[0])
        assert part.dtype == image.dtype
        skeleton[box] = part
    return skeleton


@pytest.mark.parametrize('options', [{}, {'method': 'lee'}, {'preserve_topology': True}])
@pytest.mark.parametrize('ndim', [2, 3])
def test_chunks_give_the_skeletons_of_the_whole(ndim, options):
    random = np.random.default_rng(ndim)
    for labels in label_images(ndim, count=40, seed=60 + ndim):
        chunks = random_chunks(random, labels.shape)
        found = in_chunks(labels, chunks, random, labels=True, **options)
        expected = skanrs.skeletonize(labels, labels=True, **options)
        np.testing.assert_array_equal(found, expected, err_msg=f'{labels.shape} {chunks}')


@pytest.mark.parametrize('name', structured_labels())
def test_structured_images(name):
    labels, random = structured_labels()[name], np.random.default_rng(1)
    expected = skanrs.skeletonize(labels, labels=True)
    for _ in range(2):
        found = in_chunks(labels, random_chunks(random, labels.shape), random, labels=True)
        np.testing.assert_array_equal(found, expected)


def test_single_voxels_and_planes():
    labels = next(label_images(3, count=1, seed=6, dtype='i2', shape=(4, 5, 6)))
    expected = skanrs.skeletonize(labels, labels=True)
    for chunks in [((1,) * 4, (1,) * 5, (1,) * 6), ((1,) * 4, (5,), (6,)), ((4,), (5,), (1,) * 6)]:
        found = in_chunks(labels, chunks, np.random.default_rng(2), labels=True)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize('dtype', VALUES)
def test_values_stay_exact(dtype):
    random = np.random.default_rng(3)
    values = np.array([0, *VALUES[dtype]], dtype)
    labels = values[np.arange(10 * 11 * 12).reshape(10, 11, 12) // 47 % len(values)]
    for form in [labels, labels.astype(labels.dtype.newbyteorder('>'))]:
        found = in_chunks(form, ((3, 7), (11,), (5, 7)), random, labels=True)
        np.testing.assert_array_equal(found, skanrs.skeletonize(labels, labels=True))


def test_labels_in_some_chunks_chosen_and_large_ones():
    random = np.random.default_rng(4)
    labels = np.zeros((20, 30, 40), np.int32)
    labels[2:9, 3:27, 3:38], labels[9:18, 3:9, 2:30], labels[12:18, 20:28, 20:28] = 5, -7, 9
    whole = skanrs.skeletonize(labels, labels=True)
    counts = {value: int((labels == value).sum()) for value in (5, -7, 9)}
    for chunks in [((10, 10), (15, 15), (20, 20)), ((1, 19), (29, 1), (7, 33))]:
        found = in_chunks(labels, chunks, random, labels=[9, 5])
        np.testing.assert_array_equal(found, np.where(np.isin(labels, [9, 5]), whole, 0))
        # A label is as large as in the whole image, whatever lies in a chunk.
        for least in (counts[9], counts[9] + 1, counts[-7], max(counts.values()) + 1):
            found = in_chunks(labels, chunks, random, labels=True, min_voxels=least)
            expected = skanrs.skeletonize(labels, labels=True, min_voxels=least)
            np.testing.assert_array_equal(found, expected)


def test_lazy_skeletons(monkeypatch):
    monkeypatch.setattr('skanrs.thinning.lazy.GROUP_VOXELS', 300)
    random = np.random.default_rng(5)
    for labels in label_images(3, count=12, seed=70):
        lazy = da.from_array(labels, chunks=random_chunks(random, labels.shape))
        for options in [{}, {'min_voxels': 40}, {'preserve_topology': True}]:
            found = skanrs.skeletonize(lazy, labels=True, **options)
            assert found.dtype == labels.dtype
            assert found.chunks == lazy.chunks
            expected = skanrs.skeletonize(labels, labels=True, **options)
            np.testing.assert_array_equal(dask.compute(found)[0], expected)


def test_refuses_mixtures():
    image = np.ones((4, 6), np.int32)
    parts = {'block': image[:, :3], 'offset': (0, 0), 'shape': image.shape}
    other = {'block': image[:, 3:], 'offset': (0, 3), 'shape': image.shape}
    plain = skanrs.thin_chunk(**parts)
    chunks = [
        skanrs.thin_chunk(**other, labels=True),
        skanrs.thin_chunk(**other, labels=[1]),
        skanrs.thin_chunk(**other, labels=True, min_voxels=2),
    ]
    for one in [plain, *chunks]:
        for two in chunks:
            if one is not two:
                with pytest.raises(ValueError, match='chunks: expected chunks of one image'):
                    skanrs.merge_thinned([one, two])
    with pytest.raises(ValueError, match='merged: expected chunks of an image'):
        plain.finish(skanrs.merge_thinned([chunks[0]]))
    with pytest.raises(TypeError, match='block: expected integers with labels, got float64'):
        skanrs.thin_chunk(image[:, :3] / 2, offset=(0, 0), shape=image.shape, labels=True)
    with pytest.raises(TypeError, match='labels: expected a bool or a sequence of integers'):
        skanrs.thin_chunk(**parts, labels=5)
    with pytest.raises(ValueError, match='min_voxels: expected labels with it'):
        skanrs.thin_chunk(**parts, min_voxels=5)
    with pytest.raises(TypeError, match='image: expected integers with labels, got float64'):
        skanrs.skeletonize(da.ones((4, 4)), labels=True)
