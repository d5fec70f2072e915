"""The connected component of each path of a skeleton."""

from __future__ import annotations

import numpy as np

from skanrs import _core
from skanrs._support.typing import Array

from .path_graph import index_arrays
from .skeleton import Skeleton


def path_components(skel: Skeleton) -> Array:
    """Return the component of each path, numbered by its first pixel; isolated pixels count."""
    traced = skel._still_traced()
    if traced is not None:
        # A copy, so that changes of a table leave the skeleton alone.
        return traced.components.copy()
    starts, nodes = skel.paths.indptr, skel.paths.indices
    components: Array = _core.components(*index_arrays(skel.graph.indptr, skel.graph.indices))
    if skel.graph.shape[0] <= np.iinfo(np.int32).max:
        # A graph of the caller's may have wide indices.
        components = components.astype(np.int32, copy=False)
    return components[nodes[starts[:-1]]]
