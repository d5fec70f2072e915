"""The table of the nodes of a network, from what the kernels return."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from skanrs._image.position import coordinates_of
from skanrs._support.typing import Array, Indices
from skanrs.radius.block import Grid, Radii

from .measures import Body, body_of_blocks


def node_table(body: Body) -> pd.DataFrame:
    """Return the nodes of a skeleton in its mask, a row for each."""
    nodes = body.nodes
    voxels, radii = body.voxels_of_nodes()
    components = np.zeros(len(voxels), dtype=body.components.dtype)
    for ends in nodes.of_paths:
        components[ends] = body.components
    # Kernels have three axes; the bits of those that the image lacks come first.
    faces = nodes.faces >> 2 * (3 - body.ndim)
    of_labels = {} if body.labels is None else {'label': body.labels[nodes.voxels]}
    columns = node_columns(
        body.grid,
        voxels=voxels,
        components=components,
        degrees=nodes.degrees,
        radii=radii,
        centroids=nodes.centroids,
        faces=faces,
    )
    return pd.DataFrame(of_labels | columns)


def node_columns(
    grid: Grid,
    *,
    voxels: Indices,
    components: Array,
    degrees: Indices,
    radii: Radii,
    centroids: Array,
    faces: Array,
    start: int = 0,
) -> dict[str, Array]:
    """Return the columns of a table of nodes, of which the first one has the number `start`.

    Bits of `faces` begin with those of the first axis of the image.
    """
    ndim = len(grid.shape)
    coordinates, centres = coordinates_of(voxels, grid.shape), centroids * grid.spacing
    return {
        'node_id': np.arange(start, start + len(voxels)),
        'skeleton_id': components,
        'degree': degrees,
        'radius': radii,
        **{f'image_coord_{axis}': coordinates[:, axis] for axis in range(ndim)},
        **{f'coord_{axis}': centres[:, axis] for axis in range(ndim)},
        'touches_border': faces != 0,
        'border_faces': faces,
    }


def node_table_of_blocks(*blocks: Any) -> pd.DataFrame:
    """Return the nodes of an image whose blocks are given; see `body_of_blocks`."""
    return node_table(body_of_blocks(*blocks))


def empty_node_table(ndim: int) -> pd.DataFrame:
    """Return the table of no nodes."""
    columns = {
        'node_id': np.int64,
        'skeleton_id': np.int32,
        'degree': np.int64,
        'radius': np.float64,
        **{f'image_coord_{axis}': np.int64 for axis in range(ndim)},
        **{f'coord_{axis}': np.float64 for axis in range(ndim)},
        'touches_border': np.bool_,
        'border_faces': np.uint8,
    }
    return pd.DataFrame({name: np.empty(0, dtype) for name, dtype in columns.items()})
