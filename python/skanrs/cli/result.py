"""The result of both ways of working, in memory and in chunks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._image.position import in_three_axes
from skanrs.cleaning.steps import Changes
from skanrs.files import WritableImage
from skanrs.threshold import Rule

if TYPE_CHECKING:
    import pandas as pd

    from skanrs._image.labels import LabelImage
    from skanrs.branches.lines_on_disk import LinesOnDisk
    from skanrs.branches.measured import Measured
    from skanrs.branches.measures_on_disk import MeasuredTable
    from skanrs.branches.nodes_on_disk import NodesOnDisk
    from skanrs.branches.on_disk import TableOnDisk
    from skanrs.branches.polylines import Centrelines

__all__ = ['Removed', 'Result']


class Removed(NamedTuple):
    """What pruning and opening loops took from a skeleton."""

    voxels: int
    loops: int

    @classmethod
    def of(
        cls,
        before: npt.NDArray[np.int64],
        after: npt.NDArray[np.int64],
        shape: tuple[int, ...],
    ) -> 'Removed':
        """Count what is gone of the voxels with these linear indices."""
        whole = in_three_axes(shape, 1)
        tunnels = [_core.topology(nodes, whole)[2] for nodes in (before, after)]
        return cls(before.size - after.size, tunnels[0] - tunnels[1])

    @classmethod
    def by_length(cls, voxels: int) -> 'Removed':
        """Return what pruning by length took: no loop."""
        return cls(voxels, loops=0)


@dataclass(frozen=True)
class Result:
    """A skeleton and what was measured of it."""

    rule: Rule
    foreground: int
    values: tuple[float, float] | None
    """The smallest and the largest value before the threshold, if no voxel or every voxel is
    foreground."""
    cleaned: Changes | None = None
    """What cleaning changed in the mask, if it was wanted."""
    removed: Removed | None = None
    """What was removed from the skeleton, if that was wanted."""
    skeleton: WritableImage | None = None
    """None if no output needs it."""
    skeleton_voxels: int = 0
    cavities: int = 0
    """Cavities that surfaces of the skeleton enclose."""
    table: 'pd.DataFrame | None' = None
    rows: 'TableOnDisk | MeasuredTable | None' = None
    """The table, if its rows are on disk."""
    lines_on_disk: 'LinesOnDisk | None' = None
    """The points and lines of the branches, if rows are on disk and an output needs them."""
    nodes_on_disk: 'NodesOnDisk | None' = None
    """The table of nodes, if rows are on disk with measures."""
    loops: int | None = None
    """The tunnels of the skeleton, if rows are on disk and a summary needs them."""
    measured: 'Measured | None' = None
    """The graph and its radii, if an output needs them."""
    nodes: 'pd.DataFrame | None' = None
    by_region: 'pd.DataFrame | None' = None
    territories: WritableImage | None = None
    branch_image: WritableImage | None = None
    labels: 'LabelImage | None' = None
    """The label image, if the image is one."""
    objects: int | None = None
    """How many labels it has, of those that are wanted."""

    @property
    def lines(self) -> 'Centrelines | None':
        """The centrelines of the graph, if it has radii."""
        return None if self.measured is None else self.measured.lines

    @property
    def has_no_branches(self) -> bool:
        """Whether there is a table without rows."""
        if self.rows is not None:
            return self.rows.count == 0
        return self.table is not None and not len(self.table)
