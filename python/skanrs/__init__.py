"""Skeletons and branch tables of 2D and 3D images."""

from typing import Any

from . import threads
from ._core import __version__
from .csr import Skeleton, sholl_analysis, summarize
from .thinning import skeletonize
from .threads import get_num_threads, set_num_threads

__all__ = [
    'Skeleton',
    '__version__',
    'get_num_threads',
    'set_num_threads',
    'sholl_analysis',
    'skeletonize',
    'summarize',
]

threads._read_environment()


def __getattr__(name: str) -> Any:
    from ._former_names import find

    return find(__name__, name)
