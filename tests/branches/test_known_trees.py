"""Rooted trees and their angles against trees of which everything is known."""

import numpy as np
import pytest
from known_trees import known_tree

import skanrs


@pytest.mark.parametrize('seed', range(8))
def test_trees_of_tubes(seed):
    random = np.random.default_rng(seed)
    mask, known = known_tree(random, depth=4, split=1.0 if seed < 3 else 0.6)
    skeleton = skanrs.prune(skanrs.skeletonize(mask), mask=mask, max_radius_ratio=1.5)
    branches = skanrs.analyze(mask, skeleton=skeleton, include_tips=True)
    nodes = skanrs.nodes(mask, skeleton=skeleton)
    tree = skanrs.root(branches, nodes, at=known[0].start)
    n_tips = known[0].tips
    assert (nodes['degree'] == 1).sum() == n_tips + 1
    assert (nodes['degree'] == 3).sum() == n_tips - 1
    assert not tree['is_loop'].any()
    rows = tree[~tree['in_junction']]
    assert len(rows) == len(known)
    # Each branch ends where it was drawn to end.
    places = nodes.set_index('node_id')[['coord_0', 'coord_1']]
    far = np.where(rows['is_reversed'], rows['node_src'], rows['node_dst'])
    ends = places.loc[far].to_numpy()
    away = np.linalg.norm(ends[:, None] - np.array([one.end for one in known]), axis=-1)
    found = away.argmin(axis=1)
    assert sorted(found) == list(range(len(known)))
    # A tip of the skeleton lies about a radius before the end of the tube.
    assert away.min(axis=1).max() < 6
    index_of = dict(zip(found.tolist(), rows.index.tolist(), strict=True))
    for number, one in enumerate(known):
        row = tree.loc[index_of[number]]
        assert row['generation'] == one.generation
        assert row['strahler'] == one.strahler
        assert row['n_tips_downstream'] == one.tips
        assert row['parent'] == index_of.get(one.parent, -1)
        length = np.linalg.norm(one.end - one.start)
        # The rounded end of a tip is one radius longer than the axis.
        is_tip, is_root = one.tips == 1 and one.strahler == 1, one.parent < 0
        length += one.radius * (is_tip + is_root)
        assert row['length'] == pytest.approx(length, abs=4)
    orders = np.bincount([one.strahler for one in known])
    assert np.bincount(rows['strahler']).tolist() == orders.tolist()
    lines = skanrs.centrelines(mask, skeleton=skeleton)
    angles = skanrs.angles(tree, nodes, lines)
    generation = tree['generation'][angles['branch_1']].to_numpy()
    children = (angles['relation'] == 'children').to_numpy()
    # Branches of the last generation are shorter than what a direction is fitted to.
    is_long = children & (generation <= 2)
    assert is_long.sum() >= 3
    assert angles['angle'][is_long].to_numpy() == pytest.approx(80, abs=4)
