"""The branch table: the rules of skan, element types, columns, heights, errors."""

import subprocess
import sys
import warnings

import naive
import numpy as np
import pandas as pd
import pytest
from images import random_image, random_spacing
from shapes import SHAPES

import skanrs
from skanrs.csr import (
    PathGraph,
    make_degree_image,
    pixel_graph,
    skeleton_to_csgraph,
)

COLUMNS = [
    'skeleton_id',
    'node_id_src',
    'node_id_dst',
    'branch_distance',
    'branch_type',
    'mean_pixel_value',
    'stdev_pixel_value',
    'image_coord_src_0',
    'image_coord_src_1',
    'image_coord_dst_0',
    'image_coord_dst_1',
    'coord_src_0',
    'coord_src_1',
    'coord_dst_0',
    'coord_dst_1',
    'euclidean_distance',
]


def summarize(*arguments, **options):
    return skanrs.summarize(*arguments, separator='_', **options)


def assert_follows_the_rules(image, spacing=1, heights=False):
    skeleton = skanrs.Skeleton(image, spacing=spacing, value_is_height=heights)
    table = summarize(skeleton, value_is_height=heights)
    expected = naive.table(image, spacing, heights)
    assert len(table) == len(expected)
    exact = [name for name in table if 'pixel_value' not in name and 'euclidean' not in name]
    for at, row in enumerate(expected):
        assert list(row) == list(table)
        for name in exact:
            assert table[name][at] == row[name], name
        for name in set(table) - set(exact):
            assert table[name][at] == pytest.approx(row[name], rel=1e-12, abs=2e-6), name


@pytest.mark.parametrize('name', SHAPES)
@pytest.mark.parametrize('dtype', ['bool', 'f4'])
def test_shapes_follow_the_rules(name, dtype):
    assert_follows_the_rules(SHAPES[name].astype(dtype))


@pytest.mark.parametrize('seed', range(20))
def test_random_images_follow_the_rules(seed):
    random = np.random.default_rng(1000 + seed)
    for _ in range(8):
        image = random_image(random)
        heights = image.dtype.kind == 'f' and bool(random.random() < 0.5)
        assert_follows_the_rules(image, random_spacing(random, image.ndim), heights)


@pytest.mark.parametrize('name', SHAPES)
def test_memory_order_does_not_matter(name):
    image = SHAPES[name]
    table = summarize(skanrs.Skeleton(image))
    reversed_twice = np.ascontiguousarray(image[::-1])[::-1]
    spread = np.zeros(tuple(2 * length for length in image.shape), dtype='>f8')
    every_second = spread[(slice(None, None, 2),) * image.ndim]
    every_second[...] = image
    for other in (np.asfortranarray(image), reversed_twice):
        pd.testing.assert_frame_equal(summarize(skanrs.Skeleton(other)), table)
    pd.testing.assert_frame_equal(summarize(skanrs.Skeleton(every_second)), table)
    if image.any():
        column = summarize(skanrs.Skeleton(np.asfortranarray(image * 2.5)))['mean_pixel_value']
        assert (column == 2.5).all()


@pytest.mark.parametrize('dtype', ['u1', 'u2', 'u4', 'u8', '>i4', 'f2', '>f8', 'longdouble'])
def test_every_type_of_element(dtype):
    image = np.zeros((7, 90), dtype=dtype)
    image[3, 1:80] = 3
    image[1:6, 40] = 3
    table = summarize(skanrs.Skeleton(image))
    assert (table['mean_pixel_value'] == 3).all()
    shape_only = summarize(skanrs.Skeleton(image != 0))
    pd.testing.assert_frame_equal(
        table.drop(columns='mean_pixel_value'), shape_only.drop(columns='mean_pixel_value')
    )


def test_number_of_threads_does_not_matter():
    random = np.random.default_rng(0)
    image = random.random((110, 120, 130)) < 0.1
    image[30] = False
    tables = []
    for count in (1, 2, 3, 7, 16):
        skanrs.set_num_threads(count)
        tables.append(summarize(skanrs.Skeleton(image)))
    skanrs.set_num_threads(None)
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0], check_exact=True)


