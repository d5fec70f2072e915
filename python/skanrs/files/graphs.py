"""Skeletons as graphs for other programs: the format a name asks for, the geometry all share.

Coordinates are physical, the voxel's times the spacing, in the order x, y, z. The last axis of an
image is x unless its axes are named otherwise, as those of NIfTI are; flat images get z = 0.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .errors import known_suffix
from .output import TABLE_SUFFIXES, check_output, table_writer
from .together import Together

if TYPE_CHECKING:
    import os

    import pandas as pd

    from skanrs.csr import Skeleton

__all__ = [
    'GRAPH_SUFFIXES',
    'Geometry',
    'geometry_of',
    'needs_geometry',
    'save_skeleton',
    'write_skeleton',
]

Array = npt.NDArray[Any]

# What needs the skeleton itself, and what its table is enough for.
GEOMETRY_SUFFIXES = ('.swc', '.vtp', '.precomputed')
GRAPH_SUFFIXES = ('.graphml', *GEOMETRY_SUFFIXES)


class Geometry(NamedTuple):
    """A skeleton as points and lines, with N voxels in its P branches."""

    points: npt.NDArray[np.float64]
    """Coordinates x, y, z of the voxels, shape (N, 3)."""
    edges: npt.NDArray[np.int64]
    """Pairs of neighbouring voxels, each once, shape (E, 2)."""
    line_starts: npt.NDArray[np.int64]
    """Where each branch begins in `line_points`, and where the last ends, shape (P + 1,)."""
    line_points: npt.NDArray[np.int64]
    """The voxels of the branches, in their order."""
    networks: npt.NDArray[np.int64]
    """The number of each voxel's network, as ``skeleton_id`` of the table, shape (N,)."""
    radii: npt.NDArray[np.float64] | None
    """Radius at each voxel, if it is known, shape (N,)."""
    smallest_spacing: float
    """The least distance of neighbours along an axis."""


def needs_geometry(path: Path) -> bool:
    """Tell whether a file of this name needs the skeleton itself, not only its table."""
    return path.name.lower().endswith(GEOMETRY_SUFFIXES)


def save_skeleton(
    skeleton: Skeleton,
    path: str | os.PathLike[str],
    *,
    radii: npt.ArrayLike | None = None,
    unit: str | None = None,
    table: pd.DataFrame | None = None,
    axes: str | None = None,
) -> None:
    """Write a skeleton for other programs, in the format that the name of the file asks for.

    Parameters
    ----------
    skeleton : Skeleton
        The skeleton; its spacing makes coordinates physical.
    path : path-like
        A name that ends in one of:

        - ``.csv``, ``.parquet``: the branch table.
        - ``.graphml``: a node for each end and junction, an edge for each branch with what the
          table knows of it; for networkx, igraph, Cytoscape, Gephi.
        - ``.swc``: a tree of voxels with radii, for the tools of neuroscience. Networks with loops
          have no such tree and are refused.
        - ``.vtp``: a line for each branch, with the table's columns and radii; for ParaView.
        - ``.precomputed``: a folder for neuroglancer, a skeleton for each network.
    radii : array_like of float, shape (N,), optional
        The radius at each voxel of the skeleton, in the order of ``skeleton.coordinates``, in the
        units of the spacing. An SWC file without it has half the smallest spacing everywhere.
    unit : {'nm', 'µm', 'mm', 'cm', 'm'}, optional
        Of the spacing. Neuroglancer's skeletons are in nanometres; without a unit the spacing is
        taken to be in them.
    table : pandas.DataFrame, optional
        The branch table, with ``_`` in its names, if it is there already, or has more columns than
        `skanrs.summarize` gives.
    axes : str, optional
        A letter for each axis of the image, as `skanrs.open_image` gives them; ``'zyx'`` by
        default, ``'yx'`` for flat images.

    Raises
    ------
    FileError
        If the file cannot be written.
    ValueError
        If a network with loops should become an SWC file, or `radii` or `unit` do not fit.

    Notes
    -----
    Coordinates are the voxel's times the spacing, in the order x, y, z. Isolated voxels are in no
    branch and are left out.

    Examples
    --------
    >>> import pathlib, tempfile, numpy as np, skanrs
    >>> image = np.zeros((5, 7), dtype=bool)
    >>> image[2, 1:6] = True
    >>> file = pathlib.Path(tempfile.mkdtemp(), 'line.swc')
    >>> skanrs.save_skeleton(skanrs.Skeleton(image, spacing=0.5), file)
    >>> print(file.read_text())
    # x y z and radius in the units of the spacing; written by skanrs
    # id type x y z radius parent
    1 0 0.5 1 0 0.25 -1
    2 0 1 1 0 0.25 1
    3 0 1.5 1 0 0.25 2
    4 0 2 1 0 0.25 3
    5 0 2.5 1 0 0.25 4
    <BLANKLINE>
    """
    path = Path(path)
    check_output(path, (*TABLE_SUFFIXES, *GRAPH_SUFFIXES), 'skeletons')
    with Together() as outputs:
        write_skeleton(outputs, path, table, skeleton, radii=radii, unit=unit, axes=axes)


