"""Thresholds of gray images: Otsu's method as in scikit-image, masks, errors."""

import re

import dask.array as da
import numpy as np
import pytest
from blocks import random_chunks
from images import random_gray
from skimage.filters import threshold_otsu

import skanrs
from skanrs import threshold
from skanrs._gray.parts import Smoothed, parts_of, smoothed, value_range
from skanrs._image.packed import PackedImage
from skanrs.datasets import lung
from skanrs.threshold import Rule, find_rule, mask_of, otsu_threshold, smooth

RANDOM = np.random.default_rng(5)
GRAY = np.where(RANDOM.random((12, 20, 30)) < 0.1, 150, 50) + RANDOM.normal(0, 12, (12, 20, 30))


@pytest.mark.parametrize(
    'image',
    [
        GRAY.astype(np.uint8),
        GRAY.astype(np.int16) - 80,
        (GRAY * 100).astype(np.uint16),
        GRAY.astype(np.float32),
        GRAY,
        -GRAY / 1e6,
        GRAY[0].astype(np.uint8),
        np.asfortranarray(GRAY.astype(np.uint8))[::2, ::-1],
        np.full((5, 5), 7, np.uint8),
        np.full((5, 5), -7.5),
        np.array([[0, 255], [255, 0]], np.uint8),
    ],
    ids=lambda image: f'{image.dtype}{image.shape}',
)
def test_otsu_equals_scikit_image(image):
    assert otsu_threshold(image) == threshold_otsu(image)


def test_otsu_of_wide_integers():
    # scikit-image would count four thousand million values one by one.
    image = (GRAY * 1e7).astype(np.int64)
    number = otsu_threshold(image)
    assert 60e7 < number < 140e7


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_otsu_of_nan_and_infinity(value):
    image = GRAY.copy()
    image[0, 0, 0] = value
    with pytest.raises(ValueError, match='finite'):
        otsu_threshold(image)


def test_otsu_of_an_empty_image():
    with pytest.raises(ValueError, match='expected at least one voxel for otsu, got none'):
        otsu_threshold(np.zeros((0, 3)))


@pytest.mark.parametrize('dtype', [bool, np.uint8, np.int32, np.float64])
@pytest.mark.parametrize('shape', [(3, 4), (3, 4, 5), (0, 4, 5), (1, 1, 1)])
def test_masks(dtype, shape):
    mask = RANDOM.random(shape) < 0.5
    found, number = mask_of(mask.astype(dtype))
    np.testing.assert_array_equal(found, mask, strict=True)
    assert number is None


@pytest.mark.parametrize(('low', 'high'), [(0, 255), (1, 2), (-1, 0), (-5, 3), (0.0, 0.25)])
def test_two_valued_images_are_masks(low, high):
    is_high = RANDOM.random((4, 5, 6)) < 0.5
    found, _ = mask_of(np.where(is_high, high, low))
    np.testing.assert_array_equal(found, is_high if high != 0 else ~is_high)


@pytest.mark.parametrize('value', [0, 1, 255])
def test_one_valued_images(value):
    found, _ = mask_of(np.full((3, 4), value, np.uint8))
    assert (found == (value != 0)).all()


def test_booleans_with_any_byte():
    image = np.array([[0, 1, 255, 2]], np.uint8).view(bool)
    for wanted in (None, 'none'):
        found, _ = mask_of(image, wanted)
        np.testing.assert_array_equal(found.view(np.uint8), [[0, 1, 1, 1]])


def test_gray_needs_a_threshold():
    with pytest.raises(ValueError, match='threshold: expected one for a gray image'):
        mask_of(GRAY.astype(np.uint8))


def test_nan_makes_an_image_gray():
    with pytest.raises(
        ValueError, match='threshold: expected one for a gray image .*NaN among its values'
    ):
        mask_of(np.array([[0, 1, np.nan]]))


def test_thresholds():
    image = np.array([[0, 10, 20, 30]], np.uint8)
    np.testing.assert_array_equal(mask_of(image, 10)[0], [[False, False, True, True]])
    np.testing.assert_array_equal(mask_of(image, 9.5)[0], [[False, True, True, True]])
    np.testing.assert_array_equal(mask_of(image, -1)[0], [[True] * 4])
    np.testing.assert_array_equal(mask_of(image, 'none')[0], [[False, True, True, True]])
    mask, number = mask_of(image, 'otsu')
    assert number == threshold_otsu(image)
    np.testing.assert_array_equal(mask, image > number)


def test_smooth_keeps_the_image():
    image = (GRAY[0] > 100).astype(np.uint8) * 255
    before = image.copy()
    smoothed = smooth(image, (1.0, 2.0))
    np.testing.assert_array_equal(image, before)
    assert smoothed.dtype == np.float32
    assert smoothed.max() < 255
    assert smoothed.sum() == pytest.approx(image.sum(), rel=0.05)


