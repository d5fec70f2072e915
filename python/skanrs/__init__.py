"""Skeletons and branch tables of 2D and 3D images."""

from . import threads
from ._core import __version__
from .csr import Skeleton, summarize
from .thinning import skeletonize
from .threads import get_num_threads, set_num_threads

__all__ = [
    'Skeleton',
    '__version__',
    'get_num_threads',
    'set_num_threads',
    'skeletonize',
    'summarize',
]

threads._read_environment()
