"""Skeletons and branch tables of 2D and 3D images."""

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from skanrs import threads
from skanrs._core import __version__
from skanrs._support import former_names
from skanrs._support.lazy_names import lazy_names
from skanrs.threads import get_num_threads, set_num_threads

if TYPE_CHECKING:
    from skanrs._blocks.iter_blocks import iter_blocks
    from skanrs._support.progress import show_progress
    from skanrs.branches.analyze import analyze
    from skanrs.branches.angles import angles, directions
    from skanrs.branches.centrelines import centrelines
    from skanrs.branches.chunk_graph import ChunkGraph, chunk_graph, merge_chunks
    from skanrs.branches.network import network_summary
    from skanrs.branches.network_graph import to_networkx
    from skanrs.branches.nodes import nodes
    from skanrs.branches.polylines import Centrelines
    from skanrs.branches.root import root
    from skanrs.branches.sholl import sholl_analysis
    from skanrs.branches.summarize import summarize, table_meta
    from skanrs.branches.territories import branch_image, counted_volume, territories
    from skanrs.cleaning.clean import clean
    from skanrs.cleaning.surfaces import CavityWarning
    from skanrs.files.errors import FileError, FileWarning
    from skanrs.files.read.open_image import LazyImage, open_image
    from skanrs.files.write.save_skeleton import save_skeleton
    from skanrs.graph.skeleton import Skeleton
    from skanrs.pruning.open_loops import open_loops
    from skanrs.pruning.prune import prune
    from skanrs.radius.radii import radii, radius_image
    from skanrs.smoothing import gaussian
    from skanrs.thinning.chunks import MergedThinning, ThinnedChunk, merge_thinned, thin_chunk
    from skanrs.thinning.skeletonize import skeletonize
    from skanrs.threshold import otsu

__all__ = [
    'CavityWarning',
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
    'angles',
    'branch_image',
    'centrelines',
    'chunk_graph',
    'clean',
    'counted_volume',
    'directions',
    'gaussian',
    'get_num_threads',
    'iter_blocks',
    'merge_chunks',
    'merge_thinned',
    'network_summary',
    'nodes',
    'open_image',
    'open_loops',
    'otsu',
    'prune',
    'radii',
    'radius_image',
    'root',
    'save_skeleton',
    'set_num_threads',
    'sholl_analysis',
    'show_progress',
    'skeletonize',
    'summarize',
    'table_meta',
    'territories',
    'thin_chunk',
    'to_networkx',
]

threads._read_environment()

_MODULES = (
    'branches', 'cli', 'csr', 'datasets', 'draw', 'files', 'graph', 'image_stats', 'io', 'pipe',
    'pre', 'pruning', 'radius', 'smoothing', 'summary_utils', 'thinning', 'threshold',
)  # fmt: skip
_HOMES = {
    'CavityWarning': 'cleaning.surfaces',
    'Centrelines': 'branches.polylines',
    'ChunkGraph': 'branches.chunk_graph',
    'FileError': 'files.errors',
    'FileWarning': 'files.errors',
    'LazyImage': 'files.read.open_image',
    'MergedThinning': 'thinning.chunks',
    'Skeleton': 'graph.skeleton',
    'ThinnedChunk': 'thinning.chunks',
    'analyze': 'branches.analyze',
    'angles': 'branches.angles',
    'branch_image': 'branches.territories',
    'centrelines': 'branches.centrelines',
    'chunk_graph': 'branches.chunk_graph',
    'clean': 'cleaning.clean',
    'counted_volume': 'branches.territories',
    'directions': 'branches.angles',
    'gaussian': 'smoothing',
    'iter_blocks': '_blocks.iter_blocks',
    'merge_chunks': 'branches.chunk_graph',
    'merge_thinned': 'thinning.chunks',
    'network_summary': 'branches.network',
    'nodes': 'branches.nodes',
    'open_image': 'files.read.open_image',
    'open_loops': 'pruning.open_loops',
    'otsu': 'threshold',
    'prune': 'pruning.prune',
    'radii': 'radius.radii',
    'radius_image': 'radius.radii',
    'root': 'branches.root',
    'save_skeleton': 'files.write.save_skeleton',
    'sholl_analysis': 'branches.sholl',
    'show_progress': '_support.progress',
    'skeletonize': 'thinning.skeletonize',
    'summarize': 'branches.summarize',
    'table_meta': 'branches.summarize',
    'territories': 'branches.territories',
    'thin_chunk': 'thinning.chunks',
    'to_networkx': 'branches.network_graph',
}
_find, __dir__ = lazy_names(__name__, _HOMES | {name: name for name in _MODULES})


def __getattr__(name: str) -> Any:
    if name in _HOMES or name in _MODULES:
        return _find(name)
    return resolve_name(former_names.find(__name__, name))
