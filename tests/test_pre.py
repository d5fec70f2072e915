"""Thresholds and structuring elements, against skan."""

import numpy as np
import pytest
import skan.pre

from skanrs import pre


@pytest.fixture(scope='module')
def image():
    rows, columns = np.mgrid[:60, :70]
    waves = np.sin(rows / 5) * np.cos(columns / 7)
    return waves + np.random.default_rng(4).normal(0, 0.3, waves.shape)


@pytest.mark.parametrize('ndim', [1, 2, 3, 4])
def test_hyperball(ndim):
    for radius in range(6):
        ball = pre.hyperball(ndim, radius)
        np.testing.assert_array_equal(ball, skan.pre.hyperball(ndim, radius))
        assert ball.dtype == bool


@pytest.mark.parametrize('method', ['sauvola', 'niblack', 'median'])
@pytest.mark.parametrize('smooth_method', ['Gaussian', 'tv'])
@pytest.mark.parametrize('radius', [0, 4])
@pytest.mark.parametrize('sigma', [0, 1.5])
def test_threshold(image, method, smooth_method, radius, sigma):
    options = {'method': method, 'smooth_method': smooth_method, 'radius': radius, 'sigma': sigma}
    ours = pre.threshold(image, offset=0.05, **options)
    np.testing.assert_array_equal(ours, skan.pre.threshold(image, offset=0.05, **options))
    assert ours.dtype == bool


def test_an_unknown_method_is_an_error(image):
    with pytest.raises(ValueError, match="expected 'median', 'niblack' or 'sauvola'"):
        pre.threshold(image, radius=3, method='mean')


def test_an_unknown_smoothing_warns_and_does_nothing(image):
    with pytest.warns(UserWarning, match="'NL' is neither"):
        ours = pre.threshold(image, sigma=2, smooth_method='NL')
    np.testing.assert_array_equal(ours, pre.threshold(image))


def test_smooth_methods_equal_scikit_image():
    assert pre.SMOOTH_METHODS == skan.pre.SMOOTH_METHODS
    with pytest.raises(AttributeError, match='nonsense'):
        pre.nonsense  # noqa: B018
