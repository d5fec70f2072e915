"""Cavities of a skeleton, counted from its voxels, against labels of the whole background."""

from __future__ import annotations

import warnings

import dask
import dask.array as da
import numpy as np
import pytest
from scipy import ndimage

import skanrs
from skanrs.cleaning import surfaces
from skanrs.csr import make_degree_image


def by_labels(skeleton):
    return ndimage.label(~np.pad(skeleton, 1))[1] - 1


def counted(skeleton):
    return surfaces.find_walls(np.flatnonzero(skeleton), skeleton.shape).cavities


@pytest.mark.parametrize('density', [0.05, 0.2, 0.35, 0.5, 0.8])
@pytest.mark.parametrize('seed', range(8))
def test_any_voxels(density, seed):
    image = np.random.default_rng(seed).random((9, 10, 11)) < density
    # Cavities of a solid are of the same walls, and of others within them.
    assert (counted(image) > 0) == (by_labels(image) > 0)


@pytest.mark.parametrize('seed', range(6))
def test_skeletons(seed):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random((40, 40, 40)), 1.2)
    skeleton = skanrs.skeletonize(noise > np.quantile(noise, 0.4), preserve_topology=True)
    cavities = by_labels(skeleton)
    assert cavities > 0
    assert counted(skeleton) == cavities


def test_shell_and_its_filling():
    z, y, x = np.indices((25, 25, 25)) - 12
    ball = z * z + y * y + x * x <= 100
    shell = ball & (z * z + y * y + x * x > 36)
    assert counted(skanrs.skeletonize(shell)) == 1
    assert counted(skanrs.skeletonize(skanrs.clean(shell, fill_cavities=True))) == 0


def shell():
    """Return a thick shell in an image of two networks."""
    z, y, x = np.indices((25, 25, 60)) - 12
    radius = z * z + y * y + x * x
    mask = (radius <= 100) & (radius > 36)
    mask[5:8, 5:8, 24:58] = mask[15:18, 3:20, 40:43] = True
    return mask


@pytest.mark.parametrize('chunks', [None, 9])
def test_surfaces_are_warned_of(chunks):
    mask = shell() if chunks is None else da.from_array(shell(), chunks=chunks)
    with pytest.warns(skanrs.CavityWarning) as caught:
        dask.compute(skanrs.analyze(mask))
    [warning] = caught
    skeleton = skanrs.skeletonize(shell())
    walls = surfaces.find_walls(np.flatnonzero(skeleton), skeleton.shape)
    share = walls.voxels / skeleton.sum()
    assert str(warning.message) == (
        f'{share:.0%} of the skeleton are closed surfaces around 1 cavity of the mask, which make '
        'many short branches; skanrs.clean(mask, fill_cavities=True) fills cavities'
    )
    if chunks is None:
        assert warning.filename == __file__


@pytest.mark.parametrize('fill_cavities', [False, True])
def test_lines_and_pinholes_are_not_warned_of(fill_cavities):
    mask = np.zeros((9, 9, 300), bool)
    mask[2:7, 2:7, 2:298] = True
    mask[4, 4, 100] = False
    skeleton = skanrs.skeletonize(mask)
    walls = surfaces.find_walls(np.flatnonzero(skeleton), skeleton.shape)
    assert walls.cavities == 1
    assert 0 < walls.voxels < 0.1 * skeleton.sum()
    mask = skanrs.clean(mask, fill_cavities=fill_cavities)
    with warnings.catch_warnings(action='error'):
        skanrs.analyze(mask)
        skanrs.analyze(mask.any(axis=0))
        dask.compute(skanrs.analyze(da.from_array(mask, chunks=50)))


def test_voxels_with_four_neighbours_are_counted_with_the_graph():
    image = np.random.default_rng(2).random((9, 10, 11)) < 0.2
    is_crowded = make_degree_image(image) >= surfaces.LEAST_NEIGHBOURS
    assert 0 < np.count_nonzero(is_crowded) < np.count_nonzero(image)
    assert skanrs.Skeleton(image)._crowded() == np.count_nonzero(is_crowded)


def test_large_wall_counts_without_labels(monkeypatch):
    monkeypatch.setattr(surfaces, 'LARGEST_BOX', 100)
    shell = np.ones((9, 9, 9), bool)
    shell[1:-1, 1:-1, 1:-1] = False
    assert counted(shell) == 1


@pytest.mark.parametrize('shape', [(9, 9), (9, 9, 9)])
def test_none(shape):
    assert counted(np.zeros(shape, bool)) == 0
    assert counted(np.eye(9, dtype=bool)[:, :, None]) == 0
