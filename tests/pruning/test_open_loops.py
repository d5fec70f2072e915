"""`open_loops`: no loop is left, no component vanishes, each cut is where it should be."""

from importlib import import_module

import dask.array as da
import networkx as nx
import numpy as np
import pytest
from blocks import random_chunks
from images import blobs, random_image, random_spacing
from label_images import label_images
from scipy import ndimage

import skanrs
from skanrs.pruning.open_loops import _outside_of_forest


def summary(skeleton, **options):
    table = skanrs.summarize(skanrs.Skeleton(skeleton, **options), separator='_')
    return skanrs.network_summary(table).iloc[0]


def components(skeleton):
    return ndimage.label(skeleton != 0, np.ones((3,) * skeleton.ndim))[1]


def random_skeleton(random):
    if random.random() < 0.3:
        while (image := random_image(random)).ndim not in (2, 3):
            pass
        return image
    shape = (50, 51) if random.random() < 0.5 else (18, 19, 20)
    image = skanrs.skeletonize(blobs(shape, random, random.choice([0.8, 1.5])))
    return image * random.integers(1, 9, shape).astype(random.choice(['u1', 'f4']))


@pytest.mark.parametrize('seed', range(40))
def test_random_skeletons_become_trees(seed):
    random = np.random.default_rng(seed)
    image = random_skeleton(random)
    before = image.copy()
    spacing = np.broadcast_to(random_spacing(random, image.ndim), image.ndim)
    chunks = random_chunks(random, image.shape)
    lazy = da.from_array(image, chunks=chunks)
    radii = random.integers(1, 9, np.count_nonzero(image)) * 1.0
    found = 0
    for cut, options in (('shortest', {}), ('thinnest', {'radii': radii})):
        opened = skanrs.open_loops(image, cut, spacing=spacing, **options)
        assert opened.dtype == image.dtype
        np.testing.assert_array_equal(opened[opened != 0], image[opened != 0])
        after = summary(opened, spacing=spacing)
        assert after['n_loops'] == 0
        assert components(opened) == components(image)
        loops = summary(image, spacing=spacing)['n_loops']
        if not loops:
            np.testing.assert_array_equal(opened, image)
        found += loops
        in_blocks = skanrs.open_loops(lazy, cut, spacing=spacing, **options)
        assert in_blocks.chunks == chunks
        np.testing.assert_array_equal(in_blocks.compute(), opened, strict=True)
        again = skanrs.open_loops(opened, 'shortest', spacing=spacing)
        np.testing.assert_array_equal(again, opened)
    np.testing.assert_array_equal(image, before)
    assert found or seed != 1


@pytest.mark.parametrize('seed', range(10))
def test_the_forest_is_that_of_networkx(seed):
    random = np.random.default_rng(seed)
    nodes = int(random.integers(1, 12))
    ends = random.integers(0, nodes, (2, int(random.integers(0, 30))))
    weights = random.permutation(ends.shape[1]) * 1.0
    weights[weights > 20] = np.inf
    graph = nx.MultiGraph()
    # Of equal weights, here the infinite ones, the first branch stays.
    order = np.argsort(-weights, kind='stable')
    for rank, number in enumerate(order.tolist()):
        graph.add_edge(*ends[:, number].tolist(), number, weight=ends.shape[1] - rank)
    forest = {number for *_, number in nx.maximum_spanning_edges(graph, data=False)}
    outside = _outside_of_forest((ends[0], ends[1]), weights, nodes)
    assert set(np.flatnonzero(~outside).tolist()) == forest


def test_numbers_of_pairs_beyond_32_bits():
    # Of a skeleton with so many voxels, (0, 5000) and (4096, 5000) are 2³² apart.
    ends = np.array([[0, 4096, 4096], [5000, 5000, 6000]], np.int32)
    assert not _outside_of_forest((ends[0], ends[1]), np.ones(3), 1 << 20).any()


def two_loops():
    """A skeleton of two loops beside each other, without corners, and radii of its voxels."""
    image = np.zeros((20, 40), dtype=bool)
    image[5, 3:37] = image[15, 3:37] = image[6:15, 2] = image[6:15, 20] = image[6:15, 37] = True
    radii = np.full(image.shape, 3.0)
    radii[15, 10], radii[10, 20], radii[5, 30] = 1.0, 2.0, 2.5
    return image, radii[image]


