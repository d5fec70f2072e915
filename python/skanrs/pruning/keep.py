"""The type of functions that choose the voxels of a skeleton that stay."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from skanrs._support.typing import Array, Indices, Shape

Kept = npt.NDArray[np.bool_]
Keep = Callable[[Indices, Shape, tuple[float, ...], Array | None, Indices | None], Kept]
"""Returns which voxels stay: of their linear indices, the shape, the spacing, their radii, and, if
there are several skeletons, the number of the first voxel of each, and how many there are."""
