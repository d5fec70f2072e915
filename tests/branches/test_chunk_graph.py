"""Tables of chunk graphs equal those of whole images, for any chunks and any order of merges."""

import copy
import pickle
import re
import sys

import numpy as np
import pandas as pd
import pytest
import skan
from blocks import (
    assert_chords_are_no_longer_than_paths,
    assert_same_table,
    chunk_graphs,
    merge_at_random,
    random_chunks,
    random_walks,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from images import random_image, random_spacing
from shapes import SHAPES
from volumes import each_volume, read_volume

import skanrs

# skan renames columns in a way that pandas 3 warns of.
pytestmark = [
    pytest.mark.lazy,
    pytest.mark.filterwarnings('ignore::DeprecationWarning:skan'),
]


def summarize(skel, **options):
    return skanrs.summarize(skel, separator='_', **options)


def assert_chunks_do_not_matter(random, image, chunks=None, heights=False, **options):
    """Return the table of the whole image."""
    if chunks is None:
        chunks = random_chunks(random, image.shape)
    options['value_is_height'] = heights
    whole = summarize(image, **options)
    graphs = chunk_graphs(image, chunks, **options)
    merged = merge_at_random(random, graphs)
    assert merged.is_complete
    assert merged.n_open == 0
    assert merged.n_branches == len(whole)
    assert_same_table(summarize(merged, value_is_height=heights), whole)
    if not heights:
        assert_chords_are_no_longer_than_paths(whole)
    return whole


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_random_images_chunkings_and_merge_trees(seed):
    random = np.random.default_rng(seed)
    image = random_image(random)
    heights = image.dtype != bool and bool(random.random() < 0.4)
    spacing = random_spacing(random, image.ndim)
    assert_chunks_do_not_matter(random, image, heights=heights, spacing=spacing)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([(60,), (30, 40), (14, 15, 16), (6, 7, 8, 9)]))
def test_winding_lines(seed, shape):
    random = np.random.default_rng(seed)
    image = random_walks(random, shape, count=4, steps=60)
    if random.random() < 0.5:
        image = image * random.random(shape)
    assert_chunks_do_not_matter(random, image, spacing=random_spacing(random, len(shape)))


@pytest.mark.parametrize('dtype', ['f2', 'f4', '>f4', 'f8', 'i1', 'u2', '>i4', 'i8', 'u8'])
@pytest.mark.parametrize('heights', [False, True])
def test_every_type_of_value(dtype, heights):
    random = np.random.default_rng(3)
    for _ in range(8):
        image = random_image(random, dtype)
        assert_chunks_do_not_matter(random, image, heights=heights, spacing=0.7)


def test_large_integers_keep_their_differences_as_heights():
    random = np.random.default_rng(4)
    image = random_walks(random, (9, 9, 9), 3, 40) * (2**62 + random.integers(0, 99, (9, 9, 9)))
    assert_chunks_do_not_matter(random, image, heights=True)
    assert_chunks_do_not_matter(random, image.astype('u8') * 2, heights=True)


@pytest.mark.parametrize('name', SHAPES)
def test_shapes_in_blocks_of_every_size(name):
    random = np.random.default_rng(0)
    image = SHAPES[name]
    for length in (1, 2, 3, 5):
        assert_chunks_do_not_matter(random, image, chunks=length)
    for axis in range(image.ndim):
        planes = tuple(1 if at == axis else -1 for at in range(image.ndim))
        assert_chunks_do_not_matter(random, image.astype('f4') * 0.1, chunks=planes)


def test_rows_equal_skan():
    random = np.random.default_rng(11)
    compared = 0
    while compared < 40:
        image = random_image(random)
        heights = image.dtype.kind in 'if' and bool(random.random() < 0.4)
        spacing = random_spacing(random, image.ndim)
        ours = assert_chunks_do_not_matter(random, image, heights=heights, spacing=spacing)
        # Without an edge skan raises; for a few lone triangles it writes out of bounds.
        if not (ours['branch_type'] < 3).any():
            continue
        theirs = skan.Skeleton(image, spacing=spacing, value_is_height=heights)
        assert_same_table(ours, skan.summarize(theirs, separator='_', value_is_height=heights))
        compared += 1


