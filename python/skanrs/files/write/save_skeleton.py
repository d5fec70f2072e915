"""Write a skeleton for other programs, in the format of the file name."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..errors import known_suffix
from ..suffixes import GEOMETRY_SUFFIXES, GRAPH_SUFFIXES, TABLE_SUFFIXES
from .atomic import AtomicOutputs
from .check_output import check_output
from .geometry import geometry_of, in_order
from .graphml import write_graphml, write_graphml_of_tables
from .precomputed import nanometres, write_precomputed
from .swc import rooted, write_swc
from .tables import table_writer
from .vtp import write_vtp

if TYPE_CHECKING:
    import os

    import pandas as pd

    from skanrs.branches.polylines import Centrelines
    from skanrs.graph.skeleton import Skeleton

__all__ = ['check_skeleton', 'needs_geometry', 'save_skeleton', 'write_skeleton']


LABEL = '{label}'
"""What stands for the label in the name of a file for each label."""


def needs_geometry(path: Path, has_lines: bool) -> bool:
    """Return whether the format of this name needs the skeleton or, if known, its centrelines."""
    return path.name.lower().endswith(GRAPH_SUFFIXES if has_lines else GEOMETRY_SUFFIXES)


def save_skeleton(
    skeleton: Skeleton,
    path: str | os.PathLike[str],
    *,
    radii: npt.ArrayLike | None = None,
    unit: str | None = None,
    table: pd.DataFrame | None = None,
    axes: str | None = None,
    centrelines: Centrelines | None = None,
    nodes: pd.DataFrame | None = None,
) -> None:
    """Write a skeleton for other programs, in the format of the file name.

    Parameters
    ----------
    skeleton : Skeleton
        The skeleton, with its spacing.
    path : path-like
        A name that ends in one of:

        - ``.csv``, ``.parquet``: the branch table.
        - ``.graphml``: a node for each endpoint and junction, with its radius if `centrelines` are
          given, an edge for each branch with its row of the table; for networkx, igraph,
          Cytoscape, Gephi. With `nodes`, the graph of `skanrs.to_networkx`.
        - ``.swc``: trees of voxels with radii, for neuroscience, with the parents of `skanrs.root`
          if `table` has them. Without a root, networks with loops are refused. Of a skeleton of
          labels, ``'folder/{label}.swc'`` writes a file for each label.
        - ``.vtp``: a line for each branch, with its row of the table and radii; for ParaView.
        - ``.precomputed``: a folder for neuroglancer, with a skeleton for each network, or for each
          label, whose segment id is the label.

        A leading ``~`` is the home folder.
    radii : array_like of float, shape (N,), optional
        The radius at each voxel of the skeleton, in the order of ``skeleton.coordinates``, in the
        unit of the spacing. Without it, the radius in an SWC file is half the smallest spacing.
    unit : str, optional
        Of the spacing, such as ``'nm'``, ``'µm'`` or ``'inch'``. Neuroglancer's skeletons are in
        nanometres; without a unit the spacing is taken to be in them.
    table : pandas.DataFrame, optional
        The branch table, with ``_`` in its column names. By default that of `skanrs.summarize`.
    axes : str, optional
        A letter for each axis of the image, as `skanrs.open_image` returns them; ``'zyx'`` by
        default, ``'yx'`` in 2D.
    centrelines : Centrelines, optional
        The result of `skanrs.centrelines` for this skeleton. Files of networks then have its
        smooth points and radii instead of voxels and `radii`.
    nodes : pandas.DataFrame, optional
        The result of `skanrs.nodes` for this skeleton, with `table` that of `skanrs.analyze`.
        GraphML then has all columns of both tables, the coordinates as ``x``, ``y`` and ``z``, and
        no branches inside junctions.

    Raises
    ------
    FileError
        If the file cannot be written.
    ValueError
        If a network with loops is written as SWC, or if `radii`, `unit`, `table`, `axes` or
        `centrelines` do not fit.

    Notes
    -----
    Coordinates are those of the voxel times the spacing, or those of the centreline, in the order
    x, y, z. Isolated voxels, which are in no branch, are left out.

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
    path = Path(path).expanduser()
    check_output(path, (*TABLE_SUFFIXES, *GRAPH_SUFFIXES), 'skeletons')
    check_skeleton(path, np.asarray(skeleton.coordinates).shape[1], unit=unit, axes=axes)
    with AtomicOutputs() as outputs:
        write_skeleton(
            outputs,
            path,
            table,
            skeleton,
            radii=radii,
            unit=unit,
            axes=axes,
            lines=centrelines,
            nodes=nodes,
        )


def check_skeleton(
    path: Path, ndim: int, *, unit: str | None = None, axes: str | None = None
) -> None:
    """Raise `ValueError` if a format cannot hold the unit or the axes of an image.

    Parameters
    ----------
    path : Path
        The output.
    ndim : int
        Number of axes of the image.
    unit, axes : str, optional
        See `save_skeleton`.
    """
    suffix = known_suffix(path, (*TABLE_SUFFIXES, *GRAPH_SUFFIXES), 'skeletons')
    if suffix in GRAPH_SUFFIXES:
        in_order(axes, ndim)
    if suffix == '.precomputed':
        nanometres(unit)


def write_skeleton(
    outputs: AtomicOutputs,
    path: Path,
    table: pd.DataFrame | None,
    skeleton: Skeleton | None,
    *,
    radii: npt.ArrayLike | None = None,
    unit: str | None = None,
    axes: str | None = None,
    lines: Centrelines | None = None,
    nodes: pd.DataFrame | None = None,
    recipe: str | None = None,
) -> None:
    """Write a skeleton as `save_skeleton` does; only `GEOMETRY_SUFFIXES` need the skeleton."""
    from skanrs.branches.summarize import summarize

    suffix = known_suffix(path, (*TABLE_SUFFIXES, *GRAPH_SUFFIXES), 'skeletons')
    if table is None and suffix != '.swc' and skeleton is not None:
        table = summarize(skeleton, separator='_')
    if suffix in TABLE_SUFFIXES and table is not None:
        outputs.write(path, table_writer(path, table, recipe))
        return
    if suffix == '.graphml' and table is not None and nodes is not None:
        outputs.write(path, lambda file: write_graphml_of_tables(file, table, nodes, axes))
        return
    if suffix == '.graphml' and table is not None and lines is None:
        outputs.write(path, lambda file: write_graphml(file, table, axes))
        return
    assert skeleton is not None
    geometry = geometry_of(skeleton, radii, axes, lines)
    if suffix == '.graphml' and table is not None:
        outputs.write(path, lambda file: write_graphml(file, table, axes, geometry))
        return
    if suffix == '.swc' and LABEL in path.name:
        for label, of_label in rooted(geometry, table).by_label():
            of_path = path.with_name(path.name.replace(LABEL, str(label)))
            outputs.write(of_path, partial(write_swc, geometry=of_label))
    elif suffix == '.swc':
        outputs.write(path, partial(write_swc, geometry=rooted(geometry, table)))
    elif suffix == '.vtp':
        outputs.write(path, lambda file: write_vtp(file, geometry, table))
    else:
        write_precomputed(outputs.new(path), geometry, unit)
