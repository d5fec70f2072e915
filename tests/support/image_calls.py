"""Calls of every public function that takes images, with the images that they are called with.

Tests make them with the same images as other arrays: of other libraries, not aligned, in blocks on
a cluster.
"""

from functools import partial

import dask
import numpy as np
import pandas as pd

import skanrs
from skanrs import csr, image_stats, pre, threshold
from skanrs.datasets import vessel_tree

MASK = vessel_tree((30, 34, 38), seed=1)
SKELETON = skanrs.skeletonize(MASK)
SPACING = (2.0, 0.5, 0.1)
TABLE = skanrs.analyze(MASK, spacing=SPACING)
TERRITORIES = skanrs.territories(MASK, SKELETON, spacing=SPACING)
INTENSITY = np.random.default_rng(0).integers(0, 200, MASK.shape, np.uint8) + 50 * MASK
REGIONS = np.indices(MASK.shape)[1].astype(np.uint8) // 12
ARRAYS = {
    'mask': MASK,
    'skeleton': SKELETON,
    'territories': TERRITORIES,
    'intensity': INTENSITY,
    'regions': REGIONS,
}


def thin_whole(block):
    """Thin an image as its only chunk."""
    chunk = skanrs.thin_chunk(block, offset=(0, 0, 0), shape=MASK.shape)
    return chunk.finish(skanrs.merge_thinned([chunk]))


def of_labels(function, territories, **options):
    """Call a function with a label image."""
    return function(territories, labels=True, **options)


IMAGES = {
    'skeletonize': (skanrs.skeletonize, 'image'),
    'clean': (partial(skanrs.clean, min_size=20), 'mask'),
    'prune': (partial(skanrs.prune, min_length=1.5), 'skeleton'),
    'prune by radius': (partial(skanrs.prune, max_radius_ratio=1.5), 'skeleton', 'mask'),
    'prune by bulge': (partial(skanrs.prune, max_bulge=1.5), 'skeleton', 'mask'),
    'radius_image': (skanrs.radius_image, 'skeleton', 'mask'),
    'territories': (skanrs.territories, 'mask', 'skeleton'),
    'branch_image': (skanrs.branch_image, 'skeleton'),
    'make_degree_image': (csr.make_degree_image, 'skeleton_image'),
    'open_loops': (partial(skanrs.open_loops, cut='thinnest'), 'skeleton', 'mask'),
    'open_loops at the shortest': (partial(skanrs.open_loops, cut='shortest'), 'skeleton'),
    'skeletonize labels': (
        lambda territories: skanrs.skeletonize(territories, labels=True),
        'territories',
    ),
    'gaussian': (lambda intensity: skanrs.gaussian(intensity, (1, 2, 0)), 'intensity'),
}
TABLES = {
    'analyze': (skanrs.analyze, 'mask'),
    'analyze a skeleton': (skanrs.analyze, 'mask', 'skeleton'),
    'summarize': (partial(skanrs.summarize, separator='_'), 'skel'),
    'nodes': (skanrs.nodes, 'mask'),
    'nodes of a skeleton': (skanrs.nodes, 'mask', 'skeleton'),
    'network_summary': (partial(skanrs.network_summary, TABLE), 'skeleton'),
    'counted_volume': (
        lambda territories, **options: skanrs.counted_volume(territories, TABLE, **options),
        'territories',
    ),
    'intensity': (skanrs.analyze, 'mask', 'intensity'),
    'regions': (lambda **images: skanrs.analyze(**images)[0], 'mask', 'regions'),
    'by region': (
        lambda **images: skanrs.analyze(**images)[1],
        'mask',
        'skeleton',
        'intensity',
        'regions',
    ),
    'summarize labels': (
        lambda territories, **options: skanrs.summarize(
            territories, labels=True, separator='_', **options
        ),
        'territories',
    ),
}
OTHERS = {
    'centrelines': (lambda **images: skanrs.centrelines(**images)[0], 'mask'),
    'Skeleton': (lambda **images: skanrs.Skeleton(**images).path_lengths(), 'skeleton_image'),
    'otsu': (lambda intensity: skanrs.otsu(intensity), 'intensity'),
    'analyze labels': (partial(of_labels, skanrs.analyze), 'territories'),
    'nodes of labels': (partial(of_labels, skanrs.nodes), 'territories'),
    'centrelines of labels': (
        lambda territories, **options: of_labels(skanrs.centrelines, territories, **options)[0],
        'territories',
    ),
    'prune labels': (
        lambda territories, **options: skanrs.prune(
            skanrs.skeletonize(territories, labels=True),
            max_radius_ratio=1.5,
            mask=territories,
            labels=True,
            **options,
        ),
        'territories',
    ),
    'radius_image of labels': (
        lambda territories, **options: skanrs.radius_image(
            skanrs.skeletonize(territories, labels=True), territories, labels=True, **options
        ),
        'territories',
    ),
}
IN_MEMORY = {
    'skeleton_to_csgraph': (lambda **images: csr.skeleton_to_csgraph(**images)[0].data, 'skel'),
    'chunk_graph': (
        lambda **images: skanrs.summarize(
            skanrs.chunk_graph(**images, offset=(0, 0, 0), shape=MASK.shape), separator='_'
        ).to_numpy(),
        'block',
    ),
    'thin_chunk': (thin_whole, 'block'),
    'pixel_graph': (lambda **images: csr.pixel_graph(**images)[0].data, 'image', 'mask'),
    'source_image': (
        lambda intensity: skanrs.Skeleton(SKELETON, source_image=intensity).path_means(),
        'intensity',
    ),
    'image_summary': (
        lambda **images: image_stats.image_summary(**images).drop(columns='scale'),
        'skeleton',
    ),
    'mesh_sizes': (image_stats.mesh_sizes, 'skeleton'),
    'pre.threshold': (lambda intensity: pre.threshold(intensity, sigma=1), 'intensity'),
}
REFUSE_DASK = {
    'radii': (skanrs.radii, 'skeleton', 'mask'),
    'threshold.smooth': (lambda intensity: threshold.smooth(intensity, 1), 'intensity'),
    'otsu_threshold': (lambda intensity: threshold.otsu_threshold(intensity), 'intensity'),
    'mask_of': (lambda intensity: threshold.mask_of(intensity, 'otsu')[0], 'intensity'),
}
CASES = IMAGES | TABLES | OTHERS | IN_MEMORY | REFUSE_DASK
HAVE_NO_SPACING = {
    'skeletonize', 'clean', 'make_degree_image', 'thin_chunk', 'skeletonize labels', 'gaussian',
    'otsu', 'source_image', 'mesh_sizes', 'pre.threshold', 'threshold.smooth', 'otsu_threshold',
    'mask_of',
}  # fmt: skip


def name_of(parameter):
    """Return the name of the image that a parameter takes."""
    if parameter in ARRAYS:
        return parameter
    return 'mask' if parameter in ('image', 'block') else 'skeleton'


def computed(result):
    """Return a result in memory, without the index of partitions."""
    result = dask.compute(result)[0]
    if isinstance(result, (pd.DataFrame, pd.Series)):
        return result.reset_index(drop=True)
    return np.asarray(result)
