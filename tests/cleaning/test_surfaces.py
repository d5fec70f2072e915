"""Cavities of a skeleton, counted from its voxels, against labels of the whole background."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import skanrs
from skanrs.cleaning import surfaces


def by_labels(skeleton):
    return ndimage.label(~np.pad(skeleton, 1))[1] - 1


def counted(skeleton):
    return surfaces.count_cavities(np.flatnonzero(skeleton), skeleton.shape)


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


def test_large_wall_counts_without_labels(monkeypatch):
    monkeypatch.setattr(surfaces, 'LARGEST_BOX', 100)
    shell = np.ones((9, 9, 9), bool)
    shell[1:-1, 1:-1, 1:-1] = False
    assert counted(shell) == 1


@pytest.mark.parametrize('shape', [(9, 9), (9, 9, 9)])
def test_none(shape):
    assert counted(np.zeros(shape, bool)) == 0
    assert counted(np.eye(9, dtype=bool)[:, :, None]) == 0
