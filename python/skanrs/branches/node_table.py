"""The table of the nodes of a network, from what the kernels return."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from skanrs._image.position import coordinates_of

from .measures import Body, body_of_blocks


def node_table(body: Body) -> pd.DataFrame:
    """Return the nodes of a skeleton in its mask, a row for each."""
    nodes = body.nodes
    voxels, radii = body.voxels_of_nodes()
    components = np.zeros(len(voxels), dtype=body.components.dtype)
    for ends in nodes.of_paths:
        components[ends] = body.components
    coordinates = coordinates_of(voxels, body.grid.shape)
    centroids = nodes.centroids * body.grid.spacing
    # Kernels have three axes; the bits of those that the image lacks come first.
    faces = nodes.faces >> 2 * (3 - body.ndim)
    of_labels = {} if body.labels is None else {'label': body.labels[nodes.voxels]}
    columns = of_labels | {
        'node_id': np.arange(len(voxels)),
        'skeleton_id': components,
        'degree': nodes.degrees,
        'radius': radii,
        **{f'image_coord_{axis}': coordinates[:, axis] for axis in range(body.ndim)},
        **{f'coord_{axis}': centroids[:, axis] for axis in range(body.ndim)},
        'touches_border': faces != 0,
        'border_faces': faces,
    }
    return pd.DataFrame(columns)


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
