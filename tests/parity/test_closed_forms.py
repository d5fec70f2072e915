"""Measures against known values: drawn centrelines and formulas of solid shapes."""

import itertools

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


def test_pieces_of_trees_have_the_length_of_their_curves():
    """Branches that follow one drawn curve, against the arc between the places of their ends."""
    tree = VesselTree.grow((128, 128, 128), foreground=0.02, trees=1, distance=30, seed=5)
    t = np.linspace(0, 1, 400)[:, np.newaxis, np.newaxis]
    curves = (1 - t) ** 2 * tree.starts + 2 * t * (1 - t) * tree.controls + t**2 * tree.ends
    mask = tree.image()
    table, lines = skanrs.analyze(mask), skanrs.centrelines(mask)
    true, steps, smooth = 0.0, 0.0, 0.0
    for row, (start, stop) in enumerate(itertools.pairwise(lines.offsets)):
        points = lines.points[start:stop]
        if len(points) < 8:
            continue
        away = np.linalg.norm(curves[:, np.newaxis] - points[:, np.newaxis], axis=-1).min(axis=0)
        curve = away.max(axis=0).argmin()
        if away[:, curve].max() > 2:
            continue
        line = curves[:, curve]
        at = [np.linalg.norm(line - end, axis=1).argmin() for end in points[[0, -1]]]
        true += np.linalg.norm(np.diff(line[min(at) : max(at) + 1], axis=0), axis=1).sum()
        steps += table['branch_distance'][row]
        smooth += table['length'][row]
    assert true > 100
    assert smooth == pytest.approx(true, rel=0.03)
    assert steps > 1.07 * true


SPACINGS = [(1, 1, 1), (2, 1, 1), (1, 0.5, 0.5), (0.8, 1, 1)]


