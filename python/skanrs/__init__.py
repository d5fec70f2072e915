"""Skeletons and branch tables of 2D and 3D images."""

import importlib
from pkgutil import resolve_name
from typing import Any

from skanrs import threads
from skanrs._blocks.iter_blocks import iter_blocks
from skanrs._core import __version__
from skanrs._support import former_names
from skanrs._support.progress import show_progress
from skanrs.branches.analyze import analyze
from skanrs.branches.centrelines import Centrelines, centrelines
from skanrs.branches.chunk_graph import ChunkGraph, chunk_graph, merge_chunks
from skanrs.branches.network import network_summary
from skanrs.branches.sholl import sholl_analysis
from skanrs.branches.summarize import summarize, table_meta
from skanrs.files import FileError, FileWarning, LazyImage, open_image, save_skeleton
from skanrs.graph.skeleton import Skeleton
from skanrs.pruning.prune import prune
from skanrs.radius import radii, radius_image
from skanrs.thinning import MergedThinning, ThinnedChunk, merge_thinned, thin_chunk
from skanrs.thinning.skeletonize import skeletonize
from skanrs.threads import get_num_threads, set_num_threads

__all__ = [
    'Centrelines',
    'ChunkGraph',
    'FileError',
    'FileWarning',
    'LazyImage',
    'MergedThinning',
    'Skeleton',
    'ThinnedChunk',
    '__version__',
    'analyze',
    'centrelines',
    'chunk_graph',
    'get_num_threads',
    'iter_blocks',
    'merge_chunks',
    'merge_thinned',
    'network_summary',
    'open_image',
    'prune',
    'radii',
    'radius_image',
    'save_skeleton',
    'set_num_threads',
    'sholl_analysis',
    'show_progress',
    'skeletonize',
    'summarize',
    'table_meta',
    'thin_chunk',
]

threads._read_environment()

# Modules that need libraries which take time to load, or may be missing.
_LOADED_WHEN_USED = (
    'csr', 'datasets', 'draw', 'image_stats', 'io', 'pipe', 'pre', 'summary_utils',
    'threshold',
)  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _LOADED_WHEN_USED:
        return importlib.import_module(f'{__name__}.{name}')
    return resolve_name(former_names.find(__name__, name))