def test_a_merge_does_not_depend_on_order_or_grouping():
    random = np.random.default_rng(5)
    image = random_walks(random, (20, 20, 20), 6, 80) * random.random((20, 20, 20))
    graphs = chunk_graphs(image, 7)
    at_once = skanrs.merge_chunks(graphs)
    backwards = skanrs.merge_chunks(reversed(graphs))
    folded = graphs[0]
    for graph in graphs[1:]:
        folded = skanrs.merge_chunks([graph, folded])
    for other in (backwards, folded):
        assert_same_table(summarize(other), summarize(at_once))
    # The arguments are as they were.
    assert_same_table(summarize(skanrs.merge_chunks(graphs)), summarize(at_once))
    assert skanrs.merge_chunks([at_once]).n_branches == at_once.n_branches


@pytest.mark.parametrize('value_is_height', [False, True])
def test_heights_can_be_coordinates_without_being_in_the_graph(value_is_height):
    random = np.random.default_rng(6)
    image = (random_walks(random, (15, 15), 3, 50) * random.random((15, 15))).astype('f4')
    for graph_has_heights in (False, True):
        skeleton = skanrs.Skeleton(image, value_is_height=graph_has_heights)
        graph = skanrs.merge_chunks(chunk_graphs(image, 4, value_is_height=graph_has_heights))
        ours = summarize(graph, value_is_height=value_is_height)
        assert_same_table(ours, summarize(skeleton, value_is_height=value_is_height))


def test_main_branches_and_separator():
    random = np.random.default_rng(7)
    image = random_walks(random, (25, 25), 5, 60)
    graph = skanrs.merge_chunks(chunk_graphs(image, 6))
    skeleton = skanrs.Skeleton(image)
    for separator in ('_', '-'):
        options = {'find_main_branch': True, 'separator': separator}
        ours = skanrs.summarize(graph, **options)
        assert_same_table(ours, skanrs.summarize(skeleton, **options))
    with pytest.warns(np.exceptions.VisibleDeprecationWarning, match='separator'):
        assert 'branch-distance' in skanrs.summarize(graph)


@pytest.mark.parametrize('order', ['C', 'F'])
def test_blocks_of_any_layout_and_of_other_objects(order):
    class Image:
        def __init__(self, array):
            self.array = array

        def __array__(self, dtype=None, copy=None):
            return self.array

    image = np.asarray(random_walks(np.random.default_rng(8), (12, 12, 12), 3, 40), order=order)
    whole = summarize(image)
    halves = [(image[:, :5], (0, 0, 0)), (Image(image[:, 5:]), (0, 5, 0))]
    graphs = [skanrs.chunk_graph(b, offset=o, shape=image.shape) for b, o in halves]
    assert_same_table(summarize(skanrs.merge_chunks(graphs)), whole)


# Size and transport


def test_interior_voxels_of_a_path_are_not_kept():
    def pickled(length, values=1):
        image = np.zeros((9, 9, length), dtype=np.asarray(values).dtype)
        image[4, 4] = values
        graph = skanrs.chunk_graph(image, offset=(0, 0, 7), shape=(9, 9, length + 14))
        assert graph.n_open == 1
        return len(pickle.dumps(graph, 5))

    base = pickled(100, True)
    assert base < 1000
    # One direction code for each step, and values only if there are any.
    assert pickled(10_100, True) - base <= 10_000 + 16
    assert pickled(10_100, 2.5) - pickled(100, 2.5) <= 9 * 10_000 + 64
    # A finished branch is a row, however long.
    image = np.zeros((9, 9, 10_000), dtype=bool)
    image[4, 4, 1:-1] = True
    assert len(pickle.dumps(skanrs.chunk_graph(image, offset=(0, 0, 0), shape=image.shape))) < 700


