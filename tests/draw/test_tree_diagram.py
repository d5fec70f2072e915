"""Diagrams of rooted trees: what is drawn where, and what is left out."""

import matplotlib as mpl
import numpy as np
import pytest
from images import blobs

import skanrs
from skanrs import draw
from skanrs.draw.tree_diagram import heights_of

mpl.use('agg')


def fork():
    mask = np.zeros((40, 40), dtype=bool)
    mask[18:21, 2:38] = mask[2:20, 18:21] = True
    branches, nodes = skanrs.analyze(mask), skanrs.nodes(mask)
    return skanrs.root(branches, nodes, at=(19, 3))


def test_a_fork():
    tree = fork()
    axes, mappable = draw.tree_diagram(tree, color_by='generation', unit='µm')
    assert axes.get_xlabel() == 'distance from the root (µm)'
    lines = np.array(axes.collections[0].get_segments())
    assert sorted(mappable.get_array().tolist()) == [0, 1, 1]
    assert lines.shape == (3, 3, 2)
    for line, (_, branch) in zip(lines, tree.iterrows(), strict=True):
        assert line[0, 0] == line[1, 0] == branch['distance_to_root']
        assert line[2, 0] == pytest.approx(branch['distance_to_root'] + branch['length'])
    # The trunk lies amid both children, which begin at its height.
    trunk = int(np.flatnonzero(tree['generation'] == 0)[0])
    assert lines[trunk, :, 1].tolist() == [0.5] * 3
    children = np.delete(lines, trunk, axis=0)
    assert children[:, 0, 1].tolist() == [0.5, 0.5]
    assert sorted(children[:, 2, 1].tolist()) == [0, 1]


def test_loops_and_what_has_no_root_are_left_out():
    mask = blobs((60, 61), 3, 2)
    tree = skanrs.root(skanrs.analyze(mask), skanrs.nodes(mask), at='thickest')
    drawn = (tree['root'] >= 0) & (tree['strahler'] > 0)
    assert 0 < drawn.sum() < len(tree)
    axes, _ = draw.tree_diagram(tree)
    assert len(axes.collections[0].get_segments()) == drawn.sum()


@pytest.mark.parametrize('seed', range(5))
def test_heights_of_random_forests(seed):
    random = np.random.default_rng(seed)
    count = int(random.integers(1, 60))
    parents = np.array([int(random.integers(-1, branch)) for branch in range(count)])
    heights = heights_of(parents)
    has_children = np.isin(np.arange(count), parents)
    assert sorted(heights[~has_children].tolist()) == list(range((~has_children).sum()))
    for branch in np.flatnonzero(has_children):
        own = heights[parents == branch]
        assert own.min() <= heights[branch] <= own.max()


def test_deep_trees_need_no_recursion():
    assert heights_of(np.arange(-1, 20000)).tolist() == [0] * 20001


def test_territories_have_colours_of_their_own():
    tree = fork()
    _, mappable = draw.tree_diagram(tree, color_by='territory')
    assert len(np.unique(mappable.get_array())) == len(mappable.get_array()) > 1


def test_no_branches_and_wrong_tables():
    axes, _ = draw.tree_diagram(fork()[:0])
    assert not axes.collections[0].get_segments()
    with pytest.raises(ValueError, match="color_by: expected .*strahler.*, got 'colour'"):
        draw.tree_diagram(fork(), color_by='colour')
    with pytest.raises(ValueError, match="tree: expected .* skanrs.root, but 'parent' is missing"):
        draw.tree_diagram(fork().drop(columns='parent'))
