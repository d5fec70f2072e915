"""Pixel graphs, their branches, and the table of them: skan's ``csr`` module by skan's names."""

from ._nbgraph import NBGraph, NBGraphBase, NBGraphBool, csr_to_nbgraph
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
    '_mst_junctions',
    '_weighted_abs_diff',
    '_write_pixel_graph',
    '_write_pixel_graph_height',
    'csr_to_nbgraph',
    'distance_with_height',
    'make_degree_image',
    'pixel_graph',
    'skeleton_to_csgraph',
    'submatrix',
    'summarize',
]
