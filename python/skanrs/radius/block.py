"""Squared radii of the voxels of a block; a whole image is one block."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._image.image import Image
from skanrs._image.position import in_three_axes
from skanrs._support.typing import Array, Indices, Shape

Radii = npt.NDArray[np.float64]


class Grid(NamedTuple):
    """The voxels of the whole image and how distances between them are measured."""

    shape: Shape
    spacing: tuple[float, ...]
    border_is_background: bool

    def in_3d(self) -> tuple[Shape, tuple[float, ...], tuple[bool, ...]]:
        """Shape, spacing, and whether the outside is background, along three axes."""
        border = (self.border_is_background,) * len(self.shape)
        return (
            in_three_axes(self.shape, 1),
            in_three_axes(self.spacing, 1.0),
            in_three_axes(border, False),
        )


class BlockRadii(NamedTuple):
    """Squared radii of a block's voxels, and its faces for other blocks."""

    squares: Radii
    waits: npt.NDArray[np.bool_]
    """Whether a voxel's radius depends on other blocks."""
    faces: list[tuple[int, bool, npt.NDArray[np.uint32]]]
    """Axis (of three), whether it is the last face, and the depths of its columns."""


def radii_of_nodes(
    nodes: Indices, mask: Image, spacing: tuple[float, ...], border_is_background: bool
) -> Radii:
    """Return the radii of the voxels at these linear indices of a whole mask."""
    grid = Grid(mask.shape, spacing, border_is_background)
    squares = block_radii(nodes, mask, (0,) * mask.ndim, grid).squares
    return np.sqrt(squares, out=squares)


def block_radii(nodes: Indices, mask: Image, offset: Shape, grid: Grid) -> BlockRadii:
    """Measure the radii of the voxels at linear indices of a block of a mask."""
    elements = mask.elements
    if mask.ndim < 3:
        elements = elements.reshape(in_three_axes(mask.shape, 1))
    start = in_three_axes(offset, 0)
    radii = BlockRadii(*_core.block_radii(elements, mask.bits, nodes, start, *grid.in_3d()))
    check_inside(radii.squares, nodes, mask.shape, offset)
    return radii


def radii_in_rows(nodes: Indices, mask: _core.MaskRows, grid: Grid) -> Radii:
    """Return the radii of the voxels at these linear indices of a packed mask."""
    squares = mask.squared_radii(nodes, grid.in_3d()[1])
    check_inside(squares, nodes, grid.shape, (0,) * len(grid.shape))
    return np.sqrt(squares, out=squares)


def check_inside(squares: Radii, nodes: Indices, shape: Shape, offset: Shape) -> None:
    """Refuse voxels of the background, whose radius is 0."""
    outside = np.flatnonzero(squares == 0)
    if outside.size:
        in_block = np.unravel_index(nodes[outside[0]], shape)
        coordinates = tuple(int(a + b) for a, b in zip(in_block, offset, strict=True))
        raise ValueError(
            f'skeleton: expected voxels of the mask only, but {outside.size} are background there,'
            f' the first at {coordinates}'
        )


def check_radii(along: Array, count: int) -> None:
    """Raise a ValueError unless there is one non-negative radius for each of `count` voxels."""
    if along.shape != (count,):
        raise ValueError(
            f'radii: expected one for each of the {count} voxels of the skeleton, as skanrs.radii'
            f' returns them, got shape {along.shape}'
        )
    if not (along >= 0).all():
        raise ValueError(f'radii: expected non-negative numbers, got {along[~(along >= 0)][0]}')
