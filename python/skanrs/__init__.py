"""Skeletons and branch tables of 2D and 3D images."""

from . import threads
from ._core import __version__
from .thinning import skeletonize
from .threads import get_num_threads, set_num_threads

__all__ = ['__version__', 'get_num_threads', 'set_num_threads', 'skeletonize']

threads._read_environment()
