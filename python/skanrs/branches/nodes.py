"""The nodes of a network: its junctions and tips.

Source: ``src/network/nodes.rs``. Cost: that of the graph and of the radii; what comes after is
linear in the ends of branches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy.typing as npt
import pandas as pd

from skanrs._image.array_types import takes_images
from skanrs._image.dask_arrays import is_dask_array, refuse_mixture
from skanrs._image.labels import Labels, with_labels
from skanrs._support import progress

from .bodies import body_of_arrays, body_of_label_arrays, delay_with_body
from .node_table import empty_node_table, node_table, node_table_of_blocks

if TYPE_CHECKING:
    import dask.array as da
    import dask.dataframe as dd

__all__ = ['nodes']


@overload
def nodes(
    mask: da.Array,
    *,
    spacing: npt.ArrayLike = ...,
    skeleton: da.Array | None = ...,
    border_is_background: bool = ...,
    labels: Labels = ...,
    min_voxels: int = ...,
) -> dd.DataFrame: ...
@overload
def nodes(
    mask: npt.ArrayLike,
    *,
    spacing: npt.ArrayLike = ...,
    skeleton: npt.ArrayLike | None = ...,
    border_is_background: bool = ...,
    labels: Labels = ...,
    min_voxels: int = ...,
) -> pd.DataFrame: ...
@takes_images('mask', 'skeleton')
def nodes(
    mask: Any,
    *,
    spacing: npt.ArrayLike = 1,
    skeleton: Any = None,
    border_is_background: bool = False,
    labels: Labels = False,
    min_voxels: int = 1,
) -> Any:
    """Return the nodes of a network, its junctions and tips, a row for each.

    Parameters
    ----------
    mask : array_like or dask array, 2 or 3 axes
        The object: booleans, or numbers with at most one nonzero value.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis.
    skeleton : array_like or dask array, shape of `mask`, optional
        The skeleton; by default `skanrs.skeletonize` makes it. A dask array has the chunks of
        `mask`.
    border_is_background : bool, optional
        Whether what lies outside the image is background, for the radii.
    labels, min_voxels : optional
        For label images; see `skanrs.analyze`.

    Returns
    -------
    nodes : pandas.DataFrame, or dask.dataframe.DataFrame for a dask array
        Sorted by ``node_id``, to which ``node_src`` and ``node_dst`` of `skanrs.analyze` refer. A
        lazy table has one partition.

        - With `labels`, the first column is ``label``. Rows are in its order, and ``node_id``
          counts through all labels.
        - ``node_id``: from 0, in the order of the smallest linear index of a node's voxels, so that
          it is the same for any chunks; ``skeleton_id``: the connected component.
        - ``degree``: how many ends of branches lie at the node. 1: a tip; 3 or more: a junction;
          2: where a cycle without junctions starts, or a cluster that two branches pass.
        - ``radius``: the distance to the background at the voxel of the node, see `skanrs.radii`.
        - ``image_coord_*``: the voxel of the node, which is the one nearest to the centroid;
          ``coord_*``: the centroid of its voxels, in units of the spacing.
        - ``touches_border``: whether the object reaches the border of the image there;
          ``border_faces``: which faces, the sum of 1 (first) and 2 (last) of the first axis, 4 and
          8 of the second, 16 and 32 of the third.

    Raises
    ------
    ValueError
        If `mask` is neither 2D nor 3D or has more than two values, if `skeleton` has another shape
        or other chunks or voxels outside the mask, if `spacing` makes no sense, or if `min_voxels`
        is given with `skeleton`.
    TypeError
        If elements are not real numbers, or one of the arrays is a dask array and the other not.

    See Also
    --------
    skanrs.analyze : The branches between the nodes.
    skanrs.to_networkx : Makes a graph of nodes and branches.

    Notes
    -----
    A junction voxel has three neighbours or more. Junction voxels that touch are one node if three
    branches or more end at one of them. Branches inside such a cluster have ``in_junction`` in the
    table of `skanrs.analyze` and count for no degree.

    A node touches a face if all voxels from its own straight to the face are foreground, and the
    way is at most twice its radius: the end of a tube that the border cuts off lies about a radius
    inside.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> mask = np.zeros((40, 40), dtype=bool)
    >>> mask[18:21, 2:38] = mask[2:38, 18:21] = True
    >>> nodes = skanrs.nodes(mask)
    >>> nodes[['node_id', 'degree', 'radius', 'coord_0', 'coord_1']].round(3)
       node_id  degree  radius  coord_0  coord_1
    0        0       1   1.000      2.0     19.0
    1        1       4   2.828     19.0     19.0
    2        2       1   1.000     18.0     36.0
    3        3       1   1.000     19.0      2.0
    4        4       1   2.000     35.0     19.0
    """
    refuse_mixture(skeleton, mask)
    if with_labels(labels, min_voxels):
        if is_dask_array(mask):
            return _delay_nodes_of_labels(
                {'mask': mask, 'skeleton': skeleton},
                spacing=spacing,
                border_is_background=border_is_background,
                labels=labels,
                min_voxels=min_voxels,
            )
        chosen = labels, min_voxels
        with progress.call('nodes'):
            body = body_of_label_arrays(mask, skeleton, *chosen, spacing, border_is_background)
            return node_table(body)
    arguments = mask, skeleton, spacing, border_is_background
    if is_dask_array(mask):
        import dask.dataframe as dd

        return dd.from_delayed(
            [delay_with_body(node_table_of_blocks, *arguments)],
            meta=empty_node_table(mask.ndim),
            prefix='nodes',
            verify_meta=False,
        )
    with progress.call('nodes'):
        return node_table(body_of_arrays(*arguments))


def _delay_nodes_of_labels(arrays: dict[str, Any], **options: Any) -> Any:
    import dask.dataframe as dd

    from skanrs._blocks.whole import delay_with_whole, empty_arrays

    return dd.from_delayed(
        [delay_with_whole(nodes, arrays, **options)],
        meta=nodes(**empty_arrays(arrays), **options),
        prefix='nodes',
        verify_meta=False,
    )
