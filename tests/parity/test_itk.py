"""3D thinning against an independent implementation: ITK's BinaryThinningImageFilter3D.

ITK and scikit-image implement the same paper without common code. They agree in every voxel, except
for images whose first axis has length 1: scikit-image looks at four of the six directions there,
and skanrs does the same. Both are tested. `make test-itk` runs these tests.
"""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from images import blobs
from volumes import VOLUMES, read_volume

import skanrs

SCRIPT = Path(__file__).parents[1] / 'support' / 'itk_thinning.py'


@pytest.fixture
def by_itk(request, tmp_path):
    """Return a function: the skeletons of images, by name, in the Python that has ITK."""
    python = request.config.getoption('itk')
    if python is None:
        pytest.skip('`make test-itk`, or --itk PYTHON for a Python that has ITK')

    def thin(images):
        source, target = tmp_path / 'images.npz', tmp_path / 'skeletons.npz'
        np.savez_compressed(source, **images)
        subprocess.run([python, SCRIPT, source, target], check=True)
        with np.load(target) as skeletons:
            return {name: skeletons[name] for name in images}

    return thin


def all_images_of_2x3x3():
    """All 2**18 images of that shape in one image, each apart from the others."""
    images = (np.arange(2**18)[:, np.newaxis] >> np.arange(18) & 1).astype(bool)
    field = np.zeros((64, 64, 64, 4, 4, 4), dtype=bool)
    field[..., :2, :3, :3] = images.reshape(64, 64, 64, 2, 3, 3)
    return field.transpose(0, 3, 1, 4, 2, 5).reshape(256, 256, 256)


def assert_equal_to_itk(by_itk, images):
    expected = by_itk(images)
    for name, image in images.items():
        np.testing.assert_array_equal(skanrs.skeletonize(image), expected[name], err_msg=name)


def test_all_images_of_2x3x3(by_itk):
    assert_equal_to_itk(by_itk, {'all': all_images_of_2x3x3()})


def test_random_images(by_itk, itk_seed):
    random = np.random.default_rng(itk_seed)
    images = {}
    for count in range(300):
        shape = tuple(random.integers(2, 28, 3))
        density = random.choice([0.2, 0.5, 0.8, 0.95])
        images[f'noise {count}'] = random.random(shape) < density
        images[f'blobs {count}'] = blobs(shape, random, random.uniform(0.7, 3))
    assert_equal_to_itk(by_itk, images)


def test_balls(by_itk):
    images = {}
    for radius in (5, 6, 12, 20):
        axes = np.ogrid[tuple(slice(-radius, radius + 1) for _ in range(3))]
        images[f'radius {radius}'] = sum(axis**2 for axis in axes) < radius**2
    assert_equal_to_itk(by_itk, images)


def test_volumes(by_itk):
    assert_equal_to_itk(by_itk, {path.stem: read_volume(path.stem) for path in VOLUMES})


def test_images_of_one_plane_differ(by_itk, itk_seed):
    random = np.random.default_rng(itk_seed)
    images = {f'plane {at}': blobs((1, 20, 20), random, 1.0) for at in range(60)}
    assert any(
        not np.array_equal(skanrs.skeletonize(images[name], method='lee'), skeleton)
        for name, skeleton in by_itk(images).items()
    )
