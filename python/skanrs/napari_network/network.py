"""What the widget computes, without napari: the network of an image, its recipe, and picking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from skanrs._image.image import as_image
from skanrs._image.masks import as_mask
from skanrs._image.spacing import as_spacing
from skanrs._support.typing import Array
from skanrs.branches.branch_numbers import Numbers
from skanrs.branches.measured import measure
from skanrs.branches.territories import territories
from skanrs.cleaning.clean import clean
from skanrs.cleaning.surfaces import find_walls
from skanrs.files.recipe import to_toml
from skanrs.pruning.prune import prune
from skanrs.smoothing import smooth
from skanrs.thinning.skeletonize import skeletonize
from skanrs.threshold import mask_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ['Network', 'Steps', 'measure_network', 'nearest_branch']


@dataclass(frozen=True)
class Steps:
    """The options of the steps from an image to its network, named as those of the command.

    Numbers of 0 leave out a step.
    """

    threshold: float | Literal['otsu', 'none'] = 'otsu'
    sigma: float = 0
    closing: float = 0
    fill_cavities: bool = False
    min_size: int = 0
    keep_largest: int = 0
    preserve_topology: bool = False
    prune_length: float = 0
    prune_ratio: float = 0

    def recipe(self, spacing: tuple[float, ...]) -> str:
        """Return the recipe with which ``skanrs analyze`` makes the same table."""
        return to_toml(
            {
                'spacing': None if set(spacing) == {1} else spacing,
                'threshold': self.threshold,
                'sigma': [self.sigma] if self.sigma else None,
                'closing': self.closing,
                'fill-cavities': self.fill_cavities,
                'min-size': self.min_size,
                'keep-largest': self.keep_largest or None,
                'preserve-topology': self.preserve_topology,
                'prune-length': self.prune_length or None,
                'prune-ratio': self.prune_ratio or None,
                'radii': True,
            }
        )


@dataclass(frozen=True)
class Network:
    """The network of an image; coordinates of voxels are not scaled."""

    mask: npt.NDArray[np.bool_]
    paths: list[Array]
    """The voxels along each branch."""
    table: pd.DataFrame
    """A row for each branch, see `skanrs.analyze`."""
    nodes: pd.DataFrame
    territories: Numbers
    """The row of the branch that each voxel of the mask belongs to, plus 1."""
    cavities: int
    """Cavities that surfaces of the skeleton enclose."""
    recipe: str

    @property
    def node_coordinates(self) -> Array:
        """The voxel of each node."""
        names = [f'image_coord_{axis}' for axis in range(self.mask.ndim)]
        return self.nodes[names].to_numpy()


def measure_network(image: Array, spacing: tuple[float, ...], steps: Steps) -> Network:
    """Threshold, clean, thin, prune and measure an image.

    Parameters
    ----------
    image : ndarray of two or three axes
        The image.
    spacing : tuple of float
        The distance between neighbours along each axis.
    steps : Steps
        What to do.

    Raises
    ------
    ValueError, TypeError
        If the image or an option makes no sense; see the function of the step.
    """
    if image.ndim not in (2, 3):
        raise ValueError(f'image: expected a 2D or 3D image, got {image.ndim}D')
    if steps.sigma and steps.threshold == 'none':
        raise ValueError('sigma: a smoothed image needs a threshold')
    gray = smooth(image, steps.sigma) if steps.sigma else image
    mask, _ = mask_of(gray, steps.threshold)
    mask = clean(
        mask,
        closing=steps.closing,
        fill_cavities=steps.fill_cavities,
        min_size=steps.min_size,
        largest=steps.keep_largest or None,
    )
    skeleton = skeletonize(mask, preserve_topology=steps.preserve_topology)
    if steps.prune_length or steps.prune_ratio:
        skeleton = prune(
            skeleton,
            min_length=steps.prune_length or None,
            max_radius_ratio=steps.prune_ratio or None,
            mask=mask if steps.prune_ratio else None,
            spacing=spacing,
        )
    thinned = as_image(skeleton, 'skeleton')
    measured = measure(thinned, as_spacing(spacing, image.ndim), as_mask(mask))
    assert measured.nodes is not None
    branches = range(measured.skeleton.n_paths)
    return Network(
        mask=mask,
        paths=[measured.skeleton.path_coordinates(branch) for branch in branches],
        table=measured.table,
        nodes=measured.nodes,
        territories=territories(mask, skeleton, spacing=spacing),
        cavities=find_walls(thinned.nodes(), thinned.shape).cavities,
        recipe=steps.recipe(spacing),
    )


def nearest_branch(
    paths: list[Array], position: Any, direction: Any, spacing: tuple[float, ...], reach: float
) -> int | None:
    """Return the branch that a click means, None if none is near.

    Parameters
    ----------
    paths : list of ndarray
        The voxels along each branch.
    position : array_like, shape (ndim,)
        A point of the line of sight, in voxels.
    direction : array_like, shape (ndim,), or None
        Where the line of sight leads, in voxels; None for a picture of two axes.
    spacing : tuple of float
        The distance between neighbours along each axis.
    reach : float
        How far from the line of sight a voxel may be, in units of the spacing.
    """
    if not paths:
        return None
    offsets = (np.concatenate(paths) - np.asarray(position, float)) * spacing
    if direction is not None:
        along = np.asarray(direction, float) * spacing
        along /= np.linalg.norm(along)
        offsets -= np.outer(offsets @ along, along)
    distances = np.linalg.norm(offsets, axis=1)
    nearest = int(np.argmin(distances))
    if distances[nearest] > reach:
        return None
    ends = np.cumsum([len(path) for path in paths])
    return int(np.searchsorted(ends, nearest, side='right'))
