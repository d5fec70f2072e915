"""The work on label images, in memory: the skeletons of labels and their branches."""

from typing import Any

import numpy as np
import numpy.typing as npt

from skanrs.files import FileError, Source
from skanrs.threshold import Rule

from .companions import Companions
from .options import Options
from .progress import Progress
from .result import Result

__all__ = ['measure_labels_in_memory']


def measure_labels_in_memory(
    source: Source, options: Options, companions: Companions, progress: Progress
) -> Result:
    """Read a label image, skeletonize each label and measure its branches.

    Parameters
    ----------
    source : Source
        The image; it is closed as soon as it is read.
    options : Options
        The options, with spacing for each axis.
    companions : Companions
        Further images.
    progress : Progress
        Times and shows the stages.

    Returns
    -------
    Result

    Raises
    ------
    FileError
        If a label is not an integer.
    """
    from skanrs._image.labels import as_labels, find_labels, thin_labels
    from skanrs._image.spacing import as_spacing
    from skanrs.branches.measured import measure_labels
    from skanrs.thinning.method import method_of

    with progress.stage('reading'):
        image = source.read()
    source.close()
    with progress.stage('labels'):
        labels = as_labels(_as_integers(image, options.image), 'image', options.chosen_labels)
        counts = find_labels(labels).counts
        counts = counts[counts >= options.min_voxels]
    method = method_of(options.method, options.preserve_topology, image.ndim)
    with progress.stage('thinning'):
        skeleton = thin_labels(labels, method, options.min_voxels)
    if options.prunes:
        with progress.stage('pruning'):
            skeleton = options.prune(skeleton, labels.image.array)
    table = measured = None
    if options.need_table:
        intensity, regions = companions.read()
        with progress.stage('graph and radii' if options.radii else 'graph'):
            measured = measure_labels(
                as_labels(skeleton, 'skeleton', True),
                as_spacing(options.spacing, skeleton.ndim),
                labels if options.radii else None,
                min_voxels=options.min_voxels,
                include_tips=options.include_tips,
                intensity=intensity,
                regions=regions,
            )
        with progress.stage('table'):
            table = measured.table
    return Result(
        rule=Rule('nonzero'),
        foreground=int(counts.sum()),
        values=None,
        skeleton=skeleton,
        skeleton_voxels=int(np.count_nonzero(skeleton)),
        table=table,
        measured=measured,
        nodes=None if measured is None else measured.nodes,
        by_region=None if measured is None else measured.by_region,
        labels=labels,
        objects=counts.size,
    )


def _as_integers(image: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Return integers that are stored as floats in a type of integers."""
    if image.dtype.kind != 'f':
        return image
    is_integer = (np.abs(image) < 2.0**63) & (np.trunc(image) == image)
    if not is_integer.all():
        first = np.unravel_index(np.argmin(is_integer), image.shape)
        raise FileError(
            f'{name}: expected integers as labels, got {image[first]} at {tuple(map(int, first))}'
        )
    return image.astype(np.int64)
