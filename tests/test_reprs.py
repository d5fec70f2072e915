"""Reprs and HTML reprs: short, and without computing."""

import re
import sys

import dask.array as da
import numpy as np
import pytest

import skanrs
from skanrs.csr import PathGraph
from skanrs.datasets import VesselTree, lung, vessel_tree

LINE = np.eye(5, dtype=bool)


def test_skeleton():
    skeleton = skanrs.Skeleton(LINE, spacing=[2, 0.5])
    assert re.fullmatch(
        r'<Skeleton of 5 x 5 of bool, spacing 2 x 0\.5: 5 voxels, 1 branch,'
        r' \d+ bytes, 25 bytes of it images>',
        repr(skeleton),
    )
    html = skeleton._repr_html_()
    for part in ('<caption>Skeleton</caption>', '5 x 5 of bool', '<td>2 x 0.5</td>'):
        assert part in html
    for part in ('<td>5 voxels</td>', '<td>1 branch</td>', '25 bytes of it images</td>'):
        assert part in html
    # What is made when it is asked for is not made by a look.
    assert not {'graph', 'paths', 'coordinates', 'degrees'} & skeleton.__dict__.keys()


def test_skeleton_of_other_origin():
    heights = skanrs.Skeleton(LINE * 1.5, value_is_height=True)
    assert '5 x 5 of heights, spacing 1 x 1: 5 voxels' in repr(heights)
    of_graph = skanrs.Skeleton.from_path_graph(PathGraph.from_image(LINE))
    assert '5 x 5 of bool, spacing 1: 5 voxels, 1 branch, ' in repr(of_graph)
    assert 'images' not in repr(of_graph)
    nothing = skanrs.Skeleton(np.zeros((2, 3), dtype=bool))
    assert '0 voxels, 0 branches' in repr(nothing)
    voxel = skanrs.Skeleton(np.ones((1, 1), dtype=bool))
    assert '1 voxel, 0 branches' in repr(voxel)


