"""Pruning: removes short end branches from a skeleton."""

from .prune import prune

__all__ = ['prune']
