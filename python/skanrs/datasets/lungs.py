"""Synthetic gray volumes of lungs: a tree of airways with blur, uneven tissue and noise."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from skanrs._support.reprs import by_axis, html_table
from skanrs._support.typing import Array

from .trees import VesselTree, checked_seed, checked_shape, spread_points

__all__ = ['Lung', 'lung']

Kind = Literal['healthy', 'hernia']


class Lung(NamedTuple):
    """A gray volume of a lung's tree with its ground truth; made by `lung`.

    Examples
    --------
    >>> from skanrs.datasets import lung
    >>> made = lung(shape=(64, 64, 64))
    >>> made.image.shape == made.tree.shape
    True
    """

    image: npt.NDArray[np.uint8]
    """Gray values (z, y, x): bright tubes in dark tissue."""
    spacing: tuple[float, float, float]
    """Size of a voxel (z, y, x) in micrometres."""
    tree: VesselTree
    """The centrelines and radii of the tubes."""

    def _facts(self) -> list[tuple[str, str]]:
        return [
            ('image', f'{by_axis(self.image.shape)} of {self.image.dtype}'),
            ('spacing', f'{by_axis(self.spacing)} µm'),
            *self.tree._facts()[1:],
        ]

    def __repr__(self) -> str:
        image, spacing, branches, radii = (what for _, what in self._facts())
        return f'<Lung {image}, spacing {spacing}: {branches}, radii {radii}>'

    def _repr_html_(self) -> str:
        return html_table('Lung', self._facts())


def lung(
    kind: Kind = 'healthy',
    *,
    shape: Sequence[int] = (256, 256, 256),
    seed: int = 0,
) -> Lung:
    """Return a noisy gray volume of the airways of one lung.

    The lung with a hernia of the diaphragm is smaller and compressed along the body's axis (the
    first axis). It has fewer generations and shorter, thinner tips.

    Parameters
    ----------
    kind : {'healthy', 'hernia'}
        Which lung.
    shape : sequence of three int
        Shape (z, y, x) of the volume, each at least 32.
    seed : int
        The same seed gives the same lung.

    Returns
    -------
    Lung
        A tuple (image, spacing, tree).

    Raises
    ------
    ValueError
        If `kind` is neither, or `shape` or `seed` is out of range.
    TypeError
        If `shape` or `seed` are not integers.

    Examples
    --------
    >>> from skanrs.datasets import lung
    >>> image, spacing, tree = lung('hernia', shape=(64, 64, 64))
    >>> image.dtype, spacing
    (dtype('uint8'), (4.0, 4.0, 4.0))
    """
    if kind not in ('healthy', 'hernia'):
        raise ValueError(f"kind: expected 'healthy' or 'hernia', got {kind!r}")
    size = checked_shape(shape, least=32)
    healthy = kind == 'healthy'
    random = np.random.default_rng([checked_seed(seed), healthy])
    extent = np.array(size, dtype=float)
    distance = max(9, max(size) / (17 if healthy else 19))
    half = extent / 2 * (0.92 if healthy else np.array([0.46, 0.66, 0.70]))
    top = extent * (0.04 if healthy else np.array([0.12, 0.04, 0.04]))
    centre = np.array([top[0] + half[0], extent[1] / 2, extent[2] / 2])
    points = spread_points(extent, distance, random)
    points = points[_inside_lung((points - centre) / half)]
    root = np.array([[0.0, extent[1] / 2, extent[2] / 2]])
    tree = VesselTree.grow_to(
        size, points, root, np.zeros(len(points), dtype=np.int64), _LUNG_SHARE[kind], random
    )
    values = np.where(tree.image(), np.float32(115), np.float32(0))
    # Model of the scan: blur of the optics, uneven tissue, noise of the camera.
    values = ndimage.gaussian_filter(values, 0.6)
    coarse = random.normal(0, 7, [max(2, extent_ // 24) for extent_ in size]).astype(np.float32)
    values += ndimage.zoom(
        coarse, [full / part for full, part in zip(size, coarse.shape, strict=True)], order=1
    )
    values += 55
    values += random.normal(0, 1, size).astype(np.float32) * np.sqrt(np.maximum(values, 1)) * 1.4
    voxel = 256 / max(size)
    return Lung(np.clip(np.rint(values), 0, 255).astype(np.uint8), (voxel, voxel, voxel), tree)


# Share of the volume that the tubes take. About half of the volume is lung.
_LUNG_SHARE = {'healthy': 0.036, 'hernia': 0.0082}


def _inside_lung(points: Array) -> Array:
    """Return which points, in units of the half axes, lie in a lung: a cone-like body on a dome."""
    z, y, x = points.T
    body = (y**2 + x**2) / (1.02 - 0.30 * (z < 0) * z**2) + np.abs(z) ** 2.6 < 1
    dome = (z - 1.25) ** 2 / 0.55 + (y**2 + x**2) / 0.9 < 1
    return np.asarray(body & ~dome)
