"""Packed masks on disk."""

import dask.array as da
import numpy as np
import pytest
from blocks import random_chunks

from skanrs.files.packed_mask import PackedMask


@pytest.mark.parametrize('shape', [(11, 17, 30), (40, 33)])
def test_packed_mask(tmp_path, shape):
    random = np.random.default_rng(0)
    mask = random.random(shape) < 0.2
    mask[: shape[0] // 2, :9] = False
    chunks = random_chunks(random, shape)
    blocks = da.from_array(mask, chunks=chunks)
    packed = PackedMask(tmp_path, blocks.chunks)
    for index in np.ndindex(*blocks.numblocks):
        packed.store(blocks.blocks[index].compute(), index)
    assert packed.voxels == mask.sum()
    for _ in range(50):
        ends = np.sort([random.integers(0, n + 1, 2) for n in shape], axis=1)
        box = tuple(slice(start, stop) for start, stop in ends.tolist())
        np.testing.assert_array_equal(packed[box], mask[box])
