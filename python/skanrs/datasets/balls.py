"""Solid balls: thick objects, for which thinning takes the most rounds."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .trees import checked_seed, checked_shape


def balls(
    shape: Sequence[int],
    *,
    radius: tuple[float, float] = (60.0, 100.0),
    seed: int = 0,
) -> npt.NDArray[np.bool_]:
    """Return a mask of solid balls that do not touch, placed at random in 1000 attempts.

    Parameters
    ----------
    shape : sequence of three int
        Shape (z, y, x) of the volume, each at least 16.
    radius : pair of float
        The smallest and the largest radius in voxels. Balls lie inside the volume, so the smallest
        must fit.
    seed : int
        The same seed gives the same balls.

    Returns
    -------
    (Z, Y, X) array of bool

    Raises
    ------
    ValueError
        If an argument is out of its range.
    TypeError
        If `shape` or `seed` are not integers.

    Examples
    --------
    >>> from skanrs.datasets import balls
    >>> image = balls((64, 64, 64), radius=(10, 20))
    >>> image.dtype, image.shape
    (dtype('bool'), (64, 64, 64))
    """
    size = checked_shape(shape)
    low, high = (float(end) for end in radius)
    most = (min(size) - 2) / 2
    if not 0 < low <= high or low > most:
        raise ValueError(
            f'radius: expected an ascending pair above 0 and up to {most:g}, half of the shortest'
            f' axis, got {radius!r}'
        )
    random = np.random.default_rng(checked_seed(seed))
    extent = np.array(size, dtype=float)
    image = np.zeros(size, dtype=bool)
    placed: list[tuple[npt.NDArray[np.float64], float]] = []
    for _ in range(1000):
        own = random.uniform(low, min(high, most))
        centre = random.uniform(own + 0.5, extent - own - 1.5)
        # A gap of two voxels, so that no voxels of two balls are neighbours.
        if all(np.linalg.norm(centre - other) > own + reach + 2 for other, reach in placed):
            placed.append((centre, own))
            _draw(image, centre, own)
    return image


def _draw(image: npt.NDArray[np.bool_], centre: npt.NDArray[np.float64], radius: float) -> None:
    first = np.floor(centre - radius).astype(int)
    last = np.ceil(centre + radius).astype(int) + 1
    box = image[tuple(slice(max(a, 0), b) for a, b in zip(first, last, strict=True))]
    axes = np.ogrid[tuple(slice(0, length) for length in box.shape)]
    squared = sum(
        (axis + start - middle) ** 2
        for axis, start, middle in zip(axes, np.maximum(first, 0), centre, strict=True)
    )
    box |= squared <= radius**2
