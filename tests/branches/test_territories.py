"""Territories: against asking all voxels of the skeleton, in chunks, and their volumes."""

import dask.array as da
import numpy as np
import pytest
from images import blobs, random_spacing
from scipy import ndimage

import skanrs


def by_asking_all(mask, skeleton, spacing):
    """The smallest number among the nearest voxels of the skeleton in the object of each voxel."""
    graph = skanrs.Skeleton(skeleton, spacing=spacing)
    paths = [graph.path(number) for number in range(graph.n_paths)]
    numbers = {}
    for number, path in enumerate(paths, 1):
        for voxel in path.tolist():
            numbers.setdefault(voxel, number)
    sites = np.array([graph.coordinates[voxel] for voxel in numbers]).reshape(-1, mask.ndim)
    numbers = np.array(list(numbers.values()))
    objects, _ = ndimage.label(mask, np.ones((3,) * mask.ndim))
    drawn = np.zeros(mask.shape, dtype=int)
    for place in np.argwhere(mask):
        own = objects[tuple(sites.T)] == objects[tuple(place)]
        if own.any():
            away = (((sites[own] - place) * spacing) ** 2).sum(axis=1)
            drawn[tuple(place)] = numbers[own][away == away.min()].min()
    return drawn


@pytest.mark.parametrize('seed', range(10))
def test_against_asking_all(seed):
    random = np.random.default_rng(seed)
    ndim = 2 + seed % 2
    mask = blobs((50, 51) if ndim == 2 else (20, 21, 22), random, [1, 1.5, 2.5][seed % 3])
    skeleton = skanrs.skeletonize(mask)
    if seed % 4 == 3:
        # Objects without branches, and single voxels.
        skeleton &= random.random(mask.shape) < 0.7
    # Spacings whose squares are exact, so that equal distances are.
    spacing = [1, [0.5, 2, 1][:ndim], 0.25][seed % 3]
    drawn = skanrs.territories(mask, skeleton, spacing=spacing)
    assert drawn.dtype == np.int32
    np.testing.assert_array_equal(drawn, by_asking_all(mask, skeleton, spacing))
    as_numbers = skeleton * (random.random(mask.shape) + 1)
    again = skanrs.territories(mask.astype(np.uint8) * 255, as_numbers, spacing=spacing)
    np.testing.assert_array_equal(again, drawn)
    of_skeleton = skanrs.branch_image(skeleton, spacing=spacing)
    np.testing.assert_array_equal(of_skeleton, np.where(skeleton, drawn, 0) * (of_skeleton > 0))
    labelled = skanrs.Skeleton(skeleton, spacing=spacing).path_label_image()
    np.testing.assert_array_equal(of_skeleton > 0, labelled > 0)
    branches = skanrs.analyze(mask, skeleton=skeleton, spacing=spacing)
    volumes = skanrs.counted_volume(drawn, branches, spacing=spacing)
    voxel = np.prod(np.broadcast_to(spacing, ndim))
    expected = [(drawn == row + 1).sum() * voxel for row in branches.index]
    assert volumes.tolist() == pytest.approx(expected)
    objects, count = ndimage.label(mask, np.ones((3,) * ndim))
    without = [at for at in range(1, count + 1) if not of_skeleton[objects == at].any()]
    assert volumes.sum() == pytest.approx((mask & ~np.isin(objects, without)).sum() * voxel)


