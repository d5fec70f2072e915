"""Measures against known values: drawn centrelines and formulas of solid shapes."""

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
    """Mean radius, surface and volume of a body of revolution with this radius along its axis."""
    at = np.linspace(-length / 2, length / 2, 20001)
    radii = profile(at)
    slopes = np.gradient(radii, at)
    surface = np.trapezoid(2 * np.pi * radii * np.hypot(1, slopes), at)
    return np.trapezoid(radii, at) / length, surface, np.trapezoid(np.pi * radii**2, at)


def assert_true(row, length, radius, surface, volume, spacing, around=0.02):
    """Digitisation is worth half a voxel of the radius, and a little of the length besides."""
    half = max(spacing) / 2
    relative = half / radius
    lengthened = row['branch_distance'] / length
    assert row['mean_radius'] == pytest.approx(radius, abs=half)
    assert row['surface_area'] / lengthened == pytest.approx(surface, rel=relative + around)
    assert row['volume'] / lengthened == pytest.approx(volume, rel=2 * relative + around)


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
    length = row['branch_distance']
    # The ends are peeled off voxel by voxel while the sides are: by a radius, counted in voxels.
    peeled = radius * max(1, spacing[axis] / min(np.delete(spacing, axis)))
    assert 100 - 2 * peeled - spacing[axis] <= length <= 100
    assert row['tortuosity'] == pytest.approx(1, abs=0.02)
    # Near its ends the disc that closes the cylinder is nearer than its side.
    true = along_the_axis(lambda t: np.minimum(radius, 50 - np.abs(t)), length)
    assert_true(row, length, *true, spacing)
    # In the middle the nearest background voxel is the first beyond the side.
    steps = [np.arange(60) * size for size in np.delete(spacing, axis)]
    squares = np.add.outer(steps[0] ** 2, steps[1] ** 2)
    assert row['max_radius'] == pytest.approx(np.sqrt(squares[squares > radius**2].min()))


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
    assert_true(row, around, minor, around * 2 * np.pi * minor, around * np.pi * minor**2, spacing)
    # Longer steps and radii that fall short of the side nearly cancel.
    assert row['volume'] == pytest.approx(2 * np.pi**2 * major * minor**2, rel=0.05)
    assert row['surface_area'] == pytest.approx(4 * np.pi**2 * major * minor, rel=0.09)
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
    assert row['branch_distance'] == pytest.approx(length, abs=1 + max(spacing) / 2)
    # From the axis the nearest place of the surface is the circle in which two balls meet.
    neck = np.sqrt(radius**2 - distance**2 / 4)

    def profile(t):
        from_centre = np.abs((t + distance / 2) % distance - distance / 2)
        return np.hypot(neck, distance / 2 - from_centre)

    true = along_the_axis(profile, length)
    assert_true(row, length, *true, spacing)
    half = max(spacing) / 2
    assert row['max_radius'] == pytest.approx(radius, abs=half)
    assert row['min_radius'] == pytest.approx(neck, abs=half)


def grid(*shape):
    return np.meshgrid(*(np.arange(length, dtype=float) for length in shape), indexing='ij')


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
