"""Pixel graphs, their branches, and the table of them: skan's ``csr`` module by skan's names."""

from typing import Any

from ._nbgraph import NBGraph, NBGraphBase, NBGraphBool, csr_to_nbgraph
from ._networkx import (
    _merge_edges,
    _merge_paths,
    _remove_simple_path_nodes,
    nx_to_skeleton,
    skeleton_to_nx,
)
from ._path_graph import PathGraph, _build_skeleton_path_graph, _extract_values
from ._pixel_graph import (
    _mst_junctions,
    _weighted_abs_diff,
    _write_pixel_graph,
    _write_pixel_graph_height,
    distance_with_height,
    make_degree_image,
    pixel_graph,
    skeleton_to_csgraph,
    submatrix,
)
from ._sholl import _normalize_shells, sholl_analysis
from ._simplify import _fast_graph_center_idx, _simplify_graph
from ._skeleton import Skeleton
from ._summarize import summarize

__all__ = [
    'NBGraph',
    'NBGraphBase',
    'NBGraphBool',
    'PathGraph',
    'Skeleton',
    '_build_skeleton_path_graph',
    '_extract_values',
    '_fast_graph_center_idx',
    '_merge_edges',
    '_merge_paths',
    '_mst_junctions',
    '_normalize_shells',
    '_remove_simple_path_nodes',
    '_simplify_graph',
    '_weighted_abs_diff',
    '_write_pixel_graph',
    '_write_pixel_graph_height',
    'csr_to_nbgraph',
    'distance_with_height',
    'make_degree_image',
    'nx_to_skeleton',
    'pixel_graph',
    'sholl_analysis',
    'skeleton_to_csgraph',
    'skeleton_to_nx',
    'submatrix',
    'summarize',
]


def __getattr__(name: str) -> Any:
    from .._former_names import find

    return find(__name__, name)
