"""Attributes and methods of Skeleton: paths, images, pickles, values that the user overwrites."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from images import random_image
from scipy import sparse
from shapes import SHAPES

import skanrs
from skanrs.csr import (
    PathGraph,
    csr_to_nbgraph,
)


def summarize(*arguments, **options):
    return skanrs.summarize(*arguments, separator='_', **options)


def test_negative_zero_is_background_and_nan_is_not():
    image = np.array([0.0, -0.0, np.nan, -1.0, 2.0, -0.0])
    assert skanrs.Skeleton(image).coordinates.ravel().tolist() == [2, 3, 4]


def test_number_of_axes():
    with pytest.raises(ValueError, match='axes'):
        skanrs.Skeleton(np.array(True))
    with pytest.raises(ValueError, match='axes'):
        skanrs.Skeleton(np.ones((1,) * 11))
    assert skanrs.Skeleton(np.ones((1,) * 9 + (3,))).path_lengths().tolist() == [2]


def test_methods_of_paths():
    skeleton = skanrs.Skeleton(SHAPES['ring-with-tail'] * 2.0, spacing=(1, 3))
    paths = skeleton.paths_list()
    for index in range(skeleton.n_paths):
        path = skeleton.path(index)
        assert path.tolist() == paths[index]
        pixels, values = skeleton.path_with_data(index)
        assert pixels.tolist() == paths[index]
        assert (values == 2).all()
        np.testing.assert_array_equal(skeleton.path_coordinates(index), skeleton.coordinates[path])
    labels = skeleton.path_label_image()
    assert labels.dtype == np.int64
    for index, path in enumerate(paths[:-1]):
        later = {pixel for other in paths[index + 1 :] for pixel in other}
        for pixel in set(path) - later:
            assert labels[tuple(skeleton.coordinates[pixel])] == index + 1
    np.testing.assert_array_equal(np.asarray(skeleton), labels)
    assert np.asarray(skeleton, dtype=float).dtype == float


@pytest.mark.parametrize('index', [-1, -3, 1, 99])
def test_path_index_out_of_range(index):
    skeleton = skanrs.Skeleton(SHAPES['diamond'])
    for method in (skeleton.path, skeleton.path_coordinates, skeleton.path_with_data):
        with pytest.raises(ValueError, match='index'):
            method(index)
    with pytest.raises(ValueError, match='does not exist'):
        skeleton.prune_paths([0, index])


@pytest.mark.parametrize('keep_images', [True, False])
def test_pickle_and_deepcopy(keep_images):
    skeleton = skanrs.Skeleton(SHAPES['theta'] * 0.5, spacing=2, keep_images=keep_images)
    fresh = pickle.loads(pickle.dumps(skeleton))
    expected = summarize(skeleton)
    skeleton.nbgraph.edge(0, 1)
    for other in (fresh, pickle.loads(pickle.dumps(skeleton)), copy.deepcopy(skeleton)):
        pd.testing.assert_frame_equal(summarize(other), expected)
        assert other.keep_images is keep_images
        np.testing.assert_array_equal(other.nbgraph.data, skeleton.nbgraph.data)
    graph = PathGraph.from_image(SHAPES['theta'])
    assert graph.distances.size == pickle.loads(pickle.dumps(graph)).distances.size


def test_keep_images():
    image, source = SHAPES['plus-2d'], np.ones((7, 7))
    kept = skanrs.Skeleton(image, source_image=source)
    assert kept.skeleton_image is image
    assert kept.source_image is source
    dropped = skanrs.Skeleton(image, source_image=source, keep_images=False)
    assert dropped.skeleton_image is None
    assert dropped.source_image is None
    with pytest.raises(ValueError, match='keep_images'):
        dropped.prune_paths([0])


def test_overwritten_attributes_count():
    """A skeleton made of nothing takes another one's graph, as notebooks do."""
    real = skanrs.Skeleton(SHAPES['theta'] * 3.0, spacing=0.5)
    dummy = skanrs.Skeleton(np.array([1, 1, 0, 1, 1]))
    dummy.skeleton_image = dummy.source_image = None
    dummy.skeleton_shape = real.skeleton_shape
    dummy.spacing = real.spacing
    dummy.graph = sparse.csr_matrix(real.graph)
    dummy.degrees = np.diff(dummy.graph.indptr)
    dummy.nbgraph = csr_to_nbgraph(dummy.graph, real.pixel_values)
    dummy.coordinates = real.coordinates
    dummy.paths = real.paths
    dummy.n_paths = real.n_paths
    dummy.distances = distances = np.empty(real.n_paths)
    dummy._distances_initialized = False
    np.testing.assert_array_equal(dummy.path_lengths(), real.path_lengths())
    assert dummy.distances is distances
    pd.testing.assert_frame_equal(summarize(dummy), summarize(real))
    np.testing.assert_array_equal(dummy.path_label_image(), real.path_label_image())
    np.testing.assert_array_equal(dummy.path_coordinates(0), real.path_coordinates(0))


