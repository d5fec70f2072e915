"""Measures against what is known to be true: drawn centrelines and the formulas of solid shapes."""

import numpy as np
import pytest

import skanrs
from skanrs.datasets import VesselTree


def drawn_centrelines(tree, points=200):
    """Lengths of short steps along all branches, in the volume, and the radius at each."""
    t = np.linspace(0, 1, points)[:, np.newaxis, np.newaxis]
    line = (1 - t) ** 2 * tree.starts + 2 * t * (1 - t) * tree.controls + t**2 * tree.ends
    steps = np.linalg.norm(np.diff(line, axis=0), axis=2)
    middles = (line[1:] + line[:-1]) / 2
    inside = ((middles >= 0) & (middles <= np.array(tree.shape) - 1)).all(axis=2)
    return steps[inside], np.broadcast_to(tree.radii, steps.shape)[inside]


def weighted_median(values, weights):
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return values[order][np.searchsorted(reached, reached[-1] / 2)]


@pytest.mark.parametrize(
    'options',
    [
        {'foreground': 0.06, 'seed': 1},
        {'foreground': 0.03, 'trees': 1, 'seed': 2},
        {'foreground': 0.02, 'trees': 1, 'distance': 30, 'seed': 3},
        {'foreground': 0.05, 'trees': 1, 'distance': 36, 'seed': 4},
    ],
)
def test_trees_have_the_length_and_radius_of_their_centrelines(options):
    """Steps from voxel to voxel lengthen, rounded tips shorten; in trees both nearly cancel."""
    tree = VesselTree.grow((144, 144, 144), **options)
    lengths, radii = drawn_centrelines(tree)
    mask = tree.image()
    skeleton = skanrs.skeletonize(mask)
    table = skanrs.analyze(mask, skeleton=skeleton)
    assert table['branch_distance'].sum() == pytest.approx(lengths.sum(), rel=0.05)
    drawn = weighted_median(radii, lengths)
    assert np.median(skanrs.radii(skeleton, mask)) == pytest.approx(drawn, abs=0.5)
    summary = skanrs.network_summary(table)
    assert summary['radius_q50'].item() == pytest.approx(drawn, abs=0.5)


def grid(*shape):
    return np.meshgrid(*(np.arange(length, dtype=float) for length in shape), indexing='ij')


@pytest.mark.parametrize('radius', [3, 5, 8.3, 12])
@pytest.mark.parametrize('axis', [0, 1, 2])
def test_cylinders(radius, axis):
    z, y, x = grid(41, 41, 120)
    mask = ((z - 20) ** 2 + (y - 20) ** 2 <= radius**2) & (x >= 10) & (x < 110)
    table = skanrs.analyze(np.moveaxis(mask, 2, axis))
    assert len(table) == 1
    row = table.iloc[0]
    # The skeleton ends where the radius does.
    assert 100 - 2 * radius <= row['branch_distance'] <= 100
    assert row['mean_radius'] == pytest.approx(radius, abs=0.5)
    squares = np.add.outer(np.arange(20) ** 2, np.arange(20) ** 2)
    assert row['max_radius'] == np.sqrt(squares[squares > radius**2].min())
    assert row['tortuosity'] == pytest.approx(1, abs=0.01)
    length = row['branch_distance']
    assert row['volume'] / length == pytest.approx(np.pi * radius**2, rel=0.12)
    assert row['surface_area'] / length == pytest.approx(2 * np.pi * radius, rel=0.08)


@pytest.mark.parametrize(('major', 'minor'), [(30, 4), (30, 6.5), (40, 9)])
def test_tori(major, minor):
    size = 2 * int(major + minor) + 8
    z, y, x = grid(2 * int(minor) + 8, size, size)
    from_ring = np.hypot(y - size / 2, x - size / 2) - major
    mask = from_ring**2 + (z - minor - 4) ** 2 <= minor**2
    table = skanrs.analyze(mask)
    assert table['branch_type'].tolist() == [3]
    row = table.iloc[0]
    radii = skanrs.radii(skanrs.skeletonize(mask), mask)
    assert np.median(radii) == pytest.approx(minor, abs=0.5)
    # Around a circle, steps from voxel to voxel are a few per cent longer than the arc.
    assert 1 <= row['branch_distance'] / (2 * np.pi * major) <= 1.12
    assert row['volume'] == pytest.approx(2 * np.pi**2 * major * minor**2, rel=0.15)
    assert np.isnan(row['tortuosity'])
    summary = skanrs.network_summary(table)
    assert summary['n_loops'].item() == summary['n_networks'].item() == 1


@pytest.mark.parametrize(('radius', 'distance'), [(8, 12), (10, 14), (6.4, 8)])
def test_chains_of_balls(radius, distance):
    z, y, x = grid(31, 31, 60 + 4 * distance)
    centres = 30 + distance * np.arange(5)
    squares = (z - 15) ** 2 + (y - 15) ** 2
    mask = (squares[..., np.newaxis] + (x[..., np.newaxis] - centres) ** 2 <= radius**2).any(
        axis=-1
    )
    table = skanrs.analyze(mask)
    assert len(table) == 1
    row = table.iloc[0]
    assert row['max_radius'] == pytest.approx(radius, abs=0.5)
    assert row['min_radius'] == pytest.approx(np.sqrt(radius**2 - distance**2 / 4), abs=0.5)
    assert row['branch_distance'] == pytest.approx(4 * distance, abs=1.5)


def test_a_strip_has_its_area():
    mask = np.zeros((40, 120), dtype=bool)
    mask[15:24, 10:110] = True
    row = skanrs.analyze(mask).sort_values('branch_distance').iloc[-1]
    # Radii reach to the centres of the background, half a voxel beyond the edge on both sides.
    assert row['max_radius'] == 5
    assert row['area'] / row['branch_distance'] == pytest.approx(10, rel=0.05)
    assert row['perimeter'] / row['branch_distance'] == pytest.approx(2, rel=0.05)


def test_straight_tubes_in_oblique_directions_are_an_eighth_too_long():
    """What the documentation of `analyze` says of lengths."""
    random = np.random.default_rng(0)
    ratios = []
    for _ in range(30):
        direction = random.normal(size=3)
        direction /= np.linalg.norm(direction)
        places = np.stack(grid(61, 61, 61), axis=-1) - 30 - random.random(3)
        along = places @ direction
        across = np.linalg.norm(places - along[..., np.newaxis] * direction, axis=-1)
        table = skanrs.analyze((across <= 4) & (np.abs(along) <= 27))
        row = table.loc[table['branch_distance'].idxmax()]
        ratios.append(row['branch_distance'] / row['euclidean_distance'])
    assert np.mean(ratios) == pytest.approx(1.125, abs=0.02)
    assert max(ratios) < 1.21
