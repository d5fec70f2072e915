"""Types of the compiled kernels; `make lint` holds them against the module itself."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    '__version__',
    'get_num_threads',
    'graph_centres',
    'longest_shortest_paths',
    'set_num_threads',
    'skeletonize',
    'thin_nodes',
]

__version__: str

def set_num_threads(count: int | None) -> None: ...
def get_num_threads() -> int: ...
def longest_shortest_paths(
    nodes: int,
    sources: npt.NDArray[np.uint32],
    targets: npt.NDArray[np.uint32],
    lengths: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]: ...
def graph_centres(
    nodes: int,
    sources: npt.NDArray[np.uint32],
    targets: npt.NDArray[np.uint32],
    lengths: npt.NDArray[np.float64],
) -> npt.NDArray[np.uint32]: ...
def skeletonize(
    image: npt.NDArray[Any], mask: int, zhang: bool, output: npt.NDArray[np.uint8]
) -> None: ...
def thin_nodes(
    nodes: npt.NDArray[np.int64], shape: tuple[int, int, int], zhang: bool
) -> npt.NDArray[np.bool_]: ...
