"""Measures of branches against tubes whose measures are known, and the usual measures beside them.

``benchmarks/accuracy.py`` makes the tables of ``docs/accuracy.md`` from them.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from phantoms import curve, helix, sine, straight, three_arms, tube
from scipy import ndimage
from smoothing import spline_length, taubin_length

import skanrs

OBJECTS = 12
KINDS = ('length', 'volume', 'surface')
BODY = {2: ('area', 'perimeter'), 3: ('volume', 'surface_area')}


def straight_tubes(random, radius):
    return tube(straight(random, 60 + 3 * radius), radius, random)


def flat_tubes(random, radius):
    return tube(straight(random, 80, 2), radius, random)


def long_voxels(random, radius):
    return tube(straight(random, 90), radius, random, (3, 1, 1))


def tori(random, radius):
    return tube(helix(random, 6 * radius), radius, random, closed=True)


def rings(random, radius):
    return tube(helix(random, 8 * radius, ndim=2), radius, random, closed=True)


def helices(random, radius):
    around = (3 + random.random()) * radius
    return tube(helix(random, around, 12 * radius, 1.2), radius, random)


def sines(random, radius):
    return tube(sine(random, 100, 2 * radius + 2, 40 + 5 * radius), radius, random)


def flat_sines(random, radius):
    return tube(sine(random, 120, radius + 3, 60, 2), radius, random)


def long_helices(random, radius):
    return tube(helix(random, 4 * radius + 5, 75, 0.9), radius, random, (3, 1, 1))


def random_curves(random, radius):
    return tube(curve(random, radius), radius, random)


def tapers(random, radius):
    return tube(straight(random, 80), lambda at: radius * (1.6 - 1.2 * at), random)


# Largest mean and largest single error in per cent of length, of volume and of surface; largest
# mean error of the radius in voxels.
CLASSES = {
    'thin': (straight_tubes, (1, 1.5), (0.2, 0.4), (0.2, 3), (5.5, 8.5), 0.03),
    'straight': (straight_tubes, (2, 3, 5), (0.2, 0.4), (0.5, 3.6), (1.4, 5), 0.03),
    'thick': (straight_tubes, (8,), (0.25, 0.45), (0.1, 0.2), (0.15, 0.5), 0.03),
    'flat': (flat_tubes, (1.5, 3, 6), (0.15, 0.35), (0.2, 1), (1.1, 3), 0.08),
    'long voxels': (long_voxels, (4, 6), (0.25, 1.2), (0.2, 1.2), (0.8, 6), 0.02),
    'tori': (tori, (2, 3, 4), (0.1, 0.6), (0.4, 1.5), (1.2, 2.5), 0.02),
    'rings': (rings, (1.5, 3, 5), (0.3, 0.7), (0.3, 0.8), (0.1, 0.8), 0.02),
    'helices': (helices, (2, 3, 4), (0.1, 1.1), (0.2, 1.4), (1.2, 2.3), 0.02),
    'sines': (sines, (2, 3), (0.2, 0.4), (0.1, 1.3), (1.4, 2.1), 0.02),
    'flat sines': (flat_sines, (1.5, 3, 6), (0.4, 1.3), (0.2, 1.1), (0.1, 1.2), 0.03),
    'helices of long voxels': (long_helices, (4, 6), (0.4, 1.1), (0.3, 1.5), (1.2, 3.2), 0.02),
    'random curves': (random_curves, (1.5, 3, 5), (0.1, 0.9), (0.1, 1.3), (1.5, 3.6), 0.02),
    'tapers': (tapers, (3, 4, 5), (0.4, 0.6), (0.1, 0.5), (0.5, 1.3), 0.02),
}


def per_cent(found, true):
    return 100 * (found / true - 1)


def cones(mask, spacing, path):
    """Volume and surface of the chain of cones through a path of voxels: the usual estimate."""
    radii = ndimage.distance_transform_edt(np.pad(mask, 1), spacing)[(slice(1, -1),) * mask.ndim]
    radii = radii[tuple(path.T)]
    steps = np.linalg.norm(np.diff(path, axis=0) * spacing, axis=1)
    one, other, sides = radii[:-1], radii[1:], np.hypot(steps, np.diff(radii))
    if mask.ndim == 2:
        return radii.mean(), (steps * (one + other)).sum(), 2 * sides.sum()
    volume = np.pi / 3 * steps * (one**2 + one * other + other**2)
    return radii.mean(), volume.sum(), (np.pi * (one + other) * sides).sum()


class Measured(NamedTuple):
    """A tube as `analyze` and `centrelines` measure it; its longest branch is in `row`."""

    table: pd.DataFrame
    row: int
    points: np.ndarray
    """Of the centreline."""
    path: np.ndarray
    """Of voxels."""


def measured(phantom):
    mask, spacing = phantom.mask, phantom.spacing
    options = {'mask': mask, 'spacing': spacing}
    skeleton = skanrs.prune(skanrs.skeletonize(mask), max_radius_ratio=1.5, **options)
    table = skanrs.analyze(skeleton=skeleton, border_is_background=True, **options)
    lines = skanrs.centrelines(skeleton=skeleton, border_is_background=True, **options)
    row = table['length'].argmax()
    points = lines.points[lines.offsets[row] : lines.offsets[row + 1]]
    return Measured(table, row, points, skanrs.Skeleton(skeleton).path_coordinates(row))


def errors(phantom):
    """Errors of length, volume, surface and radius, those of the usual measures, and others.

    The others are those of the length of the path of voxels by a spline and by Taubin's smoothing.
    """
    mask, spacing = phantom.mask, phantom.spacing
    table, row, points, path = measured(phantom)
    arc, of_voxels = phantom.between(*points[[0, -1]]), path[[0, -1]] * spacing
    radius, unit = phantom.radius_near(points), max(spacing)
    body = phantom.body()
    found = [table[name].sum() for name in BODY[mask.ndim]]
    mean, *usual = cones(mask, spacing, path)
    # Cones span the path only, without the caps.
    caps = phantom.radii[[0, -1]] * (not phantom.is_closed)
    span = 1 if phantom.is_closed else phantom.between(*of_voxels) / phantom.length
    solid = body[0] - (2 / 3 * np.pi * caps**3 if mask.ndim == 3 else np.pi / 2 * caps**2).sum()
    skin = body[1] - (2 * np.pi * caps**2 if mask.ndim == 3 else np.pi * caps).sum()
    new = [per_cent(table['length'][row], arc), *map(per_cent, found, body)]
    old = [
        per_cent(table['branch_distance'][row], phantom.between(*of_voxels)),
        per_cent(usual[0], solid * span),
        per_cent(usual[1], skin * span),
    ]
    radii = [(table['mean_radius'][row] - radius) / unit, (mean - radius) / unit]
    assert table['tip_length'].sum() >= 0
    np.testing.assert_allclose(found[0], mask.sum() * np.prod(spacing), rtol=1e-12)
    other = [
        per_cent(length(path * spacing), phantom.between(*of_voxels))
        for length in (spline_length, taubin_length)
    ]
    return [*new, radii[0]], [*old, radii[1]], other


def phantoms_of(name):
    """Twelve objects of a class, of all its sizes; on their seeds nothing was chosen."""
    make, sizes, *_ = CLASSES[name]
    random = np.random.default_rng(sum(map(ord, name)))
    return [make(random, size) for size in sizes for _ in range(OBJECTS // len(sizes))]


def errors_of_class(name):
    """Errors of the objects of a class: of the measures, the usual ones and others, a row each."""
    return tuple(np.array(of).T for of in zip(*map(errors, phantoms_of(name)), strict=True))


# Radii of the arms of T shapes, the last of which is the thin one; the largest mean error of its
# volume in the first four, in per cent.
THIN_ARMS = {(8, 8, 2): 5, (6, 6, 3): 3, (5, 5, 1.5): 5}


def errors_of_arms(radii, count):
    """Errors of length, volume and radius of the thin arms of T shapes, and the usual ones.

    There is no usual volume, so that its error is NaN.
    """
    random, rows = np.random.default_rng(int(10 * sum(radii))), []
    for _ in range(count):
        mask, depths, arm, low = three_arms(random, radii)
        skeleton = skanrs.prune(skanrs.skeletonize(mask), max_radius_ratio=1.5, mask=mask)
        table = skanrs.analyze(mask, skeleton=skeleton)
        lines = skanrs.centrelines(mask, skeleton=skeleton)
        np.testing.assert_allclose(table['volume'].sum(), mask.sum(), rtol=1e-12)
        # The branch that reaches furthest along the thin arm.
        along = [line @ arm for line in np.split(lines.points + low, lines.offsets[1:-1])]
        row = np.argmax([each.max() for each in along])
        true = np.ptp(along[row][[0, -1]])
        path = skanrs.Skeleton(skeleton).path_coordinates(row)
        own = ((depths.argmin(axis=0) == 2) & (depths[2] <= 0)).sum()
        length, steps, volume, radius = table.loc[
            row, ['length', 'branch_distance', 'volume', 'mean_radius']
        ]
        usual, *_ = cones(mask, np.ones(3), path)
        new = [per_cent(length, true), per_cent(volume, own), radius - radii[2]]
        rows.append([new, [per_cent(steps, true), np.nan, usual - radii[2]]])
    return np.array(rows).transpose(1, 2, 0)
