"""`Skeleton.prune_paths` equals thinning of the whole image, as skan does it."""

import numpy as np
import pandas as pd
import pytest
import skan
from images import blobs
from shapes import SHAPES

import skanrs
from skanrs._testdata import skeleton0, skeleton1


def random_skeleton(random, index):
    ndim = 2 + index % 2
    shape = tuple(random.integers(6, 30 if ndim == 2 else 14, ndim))
    if index % 3 == 0:
        image = random.random(shape) < random.uniform(0.05, 0.5)
    else:
        image = skanrs.skeletonize(blobs(shape, random, 1.2))
    match index % 5:
        case 0:
            return image * random.uniform(-5, 5, shape)
        case 1:
            return image * random.integers(1, 200, shape).astype(np.uint8)
        case _:
            return image


@pytest.mark.parametrize('seed', range(12))
def test_random_paths_of_random_skeletons(seed):
    random = np.random.default_rng(seed)
    for index in range(60):
        image = random_skeleton(random, index)
        ours = skanrs.Skeleton(image, spacing=0.5)
        if ours.n_paths < 2:
            continue
        count = random.integers(0, min(ours.n_paths, 8) + 1)
        chosen = random.choice(ours.n_paths, count, replace=False)
        before = image.copy()
        try:
            expected = skan.Skeleton(image, spacing=0.5).prune_paths(chosen)
        except ValueError:
            with pytest.raises(ValueError, match='leave at least one path'):
                ours.prune_paths(chosen)
            continue
        pruned = ours.prune_paths(chosen)
        np.testing.assert_array_equal(image, before)
        np.testing.assert_array_equal(pruned.skeleton_image, expected.skeleton_image)
        assert pruned.skeleton_image.dtype == expected.skeleton_image.dtype
        np.testing.assert_array_equal(pruned.path_lengths(), expected.path_lengths())


def test_the_rest_is_thinned_too():
    image = np.zeros((20, 30), dtype=bool)
    image[2, 2:20] = image[2:10, 10] = True
    image[12:18, 3:28] = True
    skeleton = skanrs.Skeleton(image)
    tip = skeleton.paths_list().index(skeleton.path(0).tolist())
    pruned = skeleton.prune_paths([tip])
    wiped = image.copy()
    pixels = skeleton.path(tip)
    wiped[tuple(skeleton.coordinates[pixels[skeleton.degrees[pixels] <= 2]].T)] = False
    np.testing.assert_array_equal(pruned.skeleton_image, skanrs.skeletonize(wiped))


def test_heights_stay():
    """skan forgets them."""
    heights = skeleton1 * np.arange(1.0, 1 + skeleton1.size).reshape(skeleton1.shape) ** 2
    skeleton = skanrs.Skeleton(heights, value_is_height=True)
    pruned = skeleton.prune_paths([3])
    again = skanrs.Skeleton(pruned.skeleton_image, value_is_height=True)
    np.testing.assert_array_equal(pruned.path_lengths(), again.path_lengths())
    assert (pruned.path_lengths() > 10).all()


def test_nan_is_removed_with_its_pixel():
    values = np.where(skeleton1, np.nan, 0)
    pruned = skanrs.Skeleton(values).prune_paths([3])
    expected = skanrs.Skeleton(skeleton1).prune_paths([3]).skeleton_image
    np.testing.assert_array_equal(np.isnan(pruned.skeleton_image), expected)


def test_prune_all_paths_and_none():
    skeleton = skanrs.Skeleton(skeleton0)
    with pytest.raises(ValueError, match='leave at least one path'):
        skeleton.prune_paths(range(3))
    np.testing.assert_array_equal(skeleton.prune_paths([]).skeleton_image, skeleton0)
    empty = skanrs.Skeleton(np.zeros((3, 4), dtype=bool))
    assert empty.prune_paths([]).n_paths == 0
    for dimensions in (1, 4):
        line = skanrs.Skeleton(np.ones((1,) * (dimensions - 1) + (5,), dtype=bool))
        with pytest.raises(ValueError, match='2 or 3 axes'):
            line.prune_paths([0])


def test_prune_paths_of_a_small_image():
    image = np.zeros((9, 20), dtype=bool)
    image[4, 1:19] = True
    image[1:4, 8] = True
    skeleton = skanrs.Skeleton(image, spacing=2.0, source_image=image)
    assert skeleton.n_paths == 3
    branch = int(np.argmin(skeleton.path_lengths()))
    pruned = skeleton.prune_paths([branch])
    assert pruned.n_paths == 1
    assert pruned.path_lengths().tolist() == [34.0]
    assert pruned.spacing.tolist() == [2.0, 2.0]
    assert pruned.source_image is image
    assert image.sum() == 21
    assert pruned.skeleton_image.sum() < image.sum()
    for indices in ([], np.array([], dtype=int), pd.Index([], dtype=int)):
        assert skeleton.prune_paths(indices).n_paths == 3
    for indices in ((branch,), np.array([branch]), pd.Series([branch]), {branch}, [branch] * 2):
        assert skeleton.prune_paths(indices).n_paths == 1
    with pytest.raises(ValueError, match='does not exist'):
        skeleton.prune_paths([3])
    with pytest.raises(TypeError):
        skeleton.prune_paths([0.5])
    with pytest.raises(ValueError, match='leave at least one path'):
        skeleton.prune_paths(range(3))


def test_prune_paths_keeps_values():
    image = np.where(SHAPES['plus-2d'], 7, 0).astype(np.int16)
    pruned = skanrs.Skeleton(image).prune_paths([0])
    assert pruned.skeleton_image.dtype == np.int16
    assert set(np.unique(pruned.skeleton_image)) == {0, 7}
