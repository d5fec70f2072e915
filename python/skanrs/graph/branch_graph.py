"""The branch graph, whose nodes are junctions and endpoints, and its centre.

Cost of the centre: see ``src/branches/shortest_paths/centre.rs``; a tree takes
O(branches · log branches).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from skanrs import _core

if TYPE_CHECKING:
    import numpy.typing as npt

    from .skeleton import Skeleton

# The number of rows of distances, one number per node, in memory at the same time.
_ROWS = 100


def _simplify_graph(skel: Skeleton) -> tuple[Any, npt.NDArray[Any]]:
    """Contract the pixel graph of a skeleton to its branch graph.

    Parameters
    ----------
    skel : Skeleton
        The skeleton.

    Returns
    -------
    simp_csgraph : scipy.sparse.csr_matrix, shape (n, n)
        The branch graph. An entry is the length of the branch between two nodes, the shortest of
        parallel ones; the diagonal has twice the length of the shortest branch that returns
        to its node. Without junctions, the pixel graph itself.
    reduced_nodes : array of int, shape (n,)
        The pixel of each node.
    """
    if not np.any(skel.degrees > 2):
        return skel.graph, np.arange(skel.graph.shape[0])
    paths = skel.paths
    sources = paths.indices[paths.indptr[:-1]]
    targets = paths.indices[paths.indptr[1:] - 1]
    lengths = skel.path_lengths()
    nodes, ends = np.unique(np.concatenate((sources, targets)), return_inverse=True)
    lower, upper = np.sort(ends.reshape(2, -1), axis=0)
    by_length = np.lexsort((lengths, upper, lower))
    lower, upper, lengths = lower[by_length], upper[by_length], lengths[by_length]
    shortest = np.append(True, (np.diff(lower) != 0) | (np.diff(upper) != 0))
    half = sparse.coo_matrix(
        (lengths[shortest], (lower[shortest], upper[shortest])), shape=(len(nodes), len(nodes))
    ).tocsr()
    return (half + half.T).tocsr(), nodes


def _fast_graph_center_idx(skel: Skeleton) -> Any:
    """Find the geodesic centre of a skeleton.

    Parameters
    ----------
    skel : Skeleton
        The skeleton.

    Returns
    -------
    original_center_idx : int
        The pixel, among the nodes of the branch graph, whose distances to all other nodes have the
        smallest sum. Of several skeletons the one with the most nodes counts. Of equal sums, as
        scikit-image's ``central_pixel`` adds them up, the first.

    Raises
    ------
    ValueError
        If the skeleton has no pixels, or if its branches are so long that sums of distances would
        not be finite.
    """
    from scipy.sparse import csgraph

    graph, pixels = _simplify_graph(skel)
    if not len(pixels):
        raise ValueError('skeleton: expected at least one pixel to find its centre, got none')
    upper = sparse.triu(graph, 1, format='coo')
    candidates = _core.graph_centres(
        len(pixels), upper.row.astype(np.uint32), upper.col.astype(np.uint32), upper.data
    )
    sums = []
    if len(candidates) > 1:
        for first in range(0, len(candidates), _ROWS):
            batch = candidates[first : first + _ROWS]
            rows = csgraph.dijkstra(graph, directed=False, indices=batch)
            # Row by row in memory, so that numpy adds in the order in which scikit-image has it.
            sums.append(np.ascontiguousarray(rows[:, np.isfinite(rows[0])]).sum(axis=1))
    return pixels[candidates[np.argmin(np.concatenate(sums)) if sums else 0]]
