"""The paths of a skeleton that is read plane by plane: those of the whole skeleton, each once."""

import numpy as np
import pytest
from images import random_spacing

import skanrs
from skanrs._image.spacing import as_spacing
from skanrs.branches import finished_paths as module
from skanrs.branches.finished_paths import finished_paths
from skanrs.graph.trace import trace


def random_skeleton(random, shape):
    """Noise, whose junctions are large clusters, or a skeleton of it."""
    if random.random() < 0.4:
        return skanrs.skeletonize(random.random(shape) < random.choice([0.3, 0.5, 0.7, 0.85]))
    return random.random(shape) < random.choice([0.02, 0.1, 0.2, 0.3, 0.5])


def whole_and_finished(seed):
    """Return the paths of a random skeleton as tuples, and those of its steps as they come."""
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 24, int(random.integers(2, 4))).tolist())
    nodes = np.flatnonzero(random_skeleton(random, shape))
    spacing = as_spacing(random_spacing(random, len(shape)), len(shape)).floats
    traced = trace(shape, nodes, None, spacing)
    whole = [
        tuple(path) for path in np.split(nodes[traced.nodes], traced.starts[1:-1]) if len(path)
    ]
    ends = np.unique([*random.integers(1, shape[0] + 1, random.integers(0, 8)), shape[0]])
    of_ends = np.searchsorted(nodes, ends * int(np.prod(shape[1:])))
    slabs = zip(np.split(nodes, of_ends[:-1]), ends.tolist(), strict=True)
    found = []
    for step in finished_paths(slabs, shape, spacing):
        assert np.array_equal(nodes[step.numbers], step.nodes)
        for path in np.flatnonzero(step.is_finished):
            along = step.paths[step.starts[path] : step.starts[path + 1]]
            found.append(tuple(step.nodes[along]))
        assert not (step.is_finished & step.is_open).any()
    assert not step.is_open.any()
    return whole, found


@pytest.mark.parametrize('seed', range(100))
def test_random_planes(seed):
    whole, found = whole_and_finished(seed)
    assert sorted(found) == sorted(whole)


@pytest.mark.parametrize('rule', ['spread', 'touch'])
def test_rules_are_needed(monkeypatch, rule):
    # Clusters that are cut, or voxels without their neighbours, must not pass the test above.
    monkeypatch.setattr(module.Clusters, rule, lambda _, marks: np.zeros_like(marks))
    wrong = 0
    for seed in range(100):
        try:
            whole, found = whole_and_finished(seed)
            wrong += sorted(found) != sorted(whole)
        except (AssertionError, ValueError):
            wrong += 1
    assert wrong > 5