@pytest.mark.parametrize('dtype', [bool, np.uint8, np.int16, np.float32, np.float64])
def test_value_range(dtype):
    image = GRAY.astype(dtype)
    assert value_range(parts_of(image)) == (image.min(), image.max())
    if image.dtype.kind == 'f':
        image[3] = image[5, 2] = np.nan
        assert value_range(parts_of(image)) == (np.nanmin(image), np.nanmax(image))
        image[:] = np.nan
        assert np.isnan(value_range(parts_of(image))).all()
    assert value_range(parts_of(image[:0])) is None


@pytest.mark.parametrize('seed', range(30))
def test_smoothed_passes_equal_those_of_the_smoothed_image(seed):
    random = np.random.default_rng(seed)
    image = random_gray(random)
    sigma = tuple(random.choice([0, 0.4, 1.3, 5.0], image.ndim).tolist())
    part, whole = smoothed(image, sigma), smooth(image, sigma)
    assert part.dtype == whole.dtype
    assert value_range(parts_of(part)) == value_range(parts_of(whole))
    rule = find_rule(parts_of(part), part.dtype, 'otsu')
    assert rule.threshold == threshold_otsu(whole)
    np.testing.assert_array_equal(rule(part), whole > threshold_otsu(whole))
    np.testing.assert_array_equal(Rule('nonzero')(part), whole != 0)


@pytest.mark.parametrize('seed', range(40))
def test_random_images_equal_scikit_image(seed):
    random = np.random.default_rng(seed)
    image = random_gray(random)
    number = skanrs.otsu(image)
    assert number == threshold_otsu(image)
    for value in (number, float(image.flat[0]), -0.5):
        np.testing.assert_array_equal(mask_of(image, value)[0], image > value)
    blocks = da.from_array(image, chunks=random_chunks(random, image.shape))
    lazy = skanrs.otsu(blocks)
    assert (lazy.shape, lazy.dtype) == ((), np.float64)
    assert lazy.compute() == number


def test_otsu_is_lazy_and_names_errors():
    image = np.full((4, 5), np.nan)
    with pytest.raises(ValueError, match='image: expected finite values for otsu'):
        skanrs.otsu(image)
    lazy = skanrs.otsu(da.from_array(image, chunks=2))
    with pytest.raises(ValueError, match='image: expected finite values for otsu'):
        lazy.compute()
    with pytest.raises(TypeError, match='image'):
        skanrs.otsu(image.astype(complex))


def test_value_range_of_booleans_with_any_byte():
    image = np.full((4, 5), 255, np.uint8).view(bool)
    assert value_range(parts_of(image)) == (1, 1)


@pytest.mark.parametrize('seed', range(20))
def test_rule_found_in_parts_is_that_of_the_whole_image(seed):
    random = np.random.default_rng(seed)
    image = random.choice([3, 7, 200], (12, 9, 8), p=[0.6, 0.39, 0.01])
    image = image.astype(random.choice(['u1', 'i2', 'i4', 'i8', 'f4', 'f8']))
    if seed % 3 == 0:
        image = np.where(image == 200, 3, image)
    if seed % 5 == 0:
        image[0, 0, 0] = image.dtype.type(np.nan if image.dtype.kind == 'f' else 90)
    cuts = sorted(random.integers(0, 13, 3))

    def each(function):
        return (function(part) for part in np.split(image, cuts))

    for value in (None, 'none', 'otsu', 5.0):
        try:
            mask, number = mask_of(image, value)
        except ValueError as error:
            with pytest.raises(ValueError, match=re.escape(str(error)[:40])):
                find_rule(each, image.dtype, value)
        else:
            rule = find_rule(each, image.dtype, value)
            assert rule.threshold == number
            np.testing.assert_array_equal(rule(image), mask)


class _Parts:
    """Two parts of a smoothed image, and how often they were asked for."""

    def __init__(self, image, sigma):
        self.image, self.sigma, self.passes = image, sigma, 0

    def __iter__(self):
        self.passes += 1
        depth = self.image.shape[0]
        for start, end in ((0, depth // 3), (depth // 3, depth)):
            yield Smoothed(self.image, self.sigma, (start, end)), start


@pytest.mark.parametrize(
    ('between', 'memory', 'passes'),
    [
        (None, 1 << 20, 3),
        ((0.0, 1.0), 1 << 20, 3),
        ((0.0, 255.0), 1 << 30, 2),
        ((0.0, 255.0), 1 << 20, 3),
        ('sampled', 1 << 30, 2),
        ('sampled', 0, 3),
    ],
)
@pytest.mark.parametrize('dtype', [np.uint8, np.float64])
def test_otsu_packs_while_it_counts(monkeypatch, between, memory, passes, dtype):
    image = lung('healthy', shape=(56, 34, 70), seed=3).image.astype(dtype)
    sigma = (1.2, 0.5, 2.0)
    if between != 'sampled':
        monkeypatch.setattr(threshold, '_expected', lambda *_: between)
    monkeypatch.setattr(threshold, 'UNDECIDED', 1)
    parts, mask = _Parts(image, sigma), PackedImage(image.shape)
    smoothed = threshold.smooth(image, sigma)
    rule = threshold.pack_by_otsu(parts, smoothed.dtype, mask, memory)
    assert rule == ('above', threshold.otsu_threshold(smoothed))
    assert np.array_equal(mask.unpack(), rule(smoothed))
    assert parts.passes == passes
