"""Rooted trees and their angles against trees of which everything is known."""

import numpy as np
import pytest
from known_trees import known_tree

import skanrs
from skanrs.datasets import fractal_tree


def rows_of_ends(rows, nodes, ends, away):
    """Return the row of the branch that ends, seen from the root, at each of the true ends."""
    coordinates = [name for name in nodes if name.startswith('coord_')]
    far = np.where(rows['is_reversed'], rows['node_src'], rows['node_dst'])
    found = nodes.set_index('node_id').loc[far, coordinates].to_numpy()
    distances = np.linalg.norm(found[:, None] - ends, axis=-1)
    nearest = distances.argmin(axis=1)
    assert sorted(nearest) == list(range(len(ends)))
    assert distances.min(axis=1).max() < away
    return rows.iloc[np.argsort(nearest)]


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
    # A tip of the skeleton lies about a radius before the end of the tube.
    index_of = rows_of_ends(rows, nodes, np.array([one.end for one in known]), away=6).index
    for number, one in enumerate(known):
        row = tree.loc[index_of[number]]
        assert row['generation'] == one.generation
        assert row['strahler'] == one.strahler
        assert row['n_tips_downstream'] == one.tips
        assert row['parent'] == (index_of[one.parent] if one.parent >= 0 else -1)
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


@pytest.mark.parametrize('seed', range(6))
@pytest.mark.parametrize(
    ('size', 'generations', 'radius', 'split'), [(160, 5, 5, 1), (192, 6, 6, 0.6)]
)
def test_fractal_and_random_trees_in_3d(seed, size, generations, radius, split):
    known = fractal_tree(
        (size,) * 3, generations=generations, radius=radius, split=split, seed=seed
    )
    mask = known.image()
    # Where siblings part, a skeleton may have a loop of a few voxels.
    opened = skanrs.open_loops(skanrs.skeletonize(mask), 'thinnest', mask=mask)
    skeleton = skanrs.prune(opened, mask=mask, max_radius_ratio=1.5)
    branches = skanrs.analyze(mask, skeleton=skeleton, include_tips=True)
    nodes = skanrs.nodes(mask, skeleton=skeleton)
    tree = skanrs.root(branches, nodes, at=known.starts[0])
    n_tips = known.n_tips[0]
    degrees = np.bincount(nodes['degree'], minlength=4)
    assert (degrees[1], degrees[3], degrees.sum()) == (n_tips + 1, n_tips - 1, 2 * n_tips)
    assert not tree['is_loop'].any()
    # Rows in the order of the known branches; tips of the skeleton lie before those of the tubes.
    rows = rows_of_ends(tree[~tree['in_junction']], nodes, known.ends, away=4.5)
    np.testing.assert_array_equal(rows['generation'], known.generations)
    np.testing.assert_array_equal(rows['strahler'], known.strahler)
    np.testing.assert_array_equal(rows['n_tips_downstream'], known.n_tips)
    index = np.append(rows.index, -1)
    np.testing.assert_array_equal(rows['parent'], index[known.parents])
    above = tree['strahler'].reindex(rows['parent']).to_numpy()
    streams = np.bincount(rows['strahler'][above != rows['strahler'].to_numpy()])[1:]
    np.testing.assert_array_equal(streams[:-1] / streams[1:], known.bifurcation_ratios())
    # Round ends are a radius longer than the axis.
    is_end = (known.n_tips == 1).astype(int) + (known.parents < 0)
    np.testing.assert_allclose(rows['length'], known.lengths + known.radii * is_end, atol=3)
    np.testing.assert_allclose(rows['mean_radius'], known.radii, rtol=0.06)
    _check_angles(
        skanrs.angles(tree, nodes, skanrs.centrelines(mask, skeleton=skeleton)), known, rows
    )


def _check_angles(angles, known, rows):
    number = dict(zip(rows.index.tolist(), range(len(rows)), strict=True))
    true = known.angles()
    expected = {}
    for one, other, angle, relation in true.itertuples(index=False):
        expected[frozenset((one, other))] = angle, relation
    assert len(angles) == len(true)
    for row in angles.itertuples():
        one, other = number[row.branch_1], number[row.branch_2]
        angle, relation = expected[frozenset((one, other))]
        assert row.relation == relation
        is_thick = known.radii[[one, other]].min() >= 3
        assert row.angle == pytest.approx(angle, abs=3 if is_thick else 8)
        # Ends of the skeleton at junctions lie beside those of the axes.
        assert row.remote_angle == pytest.approx(angle, abs=8 if is_thick else 14)
