"""Meshes and summaries, against skan where it does not count the skeleton as a mesh."""

import numpy as np
import pandas as pd
import pytest
import skan._testdata
import skan.image_stats

from skanrs import image_stats

TOUCHES_BORDER = ['skeleton1', 'skeleton2', 'skeleton0', 'skeleton4', 'tinycycle', 'junction_first']


@pytest.mark.parametrize('name', TOUCHES_BORDER)
@pytest.mark.parametrize('spacing', [1, 2.5, (0.5, 3.0)])
@pytest.mark.filterwarnings('ignore::RuntimeWarning')
def test_summary(name, spacing):
    image = getattr(skan._testdata, name)
    ours = image_stats.image_summary(image, spacing=spacing)
    theirs = skan.image_stats.image_summary(image, spacing=spacing)
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


@pytest.mark.filterwarnings('ignore::RuntimeWarning')
def test_no_mesh_warns_as_numpy_does():
    with pytest.warns(RuntimeWarning, match='empty slice'):
        stats = image_stats.image_summary(skan._testdata.skeleton4)
    assert stats['average mesh area'].isna().all()


def test_the_skeleton_is_no_mesh():
    ring = np.zeros((7, 8), dtype=bool)
    ring[1:6, 1:7] = True
    ring[2:5, 2:6] = False
    assert image_stats.mesh_sizes(ring).tolist() == [12]
    assert skan.image_stats.mesh_sizes(ring).tolist() == [18, 12]


@pytest.mark.parametrize('seed', range(20))
def test_meshes_of_random_images(seed):
    image = np.random.default_rng(seed).random((20, 30)) < 0.6
    image[0, 0] = True  # so that skan counts rightly
    np.testing.assert_array_equal(image_stats.mesh_sizes(image), skan.image_stats.mesh_sizes(image))


@pytest.mark.filterwarnings('ignore::RuntimeWarning')
def test_an_image_without_skeleton():
    with pytest.warns(RuntimeWarning):
        stats = image_stats.image_summary(np.zeros((4, 5), dtype=bool), spacing=2)
    assert stats['area'].tolist() == [80]
    assert stats['number of disjoint skeletons'].tolist() == [0]
