"""Thinning that preserves topology, checked by other libraries."""

import dask.array as da
import numpy as np
import pytest
from images import blobs
from scipy import ndimage
from skimage.measure import euler_number
from volumes import each_volume, read_volume

import skanrs

FACES = ndimage.generate_binary_structure(3, 1)
ALL = ndimage.generate_binary_structure(3, 3)


def random_image(rng, shape):
    """Noise of any density, or smooth blobs."""
    if rng.random() < 0.5:
        return rng.random(shape) < rng.choice([0.2, 0.5, 0.8, 0.95])
    return blobs(shape, rng, smooth=float(rng.choice([0.7, 1.2])))


def topology(image):
    """Objects (26-connected), background (6-connected, the outside counted) and Euler number."""
    padded = np.pad(image, 1)
    if padded.ndim == 2:
        padded = padded[np.newaxis]
        padded = np.pad(padded, ((1, 1), (0, 0), (0, 0)))
    objects = ndimage.label(padded, ALL)[1]
    background = ndimage.label(~padded, FACES)[1]
    return objects, background, euler_number(padded, connectivity=3)


def is_thin(skeleton):
    """No voxel can go: each is an endpoint, on no border, or its removal changes the topology.

    Euler number, objects and background are counted in the 3x3x3 voxels around, with the voxel and
    without it: for a simple voxel none differs.
    """
    padded = np.pad(skeleton, 1)
    for z, y, x in np.argwhere(padded):
        around = padded[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2].copy()
        faces = [around[0, 1, 1], around[2, 1, 1], around[1, 0, 1]]
        faces += [around[1, 2, 1], around[1, 1, 0], around[1, 1, 2]]
        if around.sum() <= 2 or all(faces):
            continue
        without = around.copy()
        without[1, 1, 1] = False
        if topology(around) == topology(without):
            return False
    return True


@pytest.mark.parametrize('ndim', [2, 3])
@pytest.mark.parametrize('group', range(10))
def test_topology_of_random_images(ndim, group):
    lost = 0
    for seed in range(150 * group, 150 * (group + 1)):
        rng = np.random.default_rng([seed, ndim])
        shape = tuple(rng.integers(1, 14, ndim))
        image = random_image(rng, shape)
        skeleton = skanrs.skeletonize(image, preserve_topology=True)
        assert not (skeleton & ~image).any()
        expected = topology(image)
        assert topology(skeleton) == expected, seed
        assert np.array_equal(skanrs.skeletonize(skeleton, preserve_topology=True), skeleton)
        lost += topology(skanrs.skeletonize(image, method='lee')) != expected
    # In a plane the default loses nothing.
    assert (lost > 0) == (ndim == 3)


@pytest.mark.parametrize('seed', range(60))
def test_skeletons_are_thin(seed):
    rng = np.random.default_rng(seed)
    image = random_image(rng, (7, 8, 9))
    assert is_thin(skanrs.skeletonize(image, preserve_topology=True))


@each_volume
def test_topology_of_volumes(volume):
    image = read_volume(volume)[:200, :250, :300]
    skeleton = skanrs.skeletonize(image, preserve_topology=True)
    assert topology(skeleton) == topology(image)


@pytest.mark.parametrize('side', [2, 4, 6, 7])
def test_blocks_do_not_vanish(side):
    block = np.pad(np.ones((side,) * 3, dtype=bool), 1)
    assert skanrs.skeletonize(block, preserve_topology=True).any()


@pytest.mark.parametrize('seed', range(25))
def test_chunks(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 26, 2 + seed % 2))
    image = random_image(rng, shape)
    chunks = tuple(int(rng.integers(1, length + 1)) for length in shape)
    lazy = skanrs.skeletonize(da.from_array(image, chunks=chunks), preserve_topology=True)
    assert np.array_equal(lazy.compute(), skanrs.skeletonize(image, preserve_topology=True))
    parts = []
    for offset in np.ndindex(*(-(-length // n) for length, n in zip(shape, chunks, strict=True))):
        start = tuple(at * n for at, n in zip(offset, chunks, strict=True))
        block = image[tuple(slice(a, a + n) for a, n in zip(start, chunks, strict=True))]
        parts.append(skanrs.thin_chunk(block, offset=start, shape=shape, preserve_topology=True))
    merged = skanrs.merge_thinned(parts)
    for part in parts:
        inside = tuple(slice(a, a + n) for a, n in zip(part.offset, part.chunk_shape, strict=True))
        assert np.array_equal(part.finish(merged), lazy.compute()[inside])


def test_chunks_of_two_methods_do_not_merge():
    parts = [
        skanrs.thin_chunk(
            np.ones((2, 2, 2)), offset=(0, 0, x), shape=(2, 2, 4), preserve_topology=p
        )
        for x, p in ((0, True), (2, False))
    ]
    with pytest.raises(ValueError, match='one method'):
        skanrs.merge_thinned(parts)


def test_zhang_is_refused():
    with pytest.raises(ValueError, match=r"preserve_topology: expected method 'lee' or None"):
        skanrs.skeletonize(np.ones((3, 3)), method='zhang', preserve_topology=True)