def test_thick_input_stays_as_small_as_its_surface():
    for length in (16, 32, 64):
        solid = np.ones((length,) * 3, dtype=bool)
        graph = skanrs.chunk_graph(solid, offset=(1, 1, 1), shape=(length + 2,) * 3)
        surface = length**3 - (length - 2) ** 3
        assert graph.nbytes < 100 * surface


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(protocol):
    image = random_walks(np.random.default_rng(9), (14, 14, 14), 4, 50) * 0.3
    graphs = chunk_graphs(image, 5, spacing=[1, 2, 3])
    there_and_back = [pickle.loads(pickle.dumps(graph, protocol)) for graph in graphs]
    merged = skanrs.merge_chunks(there_and_back)
    assert_same_table(summarize(merged), summarize(image, spacing=[1, 2, 3]))
    assert merged.spacing.tolist() == [1, 2, 3]


def test_pickles_out_of_band():
    graph = skanrs.chunk_graph(np.ones((20, 20), bool), offset=(0, 0), shape=(40, 40))
    buffers = []
    data = pickle.dumps(graph, 5, buffer_callback=buffers.append)
    assert len(buffers) == 1
    assert len(data) < 400
    same = pickle.loads(data, buffers=[bytes(buffer) for buffer in buffers])
    assert repr(same) == repr(graph)


def test_damaged_bytes_raise():
    graph = skanrs.chunk_graph(np.eye(9), offset=(0, 0), shape=(9, 18))
    restore, (data, *rest) = graph.__reduce_ex__(4)
    for damaged in (b'', data[:-1], data + b'0', b'x' + data[1:], data[: len(data) // 2]):
        with pytest.raises(ValueError, match='bytes of a chunk graph'):
            restore(damaged, *rest)
    other_version = bytearray(data)
    other_version[len(b'skanrs chunk graph')] += 1
    with pytest.raises(ValueError, match='version 2'):
        restore(bytes(other_version), *rest)


def test_attributes_and_repr():
    image = np.zeros((10, 20), dtype=bool)
    image[5, 2:18] = True
    graph = skanrs.chunk_graph(image[:, 8:], offset=(0, 8), shape=image.shape, spacing=[1, 0.5])
    assert (graph.shape, graph.offset, graph.extent) == ((10, 20), (0, 8), (10, 12))
    assert (graph.n_pixels, graph.n_branches, graph.n_open) == (10, 0, 1)
    assert graph.dtype == bool
    assert not graph.is_complete
    assert not graph.value_is_height
    assert graph.spacing.tolist() == [1, 0.5]
    assert sys.getsizeof(graph) >= graph.nbytes > 100
    assert copy.copy(graph) is copy.deepcopy(graph) is graph
    with pytest.raises(AttributeError):
        graph.shape = (1, 2)
    with pytest.raises(ValueError, match='read-only'):
        graph.spacing[0] = 2
    with pytest.raises(TypeError, match='use skanrs.chunk_graph'):
        skanrs.ChunkGraph()


# Blocks


def test_iter_blocks_of_numpy_gives_views():
    array = np.arange(24).reshape(4, 6)
    blocks = list(skanrs.iter_blocks(array, chunks=(3, (1, 5))))
    assert [offset for _, offset in blocks] == [(0, 0), (0, 1), (3, 0), (3, 1)]
    assert all(np.shares_memory(block, array) for block, _ in blocks)
    assert [block.shape for block, _ in blocks] == [(3, 1), (3, 5), (1, 1), (1, 5)]
    [(whole, offset)] = skanrs.iter_blocks(array)
    assert whole.shape == array.shape
    assert offset == (0, 0)
    assert [b.shape for b, _ in skanrs.iter_blocks(array, chunks=(-1, 4))] == [(4, 4), (4, 2)]


@pytest.mark.parametrize('chunks', [0, -2, 1.5, 'ab', (1,), (1, 2, 3), ((1, 2), 6), ((5, -1), 6)])
def test_chunks_that_do_not_fit(chunks):
    with pytest.raises(ValueError, match='chunks: expected'):
        list(skanrs.iter_blocks(np.ones((4, 6)), chunks=chunks))


@pytest.mark.parametrize('ndim', [1, 2, 3, 4])
@pytest.mark.parametrize('heights', [False, True])
def test_table_meta(ndim, heights):
    image = random_walks(np.random.default_rng(ndim), (9,) * ndim, 2, 20) * np.float32(2)
    options = {'value_is_height': heights, 'spacing': [0.5] * ndim, 'find_main_branch': True}
    table = summarize(image, **options)
    meta = skanrs.table_meta(ndim, dtype='f4', separator='_', **options)
    assert len(meta) == 0
    pd.testing.assert_series_equal(meta.dtypes, table.dtypes)
    with pytest.warns(np.exceptions.VisibleDeprecationWarning, match='separator'):
        assert 'branch-type' in skanrs.table_meta(ndim)


# What is wrong is named


def test_a_missing_block_is_named():
    image = np.ones((6, 8, 10), dtype=bool)
    graphs = chunk_graphs(image, (3, 4, 5))
    merged = skanrs.merge_chunks(graphs[:5] + graphs[6:])
    with pytest.raises(ValueError, match=r'offset \[3, 0, 5\] of shape \[3, 4, 5\] is missing'):
        summarize(merged)
    assert not merged.is_complete


def test_blocks_that_overlap_are_named():
    image = np.ones((6, 8), dtype=bool)
    upper = skanrs.chunk_graph(image[:4], offset=(0, 0), shape=image.shape)
    lower = skanrs.chunk_graph(image[3:], offset=(3, 0), shape=image.shape)
    said = (
        r'item 1, at offset \[3, 0\] of shape \[3, 8\], which overlaps item 0, at offset \[0, 0\]'
    )
    with pytest.raises(ValueError, match=said):
        skanrs.merge_chunks([upper, lower])
    with pytest.raises(ValueError, match='overlaps'):
        skanrs.merge_chunks([upper, upper])


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        ({'shape': (6, 9)}, 'shape'),
        ({'spacing': 2}, 'spacing'),
        ({'spacing': 1.0}, 'spacing'),
        ({'block': np.ones((3, 8), 'i4')}, 'dtype'),
        ({'value_is_height': True}, 'value_is_height'),
    ],
)
def test_parts_of_different_images_are_named(options, said):
    upper = skanrs.chunk_graph(np.ones((3, 8)), offset=(0, 0), shape=(6, 8))
    options = {'block': np.ones((3, 8)), 'shape': (6, 8)} | options
    lower = skanrs.chunk_graph(offset=(3, 0), **options)
    said = rf'item 1, at offset \(3, 0\) of shape \(3, 8\), has {said}'
    with pytest.raises(ValueError, match=said):
        skanrs.merge_chunks([upper, lower])


