"""The work on images whose masks fit in memory, a bit per voxel: the mask, the kernels."""

from contextlib import suppress
from importlib import import_module
from threading import Thread

import numpy as np

from skanrs.files import Source

from .companions import Companions
from .masks import packed_mask
from .options import Options
from .progress import Progress
from .result import Removed, Result

__all__ = ['measure_in_memory']


def measure_in_memory(
    source: Source, options: Options, companions: Companions, memory: int, progress: Progress
) -> Result:
    """Read an image, skeletonize it and measure its branches.

    Parameters
    ----------
    source : Source
        The image; it is closed as soon as its mask is made.
    options : Options
        The options, with spacing and sigma for each axis.
    companions : Companions
        Further images.
    memory : int
        Bytes that the image may take, apart from its mask.
    progress : Progress
        Times and shows the stages.

    Returns
    -------
    Result
    """
    if options.need_table:
        Thread(target=_import_ahead, args=(options.report is not None,)).start()
    packed, rule, values = packed_mask(source, options, memory, progress)
    source.close()
    import skanrs
    from skanrs._image.image import Image, as_image
    from skanrs._image.masks import as_mask
    from skanrs._image.packed import ListedImage, PackedImage
    from skanrs._image.spacing import as_spacing
    from skanrs.branches.measured import measure
    from skanrs.cleaning.clean import clean_whole
    from skanrs.cleaning.surfaces import find_walls
    from skanrs.pruning.prune import prune_by_length
    from skanrs.thinning.method import method_of

    foreground = packed.voxels
    mask: Image | PackedImage = packed
    cleaned = removed = None
    if options.works_on_arrays:
        array = packed.unpack()
        if not options.cleaning.changes_nothing:
            with progress.stage('cleaning'):
                array, cleaned = clean_whole(array, options.cleaning)
        with progress.stage('thinning'):
            whole = skanrs.skeletonize(
                array, method=options.method, preserve_topology=options.preserve_topology
            )
        if options.prunes:
            with progress.stage('pruning'):
                before = as_image(whole, 'skeleton').nodes()
                whole = options.prune(whole, array)
                removed = Removed.of(before, as_image(whole, 'skeleton').nodes(), whole.shape)
        mask = as_mask(array)
        skeleton = ListedImage(whole.shape, as_image(whole, 'skeleton').nodes())
    else:
        with progress.stage('thinning'):
            method = method_of(options.method, options.preserve_topology, packed.ndim)
            skeleton = packed.skeletonize(method, keep=options.radii)
        if options.prunes:
            assert options.prune_length is not None
            with progress.stage('pruning'):
                spacing = as_spacing(options.spacing, packed.ndim).floats
                nodes = skeleton.nodes()
                kept = prune_by_length(nodes, packed.shape, spacing, options.prune_length)
                skeleton = ListedImage(packed.shape, nodes[kept])
                removed = Removed.by_length(int(np.count_nonzero(~kept)))
    nodes = skeleton.nodes()
    table = measured = None
    if options.need_table:
        intensity, regions = companions.read()
        with progress.stage('graph and radii' if options.radii else 'graph'):
            measured = measure(
                skeleton,
                as_spacing(options.spacing, packed.ndim),
                mask if options.radii else None,
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
            territories = skanrs.territories(array, whole, spacing=options.spacing)
            volumes = skanrs.counted_volume(territories, table, spacing=options.spacing)
            table['counted_volume'] = volumes
    if options.branch_image is not None:
        branch_image = skanrs.branch_image(whole, spacing=options.spacing)
    return Result(
        rule=rule,
        foreground=foreground,
        skeleton=skeleton,
        skeleton_voxels=nodes.size,
        values=values,
        cleaned=cleaned,
        removed=removed,
        cavities=find_walls(nodes, skeleton.shape).cavities,
        table=table,
        measured=measured,
        nodes=None if measured is None else measured.nodes,
        by_region=None if measured is None else measured.by_region,
        territories=territories,
        branch_image=branch_image,
    )


def _import_ahead(draws: bool) -> None:
    """Import what makes tables and figures: it takes as long as smoothing a small image."""
    # What is missing is said where it is needed.
    with suppress(ImportError):
        import_module('skanrs.branches.measured')
        if draws:
            import_module('matplotlib.backends.backend_agg')
