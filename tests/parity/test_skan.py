"""Equality with skan in every bit, on shapes, random images and real volumes."""

import numpy as np
import pandas as pd
import pytest
import skan
import skan.csr
from images import random_image, random_spacing
from pandas.testing import assert_frame_equal
from shapes import SHAPES
from volumes import each_volume, read_volume

import skanrs
import skanrs.csr

# skan renames columns in a way that pandas 3 warns of.
pytestmark = pytest.mark.filterwarnings('ignore::DeprecationWarning:skan')


def assert_same(ours, theirs):
    """Equal in dtype, shape and every bit."""
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    assert ours.tobytes() == theirs.tobytes()


def assert_same_skeleton(ours, theirs):
    for name in ('graph', 'paths'):
        one, other = getattr(ours, name), getattr(theirs, name)
        assert type(one) is type(other)
        assert one.shape == other.shape
        for part in ('indptr', 'indices', 'data'):
            assert_same(getattr(one, part), getattr(other, part))
    for name in ('indptr', 'indices', 'data', 'shape', 'node_properties'):
        assert_same(getattr(ours.nbgraph, name), getattr(theirs.nbgraph, name))
    for name in ('coordinates', 'degrees', 'spacing'):
        assert_same(getattr(ours, name), getattr(theirs, name))
    if theirs.pixel_values is None:
        assert ours.pixel_values is None
    else:
        assert_same(ours.pixel_values, theirs.pixel_values)
    for name in ('n_paths', 'skeleton_shape', 'skeleton_dtype'):
        assert getattr(ours, name) == getattr(theirs, name)
    for name in ('path_lengths', 'path_means', 'path_stdev', 'path_label_image'):
        assert_same(getattr(ours, name)(), getattr(theirs, name)())
    assert_same(ours.distances, theirs.distances)


def assert_same_table(ours, theirs):
    assert_frame_equal(ours, theirs, check_exact=True, check_column_type=True)
    for name in theirs:
        assert_same(ours[name].to_numpy(), theirs[name].to_numpy())


def compare(image, spacing=1, value_is_height=False):
    """Compare all of skan; return whether skan could tell."""
    ours = skanrs.Skeleton(image, spacing=spacing, value_is_height=value_is_height)
    options = {'separator': '_', 'value_is_height': value_is_height}
    table = skanrs.summarize(ours, **options)
    if skan_cannot(ours):
        return False
    theirs = skan.Skeleton(image, spacing=spacing, value_is_height=value_is_height)
    assert_same_skeleton(ours, theirs)
    assert_same_table(table, skan.summarize(theirs, **options))
    return True


def skan_cannot(skeleton):
    """Without an edge skan raises; for a few lone triangles it writes out of bounds."""
    degrees = skeleton.degrees
    return not (degrees == 1).any() and not (degrees > 2).any() and skeleton.graph.nnz < 4 * 6


@pytest.mark.parametrize('seed', range(40))
def test_random_images(seed):
    random = np.random.default_rng(seed)
    compared = 0
    for _ in range(50):
        image = random_image(random)
        signed = image.dtype.kind in 'if'
        # Heights of 8 or 16 bits cannot wrap here: they lie between 0 and 99.
        heights = bool(signed and random.random() < 0.4)
        compared += compare(image, random_spacing(random, image.ndim), heights)
    assert compared > 25


@pytest.mark.parametrize('name', SHAPES)
@pytest.mark.parametrize('dtype', ['bool', 'u1', 'f8'])
def test_shapes(name, dtype):
    image = SHAPES[name].astype(dtype)
    compare(image)
    compare(np.asfortranarray(image), 0.3)


@pytest.mark.parametrize('dtype', ['f2', 'f4', 'f8', 'i1', 'i4', 'i8'])
def test_heights_of_every_type(dtype):
    random = np.random.default_rng(5)
    for _ in range(20):
        image = random_image(random, dtype)
        if dtype == 'f2':
            # scipy's own matrices do not hold what skan makes of half precision.
            image = image.astype('f4').round(2).astype('f2')
        compare(image, 0.7, value_is_height=True)


def test_unusual_values():
    image = np.zeros((6, 30))
    image[2, 1:29] = np.linspace(-1, 1, 28)
    image[2, 5] = np.nan
    image[3:6, 12] = -0.0
    image[4, 2:20] = 5e-324
    compare(image)


def test_booleans_with_bytes_other_than_0_or_1():
    image = np.zeros((6, 200), dtype=np.uint8)
    image[2, 1:150:2] = 255
    image[3, 2:150:2] = 128
    image[4, 60] = 2
    odd = image.view(bool)
    compare(image != 0)
    assert_same_table(
        skanrs.summarize(odd, separator='_'), skanrs.summarize(image != 0, separator='_')
    )


