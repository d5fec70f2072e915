"""Angles and directions: forks of known angles, plain formulas, and what does not fit."""

import numpy as np
import pandas as pd
import pytest
from forks import random_fork, tube
from images import blobs

import skanrs


def measured(mask, spacing=1, prune=True):
    skeleton = skanrs.skeletonize(mask)
    if prune:
        skeleton = skanrs.prune(skeleton, mask=mask, max_radius_ratio=1.5, spacing=spacing)
    options = {'skeleton': skeleton, 'spacing': spacing}
    return (
        skanrs.analyze(mask, **options),
        skanrs.nodes(mask, **options),
        skanrs.centrelines(mask, **options),
    )


@pytest.mark.parametrize('radius', [3, 4, 5])
@pytest.mark.parametrize('seed', range(6))
def test_forks_of_known_angle(seed, radius):
    random = np.random.default_rng(1000 * radius + seed)
    ndim = 2 + seed % 2
    spacing = [1, 1, 1, [2, 1, 1], 0.5, 1][seed]
    scale = np.max(spacing)
    angle = random.uniform(50, 140)
    children = random.choice([[1, 1], [0.8, 0.8]])
    mask, start = random_fork(
        random, ndim, radius * scale, angle, children=children, spacing=spacing,
        length=45 * scale, size=112 * scale,
    )  # fmt: skip
    branches, nodes, lines = measured(mask, spacing)
    assert nodes['degree'].tolist().count(3) == 1
    tree = skanrs.root(branches, nodes, at=start)
    angles = skanrs.angles(tree, nodes, lines)
    assert angles['relation'].tolist() == ['parent', 'parent', 'children']
    truth = [180 - angle / 2, 180 - angle / 2, angle]
    assert angles['angle'].to_numpy() == pytest.approx(truth, abs=3)
    assert angles['branch_1'][0] == angles['branch_1'][1] == tree.index[tree['parent'] < 0][0]
    unrooted = skanrs.angles(branches, nodes, lines)
    assert set(unrooted['relation']) == {'none'}
    assert sorted(unrooted['angle']) == sorted(angles['angle'])


def test_exponent_of_murray():
    random = np.random.default_rng(5)
    mask, start = random_fork(random, 3, 6, 80, children=[0.7937, 0.7937])
    branches, nodes, lines = measured(mask)
    tree = skanrs.root(branches, nodes, at=start)
    parent = tree['mean_radius'][tree['parent'] < 0].item()
    children = tree['mean_radius'][tree['parent'] >= 0].to_numpy()
    exponents = skanrs.angles(tree, nodes, lines)['murray_exponent']
    assert exponents.nunique() == 1
    exponent = exponents[0]
    assert (children**exponent).sum() == pytest.approx(parent**exponent)
    # 2 · 0.7937³ is 1.
    assert exponent == pytest.approx(3, abs=0.3)
    for radii in (tree['mean_radius'].where(tree['parent'] >= 0, children.max()), np.nan):
        changed = skanrs.angles(tree.assign(mean_radius=radii), nodes, lines)
        assert changed['murray_exponent'].isna().all()


