"""Equality with scikit-image in every voxel, on the images of its own tests of thinning."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage import data, draw
from skimage.filters import threshold_otsu
from skimage.morphology import skeletonize as reference

import skanrs


def shapes_that_touch():
    """Bars, crossing lines and an annulus, of several values."""
    image = np.zeros((300, 300))
    image[10:-10, 10:100] = 1
    image[-100:-10, 10:-10] = 2
    image[10:-10, -100:-10] = 3
    for (y0, x0, y1, x1), width, value in [
        ((250, 150, 10, 280), 10, 4),
        ((10, 150, 250, 280), 20, 5),
    ]:
        rows, columns = draw.line(y0, x0, y1, x1)
        for below in range(width):
            image[rows + below, columns] = value
    image[draw.disk((150, 135), 30)] = 1
    image[draw.disk((150, 135), 20)] = 0
    return image


def thick_diagonal():
    image = np.zeros((6, 6), dtype=bool)
    for at in range(1, 5):
        image[at, at : at + 2] = True
    return image


def two_holes():
    image = np.zeros((14, 16), dtype=bool)
    image[draw.ellipse(6, 7.5, 6.5, 8)] = True
    image[4:9, 4:7] = image[4:9, 10:12] = False
    return image


IMAGES = {
    'nothing': np.zeros((5, 5)),
    'all': np.ones((3, 4), dtype=bool),
    'one pixel': np.pad([[1]], ((3, 1), (3, 1))),
    'a column': np.ones((5, 1), dtype=bool),
    'a row': np.ones((1, 5), dtype=bool),
    'thin already': np.eye(7, dtype=bool)[:, ::-1],
    'thick diagonal': thick_diagonal(),
    'shapes that touch': shapes_that_touch(),
    'every second of floats': np.random.default_rng(3).random((16, 16))[::2, ::2].round(),
    'two holes': two_holes(),
    'framed': np.pad(np.ones((3, 3), dtype=np.uint8), 1),
}
PICTURES = ['horse', 'text', 'page', 'coins', 'moon']


@pytest.mark.parametrize('method', ['zhang', 'lee'])
@pytest.mark.parametrize('name', IMAGES)
def test_images_of_scikit_image(name, method):
    image = IMAGES[name]
    before = image.copy()
    skeleton = skanrs.skeletonize(image, method=method)
    np.testing.assert_array_equal(skeleton, reference(image != 0, method=method), strict=True)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize('method', ['zhang', 'lee'])
@pytest.mark.parametrize('name', PICTURES)
def test_pictures_of_scikit_image(name, method):
    picture = getattr(data, name)()
    bright = picture if picture.dtype == bool else picture > threshold_otsu(picture)
    for image in (bright, ~bright):
        skeleton = skanrs.skeletonize(image, method=method)
        np.testing.assert_array_equal(skeleton, reference(image, method=method))


@pytest.mark.parametrize('method', ['zhang', 'lee'])
def test_no_square_of_pixels_is_left(method):
    skeleton = skanrs.skeletonize(shapes_that_touch(), method=method)
    squares = ndimage.correlate(skeleton.astype(np.uint8), np.ones((2, 2)), mode='constant')
    assert squares.max() < 4


def test_known_skeleton_of_a_bar():
    """A bar of three by four: the middle row by Lee's method, a bent line by Zhang's."""
    bar = np.ones((3, 4), dtype=bool)
    assert skanrs.skeletonize(bar, method='lee').astype(int).tolist() == [
        [0, 0, 0, 0],
        [1, 1, 1, 1],
        [0, 0, 0, 0],
    ]
    assert skanrs.skeletonize(bar, method='zhang').astype(int).tolist() == [
        [0, 0, 1, 0],
        [1, 1, 0, 0],
        [0, 0, 0, 0],
    ]