def test_long_paths_sum_pairwise():
    random = np.random.default_rng(3)
    for length in (8, 9, 127, 128, 129, 130, 137, 256, 257, 400, 1025, 5000):
        image = random.random((1, length)) + 0.1
        compare(image, 0.1)
        compare(np.concatenate([image, np.zeros((1, 5)), random.random((1, 9))], axis=1), 0.1)


@each_volume
def test_volumes(volume):
    skeleton = skanrs.skeletonize(read_volume(volume))
    assert compare(skeleton, (2.0, 0.65, 0.65))


@pytest.mark.parametrize('connectivity', [1, 2, 3])
def test_pixel_graph(connectivity):
    random = np.random.default_rng(connectivity)
    for _ in range(15):
        image = random.random((4, 5, 6)) * (random.random((4, 5, 6)) < 0.5)
        spacing = random.random(3) + 0.1
        mask = image != 0
        for options in (
            {'mask': mask},
            {'mask': mask, 'edge_function': skan.csr._weighted_abs_diff},
            {},
        ):
            options |= {'connectivity': connectivity, 'spacing': spacing}
            ours, nodes = skanrs.csr.pixel_graph(image, **options)
            theirs, expected = skan.csr.pixel_graph(image, **options)
            assert_same(nodes, expected)
            for part in ('indptr', 'indices', 'data'):
                assert_same(getattr(ours, part), getattr(theirs, part))


def test_functions():
    random = np.random.default_rng(0)
    for _ in range(40):
        image = random_image(random)
        assert_same(skanrs.csr.make_degree_image(image), skan.csr.make_degree_image(image))
        if image.any():
            options = {'connectivity': image.ndim, 'mask': image != 0}
            raw, _ = skan.csr.pixel_graph(image, **options)
            if raw.nnz:
                ours, theirs = skanrs.csr._mst_junctions(raw), skan.csr._mst_junctions(raw)
                for part in ('indptr', 'indices', 'data'):
                    assert_same(getattr(ours, part), getattr(theirs, part))
        ours, coordinates = skanrs.csr.skeleton_to_csgraph(image, spacing=0.3)
        if ours.nnz:
            theirs, expected = skan.csr.skeleton_to_csgraph(image, spacing=0.3)
            assert isinstance(coordinates, tuple)
            for one, other in zip(coordinates, expected, strict=True):
                assert_same(one, other)
            assert (ours != theirs).nnz == 0


def test_path_graph():
    random = np.random.default_rng(1)
    for _ in range(30):
        image = random_image(random)
        ours = skanrs.csr.PathGraph.from_image(image, spacing=2)
        if skan_cannot(skanrs.Skeleton(image)):
            continue
        theirs = skan.csr.PathGraph.from_image(image, spacing=2)
        assert_same(ours.distances, theirs.distances)
        assert_same(ours.degrees, theirs.degrees)
        assert_same(ours.node_coordinates, theirs.node_coordinates)
        assert ours.n_paths == theirs.n_paths
        assert ours.spacing == theirs.spacing
        assert_same_table(
            skanrs.summarize(ours, separator='-'), skan.summarize(theirs, separator='-')
        )


@pytest.mark.parametrize('ndim', [2, 3])
def test_prune_paths(ndim):
    random = np.random.default_rng(ndim)
    for _ in range(25):
        shape = tuple(random.integers(6, 16, ndim))
        values = random.integers(1, 9, shape) if random.random() < 0.5 else np.ones(shape, bool)
        image = skanrs.skeletonize(random.random(shape) < 0.5) * values
        ours, theirs = (module.Skeleton(image, spacing=0.5) for module in (skanrs, skan))
        chosen = random.choice(ours.n_paths, ours.n_paths // 3, replace=False)
        pruned = ours.prune_paths(chosen)
        if skan_cannot(pruned):
            continue
        expected = theirs.prune_paths(chosen)
        assert_same(pruned.skeleton_image, expected.skeleton_image)
        assert_same_skeleton(pruned, expected)


def test_write_pixel_graph():
    from skan.nputil import raveled_steps_to_neighbors

    image = np.zeros((7, 9), dtype=int)
    image[2, 1:8] = np.arange(1, 8)
    image[3:6, 4] = [8, 9, 4]
    steps, distances = raveled_steps_to_neighbors(image.shape, 2)
    height = np.random.default_rng(0).random(image.shape)
    for write, extra in (('_write_pixel_graph', ()), ('_write_pixel_graph_height', (height,))):
        written = []
        for module in (skanrs.csr, skan.csr):
            row, column, data = np.zeros(60, int), np.zeros(60, int), np.zeros(60)
            function = getattr(module, write)
            count = function(image, *extra, steps, distances, row, column, data)
            written.append(np.stack([row, column, data])[:, :count])
        assert_same(*written)


def test_names_of_columns():
    image = SHAPES['plus-2d']
    for separator in ('-', '_', '.', ''):
        ours = skanrs.summarize(skanrs.Skeleton(image), separator=separator)
        theirs = skan.summarize(skan.Skeleton(image), separator=separator)
        pd.testing.assert_index_equal(ours.columns, theirs.columns)
