"""Thinning: from a binary image to its skeleton, voxel for voxel as scikit-image does it.

`skeletonize` takes arrays in memory and dask arrays. `thin_chunk`, `merge_thinned` and
`ThinnedChunk.finish` are its steps for the blocks of a dask array, for use in other loops.
"""

from .chunks import MergedThinning, ThinnedChunk, merge_thinned, thin_chunk
from .skeletonize import skeletonize, skeletonize_3d

__all__ = [
    'MergedThinning',
    'ThinnedChunk',
    'merge_thinned',
    'skeletonize',
    'skeletonize_3d',
    'thin_chunk',
]
