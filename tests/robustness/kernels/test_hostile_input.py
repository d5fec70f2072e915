"""Input that lies, changes, or is nothing: an answer or a clear error, never a crash."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from images import blobs
from skimage.morphology import skeletonize as reference

import skanrs
from skanrs import _core


def calls():
    """What takes an image, by name."""
    return {
        'skeletonize': skanrs.skeletonize,
        'Skeleton': skanrs.Skeleton,
        'summarize': lambda image: skanrs.summarize(image, separator='_'),
        'thin_chunk': lambda image: skanrs.thin_chunk(
            image, offset=(0,) * np.ndim(image), shape=(500,) * np.ndim(image)
        ),
        'chunk_graph': lambda image: skanrs.chunk_graph(
            image, offset=(0,) * np.ndim(image), shape=(500,) * np.ndim(image)
        ),
    }


@pytest.fixture(params=calls())
def call(request):
    return calls()[request.param]


@pytest.mark.parametrize('layout', ['C', 'F', 'steps'])
@pytest.mark.parametrize('dtype', ['bool', 'u2', 'f4', 'f8'])
def test_an_array_that_another_thread_changes(call, dtype, layout):
    """Some mixture of its states is the result; what matters is that nothing breaks."""
    random = np.random.default_rng(0)
    states = [random.random((40, 50, 60)) < density for density in (0.02, 0.3, 0.9)]
    array = np.zeros((40, 50, 60), dtype=dtype, order='F' if layout == 'F' else 'C')
    if layout == 'steps':
        array = np.zeros((40, 100, 120), dtype=dtype)[:, ::2, ::-2]
    done = threading.Event()

    def change():
        while not done.is_set():
            for state in states:
                array[...] = state

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(4):
            call(array)
    finally:
        done.set()
        changer.join()
    array[...] = states[0]
    np.testing.assert_array_equal(skanrs.skeletonize(array), reference(states[0]))


class Liar:
    """Says of itself whatever the test wants."""

    def __init__(self, answer, shape=(4, 5, 6), dtype='bool'):
        self.answer = answer
        self.shape = shape
        self.ndim = len(shape)
        self.dtype = np.dtype(dtype)

    def __array__(self, dtype=None, copy=None):
        return self.answer(self)


class Fickle(Liar):
    """Another shape whenever it is asked."""

    def __init__(self):
        self.asked = 0

    @property
    def shape(self):
        self.asked += 1
        return (self.asked % 3 + 1,) * 3

    ndim = 3
    dtype = np.dtype(bool)

    def __array__(self, dtype=None, copy=None):
        return np.ones(self.shape, dtype=bool)


def fails(liar):
    raise RuntimeError('the disk is on fire')


def test_objects_that_lie_of_themselves(call):
    with pytest.raises((RuntimeError, TypeError), match='on fire|got Liar'):
        call(Liar(fails))
    with pytest.raises((TypeError, ValueError)):
        call(Liar(lambda liar: liar))
    with pytest.raises((TypeError, ValueError)):
        call(Liar(lambda liar: 'text'))
    with pytest.raises(TypeError, match='complex|got Liar'):
        call(Liar(lambda liar: np.ones((4, 5, 6), dtype=complex)))
    # Another shape or type than it says of itself: the array counts, or it is refused.
    for liar in (Liar(lambda liar: np.ones((2, 3, 4), dtype='f4')), Fickle()):
        try:
            call(liar)
        except TypeError as error:
            assert 'got ' in str(error)  # noqa: PT017
        except ValueError as error:
            assert 'offset' in str(error)  # noqa: PT017


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers(value):
    image = np.zeros((6, 7, 8))
    image[2, 3, 1:7] = 1
    image[2, 3, 4] = value
    np.testing.assert_array_equal(skanrs.skeletonize(image), image != 0)
    with np.errstate(invalid='ignore'):
        table = skanrs.summarize(skanrs.Skeleton(image), separator='_')
    assert table['branch_distance'].tolist() == [5.0]
    assert not np.isfinite(table['mean_pixel_value'][0])
    with pytest.raises(ValueError, match='finite heights'):
        skanrs.Skeleton(image, value_is_height=True)
    with pytest.raises(ValueError, match='finite heights'):
        skanrs.chunk_graph(image, offset=(0, 0, 0), shape=image.shape, value_is_height=True)


@pytest.mark.parametrize('spacing', [np.nan, np.inf, -1, 0, [1, 2, np.nan], [1, -np.inf, 1]])
def test_spacings_that_are_no_distances(spacing):
    image = np.ones((3, 3, 3), dtype=bool)
    with pytest.raises(ValueError, match='spacing'):
        skanrs.Skeleton(image, spacing=spacing)
    with pytest.raises(ValueError, match='spacing'):
        skanrs.chunk_graph(image, offset=(0, 0, 0), shape=image.shape, spacing=spacing)


SHAPES = [(0,), (1,), (0, 0), (1, 0), (0, 1), (1, 1), (0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 1)]


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('dtype', ['bool', 'f4', 'i8'])
def test_axes_of_no_or_one_voxel(shape, dtype):
    image = np.ones(shape, dtype=dtype)
    assert len(skanrs.summarize(skanrs.Skeleton(image), separator='_')) == 0
    graph = skanrs.chunk_graph(image, offset=(0,) * len(shape), shape=shape)
    assert len(skanrs.summarize(graph, separator='_')) == 0
    if len(shape) > 1:
        assert skanrs.skeletonize(image).sum() == image.size


@pytest.mark.parametrize('axis', [0, 1, 2])
def test_a_million_voxels_long_and_one_thick(axis):
    shape = [1, 1, 1]
    shape[axis] = 10**6
    image = np.zeros(shape, dtype=bool)
    line = image.reshape(-1)
    line[2:-3] = True
    skeleton = skanrs.skeletonize(image, method='lee')
    np.testing.assert_array_equal(skeleton, image)
    table = skanrs.summarize(skanrs.Skeleton(skeleton), separator='_')
    assert table['branch_distance'].tolist() == [10**6 - 6.0]
    parts = [
        skanrs.chunk_graph(block, offset=offset, shape=image.shape)
        for block, offset in skanrs.iter_blocks(skeleton, chunks=99_999)
    ]
    assert skanrs.summarize(skanrs.merge_chunks(parts), separator='_').equals(table)
    # Every second voxel, read in steps.
    assert skanrs.Skeleton(line[::2]).n_paths == 1


def test_thick_bars_a_hundred_thousand_long():
    image = np.pad(np.ones((3, 3, 10**5), dtype=bool), 1)
    np.testing.assert_array_equal(skanrs.skeletonize(image), reference(image))


# What is simulated, because no machine holds it


@pytest.mark.parametrize(
    ('shape', 'offset'),
    [
        ((2**20, 2**20, 2**20), (2**20 - 8,) * 3),
        ((3, 5, 2**58), (0, 0, 2**58 - 8)),
        ((2**57, 4, 8), (2**57 - 8, 0, 0)),
        ((2**33,), (2**32 - 4,)),
        ((2**62,), (2**62 - 8,)),
    ],
    ids=str,
)
def test_places_beyond_2_to_the_32(shape, offset):
    """Two halves of one line far out: joined as near the origin, with ids that do not wrap."""
    lengths = [min(8, whole - at) for whole, at in zip(shape, offset, strict=True)]
    block = np.zeros(lengths, dtype=bool)
    block.reshape(-1, lengths[-1])[0, :6] = True
    half = 3
    parts = [(block[..., :half], 0), (block[..., half:], half)]
    graphs = [
        skanrs.chunk_graph(part, offset=(*offset[:-1], offset[-1] + at), shape=shape)
        for part, at in parts
    ]
    merged = skanrs.merge_chunks(pickle.loads(pickle.dumps(graphs)))
    assert (merged.offset, merged.extent, merged.n_pixels) == (offset, tuple(lengths), 6)
    with pytest.raises(ValueError, match='is missing'):
        skanrs.summarize(merged, separator='_')


@pytest.mark.parametrize('seed', range(40))
def test_the_box_that_is_missing(seed):
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


def test_thinned_chunks_beyond_2_to_the_32():
    image = np.pad(blobs((14, 14, 70), 1), 3)
    near = skanrs.thin_chunk(image, offset=(0, 0, 0), shape=image.shape)
    far_shape = (2**20, 2**20, 2**20)
    offset = tuple(2**20 - length for length in image.shape)
    parts = [
        skanrs.thin_chunk(image[:9], offset=offset, shape=far_shape),
        skanrs.thin_chunk(image[9:], offset=(offset[0] + 9, *offset[1:]), shape=far_shape),
    ]
    merged = skanrs.merge_thinned(pickle.loads(pickle.dumps(parts)))
    assert merged.residue.boxes
    assert near.finish(skanrs.merge_thinned([near])).any()
    with pytest.raises(ValueError, match='got none for the box'):
        parts[0].finish(merged)


def test_the_largest_shapes_are_refused_in_words():
    block = np.ones((1, 1, 1), dtype=bool)
    for shape in [(2**63, 1, 1), (2**32, 2**31, 1), (2**62, 2, 1)]:
        with pytest.raises((ValueError, OverflowError), match='shape|int|large'):
            skanrs.chunk_graph(block, offset=(0, 0, 0), shape=shape)


@pytest.mark.parametrize('length', [2**31, 2**40, 2**62])
def test_axes_too_long_for_radii_are_refused_in_words(length):
    mask, nodes = np.ones((1, 1, 8), dtype='u1'), np.arange(8)
    for axis in range(3):
        shape, offset = [1, 1, 8], [0, 0, 0]
        shape[axis], offset[axis] = length, length - 8
        with pytest.raises(ValueError, match=r'^shape: expected fewer than 2\*\*31 voxels along'):
            _core.block_radii(mask, 1, nodes, offset, shape, (1, 1, 1), (False, False, False))


# Bytes of objects


def broken(data, random):
    """Some bytes of them changed, cut, doubled or swapped."""
    data = bytearray(data)
    for _ in range(int(random.integers(1, 4))):
        at = int(random.integers(len(data)))
        kind = random.integers(4)
        if kind == 0:
            data[at] = int(random.integers(256))
        elif kind == 1:
            del data[at : at + int(random.integers(1, 9))]
        elif kind == 2:
            data[at:at] = data[at : at + int(random.integers(1, 9))]
        else:
            data[at] ^= 1 << int(random.integers(8))
        if not data:
            break
    return bytes(data)


def test_bytes_of_a_chunk_graph_that_were_changed():
    random = np.random.default_rng(2)
    refused = 0
    for seed in range(6):
        image = blobs((9, 9, 9), seed, 0.7) * random.random((9, 9, 9))
        parts = [
            skanrs.chunk_graph(block, offset=offset, shape=image.shape)
            for block, offset in skanrs.iter_blocks(image, chunks=(5, 9, 9))
        ]
        restore, (data, *rest) = parts[0].__reduce_ex__(4)
        for _ in range(300):
            try:
                graph = restore(broken(data, random), *rest)
                repr(graph)
                # Its numbers may be wrong, and any.
                with np.errstate(all='ignore'):
                    skanrs.summarize(skanrs.merge_chunks([graph, parts[1]]), separator='_')
            except ValueError:
                refused += 1
    assert refused > 1000


def test_arrays_of_a_thinned_chunk_that_were_changed():
    from skanrs.thinning import chunks

    random = np.random.default_rng(3)
    image = blobs((16, 16, 80), 1)
    whole = [(image[:7], (0, 0, 0)), (image[7:], (7, 0, 0))]
    parts = [skanrs.thin_chunk(part, offset=at, shape=image.shape) for part, at in whole]
    other = parts[1]
    refused = 0
    for _ in range(600):
        part = parts[0]
        arrays = [*part.kept, *part.residue.undecided, *part.residue.script]
        chosen = int(random.integers(len(arrays)))
        array = arrays[chosen].copy()
        if len(array):
            at = int(random.integers(len(array)))
            kind = random.integers(4)
            if kind == 0:
                array[at] = random.integers(0, 2**32, dtype='u4')
            elif kind == 1:
                array[at] ^= np.array(1 << int(random.integers(32)), dtype=array.dtype)
            elif kind == 2:
                array = array[:at]
            else:
                array = array[::-1].copy()
        arrays[chosen] = array
        residue = chunks.Residue(
            part.residue.boxes, chunks.Words(*arrays[2:4]), chunks.Script(*arrays[4:])
        )
        made = chunks.ThinnedChunk(
            part.image, part.offset, part.chunk_shape, chunks.Words(*arrays[:2]), residue
        )
        try:
            merged = skanrs.merge_thinned([made, other])
            made.finish(merged)
            other.finish(merged)
        except ValueError:
            refused += 1
    assert refused > 100


def test_what_pickles_hold_that_was_changed():
    """In a process of its own: a crash ends it, and so does a panic."""
    script = Path(__file__).parents[2] / 'support' / 'malformed_pickles.py'
    command = [sys.executable, str(script), '0', '150']
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("'made'") == 6


def test_bytes_of_a_chunk_graph_that_were_cut():
    """At every length, and with every number in front changed to extremes."""
    image = blobs((9, 9, 9), 1, 0.7)
    graph = skanrs.chunk_graph(image[:5], offset=(0, 0, 0), shape=image.shape)
    restore, (data, *rest) = graph.__reduce_ex__(4)
    for length in range(len(data)):
        with pytest.raises(ValueError, match='damaged|chunk graph'):
            restore(data[:length], *rest)
    for at in range(min(len(data), 200)):
        for byte in (0, 0x7F, 0x80, 0xFF):
            try:
                made = restore(data[:at] + bytes([byte] * 8) + data[at + 8 :], *rest)
                repr(made)
            except ValueError:
                continue


@pytest.mark.parametrize('axes', [2, 3])
def test_thinned_chunks_of_images_without_voxels(axes):
    for empty in range(axes):
        shape = tuple(0 if axis == empty else 5 for axis in range(axes))
        chunk = skanrs.thin_chunk(np.zeros(shape), offset=(0,) * axes, shape=shape)
        assert chunk.finish(skanrs.merge_thinned([chunk])).shape == shape


@pytest.mark.parametrize('seed', range(3))
def test_graphs_of_random_numbers(seed):
    """What the kernels are given by `skanrs.csr` may be anything that scipy holds."""
    random = np.random.default_rng(seed)
    refused = 0
    for _ in range(400):
        nodes, entries = int(random.integers(0, 7)), int(random.integers(0, 15))
        dtype = random.choice(['i4', 'i8'])
        indptr = np.sort(random.integers(-1, entries + 2, nodes + 1)).astype(dtype)
        if random.random() < 0.8:
            indptr[[0, -1]] = 0, entries
        indices = random.integers(-1 if random.random() < 0.2 else 0, nodes + 1, entries)
        weights = random.random(entries + int(random.random() < 0.1))
        indices = indices.astype(dtype)
        for kernel in (
            lambda: _core.trace_paths(indptr, indices, weights),  # noqa: B023
            lambda: _core.prune_junction_edges(indptr, indices, weights),  # noqa: B023
            lambda: _core.components(indptr, indices),  # noqa: B023
            lambda: _core.path_lengths(indptr, indices, weights, indptr, indices),  # noqa: B023
            lambda: _core.path_sums(indptr.astype('i8'), weights),  # noqa: B023
        ):
            try:
                kernel()
            except ValueError:
                refused += 1
    assert refused > 400
