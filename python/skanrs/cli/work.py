"""What both ways of working, in memory and in chunks, are asked for and give."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy.typing as npt

from skanrs.files import Mask
from skanrs.threshold import Rule

if TYPE_CHECKING:
    import pandas as pd

    from skanrs import Skeleton

__all__ = ['Options', 'Result', 'Threshold']

Threshold = float | Literal['otsu', 'none'] | None


@dataclass(frozen=True)
class Options:
    """How an image becomes a skeleton, and what of it is needed."""

    spacing: tuple[float, ...]
    threshold: Threshold
    sigma: tuple[float, ...] | None
    method: str | None
    preserve_topology: bool
    radii: bool
    prune_length: float | None
    prune_ratio: float | None
    need_table: bool
    need_graph: bool

    def pruned(self, skeleton: Any, mask: Any) -> Any:
        """Return what is left of a skeleton, an array in memory or of dask, after pruning."""
        from skanrs import prune

        return prune(
            skeleton,
            min_length=self.prune_length,
            max_radius_ratio=self.prune_ratio,
            mask=None if self.prune_ratio is None else mask,
            spacing=self.spacing,
        )

    @property
    def prunes(self) -> bool:
        """Whether branches are taken away."""
        return self.prune_length is not None or self.prune_ratio is not None


@dataclass(frozen=True)
class Result:
    """A skeleton and what is known of it."""

    rule: Rule
    foreground: int
    skeleton: Mask
    skeleton_voxels: int
    values: tuple[float, float] | None
    """The smallest and the largest value that met the threshold, where either none or all voxels
    are foreground; else nobody asks."""
    table: 'pd.DataFrame | None' = None
    graph: 'Skeleton | None' = None
    radii: npt.NDArray[Any] | None = None
    """At each voxel of the graph."""
