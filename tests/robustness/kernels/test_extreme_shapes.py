"""Axes of length 0 and 1, very long axes, and offsets and shapes beyond 2**32."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from images import blobs
from skimage.morphology import skeletonize as reference

import skanrs
from skanrs import _core

SHAPES = [(0,), (1,), (0, 0), (1, 0), (0, 1), (1, 1), (0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 1)]


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('dtype', ['bool', 'f4', 'i8'])
def test_axes_of_length_zero_and_one(shape, dtype):
    image = np.ones(shape, dtype=dtype)
    assert len(skanrs.summarize(skanrs.Skeleton(image), separator='_')) == 0
    graph = skanrs.chunk_graph(image, offset=(0,) * len(shape), shape=shape)
    assert len(skanrs.summarize(graph, separator='_')) == 0
    if len(shape) > 1:
        assert skanrs.skeletonize(image).sum() == image.size


@pytest.mark.parametrize('axis', [0, 1, 2])
def test_line_of_a_million_voxels(axis):
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


def test_thick_bar_of_a_hundred_thousand_voxels():
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
def test_offsets_beyond_2_to_the_32(shape, offset):
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


def test_largest_shapes_raise_clear_errors():
    block = np.ones((1, 1, 1), dtype=bool)
    for shape in [(2**63, 1, 1), (2**32, 2**31, 1), (2**62, 2, 1)]:
        with pytest.raises((ValueError, OverflowError), match='shape|int|large'):
            skanrs.chunk_graph(block, offset=(0, 0, 0), shape=shape)


@pytest.mark.parametrize('length', [2**31, 2**40, 2**62])
def test_axes_too_long_for_radii_raise_clear_errors(length):
    mask, nodes = np.ones((1, 1, 8), dtype='u1'), np.arange(8)
    for axis in range(3):
        shape, offset = [1, 1, 8], [0, 0, 0]
        shape[axis], offset[axis] = length, length - 8
        with pytest.raises(ValueError, match=r'^shape: expected fewer than 2\*\*31 voxels along'):
            _core.block_radii(mask, 1, nodes, offset, shape, (1, 1, 1), (False, False, False))


@pytest.mark.parametrize('axes', [2, 3])
def test_thinned_chunks_of_images_without_voxels(axes):
    for empty in range(axes):
        shape = tuple(0 if axis == empty else 5 for axis in range(axes))
        chunk = skanrs.thin_chunk(np.zeros(shape), offset=(0,) * axes, shape=shape)
        assert chunk.finish(skanrs.merge_thinned([chunk])).shape == shape
