"""What `make bench` measures: one row for each line of its table."""

from dataclasses import dataclass

import numpy as np
from gray_files import gray_image

from skanrs.datasets import balls, touching_labels, vessel_tree

THINNING = ('skanrs', 'scikit-image', 'gaara', 'itk-thickness3d', 'kimimaro')


@dataclass(frozen=True)
class Row:
    """A comparison of sides that do the same work on the same input."""

    title: str
    work: str
    sides: tuple[str, ...]
    volume: str
    """What `volume` makes, before a size."""
    size: int
    repeats: int = 3
    threads: tuple[int, ...] = ()
    """How many threads skanrs takes, each a side of its own; as many as asked if empty."""
    skeleton: bool = False
    """Whether the input is the skeleton of the volume."""


def _tree(size, skeleton=False):
    kind = 'tree' if size < 1000 else 'large tree'
    return {'volume': kind, 'size': size, 'skeleton': skeleton}


# All rows take half an hour. ITK takes a minute and more at 512³, so it has two rows, kimimaro one.
ROWS = {
    'thinning-256': Row('skeletonize, tree', 'lee', THINNING, **_tree(256), repeats=5),
    'thinning-512': Row('skeletonize, tree', 'lee', THINNING[:4], **_tree(512)),
    'thinning-1000': Row('skeletonize, tree', 'lee', THINNING[:3], **_tree(1000)),
    'balls-512': Row('skeletonize, solid balls', 'lee', THINNING[:3], 'balls', 512),
    'sparse-512': Row('skeletonize, sparse', 'lee', THINNING[:3], 'sparse', 512),
    'threads-512': Row(
        'skeletonize, one thread and two', 'lee', ('skanrs',), 'tree', 512, 5, threads=(1, 2)
    ),
    'threads-1000': Row(
        'skeletonize, one thread and two', 'lee', ('skanrs',), 'large tree', 1000, 3, threads=(1, 2)
    ),
    'zhang-4096': Row('skeletonize 2D, zhang', 'zhang', THINNING[:2], 'plane', 4096),
    'lee-4096': Row('skeletonize 2D, lee', 'lee', THINNING[:2], 'plane', 4096),
    'table-256': Row(
        'Skeleton + summarize', 'table', ('skanrs', 'skan'), **_tree(256, True), repeats=7
    ),
    'table-512': Row(
        'Skeleton + summarize', 'table', ('skanrs', 'skan'), **_tree(512, True), repeats=5
    ),
    'table-1000': Row(
        'Skeleton + summarize', 'table', ('skanrs', 'skan'), **_tree(1000, True), repeats=3
    ),
    'mask-to-table-1000': Row(
        'mask to table', 'mask to table', ('skanrs', 'scikit-image + skan'), **_tree(1000),
    ),
    'labels-256': Row(
        'labels to table, neurites', 'labels to table', ('skanrs', 'scikit-image + skan'),
        'neurites', 256,
    ),
    'labels-teasar-256': Row(
        'labels to skeletons, neurites', 'labels', ('skanrs', 'kimimaro'), 'neurites', 256,
    ),
    'labels-loop-256': Row(
        'labels to skeletons, cells', 'labels', ('skanrs', 'loop with skanrs'), 'cells', 256,
    ),
    'gaussian-512': Row(
        'gaussian, sigma 1, float32', 'gaussian', ('skanrs', 'scipy', 'copy'), 'gray', 512,
    ),
    'otsu-512': Row('otsu, float32', 'otsu', ('skanrs', 'scikit-image'), 'gray', 512),
    'chunks-1000': Row(
        'mask to table in chunks of 250³', 'chunks', ('skanrs', 'dask blog'), **_tree(1000),
    ),
}  # fmt: skip


def volume(kind, size):
    """Return the mask of a row, smaller where a smaller size is asked for."""
    if kind in ('tree', 'large tree'):
        return vessel_tree((size,) * 3)
    if kind == 'balls':
        scale = size / 512
        return balls((size,) * 3, radius=(60 * scale, 100 * scale))
    if kind in ('neurites', 'cells'):
        # As many labels in each voxel as in 256³.
        count = {'neurites': 458, 'cells': 3397}[kind] * size**3 // 256**3
        filled = {'neurites': 0.99, 'cells': 0.65}[kind]
        is_long = kind == 'neurites'
        return touching_labels((size,) * 3, count=count, elongated=is_long, filled=filled)
    if kind == 'one label':
        return vessel_tree((size,) * 3).astype(np.int32)
    if kind == 'many cells':
        return _many_cells(size)
    if kind == 'sparse':
        return vessel_tree((size * 767 // 512, size, size), foreground=0.002, distance=60)
    if kind == 'gray':
        return gray_image(size)
    # Blobs of a few pixels, and lines between them.
    random = np.random.default_rng(0)
    plane = np.zeros((size, size), dtype=bool)
    ends = random.integers(0, size, (size // 2, 2))
    for y, x in ends:
        radius = int(random.integers(3, 25))
        plane[max(y - radius, 0) : y + radius, max(x - radius, 0) : x + radius] = True
        plane[y, :] |= random.random() < 0.05
        plane[:, max(x - 2, 0) : x + 2] |= random.random() < 0.02
    return plane


def _many_cells(size):
    """Return 4 x 4 x 4 times the same block of cells, each with labels of its own."""
    block = touching_labels((size // 4,) * 3, count=size**3 // 640_000, filled=0.65)
    labels = np.empty((4 * (size // 4),) * 3, np.int32)
    for number, place in enumerate(np.ndindex(4, 4, 4)):
        box = tuple(slice(at * (size // 4), (at + 1) * (size // 4)) for at in place)
        labels[box] = np.where(block, block + number * block.max(), 0)
    return labels