def write_skeleton(
    outputs: Together,
    path: Path,
    table: pd.DataFrame | None,
    skeleton: Skeleton | None,
    *,
    radii: npt.ArrayLike | None = None,
    unit: str | None = None,
    axes: str | None = None,
) -> None:
    """Write what `save_skeleton` does; a skeleton is needed for `GEOMETRY_SUFFIXES` only."""
    from skanrs.csr import summarize

    suffix = known_suffix(path, (*TABLE_SUFFIXES, *GRAPH_SUFFIXES), 'skeletons')
    if table is None and suffix != '.swc' and skeleton is not None:
        table = summarize(skeleton, separator='_')
    if suffix in TABLE_SUFFIXES and table is not None:
        outputs.write(path, table_writer(path, table))
        return
    if suffix == '.graphml' and table is not None:
        from .graphml import write_graphml

        outputs.write(path, lambda file: write_graphml(file, table, axes))
        return
    assert skeleton is not None
    geometry = geometry_of(skeleton, radii, axes)
    if suffix == '.swc':
        from .swc import write_swc

        outputs.write(path, lambda file: write_swc(file, geometry))
    elif suffix == '.vtp':
        from .vtp import write_vtp

        outputs.write(path, lambda file: write_vtp(file, geometry, table))
    else:
        from .precomputed import write_precomputed

        write_precomputed(outputs.new(path), geometry, unit)


def in_order(axes: str | None, ndim: int) -> list[int]:
    """Return which axes of an image are x, y and z.

    Parameters
    ----------
    axes : str or None
        A letter for each axis; None for z, y, x.
    ndim : int
        How many axes there are.

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        If these are not the letters of so many axes.
    """
    axes = 'zyx'[3 - ndim :] if axes is None else axes
    order = [axes.index(name) for name in 'xyz' if name in axes]
    if len(axes) != ndim or len(order) != ndim:
        raise ValueError(f"axes: expected {ndim} letters of 'zyx' in their order, got {axes!r}")
    return order


def geometry_of(
    skeleton: Skeleton, radii: npt.ArrayLike | None = None, axes: str | None = None
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

    Returns
    -------
    Geometry

    Raises
    ------
    ValueError
        If there are more axes, or not a radius for each voxel.
    """
    from scipy.sparse import csgraph

    coordinates = np.asarray(skeleton.coordinates)
    ndim = coordinates.shape[1]
    if ndim not in (2, 3):
        raise ValueError(f'skeleton: files hold 2 or 3 axes, not {ndim}')
    if radii is not None:
        radii = np.asarray(radii, dtype=np.float64)
        if radii.shape != (len(coordinates),):
            raise ValueError(
                f'radii: expected one for each of the {len(coordinates):,} voxels of the skeleton, '
                f'got shape {radii.shape}'
            )
    graph = skeleton.graph.tocsr()
    connected = np.flatnonzero(np.diff(graph.indptr))
    number = np.full(len(coordinates), -1, dtype=np.int64)
    number[connected] = np.arange(len(connected))
    points = np.zeros((len(connected), 3))
    places = coordinates[connected] * np.asarray(skeleton.spacing)
    points[:, :ndim] = places[:, in_order(axes, ndim)]
    pairs = graph.tocoo()
    once = pairs.row < pairs.col
    _, networks = csgraph.connected_components(graph, directed=False)
    return Geometry(
        points=points,
        edges=number[np.stack([pairs.row[once], pairs.col[once]], axis=1)],
        line_starts=np.asarray(skeleton.paths.indptr, dtype=np.int64),
        line_points=number[skeleton.paths.indices],
        networks=networks[connected].astype(np.int64),
        radii=None if radii is None else radii[connected],
        smallest_spacing=float(np.min(skeleton.spacing)),
    )
