"""Arrays that begin at any byte, as pickle's out-of-band buffers do in another process."""

import pickle

import numpy as np
import pytest
from image_calls import ARRAYS, CASES, computed, name_of

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


# The skeleton has no meshes.
@pytest.mark.filterwarnings('ignore::RuntimeWarning:(numpy|skanrs.image_stats)')
@pytest.mark.parametrize('dtype', [None, 'f8'])
@pytest.mark.parametrize('case', CASES)
def test_images(case, dtype):
    call, *parameters = CASES[case]
    images = {name: ARRAYS[name_of(name)] for name in parameters}
    if dtype and not {'territories', 'regions'} & set(parameters):
        images = {name: image.astype(dtype) for name, image in images.items()}
    shifted = {name: moved(np.ascontiguousarray(image)) for name, image in images.items()}
    # Bytes and booleans are aligned everywhere.
    assert not any(image.flags.aligned for image in shifted.values() if image.itemsize > 1)
    got, expected = computed(call(**shifted)), computed(call(**images))
    assert equal(got, expected) or np.array_equal(got, expected, equal_nan=True)


def test_other_calls_with_images():
    image = moved(VALUES)
    assert not image.flags.aligned
    graph, expected = (
        skanrs.csr.skeleton_to_csgraph(one, value_is_height=True)[0] for one in (image, VALUES)
    )
    assert equal(graph.toarray(), expected.toarray())
    table, expected = (
        skanrs.summarize(skanrs.Skeleton(one), separator='_') for one in (image, VALUES)
    )
    assert equal(table, expected)


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
