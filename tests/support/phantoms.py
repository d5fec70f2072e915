"""Tubes of exact centrelines and radii, whose lengths, volumes and surfaces have closed forms.

A voxel is foreground where its centre is within the radius of the centreline.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree


@dataclass
class Tube:
    """A mask with what is true of it."""

    mask: np.ndarray
    spacing: np.ndarray
    line: np.ndarray
    """Points of the centreline, close together, in units of the spacing."""
    arc: np.ndarray
    """Their lengths along the centreline."""
    radii: np.ndarray
    is_closed: bool

    @property
    def length(self):
        return self.arc[-1]

    def body(self):
        """The volume and the surface, round caps included; in 2D the area and the outline."""
        step, caps = np.gradient(self.arc), self.radii[[0, -1]] * (not self.is_closed)
        if self.line.shape[1] == 2:
            return (
                (2 * self.radii * step).sum() + np.pi / 2 * (caps**2).sum(),
                2 * self.length + np.pi * caps.sum(),
            )
        return (
            (np.pi * self.radii**2 * step).sum() + 2 / 3 * np.pi * (caps**3).sum(),
            (2 * np.pi * self.radii * step).sum() + 2 * np.pi * (caps**2).sum(),
        )

    def between(self, first, last):
        """The length between the places of the centreline that are nearest to two points.

        Beyond its ends the centreline goes on straight: a skeleton may end inside the cap.
        """
        if self.is_closed:
            return self.length
        at = []
        for point in (first, last):
            nearest = np.linalg.norm(self.line - point, axis=1).argmin()
            along = self.arc[nearest]
            for end, beside in ((0, 9), (len(self.line) - 1, -10)):
                if nearest == end:
                    out = self.line[end] - self.line[beside]
                    beyond = (point - self.line[end]) @ out / np.linalg.norm(out)
                    along += beyond if end else -beyond
            at.append(along)
        return abs(at[1] - at[0])

    def tortuosity(self, first, last):
        """The length of the centreline between the places nearest to two points over the chord."""
        at = cKDTree(self.line).query((first, last))[1]
        return abs(np.diff(self.arc[at])[0]) / np.linalg.norm(np.diff(self.line[at], axis=0))

    def radius_near(self, points):
        """The mean of the true radii at the places nearest to points."""
        return self.radii[cKDTree(self.line).query(points)[1]].mean()


def turned(random, ndim=3):
    """A random rotation."""
    return np.linalg.qr(random.normal(size=(ndim, ndim)))[0]


def straight(random, length, ndim=3):
    line = np.zeros((2000, ndim))
    line[:, 0] = np.linspace(0, length, 2000)
    return line @ turned(random, ndim)


def sine(random, length, height, period, ndim=3):
    line = np.zeros((4000, ndim))
    line[:, 0] = np.linspace(0, length, 4000)
    line[:, 1] = height * np.sin(2 * np.pi * line[:, 0] / period)
    return line @ turned(random, ndim)


def helix(random, around, pitch=0.0, turns=1.0, ndim=3):
    """A helix, or a circle if it does not rise."""
    t = np.linspace(0, 2 * np.pi * turns, 4000)
    line = np.stack([around * np.cos(t), around * np.sin(t), pitch * t / (2 * np.pi)], axis=1)
    return line[:, :ndim] @ turned(random, ndim)


def curve(random, radius):
    """A spline through a random walk, bent less than its tube is thick and never near itself."""
    while True:
        walk = np.cumsum(12 * random.normal(size=(6, 3)) + (12, 6, 4), axis=0)
        spline, at = CubicSpline(np.arange(6), walk), np.linspace(0, 5, 2000)
        line, slope = spline(at), spline(at, 1)
        speed = np.linalg.norm(slope, axis=1)
        bend = np.linalg.norm(np.cross(slope, spline(at, 2)), axis=1) / speed**3
        arc, some = np.cumsum(speed) * at[1], slice(None, None, 8)
        far = np.abs(arc[some, np.newaxis] - arc[some]) > 6 * radius + 6
        apart = np.linalg.norm(line[some, np.newaxis] - line[some], axis=2)
        if bend.max() * max(2 * radius, 6) < 1 and apart[far].min() > 3 * radius + 4:
            return line


def tube(line, radius, random, spacing=1.0, closed=False):
    """Draw a tube; `radius` may be a function of the place along it from 0 to 1."""
    arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    even = np.linspace(0, arc[-1], int(arc[-1] / 0.05) + 2)
    line = np.stack([np.interp(even, arc, along) for along in line.T], axis=1)
    radii = radius(even / even[-1]) if callable(radius) else np.full(len(even), float(radius))
    ndim = line.shape[1]
    spacing = np.broadcast_to(np.asarray(spacing, dtype=float), ndim)
    origin = line.min(axis=0) - radii.max() - (3 + random.random(ndim)) * spacing
    extent = line.max(axis=0) + radii.max() + 3 * spacing - origin
    shape = np.ceil(extent / spacing).astype(int)
    line = line - origin
    steps = (np.arange(count) * step for count, step in zip(shape, spacing, strict=True))
    places = np.stack(np.meshgrid(*steps, indexing='ij'), axis=-1).reshape(-1, ndim)
    away, near = cKDTree(line).query(places, distance_upper_bound=radii.max() + 1e-6)
    inside = np.isfinite(away)
    inside[inside] = away[inside] <= radii[near[inside]]
    return Tube(inside.reshape(shape), spacing, line, even, radii, closed)


def three_arms(random, radii, length=36):
    """Straight arms from one place, the last at a right angle to both others, which are opposite.

    Return the mask, the depth of each place in each arm (below 0 within), the direction of the last
    arm and the place of voxel 0.
    """
    arms = np.array([(-1, 0, 0), (1, 0, 0), (0, 1, 0)]) @ turned(random)
    ends = arms * length
    low = np.minimum(ends.min(axis=0), 0) - max(radii) - 3 - random.random(3)
    shape = np.ceil(np.maximum(ends.max(axis=0), 0) + max(radii) + 3 - low).astype(int)
    places = np.moveaxis(np.indices(shape), 0, -1) + low
    depths = []
    for arm, radius in zip(arms, radii, strict=True):
        along = np.clip(places @ arm, 0, length)
        depths.append(np.linalg.norm(places - along[..., np.newaxis] * arm, axis=-1) - radius)
    depths = np.array(depths)
    return depths.min(axis=0) <= 0, depths, arms[2], low
