"""What objects say of themselves, in a terminal and in a notebook: short, and without computing."""

import dask.array as da
import numpy as np
import pytest

import skanrs
from skanrs.csr import PathGraph
from skanrs.datasets import VesselTree, lung

LINE = np.eye(5, dtype=bool)


def test_skeleton():
    skeleton = skanrs.Skeleton(LINE, spacing=[2, 0.5])
    assert repr(skeleton) == ('<Skeleton of 5 x 5 of bool, spacing 2, 0.5: 5 voxels, 1 branches>')
    html = skeleton._repr_html_()
    for part in ('<caption>Skeleton</caption>', '5 x 5 of bool', '<td>2, 0.5</td>'):
        assert part in html
    # What is made when it is asked for is not made by a look.
    assert not {'graph', 'paths', 'coordinates', 'degrees'} & skeleton.__dict__.keys()


def test_skeleton_of_other_origin():
    heights = skanrs.Skeleton(LINE * 1.5, value_is_height=True)
    assert '5 x 5 of heights, spacing 1, 1: 5 voxels' in repr(heights)
    of_graph = skanrs.Skeleton.from_path_graph(PathGraph.from_image(LINE))
    assert '5 x 5 of bool, spacing 1: 5 voxels, 1 branches' in repr(of_graph)
    nothing = skanrs.Skeleton(np.zeros((2, 3), dtype=bool))
    assert '0 voxels, 0 branches' in repr(nothing)


def test_skeleton_of_a_dask_array_is_not_read_again():
    reads = []

    def read(block):
        reads.append(block.shape)
        return block

    image = da.from_array(LINE, chunks=3).map_blocks(read, meta=np.empty((0, 0), dtype=bool))
    skeleton = skanrs.Skeleton(image)
    del reads[:]
    assert '5 voxels' in repr(skeleton)
    assert 'Skeleton' in skeleton._repr_html_()
    assert not reads


def test_path_graph():
    assert repr(PathGraph.from_image(LINE)) == '<PathGraph: 5 nodes with coordinates, 1 paths>'
    graph = PathGraph.from_image(LINE * 2.5)
    assert repr(graph) == '<PathGraph: 5 nodes with coordinates and values, 1 paths>'
    bare = PathGraph.from_graph(adj=graph.adj, node_coordinates=None)
    assert repr(bare) == '<PathGraph: 5 nodes, 1 paths>'


def test_lazy_image(tmp_path):
    np.save(tmp_path / 'plain.npy', np.zeros((4, 5, 6), dtype=np.uint8))
    plain = skanrs.open_image(tmp_path / 'plain.npy')
    assert repr(plain) == (
        '<LazyImage 4 x 5 x 6 of uint8, axes zyx, spacing not in the file, '
        'chunks: 1 of up to 4 x 5 x 6>'
    )
    sized = plain._replace(spacing=(2.0, 0.25, 0.25), unit='µm')
    assert 'spacing 2 x 0.25 x 0.25 µm' in repr(sized)
    assert '120 bytes, read when needed' in sized._repr_html_()


def test_names_in_html_are_text(tmp_path):
    np.save(tmp_path / 'plain.npy', np.zeros((4, 5), dtype=np.uint8))
    odd = skanrs.open_image(tmp_path / 'plain.npy')._replace(spacing=(1.0, 1.0), unit='<b>')
    assert '&lt;b&gt;' in odd._repr_html_()


@pytest.mark.parametrize(
    ('of', 'parts'),
    [
        (lambda: VesselTree.grow((32, 32, 32)), ('VesselTree(', 'branches=', '(32, 32, 32)')),
        (lambda: lung(shape=(32, 32, 32)), ('Lung(uint8 (32, 32, 32)', 'µm')),
    ],
)
def test_datasets(of, parts):
    text = repr(of())
    assert len(text) < 250
    assert all(part in text for part in parts)
