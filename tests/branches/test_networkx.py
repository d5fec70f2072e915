"""Skeletons as networkx graphs against skan, and graphs as skeletons."""

import networkx as nx
import numpy as np
import pytest
import skan
import skan.csr
from images import random_image

import skanrs
from skanrs import _testdata, csr

pytestmark = pytest.mark.filterwarnings('ignore::DeprecationWarning:skan')

NAMES = [
    'tinycycle', 'tinyline', 'skeleton0', 'skeleton1', 'skeleton2', 'skeleton3d', 'skeletonlabel',
    'skeleton_loop1', 'skeleton_linear3',
]  # fmt: skip


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.filterwarnings('ignore:separator in column name')
def test_graph_is_skan_s(name):
    image = getattr(_testdata, name)
    ours = csr.skeleton_to_nx(skanrs.Skeleton(image))
    theirs = skan.csr.skeleton_to_nx(skan.Skeleton(image))
    assert list(ours.nodes) == list(theirs.nodes)
    assert list(ours.edges(keys=True)) == list(theirs.edges(keys=True))
    assert {'shape', 'dtype'} <= ours.graph.keys()
    assert ours.graph['shape'] == theirs.graph['shape']
    assert ours.graph['dtype'] == theirs.graph['dtype']
    for edge in ours.edges(keys=True):
        assert ours.edges[edge].keys() == theirs.edges[edge].keys()
        for key, value in ours.edges[edge].items():
            assert value.dtype == theirs.edges[edge][key].dtype
            np.testing.assert_array_equal(value, theirs.edges[edge][key])


@pytest.mark.parametrize('seed', range(40))
def test_there_and_back(seed):
    random = np.random.default_rng(seed)
    image = random_image(random)
    spacing = tuple(random.random(image.ndim) + 0.5)
    skeleton = skanrs.Skeleton(image, spacing=spacing)
    back = csr.nx_to_skeleton(csr.skeleton_to_nx(skeleton))
    np.testing.assert_array_equal(back.skeleton_image, image)
    assert back.skeleton_dtype == image.dtype
    table = skanrs.summarize(skeleton, separator='_')
    assert skanrs.summarize(back, separator='_').equals(table)


@pytest.mark.parametrize('separator', ['_', '-', '.'])
def test_a_filtered_table(separator):
    skeleton = skanrs.Skeleton(_testdata.skeleton1)
    table = skanrs.summarize(skeleton, separator=separator)
    graph = csr.skeleton_to_nx(skeleton, table[1:3])
    assert [tuple(edge) for edge in graph.edges] == [(7, 12, 0), (7, 13, 0)]
    np.testing.assert_array_equal(graph.edges[7, 13, 0]['path'], skeleton.path_coordinates(2))


def test_graphs_of_skan_and_of_others():
    graph = nx.Graph(shape=(3, 4), dtype=np.dtype('u1'))
    graph.add_edge('a', 'b', path=np.array([[0, 0], [1, 1]]), values=np.array([5, 6]))
    skeleton = csr.nx_to_skeleton(graph)
    assert skeleton.skeleton_image.tolist() == [[5, 0, 0, 0], [0, 6, 0, 0], [0, 0, 0, 0]]
    theirs = skan.csr.skeleton_to_nx(skan.Skeleton(_testdata.skeleton1), None)
    np.testing.assert_array_equal(csr.nx_to_skeleton(theirs).skeleton_image, _testdata.skeleton1)
    with pytest.raises(KeyError, match='shape'):
        csr.nx_to_skeleton(_testdata.nx_graph)
    graph.add_edge('b', 'c', path=np.array([[9, 9]]), values=np.array([1]))
    with pytest.raises(IndexError):
        csr.nx_to_skeleton(graph)


@pytest.mark.parametrize('name', ['skeleton_loop1', 'skeleton_linear1', 'skeleton1'])
@pytest.mark.parametrize('kept', ['path', 'indices'])
def test_nodes_of_degree_two_are_merged_away(name, kept):
    """skan's own function fails on the first such node."""
    skeleton = skanrs.Skeleton(getattr(_testdata, name))
    graph = csr.skeleton_to_nx(skeleton)
    for index, (_, _, _, data) in enumerate(graph.edges(keys=True, data=True)):
        data |= {'branch_distance': skeleton.path_lengths()[index], 'mean_pixel_value': 1.0}
        if kept == 'path':
            del data['indices'], data['values']
    tips = [node for node in graph if graph.degree(node) == 1]
    removed = tips[::2]
    graph.remove_nodes_from(removed)
    total = sum(data for *_, data in graph.edges(data='branch_distance'))
    csr._remove_simple_path_nodes(graph)
    for node in graph:
        assert graph.degree(node) != 2 or graph.has_edge(node, node)
    assert sum(data for *_, data in graph.edges(data='branch_distance')) == pytest.approx(total)
    for source, target, data in graph.edges(data=True):
        steps = np.abs(np.diff(data['path'], axis=0))
        assert (steps.max(axis=1) == 1).all()
        if source == target and kept == 'path':
            continue  # where a cycle begins, only indices tell
        ends = {tuple(data['path'][0]), tuple(data['path'][-1])}
        assert ends == {tuple(skeleton.coordinates[node]) for node in (source, target)}
        assert data['mean_pixel_value'] == 1


def test_merging_two_edges():
    graph = nx.Graph()
    options = {'skeleton_id': 0, 'branch_type': 1}
    graph.add_edge(1, 2, path=np.array([[0, 1], [0, 0]]), branch_distance=1.0,
                   mean_pixel_value=2.0, stdev_pixel_value=1.0, **options)  # fmt: skip
    graph.add_edge(1, 3, path=np.array([[0, 1], [1, 2], [1, 3]]), branch_distance=2.5,
                   mean_pixel_value=7.0, stdev_pixel_value=2.0, **options)  # fmt: skip
    csr._merge_edges(graph, (1, 2), (1, 3))
    ((source, target, data),) = graph.edges(data=True)
    assert {source, target} == {2, 3}
    assert data['path'].tolist() == [[0, 0], [0, 1], [1, 2], [1, 3]]
    assert data['branch_distance'] == 3.5
    assert data['mean_pixel_value'] == (2 * 2 + 3 * 7) / 5
    assert data['stdev_pixel_value'] == np.sqrt((1 * 1 + 4 * 2) / 4)
    assert data['branch_type'] == 1