def plain_direction(points, radius, reach=10):
    """The direction of a line at its first point, by numpy's fit."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = np.append(0, np.cumsum(steps))
    begin = min(radius, along[-1] / 2)
    end = begin + max(reach * radius, 20 * along[-1] / len(steps))
    used = (along >= begin - 1e-9) & (along <= end + 1e-9)
    slope = np.polyfit(along[used], points[used], 1)[0]
    return slope / np.linalg.norm(slope)


@pytest.mark.parametrize('seed', range(4))
def test_against_plain_fits(seed):
    mask = blobs((70, 71) if seed % 2 else (26, 27, 28), seed, 1.6)
    branches, nodes, lines = measured(mask, 0.5, prune=False)
    ndim = mask.ndim
    found = skanrs.directions(branches, nodes, lines)
    assert found.index.equals(branches.index)
    radii = nodes.set_index('node_id')['radius']
    for row in branches.itertuples():
        points = lines.points[lines.offsets[row.Index] : lines.offsets[row.Index + 1]]
        if np.linalg.norm(points[-1] - points[0]) < 1e-9 or len(points) < 4:
            continue
        for end, line, node in (('src', points, row.node_src), ('dst', points[::-1], row.node_dst)):
            expected = plain_direction(line, radii[node])
            names = [f'direction_{end}_{axis}' for axis in range(ndim)]
            np.testing.assert_allclose(found.loc[row.Index, names], expected, atol=1e-7)
        chord = (points[-1] - points[0]) / np.linalg.norm(points[-1] - points[0])
        names = [f'direction_{axis}' for axis in range(ndim)]
        np.testing.assert_allclose(found.loc[row.Index, names], chord, atol=1e-9)
    angles = skanrs.angles(branches, nodes, lines)
    outside = branches[~branches['in_junction']]
    count = sum(
        degree * (degree - 1) // 2
        for degree in np.bincount(np.append(outside['node_src'], outside['node_dst']))
        if degree > 2
    )
    assert len(angles) == count
    for row in angles.sample(20, random_state=seed).itertuples():
        ends = []
        for branch in (row.branch_1, row.branch_2):
            at_node = [
                found.loc[branch, [f'direction_{end}_{axis}' for axis in range(ndim)]].to_numpy()
                for end in ('src', 'dst')
                if branches[f'node_{end}'][branch] == row.node_id
            ]
            ends.append(at_node)
        if len(ends[0]) == len(ends[1]) == 1:
            cosine = np.clip(ends[0][0] @ ends[1][0], -1, 1)
            assert row.angle == pytest.approx(np.degrees(np.arccos(cosine)), abs=1e-5, nan_ok=True)


def test_a_reach_beyond_all_branches_leaves_out_junctions():
    tables = measured(blobs((40, 41), 3, 1.6), prune=False)
    far, farther = (skanrs.directions(*tables, reach=reach) for reach in (1e4, 1e12))
    pd.testing.assert_frame_equal(far, farther)


def test_rows_taken_out_keep_their_lines():
    mask = blobs((40, 41), 3, 1.6)
    branches, nodes, lines = measured(mask, prune=False)
    whole = skanrs.directions(branches, nodes, lines)
    part = branches[branches['length'] > branches['length'].median()]
    pd.testing.assert_frame_equal(skanrs.directions(part, nodes, lines), whole.loc[part.index])


@pytest.mark.parametrize('ndim', [2, 3])
def test_networks_without_junctions_have_no_angles(ndim):
    shape = (20,) * ndim
    straight = measured(tube(shape, (9,) * ndim, (9,) * (ndim - 1) + (19,), 2))
    empty = measured(np.zeros(shape, dtype=bool))
    full = skanrs.angles(*measured(blobs(shape, 1, 1.2), prune=False))
    for tables in (straight, empty):
        angles = skanrs.angles(*tables)
        assert not len(angles)
        pd.testing.assert_series_equal(angles.dtypes, full.dtypes)
        assert len(skanrs.directions(*tables)) == len(tables[0])


def test_what_does_not_fit():
    branches, nodes, lines = measured(blobs((20, 21, 22), 1, 1.2), prune=False)
    flat = measured(blobs((20, 21), 1, 1.2), prune=False)[2]
    for changed, words in (
        ((branches, nodes, flat), 'lines: expected centrelines of 3 axes, got 2'),
        ((branches.set_axis(branches.index + 1), nodes, lines), 'lines: expected a centreline for'),
        ((branches, nodes[1:], lines), 'nodes: expected all nodes'),
    ):
        for function in (skanrs.angles, skanrs.directions):
            with pytest.raises(ValueError, match=words):
                function(*changed)
    for reach in (0, np.inf, np.nan):
        with pytest.raises(ValueError, match=f'reach: expected a positive, finite .*, got {reach}'):
            skanrs.angles(branches, nodes, lines, reach=reach)
