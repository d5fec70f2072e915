"""Random images for tests, of every number of axes, density and element type."""

import numpy as np
from scipy import ndimage

LONGEST_AXIS = {1: 70, 2: 14, 3: 8, 4: 5}
DENSITIES = (0.05, 0.15, 0.3, 0.5, 0.8)
TYPES = ('bool', 'u1', 'i2', 'i8', 'f4', 'f8', '>f4', '>i2')


def random_image(random, dtype=None):
    """A random image of 1 to 4 axes."""
    ndim = int(random.integers(1, 5))
    shape = tuple(random.integers(1, LONGEST_AXIS[ndim] + 1, ndim))
    foreground = random.random(shape) < random.choice(DENSITIES)
    dtype = np.dtype(dtype or str(random.choice(TYPES)))
    if dtype.kind == 'b':
        return foreground
    values = random.integers(1, 100, shape)
    if dtype.kind == 'f':
        values = values * random.random(shape)
    return (foreground * values).astype(dtype)


def blobs(shape, random, smooth=1.5):
    """Smoothed noise, half of it foreground; `random` is a generator or a seed."""
    noise = np.random.default_rng(random).random(shape)
    return ndimage.gaussian_filter(noise, smooth) > 0.5


def random_spacing(random, ndim):
    """One of the ways to give a spacing."""
    ways = [
        1,
        2,
        0.37,
        tuple(random.integers(1, 4, ndim).tolist()),
        list(random.random(ndim) + 0.1),
        random.random(ndim) * 1e-3 + 1e-4,
    ]
    return ways[random.integers(len(ways))]


def random_gray(random: np.random.Generator) -> np.ndarray:
    """Return a gray image of one to three axes and a random type."""
    shape = tuple(random.integers(1, 40, random.integers(1, 4)).tolist())
    values = np.where(random.random(shape) < 0.2, 90, 30) + random.normal(0, 12, shape)
    dtype = np.dtype(random.choice(['u1', 'i1', 'u2', 'i2', 'u4', 'i4', 'f4', 'f8']))
    values = values.clip(0) if dtype.kind == 'u' else values - 30
    return values.clip(-128, 127).astype(dtype)
