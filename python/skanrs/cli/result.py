"""The result of both ways of working, in memory and in chunks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skanrs.cleaning.steps import Changes
from skanrs.files import Mask
from skanrs.threshold import Rule

if TYPE_CHECKING:
    import pandas as pd

    from skanrs.branches.measured import Measured

__all__ = ['Result']


@dataclass(frozen=True)
class Result:
    """A skeleton and what was measured of it."""

    rule: Rule
    foreground: int
    skeleton: Mask
    skeleton_voxels: int
    values: tuple[float, float] | None
    """The smallest and the largest value before the threshold, if no voxel or every voxel is
    foreground."""
    cleaned: Changes | None = None
    """What cleaning changed in the mask, if it was wanted."""
    cavities: int = 0
    """Cavities that surfaces of the skeleton enclose."""
    table: 'pd.DataFrame | None' = None
    measured: 'Measured | None' = None
    """The graph and its radii, if an output needs them."""
