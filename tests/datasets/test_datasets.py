"""Generated vessel trees and lungs: density, centrelines, blocks equal to the whole."""

import numpy as np
import pytest
from scipy import ndimage

from skanrs.datasets import (
    Lung,
    VesselTree,
    balls,
    fractal_tree,
    lung,
    touching_labels,
    vessel_tree,
)

EVERY_NEIGHBOUR = ndimage.generate_binary_structure(3, 3)


@pytest.fixture(scope='module')
def tree():
    return VesselTree.grow((96, 112, 128), seed=3)


def test_image(tree):
    image = tree.image()
    assert image.dtype == bool
    assert image.shape == (96, 112, 128)
    np.testing.assert_array_equal(vessel_tree((96, 112, 128), seed=3), image)
    assert (vessel_tree((96, 112, 128), seed=4) != image).any()


def test_share_of_foreground():
    assert 0.045 < vessel_tree((256, 256, 256)).mean() < 0.06
    assert 0.08 < vessel_tree((128, 128, 128), foreground=0.12).mean() < 0.12


def test_fills_the_volume_evenly(tree):
    eighths = [
        tree.block((z, y, x), (48, 56, 64)).mean()
        for z in (0, 48)
        for y in (0, 56)
        for x in (0, 64)
    ]
    assert min(eighths) > 0.4 * max(eighths)


@pytest.mark.parametrize('chunks', [(96, 112, 128), (40, 37, 50), (7, 112, 128), (96, 112, 9)])
def test_blocks_equal_the_whole(tree, chunks):
    whole = tree.image()
    for z in range(0, 96, chunks[0]):
        for y in range(0, 112, chunks[1]):
            for x in range(0, 128, chunks[2]):
                part = whole[z : z + chunks[0], y : y + chunks[1], x : x + chunks[2]]
                np.testing.assert_array_equal(tree.block((z, y, x), part.shape), part)


def test_empty_block(tree):
    assert tree.block((0, 0, 0), (0, 5, 5)).shape == (0, 5, 5)


@pytest.mark.parametrize(
    ('offset', 'shape'), [((0, 0), (5, 5)), ((-1, 0, 0), (5, 5, 5)), ((92, 0, 0), (5, 5, 5))]
)
def test_block_outside(tree, offset, shape):
    with pytest.raises(ValueError, match=r'block|offset'):
        tree.block(offset, shape)


def test_centrelines_lie_inside(tree):
    image = tree.image()
    middle = (tree.starts + 2 * tree.controls + tree.ends) / 4
    for points in (tree.starts, middle, tree.ends):
        nearest = np.rint(points).astype(int)
        inside = ((nearest >= 0) & (nearest < image.shape)).all(axis=1)
        assert inside.mean() > 0.95
        assert image[tuple(nearest[inside].T)].mean() > 0.99


def test_branches_hang_together(tree):
    child = np.flatnonzero(tree.parents >= 0)
    parent = tree.parents[child]
    assert (parent < child).all()
    np.testing.assert_array_equal(tree.starts[child], tree.ends[parent])
    np.testing.assert_array_equal(tree.generations[child], tree.generations[parent] + 1)
    assert (tree.radii[child] <= tree.radii[parent]).all()
    assert (tree.generations[tree.parents < 0] == 0).all()
    assert len(tree) == len(tree.radii) == len(tree.starts) == len(tree.ends)


def test_one_tree_is_connected():
    image = vessel_tree((80, 80, 80), trees=1)
    assert ndimage.label(image, EVERY_NEIGHBOUR)[1] == 1


@pytest.mark.parametrize('shape', [(64, 64), (64, 64, 64, 64), (64, 8, 64), (-1, 64, 64)])
def test_bad_shape(shape):
    with pytest.raises(ValueError, match='shape: expected three integers'):
        vessel_tree(shape)


@pytest.mark.parametrize(
    'argument',
    [
        {'foreground': 0},
        {'foreground': 0.5},
        {'foreground': float('nan')},
        {'trees': 0},
        {'distance': 1},
        {'distance': float('nan')},
    ],
)
def test_bad_argument(argument):
    with pytest.raises(ValueError, match=next(iter(argument))):
        vessel_tree((32, 32, 32), **argument)


def test_lungs_differ():
    healthy, hernia = lung('healthy', shape=(96, 96, 96)), lung('hernia', shape=(96, 96, 96))
    assert isinstance(healthy, Lung)
    assert healthy.image.dtype == np.uint8
    assert healthy.spacing == (256 / 96,) * 3
    assert len(hernia.tree) < 0.6 * len(healthy.tree)
    assert hernia.tree.generations.max() < healthy.tree.generations.max()
    assert hernia.tree.radii.mean() < healthy.tree.radii.mean()
    depth = [np.flatnonzero(one.tree.image().any(axis=(1, 2))).max() for one in (healthy, hernia)]
    assert depth[1] < 0.7 * depth[0]


def test_lung_is_gray_and_bright_in_its_tubes():
    one = lung(shape=(96, 96, 96))
    mask = one.tree.image()
    assert len(np.unique(one.image)) > 100
    assert one.image[mask].mean() > one.image[~mask].mean() + 60
    np.testing.assert_array_equal(lung(shape=(96, 96, 96)).image, one.image)


@pytest.mark.parametrize('shape', [64, None, 'large', (64.5, 64, 64)])
def test_shape_that_is_no_integers(shape):
    with pytest.raises(TypeError, match='shape: expected three integers'):
        vessel_tree(shape)


def test_bad_seed():
    for make in (vessel_tree, lambda shape, seed: lung(shape=shape, seed=seed)):
        with pytest.raises(TypeError, match="seed: expected an integer, got 'a'"):
            make((32, 32, 32), seed='a')
        with pytest.raises(ValueError, match='seed: expected a non-negative integer, got -1'):
            make((32, 32, 32), seed=-1)


