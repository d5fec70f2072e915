"""Types of the compiled kernels; `make lint` holds them against the module itself."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ['__version__', 'get_num_threads', 'set_num_threads', 'skeletonize']

__version__: str

def set_num_threads(count: int | None) -> None: ...
def get_num_threads() -> int: ...
def skeletonize(
    image: npt.NDArray[Any], mask: int, zhang: bool, output: npt.NDArray[np.uint8]
) -> None: ...
