"""Pruning: short branches with a free end leave a skeleton."""

from .prune import prune

__all__ = ['prune']