@pytest.mark.parametrize('dtype', ['bool', 'f4'])
def test_reading_attributes_changes_nothing(dtype):
    image = random_image(np.random.default_rng(5), dtype)
    expected = skanrs.summarize(skanrs.Skeleton(image, spacing=0.3), separator='_')
    for name in ('graph', 'paths', 'nbgraph', 'degrees', 'coordinates', 'distances'):
        skeleton = skanrs.Skeleton(image, spacing=0.3)
        getattr(skeleton, name)
        pd.testing.assert_frame_equal(skanrs.summarize(skeleton, separator='_'), expected)
        np.testing.assert_array_equal(skeleton.path_lengths(), expected['branch_distance'])


@pytest.mark.parametrize('spacing', [2, 2.0, np.float32([0.5, 2]), np.array([1, 2])])
def test_an_overwritten_spacing_counts(spacing):
    image = SHAPES['theta']
    expected = skanrs.Skeleton(image)
    expected.coordinates  # noqa: B018 (numpy computes the columns after this access)
    expected.spacing = skeleton_spacing = np.asarray(spacing)
    skeleton = skanrs.Skeleton(image)
    skeleton.spacing = spacing
    table = skanrs.summarize(skeleton, separator='_')
    pd.testing.assert_frame_equal(table, skanrs.summarize(expected, separator='_'))
    assert table['coord_src_0'].dtype == (np.int64(1) * skeleton_spacing).dtype


def test_changes_in_place_count():
    image = np.zeros((4, 9), dtype=bool)
    image[1, 1:8] = True
    skeleton = skanrs.Skeleton(image)
    skeleton.graph.data[:] = 2
    assert skeleton.path_lengths().tolist() == [12]
    skeleton = skanrs.Skeleton(image)
    skeleton.paths.data[:] = 3
    assert skanrs.summarize(skeleton, separator='_')['mean_pixel_value'].tolist() == [3]


def test_overwritten_attributes_that_do_not_fit():
    dummy = skanrs.Skeleton(SHAPES['theta'])
    dummy.graph = sparse.csr_matrix((2, 2))
    with pytest.raises(ValueError, match='paths'):
        dummy.path_lengths()
    dummy = skanrs.Skeleton(SHAPES['theta'])
    dummy.coordinates = dummy.coordinates + 100
    with pytest.raises(ValueError, match='coord'):
        dummy.path_label_image()


def test_bit_instructions_do_not_matter(tmp_path, run_python):
    image = np.random.default_rng(3).random((40, 50, 130)) < 0.06
    np.save(tmp_path / 'image.npy', image)
    run_python(
        'import numpy as np, skanrs;'
        "s = skanrs.Skeleton(np.load('image.npy'));"
        "np.savez('graph.npz', a=s.graph.indptr, b=s.graph.indices, c=s.graph.data,"
        ' d=s.paths.indptr, e=s.paths.indices)',
        env={'SKANRS_VECTORS': 'word'},
        cwd=tmp_path,
    )
    skeleton = skanrs.Skeleton(image)
    graph, paths = skeleton.graph, skeleton.paths
    expected = graph.indptr, graph.indices, graph.data, paths.indptr, paths.indices
    with np.load(tmp_path / 'graph.npz') as found:
        for name, array in zip('abcde', expected, strict=True):
            np.testing.assert_array_equal(found[name], array)
