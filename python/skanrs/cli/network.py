"""Nodes and images of branches of images that are read block by block."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .options import Options

if TYPE_CHECKING:
    import dask.array as da

    from skanrs.files import WritableImage

__all__ = ['count_in_planes', 'delayed_network']

# Planes that are counted at a time.
PLANES = 32


def delayed_network(
    mask: 'da.Array | None', skeleton: 'da.Array', options: Options, with_nodes: bool = True
) -> dict[str, Any]:
    """Return, delayed, the nodes and the images of branches that are wanted."""
    from skanrs._image.spacing import as_spacing
    from skanrs.branches.node_table import node_table_of_blocks
    from skanrs.branches.territory_blocks import number_voxels, prepare_territories
    from skanrs.radius.lazy import with_radii

    spacing = as_spacing(options.spacing, skeleton.ndim)
    delayed: dict[str, Any] = {}
    if with_nodes and options.need_nodes:
        assert mask is not None
        nodes = with_radii(node_table_of_blocks, skeleton, mask, options.spacing, False)
        delayed['nodes'] = nodes
    if options.territories is not None:
        assert mask is not None
        delayed['territories'] = prepare_territories(mask, skeleton, spacing)
    if options.branch_image is not None:
        delayed['branch_image'] = number_voxels(skeleton, spacing)
    return delayed


def count_in_planes(image: 'WritableImage', count: int) -> npt.NDArray[np.int64]:
    """Return how often each of the numbers below `count` occurs, some planes at a time."""
    from skanrs.branches.branch_numbers import count_numbers

    counts = np.zeros(count, dtype=np.int64)
    across = tuple(slice(0, length) for length in image.shape[1:])
    for start in range(0, image.shape[0], PLANES):
        planes = slice(start, min(start + PLANES, image.shape[0]))
        counts += count_numbers(image[(planes, *across)], count)
    return counts