@pytest.mark.parametrize(
    'name', [name for name in SHAPES if name.startswith(('empty', 'no-', 'single'))]
)
@pytest.mark.parametrize('value_is_height', [False, True])
def test_without_edges_the_table_is_empty(name, value_is_height):
    image = SHAPES[name].astype(float)
    skeleton = skanrs.Skeleton(image, value_is_height=value_is_height)
    table = summarize(skeleton, value_is_height=value_is_height)
    line = np.zeros((3,) * image.ndim)
    line[(1,) * (image.ndim - 1)] = 1
    usual = summarize(skanrs.Skeleton(line), value_is_height=value_is_height)
    assert len(table) == 0
    pd.testing.assert_series_equal(table.dtypes, usual.dtypes)
    pd.testing.assert_index_equal(table.index, pd.RangeIndex(0))
    assert skeleton.n_paths == 0
    assert skeleton.path_lengths().shape == (0,)
    assert skeleton.paths_list() == []
    assert (skeleton.path_label_image() == 0).all()
    with pytest.raises(ValueError, match='does not exist'):
        skeleton.prune_paths([0])


def test_columns_and_types():
    table = summarize(skanrs.Skeleton(SHAPES['plus-2d']))
    assert list(table) == COLUMNS
    assert [str(dtype) for dtype in table.dtypes] == ['int32'] * 3 + [
        *('float64', 'int64', 'float64', 'float64'),
        *['int64'] * 8,
        'float64',
    ]
    scaled = summarize(skanrs.Skeleton(SHAPES['plus-2d'], spacing=0.5))
    assert {str(dtype) for dtype in scaled.dtypes[COLUMNS[11:15]]} == {'float64'}


def test_without_separator_there_is_a_warning():
    skeleton = skanrs.Skeleton(SHAPES['plus-2d'])
    with pytest.warns(np.exceptions.VisibleDeprecationWarning, match='separator') as caught:
        table = skanrs.summarize(skeleton)
    assert caught[0].filename == __file__
    assert list(table) == [name.replace('_', '-') for name in COLUMNS]
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        skanrs.summarize(skeleton, separator='-')


def test_lone_triangle_is_one_cycle():
    table = summarize(skanrs.Skeleton(SHAPES['triangle']))
    assert table['branch_type'].tolist() == [3]
    assert table['branch_distance'].tolist() == [1 + 1 + np.sqrt(2)]
    assert skanrs.Skeleton(SHAPES['triangle']).paths_list() == [[0, 1, 2, 0]]


def test_changing_the_table_leaves_the_skeleton():
    skeleton = skanrs.Skeleton(SHAPES['plus-3d'] * 2.0)
    table = summarize(skeleton)
    before = table.copy(deep=True)
    for name in table:
        table.loc[:, name] = 0
    pd.testing.assert_frame_equal(summarize(skeleton), before)


def test_array_is_summarized_as_its_skeleton():
    image = SHAPES['theta'] * np.arange(1.0, 8)
    skeleton = skanrs.Skeleton(image, spacing=2, value_is_height=True)
    expected = summarize(skeleton, value_is_height=True)
    table = summarize(image, spacing=2, value_is_height=True)
    pd.testing.assert_frame_equal(table, expected)
    with pytest.raises(ValueError, match='spacing'):
        summarize(skeleton, spacing=2)


@pytest.mark.parametrize(
    'spacing',
    [0, -1, np.nan, np.inf, (1, 2, 3), (1, 0), [1, np.nan], 'far', None, 1j, 1e200, 1e-200, []],
)
def test_spacing_that_makes_no_distance(spacing):
    for function in (skanrs.Skeleton, PathGraph.from_image, skeleton_to_csgraph):
        with pytest.raises(ValueError, match='spacing'):
            function(SHAPES['plus-2d'], spacing=spacing)
    with pytest.raises(ValueError, match='spacing'):
        skanrs.Skeleton(SHAPES['empty-2d'], spacing=spacing)


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_heights_that_are_not_finite(value):
    image = np.ones((3, 4))
    image[1, 2] = value
    with pytest.raises(ValueError, match='finite'):
        skanrs.Skeleton(image, value_is_height=True)
    skanrs.Skeleton(image)