@pytest.mark.parametrize(
    ('options', 'error', 'said'),
    [
        ({'offset': (4, 0)}, ValueError, r'offset: .*got one at offset \(4, 0\) of shape \(3, 8\)'),
        ({'offset': (-1, 0)}, ValueError, 'offset: expected non-negative'),
        ({'offset': (0,)}, ValueError, 'offset: expected 2 numbers'),
        ({'offset': (0.5, 0)}, TypeError, 'offset: expected a sequence of integers'),
        ({'offset': 3}, TypeError, 'offset: expected a sequence of integers'),
        ({'shape': (6, 8, 1)}, ValueError, 'block: expected 3 axes'),
        ({'shape': (1,) * 5}, ValueError, 'shape: expected 1 to 4 axes'),
        ({'shape': (2**32, 2**32)}, ValueError, 'shape: .* 63 bits can number'),
        ({'spacing': 0}, ValueError, 'spacing: expected positive'),
        ({'spacing': np.nan}, ValueError, 'spacing: expected positive'),
        ({'spacing': [1, 2, 3]}, ValueError, 'spacing: expected a number or one for each of 2'),
        ({'block': np.ones((3, 8), complex)}, TypeError, r'complex128 \(in the block at offset'),
        ({'block': np.ones((3, 8), object)}, TypeError, r'object \(in the block at offset'),
        ({'block': np.ones((3, 8), bool)}, TypeError, r'value_is_height.*in the block at offset'),
        ({'block': np.full((3, 8), np.inf)}, ValueError, r'finite heights.*in the block at offset'),
        (
            {'block': np.array([[1e308, -1e308]])},
            ValueError,
            r'expected neighbouring heights.*in the block at',
        ),
    ],
)
def test_bad_blocks_are_named(options, error, said):
    options = {'block': np.ones((3, 8)), 'offset': (0, 0), 'shape': (6, 8)} | options
    with pytest.raises(error, match=said):
        skanrs.chunk_graph(value_is_height=True, **options)


