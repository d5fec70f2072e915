"""PathGraph of graphs that do not come from images."""

import numpy as np
import pytest
from scipy import sparse

import skanrs
from skanrs import summarize
from skanrs.csr import (
    PathGraph,
)


def test_graphs_that_do_not_come_from_images():
    ring = sparse.csr_array(np.roll(np.eye(5), 1, axis=1) + np.roll(np.eye(5), -1, axis=1))
    coordinates = np.random.default_rng(0).random((5, 2)) * 10
    graph = PathGraph.from_graph(adj=ring, node_coordinates=coordinates, node_values=np.arange(5))
    assert graph.distances.tolist() == [5]
    assert graph.degrees.tolist() == [2] * 5
    table = summarize(graph, separator='_')
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
        summarize(graph, separator='_')
