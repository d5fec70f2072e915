"""Numbers that tell branches apart where they are drawn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

GOLDEN = (5**0.5 - 1) / 2
"""Multiples of it, modulo 1, are spread evenly, and neighbours are far apart."""


def territory_shades(numbers: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return a shade from 0 to 1 for the number of each branch, see `skanrs.territories`."""
    shades: npt.NDArray[np.float64] = np.asarray(numbers, dtype=np.float64) * GOLDEN % 1
    return shades
