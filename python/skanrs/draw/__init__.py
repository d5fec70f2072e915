"""Pictures of skeletons and of their branch tables.

Matplotlib, plotly, networkx and scikit-image are imported by the functions that need them.
"""

from .overlays import (
    overlay_euclidean_skeleton_2d,
    overlay_skeleton_2d,
    overlay_skeleton_2d_class,
    overlay_skeleton_networkx,
    pipeline_plot,
    pixel_perfect_figsize,
    sholl_shells,
)
from .plotly_3d import skeleton_3d
from .tree_diagram import tree_diagram
from .violins import compare_violins

__all__ = [
    'compare_violins',
    'overlay_euclidean_skeleton_2d',
    'overlay_skeleton_2d',
    'overlay_skeleton_2d_class',
    'overlay_skeleton_networkx',
    'pipeline_plot',
    'pixel_perfect_figsize',
    'sholl_shells',
    'skeleton_3d',
    'tree_diagram',
]
