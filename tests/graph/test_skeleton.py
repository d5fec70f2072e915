"""Graph, paths and table: rules, degenerate input, attributes, errors; what needs no skan."""

import copy
import pickle
import subprocess
import sys
import warnings

import naive
import numpy as np
import pandas as pd
import pytest
from images import random_image, random_spacing
from scipy import sparse
from shapes import SHAPES

import skanrs
from skanrs.csr import (
    NBGraph,
    NBGraphBool,
    PathGraph,
    csr_to_nbgraph,
    make_degree_image,
    pixel_graph,
    skeleton_to_csgraph,
    submatrix,
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


def test_negative_zero_is_background_and_nan_is_not():
    image = np.array([0.0, -0.0, np.nan, -1.0, 2.0, -0.0])
    assert skanrs.Skeleton(image).coordinates.ravel().tolist() == [2, 3, 4]


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
def test_elements_that_are_no_numbers(image):
    for function, name in (
        (skanrs.Skeleton, 'skeleton_image'),
        (PathGraph.from_image, 'skeleton_image'),
        (make_degree_image, 'skeleton_image'),
        (skeleton_to_csgraph, 'skel'),
        (lambda mask: pixel_graph(np.ones(1), mask=mask), 'mask'),
    ):
        with pytest.raises(TypeError, match=f'^{name}: .* real numbers'):
            function(image)


@pytest.mark.parametrize('values', ['a', object(), np.datetime64('2020')])
def test_differences_of_what_is_no_number(values):
    with pytest.raises(TypeError, match='^image: expected an array of numbers'):
        pixel_graph(np.full(3, values))


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
def test_paths_that_are_not_there(index):
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


def test_images_are_kept_or_not():
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
def test_looking_changes_nothing(dtype):
    image = random_image(np.random.default_rng(5), dtype)
    expected = skanrs.summarize(skanrs.Skeleton(image, spacing=0.3), separator='_')
    for name in ('graph', 'paths', 'nbgraph', 'degrees', 'coordinates', 'distances'):
        skeleton = skanrs.Skeleton(image, spacing=0.3)
        getattr(skeleton, name)
        pd.testing.assert_frame_equal(skanrs.summarize(skeleton, separator='_'), expected)
        np.testing.assert_array_equal(skeleton.path_lengths(), expected['branch_distance'])


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


@pytest.mark.parametrize('spacing', [2, 2.0, np.float32([0.5, 2]), np.array([1, 2])])
def test_an_overwritten_spacing_counts(spacing):
    image = SHAPES['theta']
    expected = skanrs.Skeleton(image)
    expected.coordinates  # noqa: B018 (numpy makes the columns where somebody looked)
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


def test_prune():
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


def test_prune_keeps_values():
    image = np.where(SHAPES['plus-2d'], 7, 0).astype(np.int16)
    pruned = skanrs.Skeleton(image).prune_paths([0])
    assert pruned.skeleton_image.dtype == np.int16
    assert set(np.unique(pruned.skeleton_image)) == {0, 7}


def test_graphs_of_other_things():
    ring = sparse.csr_array(np.roll(np.eye(5), 1, axis=1) + np.roll(np.eye(5), -1, axis=1))
    coordinates = np.random.default_rng(0).random((5, 2)) * 10
    graph = PathGraph.from_graph(adj=ring, node_coordinates=coordinates, node_values=np.arange(5))
    assert graph.distances.tolist() == [5]
    assert graph.degrees.tolist() == [2] * 5
    table = summarize(graph)
    assert table['branch_type'].tolist() == [3]
    assert table['mean_pixel_value'].tolist() == [10 / 6]
    skeleton = skanrs.Skeleton.from_path_graph(graph)
    assert skeleton.path_label_image().any()
    np.testing.assert_array_equal(skeleton.path_coordinates(0)[0], coordinates[0])
    wide = ring.copy()
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    assert PathGraph.from_graph(adj=wide, node_coordinates=coordinates).n_paths == 1


@pytest.mark.parametrize(
    'adjacency',
    [np.eye(3, k=1), np.array([[0, 1, 0], [1, 1, 0], [0, 0, 0]])],
    ids=['directed', 'self'],
)
def test_graphs_that_are_not_symmetric(adjacency):
    with pytest.raises(ValueError, match='adj'):
        PathGraph.from_graph(
            adj=sparse.csr_array(adjacency * 1.0), node_coordinates=np.zeros((3, 2))
        )


def test_graphs_without_coordinates_or_values():
    adjacency = sparse.csr_array(np.eye(3, k=1) + np.eye(3, k=-1))
    with pytest.raises(ValueError, match='node_values'):
        PathGraph.from_graph(adj=adjacency, node_coordinates=None, node_values=np.ones(2))
    graph = PathGraph.from_graph(adj=adjacency, node_coordinates=None)
    assert graph.distances.tolist() == [2]
    with pytest.raises(ValueError, match='node_coordinates'):
        summarize(graph)


def test_nbgraph():
    matrix = sparse.csr_matrix(np.array([[0, 2.5, 0], [2.5, 0, 1], [0, 1, 0]]))
    graph = csr_to_nbgraph(matrix)
    assert isinstance(graph, NBGraph)
    assert graph.edge(0, 1) == 2.5
    assert graph.edge(0, 2) == 0
    assert graph.neighbors(1).tolist() == [0, 2]
    assert graph.set_edge(0, 1, 4.0)
    assert matrix[0, 1] == 4
    assert not graph.set_edge(0, 2, 4.0)
    assert graph.node_properties.tolist() == [1, 1, 1]
    assert graph.has_node_props
    assert graph.shape.tolist() == [3, 3]
    marks = NBGraphBool(
        graph.indptr, graph.indices, np.zeros(4, bool), graph.shape, np.broadcast_to(1.0, 3)
    )
    assert not marks.edge(0, 1)
    assert not marks.has_node_props
    assert marks.set_edge(0, 1, True)
    assert marks.edge(0, 1)
    assert pickle.loads(pickle.dumps(graph)).edge(1, 2) == 1


def test_pixel_graph_arguments():
    image = np.arange(6.0).reshape(2, 3)
    with pytest.raises(ValueError, match='mask'):
        pixel_graph(image, mask=np.ones((3, 2), bool))
    for connectivity in (0, 3):
        with pytest.raises(ValueError, match='connectivity'):
            pixel_graph(image, connectivity=connectivity)
    with pytest.raises(ValueError, match='spacing'):
        pixel_graph(image, spacing=-1)
    graph, nodes = pixel_graph(image, edge_function=lambda here, there, _: here + there)
    assert nodes.tolist() == list(range(6))
    assert graph[0, 1] == 1
    graph, nodes = pixel_graph(np.zeros((2, 2), dtype=bool))
    assert graph.shape == (0, 0)
    assert nodes.size == 0


def test_degree_image():
    degrees = make_degree_image(SHAPES['plus-2d'])
    assert degrees.dtype == np.int64
    assert degrees[3].tolist() == [1, 2, 4, 4, 4, 2, 1]
    assert make_degree_image(SHAPES['no-elements-2d']).shape == (0, 5)


def test_submatrix():
    matrix = sparse.csr_matrix(np.arange(16).reshape(4, 4))
    np.testing.assert_array_equal(submatrix(matrix, [2, 0]).toarray(), [[10, 8], [2, 0]])


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
def test_summarize_says_what_it_takes(skel):
    with pytest.raises(TypeError, match='^skel: expected a Skeleton, a PathGraph, a ChunkGraph or'):
        summarize(skel)


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
