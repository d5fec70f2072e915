"""Skeletons and branch tables of 2D and 3D images."""

from . import threads
from ._core import __version__
from .csr import Skeleton, summarize
from .thinning import MergedThinning, ThinnedChunk, merge_thinned, skeletonize, thin_chunk
from .threads import get_num_threads, set_num_threads

__all__ = [
    'MergedThinning',
    'Skeleton',
    'ThinnedChunk',
    '__version__',
    'get_num_threads',
    'merge_thinned',
    'set_num_threads',
    'skeletonize',
    'summarize',
    'thin_chunk',
]

threads._read_environment()
