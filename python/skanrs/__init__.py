"""Skeletons and branch tables of 2D and 3D images."""

from ._core import __version__
from .thinning import skeletonize

__all__ = ['__version__', 'skeletonize']