def test_unknown_lung():
    with pytest.raises(ValueError, match="'healthy' or 'hernia', got 'happy'"):
        lung('happy')


def test_balls_are_solid_and_apart():
    image = balls((90, 80, 100), radius=(8, 20), seed=2)
    np.testing.assert_array_equal(balls((90, 80, 100), radius=(8, 20), seed=2), image)
    labels, count = ndimage.label(image, EVERY_NEIGHBOUR)
    assert count >= 5
    for place in ndimage.find_objects(labels):
        one = image[place]
        diameter = np.array(one.shape).mean()
        assert 15 <= diameter <= 42
        assert np.ptp(one.shape) <= 2
        assert one.mean() == pytest.approx(np.pi / 6, rel=0.15)
        assert ndimage.binary_fill_holes(one).sum() == one.sum()


@pytest.mark.parametrize('radius', [(0, 5), (9, 8), (40, 50), (np.nan, 5)])
def test_balls_that_do_not_fit(radius):
    with pytest.raises(ValueError, match='radius: expected'):
        balls((64, 64, 64), radius=radius)


@pytest.mark.parametrize('elongated', [False, True])
def test_labels_touch_and_fill_the_volume(elongated):
    options = {'count': 30, 'elongated': elongated, 'filled': 0.9, 'seed': 3}
    labels = touching_labels((40, 41, 42), **options)
    np.testing.assert_array_equal(labels, touching_labels((40, 41, 42), **options))
    assert labels.dtype == np.int32
    assert set(np.unique(labels)) == set(range(31))
    assert (labels > 0).mean() == pytest.approx(0.9, abs=0.05)
    touching = (labels[1:] != labels[:-1]) & (labels[1:] > 0) & (labels[:-1] > 0)
    assert touching.sum() > 100
    boxes = [np.ptp(np.argwhere(labels == label), axis=0) + 1 for label in range(1, 31)]
    share = sum(np.prod(box) for box in boxes) / labels.size
    # Boxes of lines overlap.
    assert (share > 4) == elongated


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'count': 0}, ValueError, 'count: expected a number above 0'),
        ({'count': 1.5}, TypeError, 'count: expected an integer, got 1.5'),
        ({'count': 3, 'filled': 0}, ValueError, 'filled: expected a number above 0 and up to 1'),
    ],
)
def test_refuses_what_makes_no_labels(arguments, error, message):
    with pytest.raises(error, match=message):
        touching_labels((20, 20, 20), **arguments)


def test_fractal_trees():
    tree = fractal_tree((96, 104, 120), generations=5, radius=3, seed=2)
    assert np.bincount(tree.generations).tolist() == [1, 2, 4, 8, 16]
    assert (tree.strahler == 5 - tree.generations).all()
    assert (tree.n_tips == 2 ** (4 - tree.generations)).all()
    assert tree.bifurcation_ratios().tolist() == [2] * 4
    np.testing.assert_allclose(tree.lengths, tree.lengths[0] * 0.75**tree.generations)
    np.testing.assert_allclose(tree.radii, 3 * 0.8**tree.generations)
    children = np.flatnonzero(tree.parents >= 0)
    np.testing.assert_array_equal(tree.starts[children], tree.ends[tree.parents[children]])
    angles = tree.angles()
    assert (angles['relation'] == 'children').sum() == 15
    expected = np.where(angles['relation'] == 'children', 80, 140)
    np.testing.assert_allclose(angles['angle'], expected)
    # As large as fits, with background around it.
    image = tree.image()
    assert [
        image.any(axis=axes).nonzero()[0][[0, -1]].tolist() for axes in ((1, 2), (0, 2), (0, 1))
    ]
    spans = np.array([np.ptp(along) for along in np.nonzero(image)])
    assert (np.array(image.shape) - spans >= 3).all()
    assert (np.array(image.shape) - spans).min() <= 8
    assert ndimage.label(image, EVERY_NEIGHBOUR)[1] == 1
    np.testing.assert_array_equal(
        tree.block((10, 20, 30), (40, 40, 40)), image[10:50, 20:60, 30:70]
    )


def test_random_fractal_trees():
    trees = [fractal_tree((128, 128, 128), radius=4, split=0.5, seed=seed) for seed in range(4)]
    assert len({len(tree) for tree in trees}) > 1
    for tree in trees:
        # A branch has two children or none.
        assert set(np.bincount(tree.parents[1:], minlength=len(tree))) == {0, 2}
        assert (np.bincount(tree.generations)[:3] == [1, 2, 4]).all()
        is_tip = ~np.isin(np.arange(len(tree)), tree.parents)
        assert (tree.n_tips[is_tip] == 1).all()
        assert tree.n_tips[0] == is_tip.sum()


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'generations': 1}, 'generations: expected 2 to 9, got 1'),
        ({'radius': 0}, 'radius: expected more than 0 and at most 8, got 0'),
        ({'radius': float('nan')}, 'radius: expected'),
        ({'angle': 181}, 'angle: expected'),
        ({'length_ratio': 1.5}, 'length_ratio: expected'),
        ({'radius_ratio': 0}, 'radius_ratio: expected'),
        ({'split': 2}, 'split: expected a probability from 0 to 1, got 2'),
        ({'seed': -1}, 'seed: expected'),
        ({'generations': 9}, 'shape: expected a volume in which branches that do not meet'),
    ],
)
def test_fractal_trees_that_make_no_sense(options, words):
    with pytest.raises(ValueError, match=words):
        fractal_tree((64, 64, 64), **options)
