"""The nodes of a network in files: their numbers, and their table.

Nodes come in any order and more than once, and are known by their first voxels; their numbers are
the places of these in the order of the image. The network of a node is that of the rows of the
branches that end there, so it is known when these were made.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from skanrs._support.records import Records
from skanrs._support.sorted_records import SortedRecords
from skanrs._support.typing import Array, Indices
from skanrs.radius.block import Grid, Radii

from .measures import Nodes
from .node_table import node_columns

ROWS = 1 << 18
"""Rows that are made at a time."""

_NODE = np.dtype(
    [
        ('key', np.int64),
        ('voxel', np.int64),
        ('radius', np.float64),
        ('centroid', np.float64, 3),
        ('degree', np.int64),
        ('faces', np.uint8),
    ]
)


class NodesOnDisk:
    """The nodes of a skeleton of three axes.

    Parameters
    ----------
    grid : Grid
        The image.
    folder : Path
        A folder. It takes 130 bytes a node.
    """

    def __init__(self, grid: Grid, folder: Path) -> None:
        self._grid = grid
        self._found = SortedRecords(folder / 'nodes', _NODE)
        self._nodes = Records(folder / 'nodes-in-order', _NODE)
        self._firsts = Records(folder / 'first-voxels', np.int64)
        self._networks = Records(folder / 'networks-of-nodes', np.int64)
        self._of_networks: np.dtype[Any] = np.dtype(np.int32)

    def add(self, nodes: Nodes, numbers: Indices, voxels: Indices, radii: Radii) -> None:
        """Add some of the nodes of a skeleton, of which all branches there are known.

        Parameters
        ----------
        nodes : Nodes
            The nodes of the skeleton.
        numbers : ndarray of int64
            Which of them to add.
        voxels : ndarray of int64
            The linear indices of its voxels in the image.
        radii : ndarray of float64
            Their radii.
        """
        records = np.empty(len(numbers), _NODE)
        records['key'] = voxels[nodes.firsts[numbers]]
        records['voxel'] = voxels[nodes.voxels[numbers]]
        records['radius'] = radii[nodes.voxels[numbers]]
        records['centroid'] = nodes.centroids[numbers]
        records['degree'] = nodes.degrees[numbers]
        records['faces'] = nodes.faces[numbers]
        self._found.append(records)

    def finish(self) -> None:
        """Say that all nodes were added."""
        for records in self._found.groups():
            firsts, at = np.unique(records['key'], return_index=True)
            self._nodes.append(records[at])
            self._firsts.append(firsts)
            self._networks.append(np.zeros(len(at), np.int64))

    def numbers(self, firsts: Array) -> Indices:
        """Return the numbers of the nodes with these first voxels."""
        return np.searchsorted(self._firsts.mapped(), firsts)

    def add_networks(self, part: pd.DataFrame) -> None:
        """Note the networks of nodes that rows of the branch table have."""
        self._of_networks = part['skeleton_id'].to_numpy().dtype
        if len(part):
            networks = self._networks.mapped(writable=True)
            for end in ('node_src', 'node_dst'):
                networks[part[end]] = part['skeleton_id']

    def parts(self) -> Iterator[pd.DataFrame]:
        """Iterate over the rows of the table of nodes, when all branches have their networks."""
        count = self._nodes.count
        for start in range(0, max(1, count), ROWS):
            numbers = range(start, min(start + ROWS, count))
            nodes = self._nodes.read(numbers)
            columns = node_columns(
                self._grid,
                voxels=nodes['voxel'],
                components=self._networks.read(numbers).astype(self._of_networks),
                degrees=nodes['degree'],
                radii=nodes['radius'],
                centroids=nodes['centroid'],
                faces=nodes['faces'],
                start=start,
            )
            yield pd.DataFrame(columns)
