"""The work for images that fit in memory: the image, its mask (a byte for each voxel), kernels."""

import numpy as np

from skanrs import threshold
from skanrs._support.progress import listening
from skanrs.files import Source

from .progress import Progress
from .work import Options, Result

__all__ = ['skeletonized']


def skeletonized(source: Source, options: Options, progress: Progress) -> Result:
    """Read an image as a whole and skeletonize it.

    Parameters
    ----------
    source : Source
        The image; it is closed as soon as it is read.
    options : Options
        What to do, and what is needed.
    progress : Progress
        Is told of the stages.

    Returns
    -------
    Result
    """
    with listening(progress):
        return _skeletonized(source, options, progress)


def _skeletonized(source: Source, options: Options, progress: Progress) -> Result:
    import skanrs

    with progress.stage('reading'):
        image = source.read()
    source.close()
    if options.sigma is not None:
        with progress.stage('smoothing'):
            image = threshold.smooth(image, options.sigma)
    with progress.stage('threshold'):
        rule = threshold.find_rule(threshold.parts_of(image), image.dtype, options.threshold)
        mask = rule(image)
        foreground = int(np.count_nonzero(mask))
        values = None
        if foreground in (0, mask.size):
            values = threshold.value_range(threshold.parts_of(image))
    del image
    with progress.stage('thinning'):
        skeleton = skanrs.skeletonize(
            mask, method=options.method, preserve_topology=options.preserve_topology
        )
    if options.prunes:
        with progress.stage('pruning'):
            skeleton = options.pruned(skeleton, mask)
    table = graph = radii = None
    if options.need_graph or (options.need_table and not options.radii):
        with progress.stage('graph'):
            graph = skanrs.Skeleton(skeleton, spacing=options.spacing, keep_images=False)
    if options.need_table:
        with progress.stage('table'):
            if options.radii:
                table = skanrs.analyze(mask, skeleton=skeleton, spacing=options.spacing)
            else:
                assert graph is not None
                table = skanrs.summarize(graph, separator='_')
    if graph is not None and options.need_graph and options.radii:
        with progress.stage('radii'):
            radii = skanrs.radii(graph, mask)
    return Result(
        rule=rule,
        foreground=foreground,
        skeleton=skeleton,
        skeleton_voxels=int(np.count_nonzero(skeleton)),
        values=values,
        table=table,
        graph=graph,
        radii=radii,
    )