def test_the_thinnest_voxel_of_each_loop_goes():
    image, radii = two_loops()
    opened = skanrs.open_loops(image, 'thinnest', radii=radii)
    # The loop around both is open then; its third thin voxel stays.
    assert np.argwhere(image & ~opened).tolist() == [[10, 20], [15, 10]]
    skeleton = skanrs.open_loops(skanrs.Skeleton(image), 'thinnest', radii=radii)
    assert isinstance(skeleton, skanrs.Skeleton)
    np.testing.assert_array_equal(skeleton.skeleton_image, opened)


def test_the_shortest_branch_of_each_loop_goes():
    image, _ = two_loops()
    opened = skanrs.open_loops(image, 'shortest')
    # The middle one, and that on the right, which is shorter than that on the left.
    gone = image & ~opened
    assert gone[6:15, 20].all()
    assert gone[6:15, 37].all()
    assert not gone[:, :20].any()


def test_a_ring_is_cut_at_one_voxel():
    image = np.zeros((12, 12), dtype=bool)
    image[2, 3:9] = image[9, 3:9] = image[3:9, 2] = image[3:9, 9] = True
    radii = np.full(image.shape, 2.0)
    radii[9, 5] = 1
    assert (image & ~skanrs.open_loops(image, 'shortest')).sum() == 1
    thinnest = skanrs.open_loops(image, 'thinnest', radii=radii[image])
    assert np.argwhere(image & ~thinnest).tolist() == [[9, 5]]


def test_labels_are_opened_each_by_itself():
    for ndim in (2, 3):
        for labels in label_images(ndim, count=4, seed=3, dtype='i2'):
            skeleton = skanrs.skeletonize(labels, labels=True)
            opened = skanrs.open_loops(skeleton, 'thinnest', mask=labels, labels=True)
            for label in np.unique(labels[labels != 0]):
                alone = skanrs.open_loops(skeleton == label, 'thinnest', mask=labels == label)
                np.testing.assert_array_equal(opened == label, alone)


def test_nothing_to_open():
    for shape in [(0, 3), (4, 5), (2, 3, 4)]:
        empty = np.zeros(shape, dtype=bool)
        np.testing.assert_array_equal(skanrs.open_loops(empty, 'shortest'), empty)


LINE = np.zeros((5, 9), dtype=bool)
LINE[2, 1:8] = True


@pytest.mark.parametrize(
    ('error', 'words', 'arguments'),
    [
        (ValueError, "cut: expected 'thinnest' or 'shortest', got 'longest'", {'cut': 'longest'}),
        (ValueError, 'cut: expected either mask or radii with it, got neither', {}),
        (ValueError, 'cut: .*got mask and radii', {'mask': LINE, 'radii': np.ones(7)}),
        (ValueError, "mask: expected None without cut='thin", {'cut': 'shortest', 'mask': LINE}),
        (ValueError, 'radii: expected one for each of the 7', {'radii': np.ones(6)}),
        (ValueError, 'skeleton: expected a 2D or 3D', {'skeleton': LINE[2], 'radii': np.ones(7)}),
        (TypeError, 'skeleton: expected a Skeleton or an array', {'skeleton': [1], 'mask': LINE}),
    ],
)
def test_errors(error, words, arguments):
    with pytest.raises(error, match=words):
        skanrs.open_loops(**{'skeleton': LINE, 'cut': 'thinnest', **arguments})


@pytest.mark.parametrize('seed', range(30))
def test_voxels_around_loops_are_enough(seed, monkeypatch):
    random = np.random.default_rng(seed)
    shape = (50, 60) if seed % 3 == 0 else (25, 26, 27)
    image = random.random(shape) < random.choice([0.03, 0.1, 0.3])
    if seed % 2:
        image = skanrs.skeletonize(random.random(shape) < random.choice([0.5, 0.7, 0.85]))
    radii = random.integers(1, 9, np.count_nonzero(image)) * 1.0

    def opened():
        shortest = skanrs.open_loops(image, 'shortest')
        return shortest, skanrs.open_loops(image, 'thinnest', radii=radii)

    around = opened()
    # The function has the name of its module.
    module = import_module('skanrs.pruning.open_loops')
    monkeypatch.setattr(module, '_around_loops', lambda _, nodes, __: np.ones(len(nodes), bool))
    np.testing.assert_array_equal(opened(), around)
