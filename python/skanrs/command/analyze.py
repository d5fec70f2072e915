"""The main job: from an image file to its branch table, and the lines that sum it up.

Reading, smoothing, threshold, skeleton, graph, table, writing; outputs are written at the end, all
or not at all. Memory: the image, its mask (a byte for each voxel) and what the kernels take.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from skanrs import files, threshold

from .progress import Progress, peak_memory

if TYPE_CHECKING:
    import pandas as pd

__all__ = ['Report', 'analyze']

# skan's branch types 0 to 3, in words.
BRANCH_TYPES = (
    'endpoint to endpoint',
    'junction to endpoint',
    'junction to junction',
    'cycles',
)


@dataclass(frozen=True)
class Report:
    """What `analyze` found, did and wrote."""

    shape: tuple[int, ...]
    dtype: str
    spacing: tuple[float, ...]
    spacing_from: str
    sigma: tuple[float, ...] | None
    threshold: float | None
    threshold_from: str
    foreground: int
    skeleton_voxels: int
    networks: int
    branches_by_type: tuple[int, ...]
    total_length: float
    median_length: float
    seconds: dict[str, float]
    total_seconds: float
    peak_memory: int | None
    written: tuple[Path, ...]

    @property
    def voxels(self) -> int:
        """Number of voxels of the image."""
        return math.prod(self.shape)

    def lines(self) -> list[str]:
        """Return the summary that the command ends with."""
        share = self.foreground / max(self.voxels, 1)
        branches = sum(self.branches_by_type)
        found = self.threshold_from
        if self.threshold is not None:
            found = f'more than {self.threshold:.6g} ({found})'
        if self.sigma is not None:
            found += f', after smoothing with sigma {_numbers(self.sigma)}'
        types = ', '.join(
            f'{count:,} {words if count != 1 else words.removesuffix("s")}'
            for count, words in zip(self.branches_by_type, BRANCH_TYPES, strict=True)
        )
        slow = ', '.join(f'{name} {seconds:.2f}' for name, seconds in self.seconds.items())
        networks = '1 network' if self.networks == 1 else f'{self.networks:,} networks'
        lines = [
            f'image       {_numbers(self.shape)} voxels ({self.voxels:,}), {self.dtype}, '
            f'spacing {_numbers(self.spacing)} ({self.spacing_from})',
            f'foreground  {self.foreground:,} voxels, {share:.2%} of the image: {found}',
            f'skeleton    {self.skeleton_voxels:,} voxels',
            f'branches    {branches:,} in {networks}: {types}',
            f'length      {self.total_length:,.6g} in total, median {self.median_length:.4g}',
            f'time        {self.total_seconds:.2f} s ({slow})',
        ]
        if self.peak_memory is not None:
            lines.append(f'memory      {self.peak_memory / 1e6:,.0f} MB at the peak')
        lines.append('written     ' + ', '.join(str(path) for path in self.written))
        return lines


def analyze(
    source: Path,
    output: Path,
    *,
    spacing: Sequence[float] | None = None,
    threshold_value: float | Literal['otsu', 'none'] | None = None,
    sigma: Sequence[float] | None = None,
    method: str | None = None,
    skeleton_output: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Skeletonize the image in a file and write its branch table.

    Parameters
    ----------
    source : Path
        The image, see `skanrs.files.read_image`.
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
    skeleton_output : Path, optional
        The skeleton to write, .npy, .npz or .tif.
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
    from skanrs.csr import Skeleton, summarize
    from skanrs.thinning import skeletonize

    progress = progress or Progress(shown=False)
    spacing, sigma = _positive('spacing', spacing), _positive('sigma', sigma)
    if sigma is not None and threshold_value in (None, 'none'):
        raise ValueError('sigma: a smoothed image is gray; give a threshold too, a value or otsu')
    _check_outputs(source, output, skeleton_output)

    with progress.stage('reading'):
        image, spacing_in_file = files.read_image(source)
    shape, dtype = image.shape, image.dtype.name
    spacing_from = 'as given'
    if spacing is None:
        spacing_from = 'from the file' if spacing_in_file else 'none is known'
        spacing = _positive(f'spacing in {source}', spacing_in_file) or (1,)
    spacing = _for_each_axis('spacing', spacing, shape)
    if sigma is not None:
        sigma = _for_each_axis('sigma', sigma, shape)
        with progress.stage('smoothing'):
            image = threshold.smooth(image, sigma)
    with progress.stage('threshold'):
        mask, number = threshold.mask_of(image, threshold_value)
        foreground = int(np.count_nonzero(mask))
    del image
    with progress.stage('thinning'):
        skeleton = skeletonize(mask, method=method)
        skeleton_voxels = int(np.count_nonzero(skeleton))
    del mask
    with progress.stage('graph'):
        graph = Skeleton(skeleton, spacing=spacing)
    with progress.stage('table'):
        table = summarize(graph, separator='_')
    outputs = {output: files.table_writer(output, table)}
    if skeleton_output is not None:
        outputs[skeleton_output] = files.image_writer(skeleton_output, skeleton, spacing)
    with progress.stage('writing'):
        files.write_together(outputs)

    return Report(
        shape=shape,
        dtype=dtype,
        spacing=spacing,
        spacing_from=spacing_from,
        sigma=sigma,
        threshold=number,
        threshold_from=_how_found(threshold_value),
        foreground=foreground,
        skeleton_voxels=skeleton_voxels,
        **_measures(table),
        seconds=progress.seconds,
        total_seconds=progress.total,
        peak_memory=peak_memory(),
        written=tuple(outputs),
    )


def _measures(table: 'pd.DataFrame') -> dict[str, Any]:
    types = np.bincount(table['branch_type'], minlength=len(BRANCH_TYPES))
    lengths = table['branch_distance']
    return {
        'networks': int(table['skeleton_id'].nunique()),
        'branches_by_type': tuple(types.tolist()),
        'total_length': float(lengths.sum()),
        'median_length': float(lengths.median()) if len(lengths) else 0.0,
    }


def _how_found(threshold_value: float | str | None) -> str:
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


def _check_outputs(source: Path, output: Path, skeleton_output: Path | None) -> None:
    files.check_output(output, files.TABLE_SUFFIXES, 'tables')
    taken = [source, output]
    if skeleton_output is not None:
        files.check_output(skeleton_output, files.IMAGE_SUFFIXES, 'skeletons')
        taken.append(skeleton_output)
    if len({path.resolve() for path in taken}) < len(taken):
        raise files.FileError('the image, the table and the skeleton must be different files')


def _numbers(values: Sequence[float]) -> str:
    return ' x '.join(f'{value:g}' for value in values)