def places(extent, spacing):
    """Where the voxels of a box of this extent are, from the voxel at its middle on."""
    steps = [
        size * (np.arange(count) - count // 2)
        for size, count in zip(
            spacing, np.ceil(np.divide(extent, spacing)).astype(int), strict=True
        )
    ]
    return np.stack(np.meshgrid(*steps, indexing='ij'), axis=-1)


def along_the_axis(profile, length):
    """The mean radius and the surface of a body of revolution with this radius along its axis."""
    at = np.linspace(-length / 2, length / 2, 20001)
    radii = profile(at)
    slopes = np.gradient(radii, at)
    surface = np.trapezoid(2 * np.pi * radii * np.hypot(1, slopes), at)
    return np.trapezoid(radii, at) / length, surface


@pytest.mark.parametrize('spacing', SPACINGS)
@pytest.mark.parametrize('radius', [4, 8.3, 20])
@pytest.mark.parametrize('axis', [0, 1, 2])
def test_cylinders(radius, axis, spacing):
    extent = np.full(3, 2 * radius + 6)
    extent[axis] = 108
    at = places(extent, spacing)
    across = np.linalg.norm(np.delete(at, axis, axis=-1), axis=-1)
    mask = (across <= radius) & (np.abs(at[..., axis]) <= 50)
    table = skanrs.analyze(mask, spacing=spacing)
    assert len(table) == 1
    row = table.iloc[0]
    # The ends are peeled off voxel by voxel while the sides are: by a radius, counted in voxels.
    peeled = radius * max(1, spacing[axis] / min(np.delete(spacing, axis)))
    assert 100 - 2 * peeled - spacing[axis] <= row['branch_distance'] <= 100
    assert row['length'] <= row['branch_distance'] * (1 + 1e-12)
    # The ends of voxels have no length: half of one is lacking on each side.
    assert row['length'] + row['tip_length'] == pytest.approx(100, abs=2 * spacing[axis])
    assert row['tortuosity'] == pytest.approx(1, abs=0.005)
    half = max(spacing) / 2
    assert row['mean_radius'] == pytest.approx(radius, abs=0.6 * half)
    assert row['volume'] == pytest.approx(mask.sum() * np.prod(spacing))
    surface = 2 * np.pi * radius * (100 + radius)
    assert row['surface_area'] == pytest.approx(surface, rel=0.07 + half / radius / 2)


@pytest.mark.parametrize('spacing', SPACINGS)
@pytest.mark.parametrize(('major', 'minor'), [(30, 4), (30, 6.5), (40, 9), (45, 15)])
def test_tori(major, minor, spacing):
    width = 2 * (major + minor) + 6
    at = places((2 * minor + 6, width, width), spacing)
    from_ring = np.hypot(at[..., 1], at[..., 2]) - major
    mask = from_ring**2 + at[..., 0] ** 2 <= minor**2
    skeleton = skanrs.skeletonize(mask)
    table = skanrs.analyze(mask, spacing=spacing)
    assert table['branch_type'].tolist() == [3]
    row = table.iloc[0]
    around = 2 * np.pi * major
    # Around a circle, steps from voxel to voxel are a few per cent longer than the arc.
    assert 1 <= row['branch_distance'] / around <= 1.09
    assert row['length'] == pytest.approx(around, rel=0.015)
    assert row['mean_radius'] == pytest.approx(minor, abs=0.3 * max(spacing))
    assert row['volume'] == pytest.approx(mask.sum() * np.prod(spacing))
    assert row['surface_area'] == pytest.approx(
        4 * np.pi**2 * major * minor, rel=0.02 + max(spacing) / minor / 8
    )
    assert np.isnan(row['tortuosity'])
    summary = skanrs.network_summary(table, skeleton=skeleton)
    assert summary['n_loops'].item() == summary['n_networks'].item() == 1


@pytest.mark.parametrize('spacing', SPACINGS[:3])
@pytest.mark.parametrize(('radius', 'distance'), [(8, 12), (10, 14), (6.4, 8), (20, 26)])
def test_chains_of_balls(radius, distance, spacing):
    width = 2 * radius + 6
    at = places((width, width, width + 4 * distance), spacing)
    mask = np.zeros(at.shape[:-1], dtype=bool)
    for ball in range(-2, 3):
        mask |= np.linalg.norm(at - [0, 0, ball * distance], axis=-1) <= radius
    table = skanrs.analyze(mask, spacing=spacing)
    assert len(table) == 1
    row = table.iloc[0]
    length = 4 * distance
    assert row['length'] == pytest.approx(length, abs=1 + max(spacing) / 2)
    neck = np.sqrt(radius**2 - distance**2 / 4)

    def profile(t):
        from_centre = (t + distance / 2) % distance - distance / 2
        return np.sqrt(radius**2 - from_centre**2)

    mean, side = along_the_axis(profile, length)
    half = max(spacing) / 2
    assert row['mean_radius'] == pytest.approx(mean, abs=half)
    assert row['max_radius'] == pytest.approx(radius, abs=half)
    assert row['min_radius'] == pytest.approx(neck, abs=half + 0.1 * radius)
    assert row['volume'] == pytest.approx(mask.sum() * np.prod(spacing))
    surface = side + 4 * np.pi * radius**2
    assert row['surface_area'] == pytest.approx(surface, rel=0.03 + half / radius / 2)


def grid(*shape):
    return np.meshgrid(*(np.arange(length, dtype=float) for length in shape), indexing='ij')


def test_a_strip_has_its_area():
    mask = np.zeros((40, 120), dtype=bool)
    mask[15:24, 10:110] = True
    row = skanrs.analyze(mask).sort_values('branch_distance').iloc[-1]
    assert row['mean_radius'] == pytest.approx(4.5, abs=0.1)
    assert row['area'] == 900
    assert row['perimeter'] == pytest.approx(218, rel=0.06)


def test_straight_tubes_in_oblique_directions_are_an_eighth_too_long():
    """What the documentation of `analyze` says of lengths."""
    random = np.random.default_rng(0)
    ratios, smooth = [], []
    for _ in range(30):
        direction = random.normal(size=3)
        direction /= np.linalg.norm(direction)
        places = np.stack(grid(61, 61, 61), axis=-1) - 30 - random.random(3)
        along = places @ direction
        across = np.linalg.norm(places - along[..., np.newaxis] * direction, axis=-1)
        table = skanrs.analyze((across <= 4) & (np.abs(along) <= 27))
        row = table.loc[table['branch_distance'].idxmax()]
        ratios.append(row['branch_distance'] / row['euclidean_distance'])
        smooth.append(row['tortuosity'])
    assert np.mean(ratios) == pytest.approx(1.125, abs=0.02)
    assert max(ratios) < 1.21
    assert np.mean(smooth) == pytest.approx(1, abs=0.004)
    assert max(smooth) < 1.015
