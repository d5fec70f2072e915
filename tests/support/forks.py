"""Straight tubes and forks of them whose angles are known."""

import numpy as np


def tube(shape, start, end, radius, spacing=1):
    """A straight tube with round ends; start and end are in units of the spacing."""
    steps = np.broadcast_to(spacing, len(shape))
    places = np.moveaxis(np.indices(shape), 0, -1) * steps
    start, along = np.array(start, dtype=float), np.subtract(end, start)
    share = np.clip((places - start) @ along / (along @ along), 0, 1)
    return np.linalg.norm(places - start - share[..., np.newaxis] * along, axis=-1) <= radius


def random_fork(random, ndim, radius, angle, *, length=45, size=112, children=(1, 1), spacing=1):
    """A fork in a random direction.

    Two children leave the end of a parent with an angle between them, in degrees, and the same
    angle to it; `children` are their radii over that of the parent. Returns the mask and the start
    of the parent.
    """
    axes, _ = np.linalg.qr(random.normal(size=(ndim, ndim)))
    half = np.radians(angle / 2)
    middle = size / 2 * np.ones(ndim) + random.uniform(-0.5, 0.5, ndim)
    shape = tuple(np.ceil(size / np.broadcast_to(spacing, ndim)).astype(int))
    start = middle - length * axes[0]
    mask = tube(shape, start, middle, radius, spacing)
    for side, ratio in zip((1, -1), children, strict=True):
        along = np.cos(half) * axes[0] + side * np.sin(half) * axes[1]
        mask |= tube(shape, middle, middle + length * along, radius * ratio, spacing)
    return mask, start
