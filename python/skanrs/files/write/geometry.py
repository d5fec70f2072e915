"""The points and lines of a skeleton, for the formats of graphs.

Coordinates are those of the voxel times the spacing, or those of the centreline, in the order x, y,
z. The last axis of an image is x unless its axes have other names, as in NIfTI; 2D images have
z = 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from skanrs.branches.polylines import Centrelines
    from skanrs.graph.skeleton import Skeleton

__all__ = ['Geometry', 'as_points', 'geometry_of', 'in_order']

Array = npt.NDArray[Any]


class Geometry(NamedTuple):
    """A skeleton as points and lines, with N voxels in its P branches."""

    points: npt.NDArray[np.float64]
    """Coordinates x, y, z at the voxels, shape (N, 3)."""
    edges: npt.NDArray[np.int64]
    """Pairs of neighbouring voxels, each once, shape (E, 2)."""
    line_starts: npt.NDArray[np.int64]
    """The offset of each branch in `line_points`, and the end of the last, shape (P + 1,)."""
    line_points: npt.NDArray[np.int64]
    """The voxels of the branches, one branch after the other."""
    networks: npt.NDArray[np.int64]
    """The ``skeleton_id`` of each voxel, shape (N,)."""
    radii: npt.NDArray[np.float64] | None
    """Radius at each voxel, shape (N,); None if it is unknown."""
    smallest_spacing: float
    """The smallest number of the spacing."""
    labels: npt.NDArray[np.integer[Any]] | None
    """The label of each voxel, shape (N,); None if the skeleton has none."""
    roots: npt.NDArray[np.int64]
    """The voxels at which trees begin, where that is known."""

    def by_label(self) -> Iterator[tuple[int, Geometry]]:
        """Give the points and edges of each label, without lines, in the order of labels.

        Raises
        ------
        ValueError
            If the skeleton has no labels.
        """
        if self.labels is None:
            raise ValueError(
                'skeleton: expected one made with labels for the file name {label}, got one without'
            )
        order = np.argsort(self.labels, kind='stable')
        number_of = np.empty_like(order)
        number_of[order] = np.arange(order.size)
        edges = number_of[self.edges]
        edges = edges[np.argsort(edges[:, 0], kind='stable')]
        values, starts = np.unique(self.labels[order], return_index=True)
        bounds = np.append(starts, order.size)
        edge_bounds = np.searchsorted(edges[:, 0], bounds)
        roots = np.sort(number_of[self.roots])
        root_bounds = np.searchsorted(roots, bounds)
        for at, value in enumerate(values.tolist()):
            points = order[bounds[at] : bounds[at + 1]]
            yield (
                int(value),
                self._replace(
                    points=self.points[points],
                    edges=edges[edge_bounds[at] : edge_bounds[at + 1]] - bounds[at],
                    line_starts=np.zeros(1, np.int64),
                    line_points=np.empty(0, np.int64),
                    networks=self.networks[points],
                    radii=None if self.radii is None else self.radii[points],
                    labels=self.labels[points],
                    roots=roots[root_bounds[at] : root_bounds[at + 1]] - bounds[at],
                ),
            )


def in_order(axes: str | None, ndim: int) -> list[int]:
    """Return the indices of the axes x, y and z, without the missing one in 2D.

    Parameters
    ----------
    axes : str or None
        A letter for each axis; None for z, y, x.
    ndim : int
        Number of axes.

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        If `axes` are not `ndim` different letters of x, y and z.
    """
    if ndim not in (2, 3):
        raise ValueError(f'skeleton: expected 2 or 3 axes for a file, got {ndim}')
    axes = 'zyx'[3 - ndim :] if axes is None else axes
    order = [axes.index(name) for name in 'xyz' if name in axes]
    if len(axes) != ndim or len(order) != ndim:
        raise ValueError(f"axes: expected {ndim} letters of 'zyx' in their order, got {axes!r}")
    return order


def as_points(places: Array, order: list[int]) -> npt.NDArray[np.float64]:
    """Return x, y and z of places along the axes of an image, a row each, from `in_order`."""
    points = np.zeros((len(places), 3))
    points[:, : len(order)] = places[:, order]
    return points


def geometry_of(
    skeleton: Skeleton,
    radii: npt.ArrayLike | None = None,
    axes: str | None = None,
    lines: Centrelines | None = None,
) -> Geometry:
    """Return the points and lines of a skeleton.

    Parameters
    ----------
    skeleton : Skeleton
        The skeleton, of 2 or 3 axes.
    radii : array_like of float, shape (N,), optional
        The radius at each of its voxels.
    axes : str, optional
        A letter for each axis of its image.
    lines : Centrelines, optional
        Its centrelines, whose points and radii take the place of those of the voxels. Where
        several end, the largest of their radii counts.

    Returns
    -------
    Geometry

    Raises
    ------
    ValueError
        If there are other axes, if the number of radii differs from that of voxels, or if the
        centrelines are of another skeleton.
    """
    from scipy.sparse import csgraph

    coordinates = np.asarray(skeleton.coordinates)
    ndim = coordinates.shape[1]
    order = in_order(axes, ndim)
    if radii is not None:
        radii = np.asarray(radii, dtype=np.float64)
        if radii.shape != (len(coordinates),):
            raise ValueError(
                f'radii: expected one for each of the {len(coordinates):,} voxels of the skeleton, '
                f'got shape {radii.shape}'
            )
    paths = skeleton.paths
    # Whole numbers, if the spacing is one; centrelines are between them.
    places = (coordinates * np.asarray(skeleton.spacing)).astype(np.float64, copy=False)
    if lines is not None:
        if not np.array_equal(lines.offsets, paths.indptr) or lines.points.shape[1] != ndim:
            raise ValueError(
                f'centrelines: expected those of the {skeleton.n_paths:,} branches of the skeleton'
            )
        # Ends at junctions are at their voxel, so that all branches agree about it.
        places[paths.indices] = lines.points
        radii = np.full(len(places), -np.inf)
        np.maximum.at(radii, paths.indices, lines.radii)
    graph = skeleton.graph.tocsr()
    connected = np.flatnonzero(np.diff(graph.indptr))
    number = np.full(len(coordinates), -1, dtype=np.int64)
    number[connected] = np.arange(len(connected))
    pairs = graph.tocoo()
    once = pairs.row < pairs.col
    _, networks = csgraph.connected_components(graph, directed=False)
    return Geometry(
        points=as_points(places[connected], order),
        edges=number[np.stack([pairs.row[once], pairs.col[once]], axis=1)],
        line_starts=np.asarray(paths.indptr, dtype=np.int64),
        line_points=number[paths.indices],
        networks=networks[connected].astype(np.int64),
        radii=None if radii is None else radii[connected],
        smallest_spacing=float(np.min(skeleton.spacing)),
        labels=None if skeleton.pixel_labels is None else skeleton.pixel_labels[connected],
        roots=np.empty(0, np.int64),
    )
