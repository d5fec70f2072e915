"""Arrays that begin at any byte, as pickle's out-of-band buffers do in another process."""

import pickle
import warnings

import dask.array as da
import numpy as np
import pytest

import skanrs
from skanrs.csr import PathGraph
from skanrs.datasets import vessel_tree


def moved(thing):
    """Return a copy of an object whose arrays begin at an odd address."""
    buffers = []
    stream = pickle.dumps(thing, protocol=5, buffer_callback=buffers.append)
    shifted = []
    for buffer in buffers:
        room = bytearray(len(buffer.raw()) + 1)
        room[1:] = buffer.raw()
        shifted.append(memoryview(room)[1:])
    return pickle.loads(stream, buffers=shifted)


def equal(one, other):
    if hasattr(one, 'equals'):
        return one.equals(other)
    return np.array_equal(one, other)


MASK = np.asarray(vessel_tree((40, 40, 40)), dtype=bool)
IMAGE = skanrs.skeletonize(MASK)
VALUES = IMAGE * np.random.default_rng(0).random(IMAGE.shape)
SKELETON = skanrs.Skeleton(IMAGE)
TABLE = skanrs.summarize(SKELETON, separator='_')
RADII = skanrs.radii(SKELETON, MASK)

OF_SKELETON = {
    'summarize': lambda it: skanrs.summarize(it, separator='_'),
    'radii': lambda it: skanrs.radii(it, MASK),
    'path_label_image': lambda it: it.path_label_image(),
    'path_lengths': lambda it: it.path_lengths(),
    'prune_paths': lambda it: skanrs.summarize(it.prune_paths([0]), separator='_'),
    'prune': lambda it: skanrs.summarize(skanrs.prune(it, min_length=3), separator='_'),
    'sholl_analysis': lambda it: skanrs.sholl_analysis(it, shells=5)[1],
    'network_summary': lambda it: skanrs.network_summary(TABLE, skeleton=it),
    'coordinates': lambda it: it.coordinates,
    'graph': lambda it: it.graph.toarray(),
}
OF_ARRAY = {
    'skeletonize': lambda it: skanrs.skeletonize(it),
    'analyze': lambda it: skanrs.analyze(it != 0),
    'Skeleton': lambda it: skanrs.summarize(skanrs.Skeleton(it), separator='_'),
    'network_summary': lambda it: skanrs.network_summary(TABLE, skeleton=it),
    'pixel_graph': lambda it: skanrs.csr.skeleton_to_csgraph(it, value_is_height=True)[0].toarray(),
    'make_degree_image': lambda it: skanrs.csr.make_degree_image(it),
}


@pytest.mark.parametrize('is_made', [False, True])
@pytest.mark.parametrize('name', OF_SKELETON)
def test_skeletons_that_were_unpickled(name, is_made):
    skeleton = skanrs.Skeleton(IMAGE)
    if is_made:
        for attribute in ('graph', 'paths', 'coordinates', 'degrees', 'distances'):
            getattr(skeleton, attribute)
    call = OF_SKELETON[name]
    assert equal(call(moved(skeleton)), call(skeleton))


def test_unpickled_skeletons_hold_aligned_arrays():
    skeleton = moved(SKELETON)
    arrays = [value for value in vars(skeleton).values() if isinstance(value, np.ndarray)]
    assert arrays
    assert all(array.flags.aligned for array in arrays)


@pytest.mark.parametrize('name', OF_ARRAY)
def test_images(name):
    image = moved(VALUES)
    assert not image.flags.aligned
    assert equal(OF_ARRAY[name](image), OF_ARRAY[name](VALUES))


def test_arguments_that_are_arrays():
    pruned = skanrs.prune(IMAGE, max_radius_ratio=1.5, radii=moved(RADII))
    assert equal(pruned, skanrs.prune(IMAGE, max_radius_ratio=1.5, radii=RADII))
    main = skanrs.summary_utils.find_main_branches
    assert equal(main(moved(TABLE)), main(TABLE))


def test_path_graphs():
    graph = PathGraph.from_image(IMAGE)
    assert skanrs.summarize(moved(graph), separator='_').equals(TABLE)
    coordinates = np.ascontiguousarray(graph.node_coordinates)
    made = PathGraph.from_graph(adj=moved(graph.adj), node_coordinates=moved(coordinates))
    assert equal(made.paths.toarray(), graph.paths.toarray())


def test_graphs_of_chunks():
    halves = [(IMAGE[:20], (0, 0, 0)), (IMAGE[20:], (20, 0, 0))]
    graphs = [
        moved(skanrs.chunk_graph(half, offset=offset, shape=IMAGE.shape)) for half, offset in halves
    ]
    assert skanrs.summarize(skanrs.merge_chunks(graphs), separator='_').equals(TABLE)


def test_thinned_chunks():
    halves = [(MASK[:20], (0, 0, 0)), (MASK[20:], (20, 0, 0))]
    thinned = [skanrs.thin_chunk(half, offset=at, shape=MASK.shape) for half, at in halves]
    merged = moved(skanrs.merge_thinned([moved(chunk) for chunk in thinned]))
    finished = [moved(chunk).finish(merged) for chunk in thinned]
    assert equal(np.concatenate(finished), IMAGE)


LAZY = {
    'skeletonize': lambda it: skanrs.skeletonize(it),
    'radius_image': lambda it: skanrs.radius_image(skanrs.skeletonize(it), it),
    'summarize': lambda it: skanrs.summarize(skanrs.skeletonize(it), separator='_'),
    'analyze': lambda it: skanrs.analyze(it),
    'prune': lambda it: skanrs.prune(
        skanrs.skeletonize(it), max_radius_ratio=1.5, mask=it, spacing=[2, 1, 1]
    ),
    'make_degree_image': lambda it: skanrs.csr.make_degree_image(skanrs.skeletonize(it)),
}
PARTITIONED = {
    'summarize in partitions': lambda it, count: skanrs.summarize(
        skanrs.skeletonize(it), separator='_', npartitions=count
    ),
    'analyze in partitions': lambda it, count: skanrs.analyze(it, npartitions=count),
}


def sent(client):
    return sum(client.run(lambda dask_worker: dask_worker.transfer_outgoing_bytes_total).values())


@pytest.mark.parametrize(
    'chunks', [16, *(pytest.param(length, marks=pytest.mark.slow) for length in (11, 21))]
)
@pytest.mark.parametrize('name', [*LAZY, *PARTITIONED])
def test_lazy_calls_whose_arrays_cross_between_processes(name, chunks, client):
    before = sent(client)
    with client.as_current(), warnings.catch_warnings():
        # The image itself is part of the graph.
        warnings.filterwarnings('ignore', 'Sending large graph', UserWarning)
        lazy = da.from_array(MASK, chunks=chunks)
        if name in LAZY:
            got, expected = LAZY[name](lazy).compute(), LAZY[name](MASK)
        else:
            got = PARTITIONED[name](lazy, 3).compute().reset_index(drop=True)
            expected = LAZY[name.split()[0]](MASK)
        assert equal(got, expected)
    assert sent(client) > before
