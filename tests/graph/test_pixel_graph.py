"""Pixel graphs, NBGraph, degree images, submatrices."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from shapes import SHAPES

from skanrs.csr import (
    NBGraph,
    NBGraphBool,
    csr_to_nbgraph,
    make_degree_image,
    pixel_graph,
    submatrix,
)


@pytest.mark.parametrize('values', ['a', object(), np.datetime64('2020')])
def test_differences_of_non_numbers(values):
    with pytest.raises(TypeError, match='^image: expected an array of numbers'):
        pixel_graph(np.full(3, values))


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
