"""The main job: from an image file to its branch table, in memory or in chunks.

Reading, smoothing, threshold, skeleton, graph, table, writing. Images that fit the memory budget
are read whole (`_in_memory`); others go block by block (`skanrs.command.chunked`), to the same
bytes. Outputs are written all or not at all.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from skanrs import files, threshold
from skanrs.files import Source, Together
from skanrs.memory import free_memory, held_memory, peak_memory

from .progress import Progress
from .report import BRANCH_TYPES, Report

if TYPE_CHECKING:
    import pandas as pd

__all__ = ['Options', 'Result', 'analyze']

Threshold = float | Literal['otsu', 'none'] | None

# Of the memory that is free when the command starts, what it allows itself.
SHARE_OF_FREE = 0.8


@dataclass(frozen=True)
class Options:
    """How an image becomes a skeleton."""

    spacing: tuple[float, ...]
    threshold: Threshold = None
    sigma: tuple[float, ...] | None = None
    method: str | None = None


@dataclass(frozen=True)
class Result:
    """What either way finds."""

    table: 'pd.DataFrame'
    rule: threshold.Rule
    foreground: int
    skeleton_voxels: int
    skeleton: files.Mask | None
    """The skeleton: an array, or on the disk; there only if it is to be written."""


def analyze(
    source: str | Path,
    output: Path,
    *,
    spacing: Sequence[float] | None = None,
    threshold_value: Threshold = None,
    sigma: Sequence[float] | None = None,
    method: str | None = None,
    channel: int | None = None,
    skeleton_output: Path | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Skeletonize the image in a file and write its branch table.

    Parameters
    ----------
    source : str or Path
        The image, see `skanrs.open_image`.
    output : Path
        The table to write, .csv or .parquet.
    spacing : sequence of float, optional
        Size of a voxel, one number for all axes or one for each in the array's order. By default
        what stands in the file, else 1.
    threshold_value : float, 'otsu', 'none' or None
        See `skanrs.threshold.mask_of`.
    sigma : sequence of float, optional
        Smooth the image first; in voxels, one number for all axes or one for each.
    method : {'lee', 'zhang'}, optional
        See `skanrs.skeletonize`.
    channel : int, optional
        See `skanrs.open_image`.
    skeleton_output : Path, optional
        The skeleton to write, .npy, .npz, .tif or .zarr.
    memory : int, optional
        Bytes that the process may hold; images that need more go in chunks. By default most of
        what is free.
    progress : Progress, optional
        Is told of the stages.

    Returns
    -------
    Report

    Raises
    ------
    FileError
        If a file cannot be read or written.
    ValueError
        If an argument does not fit the image.
    """
    progress = progress or Progress(shown=False)
    spacing, sigma = _positive('spacing', spacing), _positive('sigma', sigma)
    if sigma is not None and threshold_value in (None, 'none'):
        raise ValueError('sigma: a smoothed image is gray; give a threshold too, a value or otsu')
    _check_outputs(source, output, skeleton_output)
    if memory is None:
        memory = int(SHARE_OF_FREE * (free_memory() or 1 << 62)) + held_memory()
    with files.open_source(source, channel=channel) as image, Together() as outputs:
        spacing_from = 'as given'
        if spacing is None:
            spacing_from = 'from the file' if image.spacing else 'none is known'
            spacing = _positive(f'spacing in {source}', image.spacing) or (1,)
        options = Options(
            spacing=_for_each_axis('spacing', spacing, image.shape),
            threshold=threshold_value,
            sigma=None if sigma is None else _for_each_axis('sigma', sigma, image.shape),
            method=method,
        )
        in_chunks = _needed_in_memory(image, options) > memory
        if in_chunks:
            from .chunked import run

            result = run(image, options, memory, skeleton_output, outputs, progress)
        else:
            result = _in_memory(image, options, progress)
        with progress.stage('writing'):
            outputs.write(output, files.table_writer(output, result.table))
            if skeleton_output is not None and result.skeleton is not None:
                files.write_image(outputs, skeleton_output, result.skeleton, options.spacing)
        return Report(
            shape=image.shape,
            dtype=image.dtype.name,
            spacing=options.spacing,
            spacing_from=spacing_from,
            sigma=options.sigma,
            threshold=result.rule.threshold,
            threshold_from=_how_found(threshold_value),
            foreground=result.foreground,
            skeleton_voxels=result.skeleton_voxels,
            **_measures(result.table),
            in_chunks=in_chunks,
            seconds=progress.seconds,
            total_seconds=progress.total,
            peak_memory=peak_memory(),
            written=tuple(path for path in (output, skeleton_output) if path is not None),
        )


def _in_memory(source: Source, options: Options, progress: Progress) -> Result:
    from skanrs.csr import Skeleton, summarize
    from skanrs.thinning import skeletonize

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
    del image
    with progress.stage('thinning'):
        skeleton = skeletonize(mask, method=options.method)
        skeleton_voxels = int(np.count_nonzero(skeleton))
    del mask
    with progress.stage('graph'):
        graph = Skeleton(skeleton, spacing=options.spacing)
    with progress.stage('table'):
        table = summarize(graph, separator='_')
    return Result(table, rule, foreground, skeleton_voxels, skeleton)


def _needed_in_memory(source: Source, options: Options) -> int:
    """Return the bytes that the process holds at the peak of `_in_memory`, estimated."""
    voxels = source.size
    image = source.nbytes
    # A mask, its skeleton, and what the kernels and the graph take beside them.
    most = max(image + voxels, int(2.8 * voxels))
    if options.sigma is not None:
        wide = voxels * np.result_type(source.dtype, np.float32).itemsize
        most = max(most, image + 2 * wide, wide + 2 * voxels)
    return held_memory() + most


def _measures(table: 'pd.DataFrame') -> dict[str, Any]:
    types = np.bincount(table['branch_type'], minlength=len(BRANCH_TYPES))
    lengths = table['branch_distance']
    return {
        'networks': int(table['skeleton_id'].nunique()),
        'branches_by_type': tuple(types.tolist()),
        'total_length': float(lengths.sum()),
        'median_length': float(lengths.median()) if len(lengths) else 0.0,
    }


def _how_found(threshold_value: Threshold) -> str:
    if threshold_value is None:
        return 'the image is a mask'
    if threshold_value == 'none':
        return 'all that is not zero'
    return 'by otsu' if threshold_value == 'otsu' else 'as given'


def _positive(name: str, values: Sequence[float] | None) -> tuple[float, ...] | None:
    if values is None:
        return None
    for value in values:
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f'{name}: each number must be positive and finite; one is {value:g}')
    return tuple(values)


def _for_each_axis(
    name: str, values: tuple[float, ...], shape: tuple[int, ...]
) -> tuple[float, ...]:
    if len(values) == 1:
        return values * len(shape)
    if len(values) != len(shape):
        raise ValueError(
            f'{name}: {len(values)} numbers came; 1 or {len(shape)} are needed, '
            f'for the image has shape {shape}'
        )
    return values


def _check_outputs(source: str | Path, output: Path, skeleton_output: Path | None) -> None:
    files.check_output(output, files.TABLE_SUFFIXES, 'tables')
    taken = [Path(source), output]
    if skeleton_output is not None:
        files.check_output(skeleton_output, files.IMAGE_SUFFIXES, 'skeletons')
        taken.append(skeleton_output)
    if len({path.resolve() for path in taken}) < len(taken):
        raise files.FileError('the image, the table and the skeleton must be different files')
