"""Measures with their rows on disk: for any blocks and planes, those of the mask in memory."""

import numpy as np
import pandas as pd
import pytest
from blocks import random_chunks
from images import blobs, random_spacing

import skanrs
from skanrs._image.position import in_image
from skanrs._image.spacing import as_spacing
from skanrs._support import sorted_records
from skanrs.branches import measures_on_disk, voxels_on_disk
from skanrs.branches.measures_on_disk import MeasuredTable
from skanrs.branches.on_disk import TableOnDisk
from skanrs.branches.voxels_on_disk import MappedMask, VoxelsOnDisk
from skanrs.radius.block import Grid
from skanrs.thinning.on_disk import BlockGrid


def measured_on_disk(mask, skeleton, spacing, chunks, memory, folder, **options):
    """Return the table of a mask and its skeleton, with all that waits in a folder."""
    shape = mask.shape
    blocks = BlockGrid(chunks, 1)
    steps = as_spacing(spacing, 3)
    grid = Grid(shape, steps.floats, border_is_background=False)
    for name in ('rows', 'measures'):
        (folder / name).mkdir()

    def nodes(index):
        return np.flatnonzero(skeleton[blocks.box(index)])

    def slabs():
        for slab, end in enumerate(blocks.bounds[0][1:]):
            indices = [(slab, *rest) for rest in np.ndindex(*blocks.counts[1:])]
            of_blocks = [in_image(nodes(at), *blocks.position(at), shape) for at in indices]
            yield np.sort(np.concatenate(of_blocks)), end

    rows = TableOnDisk(shape, blocks.bounds, nodes, steps, folder / 'rows', 2)
    mapped = MappedMask([(mask, (0, 0, 0))], shape, folder / 'mask')
    voxels = VoxelsOnDisk(slabs(), mapped, grid, folder / 'measures', memory)
    table = MeasuredTable(rows, voxels, mapped, grid, folder / 'measures', **options)
    return pd.concat(list(table.parts())), pd.concat(list(table.nodes.parts()))


def assert_as_in_memory(mask, skeleton, found, spacing=1, **options):
    branches = skanrs.analyze(mask, skeleton=skeleton, spacing=spacing, **options)
    nodes = skanrs.nodes(mask, skeleton=skeleton, spacing=spacing)
    for table, whole in zip(found, (branches, nodes), strict=True):
        assert list(table) == list(whole)
        for name in whole:
            assert table[name].dtype == whole[name].dtype
            assert table[name].to_numpy().tobytes() == whole[name].to_numpy().tobytes(), name
        assert table.attrs == whole.attrs


@pytest.mark.filterwarnings('ignore::skanrs.CavityWarning')
@pytest.mark.parametrize('seed', range(40))
def test_random_masks(seed, tmp_path, monkeypatch):
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 40, 3).tolist())
    mask = blobs(shape, random, random.uniform(0.7, 3))
    if seed % 3 == 0:
        mask = random.random(shape) < random.choice([0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
    skeleton = skanrs.skeletonize(mask)
    spacing = random_spacing(random, 3) if seed % 2 else random.choice([1.0, 0.3])
    monkeypatch.setattr(measures_on_disk, 'VOXELS', int(random.choice([1, 20, 200, 1 << 19])))
    monkeypatch.setattr(sorted_records, 'RUN', int(random.choice([900, 1 << 25])))
    monkeypatch.setattr(sorted_records, 'LEAST', int(random.choice([1, 100])))
    monkeypatch.setattr(voxels_on_disk, 'MARGIN', int(random.choice([1, 2, 16])))
    chunks, memory = random_chunks(random, shape), int(random.choice([1, 3_000, 1 << 28]))
    tips = bool(random.integers(2))
    found = measured_on_disk(mask, skeleton, spacing, chunks, memory, tmp_path, include_tips=tips)
    assert_as_in_memory(mask, skeleton, found, spacing=spacing, include_tips=tips)


def test_objects_without_a_skeleton(tmp_path):
    # Blocks of even thickness vanish; one lies across planes, one is far from any skeleton.
    mask = np.zeros((60, 20, 40), dtype=bool)
    mask[2:5, 2:5, 3:30] = mask[3:40, 14:17, 33:36] = True
    mask[3:7, 9:13, 10:14] = mask[50:54, 3:7, 3:7] = True
    skeleton = skanrs.skeletonize(mask)
    assert not skeleton[:, 9:13, 10:14].any()
    assert not skeleton[45:].any()
    found = measured_on_disk(mask, skeleton, 1, [[4] * 15, [20], [40]], 1, tmp_path)
    assert_as_in_memory(mask, skeleton, found)
    assert found[0].attrs == {'volume_without_branch': 128.0}


def test_a_large_ball_owns_what_is_far(tmp_path):
    at = np.stack(np.indices((70, 70, 90)), axis=-1)
    mask = np.linalg.norm(at - [35, 35, 30], axis=-1) < 29
    mask[35, 35, 30:] = mask[5:66, 35, 80] = True
    skeleton = skanrs.skeletonize(mask)
    found = measured_on_disk(mask, skeleton, 1, [[7] * 10, [70], [90]], 1, tmp_path)
    assert_as_in_memory(mask, skeleton, found)
