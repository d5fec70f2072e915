"""Lengths of paths as other tools smooth them, for comparison."""

import numpy as np
from scipy.interpolate import BSpline

TAUBIN = 0.5, -0.53
"""The factors of a step inwards and of the step outwards that follows it (Taubin 1995)."""
PASSES = 10
MANY = 100


def polyline(points):
    return np.linalg.norm(np.diff(points, axis=0), axis=1).sum()


def spline_length(points):
    """A cubic B-spline that the voxels control, drawn by few points, as VesselVio has it."""
    count = len(points)
    degree = min(3, count - 1)
    inner = np.linspace(0, 1, count - degree + 1)
    knots = np.concatenate([np.zeros(degree), inner, np.ones(degree)])
    drawn = max(3, int(np.ceil(count / np.log2(count)))) // (2 if count > MANY else 1)
    return polyline(BSpline(knots, points, degree)(np.linspace(0, 1, max(drawn, 2))))


def taubin_length(points):
    """Ten passes of Taubin's smoothing; the ends stay, and a closed path has none."""
    points = points.astype(float)
    is_closed = (points[0] == points[-1]).all()
    for factor in TAUBIN * PASSES:
        if is_closed:
            ring = points[:-1]
            middle = (np.roll(ring, 1, axis=0) + np.roll(ring, -1, axis=0)) / 2
            ring = ring + factor * (middle - ring)
            points = np.concatenate([ring, ring[:1]])
        else:
            middle = (points[:-2] + points[2:]) / 2
            inner = points[1:-1] + factor * (middle - points[1:-1])
            points = np.concatenate([points[:1], inner, points[-1:]])
    return polyline(points)
