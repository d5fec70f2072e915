"""Pruning by length, some planes at a time: what pruning of the whole skeleton removes."""

import numpy as np
import pytest
from blocks import random_chunks
from images import random_spacing
from scipy import ndimage

import skanrs
from skanrs.pruning import on_disk as module
from skanrs.pruning.on_disk import RemovedVoxels, removed_voxels


def random_skeleton(random, shape):
    """Noise, whose branches are short, or a skeleton of noise, of smooth objects or of lines."""
    kind = random.integers(4)
    if kind == 3:
        lines = np.zeros(shape, bool)
        for _ in range(random.integers(2, 12)):
            ends = random.integers(0, shape, (2, len(shape)))
            along = np.linspace(*ends, int(np.ptp(ends, axis=0).max()) + 1)
            lines[tuple(np.rint(along).astype(int).T)] = True
        return skanrs.skeletonize(lines)
    if kind == 0:
        return random.random(shape) < random.choice([0.02, 0.1, 0.3])
    if kind == 1:
        return skanrs.skeletonize(random.random(shape) < random.choice([0.5, 0.7, 0.85]))
    gray = ndimage.gaussian_filter(random.random(shape), 1)
    return skanrs.skeletonize(gray > np.quantile(gray, random.choice([0.3, 0.5, 0.7])))


def random_slabs(random, nodes, shape):
    """Return the voxels plane by plane, or some planes at a time."""
    ends = np.unique([*random.integers(1, shape[0] + 1, random.integers(0, 30)), shape[0]])
    of_ends = np.searchsorted(nodes, ends * int(np.prod(shape[1:])))
    return zip(np.split(nodes, of_ends[:-1]), ends.tolist(), strict=True)


def whole_and_in_planes(seed):
    """Return what pruning removes from a random skeleton, of all voxels and step by step."""
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, [60, 20, 20] if seed % 2 else [150, 40]).tolist())
    skeleton = random_skeleton(random, shape)
    spacing = random_spacing(random, len(shape))
    limit = float(random.choice([0, 1.5, 3, 4.2, 8, 15])) * float(np.min(spacing))
    pruned = skanrs.prune(skeleton, min_length=limit, spacing=spacing)
    floats = tuple(np.broadcast_to(np.asarray(spacing, float), len(shape)).tolist())
    slabs = random_slabs(random, np.flatnonzero(skeleton), shape)
    parts = list(removed_voxels(slabs, shape, floats, limit))
    return np.flatnonzero(skeleton & ~pruned), parts


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch):
    monkeypatch.setattr(module, 'VOXELS', 1)


@pytest.mark.parametrize('seed', range(200))
def test_random_planes(seed):
    whole, parts = whole_and_in_planes(seed)
    assert np.sort(np.concatenate(parts)).tolist() == whole.tolist()


@pytest.mark.parametrize('share', [0.3, 0.6])
def test_guards_are_needed(monkeypatch, share):
    # Guards that are too short must not pass the test above.
    plain, wrong = module._parts, 0
    monkeypatch.setattr(
        module, '_parts', lambda *given: plain(*given[:3], given[3] * share, given[4])
    )
    for seed in range(200):
        whole, parts = whole_and_in_planes(seed)
        wrong += np.sort(np.concatenate(parts)).tolist() != whole.tolist()
    assert wrong


def test_parts_that_are_left_are_small(monkeypatch):
    # A comb along the first axis: a long line with teeth of 1 to 9 voxels.
    shape = (4_000, 12)
    comb = np.zeros(shape, bool)
    comb[:, 0] = True
    for at in range(10, 3_990, 40):
        comb[at, : 2 + at // 40 % 9] = True
    nodes, plain, left = np.flatnonzero(comb), module._parts, []

    def parts(*given):
        left.append(plain(*given))
        return left[-1]

    monkeypatch.setattr(module, '_parts', parts)
    ends = range(20, 4_001, 20)
    of_ends = np.searchsorted(nodes, np.array(ends) * shape[1])
    slabs = zip(np.split(nodes, of_ends[:-1]), ends, strict=True)
    removed = np.concatenate(list(removed_voxels(slabs, shape, (1.0, 1.0), 6.0)))
    assert max(is_left.sum() for _, is_left in left) < 60
    pruned = skanrs.prune(comb, min_length=6)
    assert np.sort(removed).tolist() == np.flatnonzero(comb & ~pruned).tolist()
    assert 100 < len(removed) < 500


def test_what_is_left_is_not_traced_again_and_again(monkeypatch):
    # Branches shorter than the limit are connected, so that all is left until the end.
    skeleton = skanrs.skeletonize(np.random.default_rng(0).random((400, 100)) < 0.7)
    nodes, plain, traced = np.flatnonzero(skeleton), module._parts, []

    def parts(voxels, *more):
        traced.append(len(voxels))
        return plain(voxels, *more)

    monkeypatch.setattr(module, '_parts', parts)
    monkeypatch.setattr(module, 'VOXELS', 100)
    of_ends = np.searchsorted(nodes, np.arange(1, 401) * 100)
    slabs = zip(np.split(nodes, of_ends[:-1]), range(1, 401), strict=True)
    removed = np.concatenate(list(removed_voxels(slabs, skeleton.shape, (1.0, 1.0), 30.0)))
    assert len(traced) > 5
    assert sum(traced) < 4 * len(nodes)
    pruned = skanrs.prune(skeleton, min_length=30)
    assert np.sort(removed).tolist() == np.flatnonzero(skeleton & ~pruned).tolist()


@pytest.mark.parametrize('seed', range(20))
def test_file(tmp_path, seed):
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 30, 2 + seed % 2).tolist())
    skeleton = random_skeleton(random, shape)
    nodes, chunks = np.flatnonzero(skeleton), random_chunks(random, shape)
    removed = RemovedVoxels([(nodes, shape[0])], shape, (1.0,) * len(shape), 3.5, tmp_path)
    gone = skeleton & ~skanrs.prune(skeleton, min_length=3.5)
    assert removed.count == gone.sum()
    bounds = [np.cumsum([0, *lengths]).tolist() for lengths in chunks]
    found, indices = np.zeros(shape, bool), []
    for index, places in removed.in_blocks(bounds):
        box = (slice(axis[at], axis[at + 1]) for axis, at in zip(bounds, index, strict=True))
        found[tuple(box)][tuple(places)] = True
        indices.append(index)
    assert indices == list(np.ndindex(*map(len, chunks)))
    assert np.array_equal(found, gone)
