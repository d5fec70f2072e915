"""Skeletons and tables with their rows on disk: for any blocks, those of the image in memory."""

import numpy as np
import pandas as pd
import pytest
from blocks import random_chunks
from scipy import ndimage

import skanrs
from skanrs import _core
from skanrs._image.spacing import as_spacing
from skanrs.branches import on_disk
from skanrs.branches.on_disk import TableOnDisk
from skanrs.cleaning.surfaces import find_walls
from skanrs.datasets import vessel_tree
from skanrs.thinning.on_disk import BlockGrid, SkeletonOnDisk


def random_mask(random, shape):
    """Noise, thick objects with cavities, or a tree."""
    kind = random.integers(4)
    if kind == 3:
        gray = ndimage.gaussian_filter(random.random(shape), 1.0)
        return gray < np.quantile(gray, 0.9)
    if kind == 0:
        return random.random(shape) < random.choice([0.02, 0.1, 0.3])
    if kind == 1 and len(shape) == 3 and min(shape) >= 16:
        return vessel_tree(shape, seed=int(random.integers(1000)))
    gray = ndimage.gaussian_filter(random.random(shape), 1.5)
    return gray > np.quantile(gray, 0.6)


@pytest.mark.parametrize('seed', range(40))
def test_random_blocks(seed, tmp_path, monkeypatch):
    random = np.random.default_rng(seed)
    ndim = int(random.integers(2, 4))
    shape = tuple(random.integers(1, 50 if ndim == 3 else 130, ndim).tolist())
    mask = random_mask(random, shape)
    spacing = random.choice([1.0, 0.5, 2.0], ndim)
    method = str(random.choice(['lee', 'lee-preserving', *(['zhang'] if ndim == 2 else [])]))
    monkeypatch.setattr(on_disk, 'ROWS', int(random.choice([1, 7, 50, 1 << 18])))
    grid = BlockGrid(random_chunks(random, shape), int(random.choice([1, 9, 40])))
    for folder in ('words', 'rows'):
        (tmp_path / folder).mkdir()

    made = SkeletonOnDisk(grid, mask.__getitem__, method, tmp_path / 'words', 2)
    skeleton = np.zeros(shape, dtype=bool)
    for index in np.ndindex(*grid.counts):
        box = tuple(slice(at, at + n) for at, n in zip(*grid.position(index), strict=True))
        skeleton[box] = made.block(index)
        assert np.array_equal(made.nodes(index), np.flatnonzero(skeleton[box]))
    expected = skanrs.skeletonize(
        mask, method=method.split('-')[0], preserve_topology='preserving' in method
    )
    assert np.array_equal(skeleton, expected)
    assert made.foreground == np.count_nonzero(mask)

    steps = as_spacing(spacing, ndim)
    table = TableOnDisk(shape, grid.bounds, made.nodes, steps, tmp_path / 'rows', 2)
    found = pd.concat(list(table.parts()))
    whole = skanrs.summarize(skanrs.Skeleton(expected, spacing=spacing), separator='_')
    assert list(found) == list(whole)
    assert found.index.equals(whole.index)
    for name in whole:
        assert found[name].dtype == whole[name].dtype
        assert found[name].to_numpy().tobytes() == whole[name].to_numpy().tobytes(), name
    assert table.count == len(whole)
    assert find_walls(table.core, shape) == find_walls(np.flatnonzero(expected), shape)
    assert table.networks == whole['skeleton_id'].nunique()
    topology = _core.topology(np.flatnonzero(expected), (1,) * (3 - ndim) + shape)
    assert (table.isolated, table.count_loops(2)) == topology[1:3]
