"""Skeletons and branch tables of 2D and 3D images."""

import importlib
from typing import Any

from . import threads
from ._core import __version__
from .chunks import ChunkGraph, chunk_graph, iter_blocks, merge_chunks, table_meta
from .csr import Skeleton, sholl_analysis, summarize
from .files import FileError, LazyImage, open_image, save_skeleton
from .measures import analyze
from .network import network_summary
from .progress import show_progress
from .pruning import prune
from .radius import radii, radius_image
from .thinning import MergedThinning, ThinnedChunk, merge_thinned, skeletonize, thin_chunk
from .threads import get_num_threads, set_num_threads

__all__ = [
    'ChunkGraph',
    'FileError',
    'LazyImage',
    'MergedThinning',
    'Skeleton',
    'ThinnedChunk',
    '__version__',
    'analyze',
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
    'datasets', 'draw', 'image_stats', 'io', 'pipe', 'pre', 'summary_utils',
    'threshold',
)  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _LOADED_WHEN_USED:
        return importlib.import_module(f'{__name__}.{name}')
    from ._former_names import find

    return find(__name__, name)