def arrays_of(value):
    """All arrays that an object holds, found by walking what pickle would walk."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from arrays_of(each)
    elif hasattr(value, '__dict__') and not isinstance(value, type):
        yield from arrays_of([*vars(value).values()])


@pytest.mark.parametrize('dtype', [bool, np.float32])
def test_memory_is_that_of_the_arrays(dtype):
    image = vessel_tree((48, 48, 48), seed=3)
    image = skanrs.skeletonize(image).astype(dtype)
    for make in (skanrs.Skeleton, PathGraph.from_image):
        made = make(image)
        before = made.nbytes
        assert before == sum(array.nbytes for array in distinct(made))
        assert sys.getsizeof(made) >= before
        # Matrices and coordinates are kept after the first access, shared or not.
        made.nbgraph.data, made.distances.sum(), made.degrees.sum()
        if make is skanrs.Skeleton:
            made.coordinates.sum(), made.paths.sum()
            assert made.nbytes - before > 100 * 3 * 8
            without = skanrs.Skeleton(image, keep_images=False)
            assert before - without.nbytes == image.nbytes
            # The image that serves as its own source is not two.
            assert skanrs.Skeleton(image, source_image=image).nbytes == before
        assert made.nbytes == sum(array.nbytes for array in distinct(made))


def distinct(made):
    owners = {}
    for array in arrays_of(made):
        while isinstance(array.base, np.ndarray):
            array = array.base
        owners[array.__array_interface__['data'][0], array.nbytes] = array
    return owners.values()


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
    line = PathGraph.from_image(LINE)
    assert repr(line).startswith('<PathGraph of 5 nodes with coordinates, spacing 1: 1 path, ')
    graph = PathGraph.from_image(LINE * 2.5, spacing=[2, 0.5])
    start = '<PathGraph of 5 nodes with coordinates and values, spacing 2 x 0.5: 1 path, '
    assert repr(graph).startswith(start)
    assert '<td>1 path</td>' in graph._repr_html_()
    bare = PathGraph.from_graph(adj=graph.adj, node_coordinates=None)
    assert repr(bare).startswith('<PathGraph of 5 nodes, spacing 1: 1 path, ')
    assert repr(bare).endswith(' bytes>')
    # The paths' lengths are not added up for it.
    assert not {'nbgraph', 'distances', 'degrees'} & bare.__dict__.keys()


def test_chunk_graph():
    part = skanrs.chunk_graph(LINE[:3], offset=(0, 0), shape=LINE.shape)
    start = (
        '<ChunkGraph of the part at offset (0, 0) of shape (3, 5) of an image of 5 x 5 of bool:'
        ' 3 voxels, 0 branches finished, 1 path open, '
    )
    assert repr(part).startswith(start)
    assert '<td>at offset (0, 0) of shape (3, 5)</td>' in part._repr_html_()
    rest = skanrs.chunk_graph(LINE[3:], offset=(3, 0), shape=LINE.shape)
    whole = skanrs.merge_chunks([part, rest])
    start = '<ChunkGraph of all of an image of 5 x 5 of bool: 5 voxels, 1 branch finished, 0 paths'
    assert repr(whole).startswith(start)
    assert '<td>1 branch</td>' in whole._repr_html_()


def test_thinned_chunk():
    chunk = skanrs.thin_chunk(np.ones((2, 2, 2), bool), offset=(0, 0, 0), shape=(4, 4, 4))
    assert re.fullmatch(
        r'<ThinnedChunk of the part at offset \(0, 0, 0\) of shape \(2, 2, 2\) of an image of'
        r' 4 x 4 x 4, method lee: 0 voxels kept, 4 voxels undecided, \d+ bytes>',
        repr(chunk),
    )
    assert '<td>4 voxels</td>' in chunk._repr_html_()
    assert '<MergedThinning of 1 box of an image of 4 x 4 x 4,' in repr(
        skanrs.merge_thinned([chunk])
    )
    line = skanrs.thin_chunk(LINE, offset=(0, 0), shape=LINE.shape)
    assert '5 voxels kept, 0 voxels undecided' in repr(line)
    merged = skanrs.merge_thinned([line])
    assert '<MergedThinning of all of an image of 5 x 5, method zhang: ' in repr(merged)
    assert '<td>all</td>' in merged._repr_html_()


def test_lazy_image(tmp_path):
    np.save(tmp_path / 'plain.npy', np.zeros((4, 5, 6), dtype=np.uint8))
    plain = skanrs.open_image(tmp_path / 'plain.npy')
    assert repr(plain) == (
        '<LazyImage 4 x 5 x 6 of uint8, axes zyx, spacing not in the file, 1 chunk of 4 x 5 x 6>'
    )
    sized = plain._replace(spacing=(2.0, 0.25, 0.25), unit='µm')
    assert 'spacing 2 x 0.25 x 0.25 µm' in repr(sized)
    assert '120 bytes, read when needed' in sized._repr_html_()


def test_names_in_html_are_text(tmp_path):
    np.save(tmp_path / 'plain.npy', np.zeros((4, 5), dtype=np.uint8))
    odd = skanrs.open_image(tmp_path / 'plain.npy')._replace(spacing=(1.0, 1.0), unit='<b>')
    assert '&lt;b&gt;' in odd._repr_html_()


def test_lazy_image_of_several_chunks(tmp_path):
    np.save(tmp_path / 'plain.npy', np.zeros((4, 5, 6), dtype=np.uint8))
    plain = skanrs.open_image(tmp_path / 'plain.npy', chunks=3)
    assert repr(plain).endswith(', 8 chunks of up to 3 x 3 x 3>')


@pytest.mark.parametrize(
    ('of', 'parts'),
    [
        (
            lambda: VesselTree.grow((32, 40, 48)),
            ('<VesselTree in 32 x 40 x 48 voxels: ', ' branches in ', ' generations, radii '),
        ),
        (
            lambda: lung(shape=(32, 32, 32)),
            ('<Lung 32 x 32 x 32 of uint8, spacing 8 x 8 x 8 µm: ', ' branches in ', ', radii '),
        ),
    ],
)
def test_datasets(of, parts):
    made = of()
    assert len(repr(made)) < 150
    assert all(part in repr(made) for part in parts)
    tree = made if isinstance(made, VesselTree) else made.tree
    assert f'<td>{len(tree)} branches in ' in made._repr_html_()


def test_a_tree_of_one_branch():
    tip, root = np.array([[40.0, 16.0, 16.0]]), np.array([[0.0, 16.0, 16.0]])
    random = np.random.default_rng(0)
    tree = VesselTree.grow_to((48, 32, 32), tip, root, np.zeros(1, int), 0.01, random)
    assert ': 1 branch in 1 generation, radii ' in repr(tree)