@pytest.mark.parametrize('seed', range(8))
def test_chunks_give_the_image_of_the_whole(seed):
    random = np.random.default_rng(seed)
    ndim = 2 + seed % 2
    mask = blobs((40, 47) if ndim == 2 else (20, 23, 27), random, 1.5)
    spacing = random_spacing(random, ndim)
    skeleton = skanrs.skeletonize(mask)
    chunks = tuple(int(length) for length in random.integers(5, 30, ndim))
    of_dask = [da.from_array(image, chunks=chunks) for image in (mask, skeleton)]
    drawn = skanrs.territories(mask, skeleton, spacing=spacing)
    lazy = skanrs.territories(*of_dask, spacing=spacing)
    assert (lazy.chunks, lazy.dtype) == (of_dask[0].chunks, np.int32)
    np.testing.assert_array_equal(lazy.compute(), drawn)
    if seed == 0:
        in_processes = lazy.compute(scheduler='processes', num_workers=2)
        np.testing.assert_array_equal(in_processes, drawn)
    of_skeleton = skanrs.branch_image(of_dask[1], spacing=spacing)
    assert of_skeleton.chunks == of_dask[0].chunks
    whole = skanrs.branch_image(skeleton, spacing=spacing)
    np.testing.assert_array_equal(of_skeleton.compute(), whole)
    branches = skanrs.analyze(mask, skeleton=skeleton, spacing=spacing)
    np.testing.assert_array_equal(
        skanrs.counted_volume(lazy, branches, spacing=spacing),
        skanrs.counted_volume(drawn, branches, spacing=spacing),
    )


@pytest.mark.parametrize('threads', [1, 3])
def test_threads_change_no_voxel(threads):
    mask = blobs((90, 91, 92), 4, 2.5)
    skeleton = skanrs.skeletonize(mask)
    drawn = skanrs.territories(mask, skeleton)
    before = skanrs.get_num_threads()
    try:
        skanrs.set_num_threads(threads)
        np.testing.assert_array_equal(skanrs.territories(mask, skeleton), drawn)
    finally:
        skanrs.set_num_threads(before)


@pytest.mark.parametrize('shape', [(0, 5), (3, 0, 4), (5, 5), (1, 1, 1)])
def test_without_branches_there_are_no_territories(shape):
    for mask in (np.zeros(shape, dtype=bool), np.ones(shape, dtype=bool)):
        skeleton = np.zeros(shape, dtype=bool)
        drawn = skanrs.territories(mask, skeleton)
        assert (drawn.shape, drawn.any()) == (shape, False)
        assert not skanrs.branch_image(skeleton).any()


MASK = blobs((12, 13, 14), 5)
SKELETON = skanrs.skeletonize(MASK)


@pytest.mark.parametrize(
    ('error', 'words', 'arguments'),
    [
        (ValueError, 'mask: expected a mask', (np.arange(9).reshape(3, 3), np.zeros((3, 3)))),
        (ValueError, 'mask: expected a 2D or 3D', (np.ones(3, dtype=bool), np.ones(3))),
        (ValueError, 'skeleton: expected shape', (MASK, SKELETON[1:])),
        (ValueError, 'skeleton: expected voxels of the mask', (MASK, ~MASK)),
        (TypeError, 'skeleton', (MASK, da.from_array(SKELETON))),
        (TypeError, 'skeleton: expected an array of booleans', (MASK, SKELETON * 1j)),
    ],
)
def test_errors(error, words, arguments):
    with pytest.raises(error, match=words):
        skanrs.territories(*arguments)


def test_wrong_images_and_spacings():
    with pytest.raises(ValueError, match='spacing: expected'):
        skanrs.territories(MASK, SKELETON, spacing=[1, 2])
    branches = skanrs.analyze(MASK, skeleton=SKELETON)
    drawn = skanrs.territories(MASK, SKELETON)
    with pytest.raises(
        ValueError, match=f'territories: expected numbers from 0 to {len(branches)}'
    ):
        skanrs.counted_volume(drawn * 9, branches)
    with pytest.raises(TypeError, match='territories: expected an image of integers'):
        skanrs.counted_volume(drawn / 2, branches)
    chunks = da.from_array(MASK, chunks=5)
    with pytest.raises(ValueError, match='skeleton: expected the chunks of the mask'):
        skanrs.territories(chunks, da.from_array(SKELETON, chunks=6))
    outside = skanrs.territories(chunks, ~chunks)
    with pytest.raises(ValueError, match='skeleton: expected voxels of the mask only'):
        outside.compute()