def test_what_cannot_be_merged_or_summarized():
    graph = skanrs.chunk_graph(np.ones((3, 8), bool), offset=(0, 0), shape=(3, 8))
    with pytest.raises(ValueError, match='chunk_graphs: expected at least one'):
        skanrs.merge_chunks([])
    with pytest.raises(TypeError, match='got a str as item 1'):
        skanrs.merge_chunks([graph, 'graph'])
    with pytest.raises(ValueError, match='spacing: expected None, since a ChunkGraph has its own'):
        summarize(graph, spacing=2)
    with pytest.raises(ValueError, match='npartitions'):
        summarize(graph, npartitions=2)
    with pytest.raises(TypeError, match='value_is_height: expected a skeleton of heights'):
        summarize(graph, value_is_height=True)


def test_ids_are_wide_where_they_must_be(monkeypatch):
    graph = skanrs.chunk_graph(np.ones((1, 8), bool), offset=(0, 0), shape=(1, 8))
    ids = ['skeleton_id', 'node_id_src', 'node_id_dst']
    assert (summarize(graph)[ids].dtypes == np.int32).all()
    monkeypatch.setattr(skanrs.ChunkGraph, 'n_pixels', 2**31)
    assert (summarize(graph)[ids].dtypes == np.int64).all()


def test_far_corners_of_a_huge_image():
    shape = (2**21, 2**20, 2**21)
    block = np.ones((1, 1, 4), dtype=bool)
    offset = tuple(length - extent for length, extent in zip(shape, block.shape, strict=True))
    graph = skanrs.chunk_graph(block, offset=offset, shape=shape)
    assert (graph.offset, graph.n_pixels) == (offset, 4)
    with pytest.raises(ValueError, match=r'offset \[0, 0, 0\] of shape'):
        summarize(graph)


@each_volume
def test_volumes_under_several_chunkings(volume):
    random = np.random.default_rng(1)
    image = read_volume(volume)
    image = image[tuple(slice(0, 160) for _ in range(image.ndim))]
    skeleton = skanrs.skeletonize(image)
    for chunks in (64, 37, (image.shape[0], 50, 29)[-image.ndim :]):
        assert_chunks_do_not_matter(random, skeleton, chunks=chunks, spacing=[0.5] * image.ndim)


@pytest.mark.parametrize('seed', range(40))
def test_missing_box_is_named(seed):
    random = np.random.default_rng(seed)
    image = np.ones(tuple(random.integers(1, 8, int(random.integers(1, 4)))), dtype=bool)
    blocks = list(skanrs.iter_blocks(image, chunks=int(random.integers(1, 4))))
    covered = np.zeros_like(image)
    graphs = []
    for block, offset in blocks[int(random.random() < 0.5) :]:
        if random.random() < 0.6:
            graphs.append(skanrs.chunk_graph(block, offset=offset, shape=image.shape))
            inside = zip(offset, block.shape, strict=True)
            covered[tuple(slice(at, at + length) for at, length in inside)] = True
    if not graphs or covered.all():
        return
    with pytest.raises(ValueError, match='is missing') as caught:
        skanrs.summarize(skanrs.merge_chunks(graphs), separator='_')
    offset, shape = (
        tuple(map(int, numbers.split(',')))
        for numbers in re.findall(r'\[([^]]+)\]', str(caught.value))
    )
    box = [slice(at, at + length) for at, length in zip(offset, shape, strict=True)]
    assert offset == tuple(np.argwhere(~covered)[0])
    assert not covered[tuple(box)].any()
    # It cannot grow along any axis.
    for axis, along in enumerate(box):
        grown = [*box[:axis], slice(along.start, along.stop + 1), *box[axis + 1 :]]
        assert along.stop == image.shape[axis] or covered[tuple(grown)].any()