def test_heights_too_far_apart():
    with pytest.raises(ValueError, match='heights'):
        skanrs.Skeleton(np.array([1e308, -1e308]), value_is_height=True)


def test_bool_has_no_heights():
    with pytest.raises(TypeError, match='value_is_height'):
        skanrs.Skeleton(SHAPES['plus-2d'], value_is_height=True)
    with pytest.raises(TypeError, match='value_is_height'):
        summarize(skanrs.Skeleton(SHAPES['plus-2d']), value_is_height=True)


@pytest.mark.parametrize('dtype', ['u1', 'u8', 'i1', 'i8'])
def test_integer_heights_do_not_wrap(dtype):
    top = np.iinfo(dtype).max
    image = np.array([[1, top, 1]], dtype=dtype)
    length = skanrs.Skeleton(image, value_is_height=True).path_lengths()
    assert length.tolist() == [2 * np.hypot(float(top - 1), 1)]


@pytest.mark.parametrize(
    'image', [np.array(['a']), np.array([1j]), np.array([object()]), np.array(['2020'], 'M8[Y]')]
)
def test_elements_that_are_not_numbers(image):
    for function, name in (
        (skanrs.Skeleton, 'skeleton_image'),
        (PathGraph.from_image, 'skeleton_image'),
        (make_degree_image, 'skeleton_image'),
        (skeleton_to_csgraph, 'skel'),
        (lambda mask: pixel_graph(np.ones(1), mask=mask), 'mask'),
    ):
        with pytest.raises(TypeError, match=f'^{name}: .* real numbers'):
            function(image)


@pytest.mark.parametrize('ndim', [1, 2, 3])
@pytest.mark.parametrize('spacing', [3, 0.7, [2, 1, 3], [0.7, 1.1, 0.3], ['f4'], ['>f8'], ['i4']])
@pytest.mark.parametrize('value_is_height', [False, True])
def test_columns_of_kernels_equal_those_of_numpy(ndim, spacing, value_is_height):
    random = np.random.default_rng(ndim)
    image = random.random((9000, 110, 30)[ndim - 1 : ndim] * ndim)
    image[image > 0.2] = 0
    if isinstance(spacing, list):
        kind = spacing[0] if isinstance(spacing[0], str) else None
        spacing = np.array([0.7, 1.1, 1.3] if kind else spacing[:3])[:ndim]
        spacing = (10 * spacing).astype(kind) if kind else spacing
    by_kernel = skanrs.Skeleton(image, spacing=spacing)
    by_numpy = skanrs.Skeleton(image, spacing=spacing)
    assert by_numpy.coordinates.shape[0] == by_numpy.degrees.size == np.count_nonzero(image)
    options = {'separator': '_', 'value_is_height': value_is_height}
    tables = [skanrs.summarize(each, **options) for each in (by_kernel, by_numpy)]
    assert len(tables[0]) > 100
    assert by_kernel._still_traced() is not None
    assert by_numpy._still_traced() is None
    pd.testing.assert_frame_equal(*tables, check_exact=True)


def test_importing_is_light():
    code = (
        'import sys, skanrs; import numpy as np;'
        'skanrs.summarize(skanrs.Skeleton(np.eye(5, dtype=bool)), separator="_");'
        'heavy = {"skimage", "networkx", "dask", "matplotlib", "scipy.spatial", "scipy.ndimage"};'
        'print(sorted(heavy & set(sys.modules)))'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'


@pytest.mark.parametrize('skel', [None, 3, 'skeleton', [1, 2]], ids=repr)
def test_summarize_refuses_other_objects(skel):
    with pytest.raises(TypeError, match='^skel: expected a Skeleton, a PathGraph, a ChunkGraph or'):
        summarize(skel)
