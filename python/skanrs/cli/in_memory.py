"""The work on images that fit in memory: the image, its mask (one byte per voxel), the kernels."""

import numpy as np

from skanrs import threshold
from skanrs.files import Source

from .companions import Companions
from .options import Options
from .progress import Progress
from .result import Removed, Result

__all__ = ['measure_in_memory']


def measure_in_memory(
    source: Source, options: Options, companions: Companions, progress: Progress
) -> Result:
    """Read a whole image, skeletonize it and measure its branches.

    Parameters
    ----------
    source : Source
        The image; it is closed as soon as it is read.
    options : Options
        The options, with spacing and sigma for each axis.
    companions : Companions
        Further images.
    progress : Progress
        Times and shows the stages.

    Returns
    -------
    Result
    """
    import skanrs
    from skanrs._image.image import as_image
    from skanrs._image.masks import as_mask
    from skanrs._image.spacing import as_spacing
    from skanrs.branches.measured import measure
    from skanrs.cleaning.clean import clean_whole
    from skanrs.cleaning.surfaces import count_cavities

    with progress.stage('reading'):
        gray = source.read()
    source.close()
    image: threshold.Part = gray
    stage = 'threshold' if options.sigma is None else 'smoothing and threshold'
    with progress.stage(stage):
        if options.sigma is not None:
            image = threshold.smoothed(gray, options.sigma)
        rule = threshold.find_rule(threshold.parts_of(image), image.dtype, options.threshold)
        mask = rule(image)
        foreground = int(np.count_nonzero(mask))
        values = None
        if foreground in (0, mask.size):
            values = threshold.value_range(threshold.parts_of(image))
    del gray, image
    cleaned = None
    if not options.cleaning.changes_nothing:
        with progress.stage('cleaning'):
            mask, cleaned = clean_whole(mask, options.cleaning)
    with progress.stage('thinning'):
        skeleton = skanrs.skeletonize(
            mask, method=options.method, preserve_topology=options.preserve_topology
        )
    skeleton_image, removed = as_image(skeleton, 'skeleton'), None
    nodes = skeleton_image.nodes()
    if options.prunes:
        with progress.stage('pruning'):
            skeleton = options.prune(skeleton, mask)
            skeleton_image, before = as_image(skeleton, 'skeleton'), nodes
            nodes = skeleton_image.nodes()
            removed = Removed.of(before, nodes, skeleton.shape)
    table = measured = None
    if options.need_table:
        intensity, regions = companions.read()
        with progress.stage('graph and radii' if options.radii else 'graph'):
            measured = measure(
                skeleton_image,
                as_spacing(options.spacing, skeleton.ndim),
                as_mask(mask) if options.radii else None,
                include_tips=options.include_tips,
                intensity=intensity,
                regions=regions,
            )
        with progress.stage('table'):
            table = measured.table
    territories = branch_image = None
    if options.territories is not None:
        assert table is not None
        with progress.stage('territories'):
            territories = skanrs.territories(mask, skeleton, spacing=options.spacing)
            volumes = skanrs.counted_volume(territories, table, spacing=options.spacing)
            table['counted_volume'] = volumes
    if options.branch_image is not None:
        branch_image = skanrs.branch_image(skeleton, spacing=options.spacing)
    return Result(
        rule=rule,
        foreground=foreground,
        skeleton=skeleton,
        skeleton_voxels=nodes.size,
        values=values,
        cleaned=cleaned,
        removed=removed,
        cavities=count_cavities(nodes, skeleton.shape),
        table=table,
        measured=measured,
        nodes=None if measured is None else measured.nodes,
        by_region=None if measured is None else measured.by_region,
        territories=territories,
        branch_image=branch_image,
    )
