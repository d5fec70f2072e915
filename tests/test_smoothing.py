"""Gaussian smoothing: the bits of scipy, whole and in chunks; errors."""

import dask.array as da
import numpy as np
import pytest
from blocks import random_chunks
from images import random_gray
from scipy import ndimage

import skanrs
from skanrs import smoothing


def random_sigma(random, ndim):
    """Return one standard deviation, or one for each axis."""
    values = random.choice([0, 0.2, 1e-16, 0.5, 1.0, 2.3, 6.0, 12.0], ndim)
    return values.tolist() if random.random() < 0.7 else float(values[0])


def assert_same_bits(found, expected):
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize('seed', range(120))
def test_equals_scipy(seed):
    random = np.random.default_rng(seed)
    image = random_gray(random)
    before = image.copy()
    sigma = random_sigma(random, image.ndim)
    expected = ndimage.gaussian_filter(image, sigma)
    assert_same_bits(skanrs.gaussian(image, sigma), expected)
    wide = image.astype(np.result_type(image.dtype, np.float32))
    assert_same_bits(smoothing.smooth(image, sigma), ndimage.gaussian_filter(wide, sigma))
    np.testing.assert_array_equal(image, before)
    blocks = da.from_array(image, chunks=random_chunks(random, image.shape))
    lazy = skanrs.gaussian(blocks, sigma)
    assert (lazy.shape, lazy.dtype) == (image.shape, image.dtype)
    assert_same_bits(lazy.compute(), expected)


@pytest.mark.parametrize('shape', [(1, 1, 1), (3, 200, 700), (90, 5, 70), (150, 140, 3), (70000,)])
def test_large_axes_and_axes_shorter_than_the_kernel(shape):
    random = np.random.default_rng(len(shape))
    image = (random.random(shape) * 60000).astype(np.uint16)
    for sigma in (1.0, 9.0):
        wide = image.astype(np.float32)
        expected = ndimage.gaussian_filter(wide, sigma)
        assert_same_bits(smoothing.smooth(image, sigma), expected)
        assert_same_bits(skanrs.gaussian(wide, sigma), expected)


@pytest.mark.parametrize('dtype', [bool, np.int64, np.uint64, '>i2', '>f4'])
def test_other_types(dtype):
    image = (np.random.default_rng(0).random((9, 8, 7)) * 1000).astype(dtype)
    expected = ndimage.gaussian_filter(image, 1.2)
    found = skanrs.gaussian(image, 1.2)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype


def test_views_in_any_order():
    image = np.random.default_rng(1).random((20, 30, 40)).astype(np.float32)
    for view in (image.T, image[::-1, ::2], image[..., ::-3], np.asfortranarray(image)):
        assert_same_bits(skanrs.gaussian(view, 1.0), ndimage.gaussian_filter(view, 1.0))


def test_more_axes():
    image = np.random.default_rng(2).random((4, 5, 6, 7))
    assert_same_bits(skanrs.gaussian(image, 0.8), ndimage.gaussian_filter(image, 0.8))


def test_empty():
    assert skanrs.gaussian(np.zeros((0, 3)), 1.0).shape == (0, 3)


@pytest.mark.parametrize(
    'sigma', [(1, 2), (1, 1, 1, 1), -1, (1, 1, -0.1), np.nan, np.inf, [[1]], 1e9, 'wide', None]
)
@pytest.mark.parametrize('lazy', [False, True])
def test_errors(sigma, lazy):
    image = np.zeros((4, 5, 6), np.float32)
    with pytest.raises(ValueError, match='sigma: expected'):
        skanrs.gaussian(da.from_array(image) if lazy else image, sigma)


@pytest.mark.parametrize('lazy', [False, True])
def test_elements_that_are_no_numbers(lazy):
    image = np.zeros((4, 5), complex)
    with pytest.raises(TypeError, match='image'):
        skanrs.gaussian(da.from_array(image) if lazy else image, 1)
