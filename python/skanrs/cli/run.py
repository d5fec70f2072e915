"""From an image file to what `skanrs analyze` and `skanrs skeletonize` write.

Reading, smoothing, threshold, skeleton, graph, table, writing. Images that fit the memory budget
are read whole (`in_memory`); others go block by block (`in_chunks`), to the same bytes. Outputs are
written all or not at all.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from skanrs import files
from skanrs._support.memory import free_memory, held_memory, peak_memory
from skanrs.files import AtomicOutputs, FileError, Source
from skanrs.files.packed_mask import PackedMask

from .progress import Progress
from .report import Branches, Report, warnings_of
from .work import Options, Result, Threshold

__all__ = ['Outputs', 'run']

# Of the memory that is free when the command starts, what it allows itself.
SHARE_OF_FREE = 0.8


@dataclass(frozen=True)
class Outputs:
    """What is to be written."""

    tables: tuple[Path, ...] = ()
    """Tables and graphs, see `skanrs.save_skeleton`."""
    skeleton: Path | None = None
    summary: Path | None = None
    report: Path | None = None

    def paths(self) -> tuple[Path, ...]:
        """Return all of them."""
        others = (self.skeleton, self.summary, self.report)
        return (*self.tables, *(path for path in others if path is not None))

    @property
    def need_graph(self) -> bool:
        """Whether the skeleton's voxels are needed, not only their table."""
        return self.report is not None or any(map(files.needs_geometry, self.tables))

    @property
    def need_table(self) -> bool:
        """Whether branches are needed at all."""
        return bool(self.tables or self.summary or self.report)

    def check(self, source: str) -> None:
        """Raise `FileError` where one of them cannot be written, before any long work."""
        tables = (*files.TABLE_SUFFIXES, *files.GRAPH_SUFFIXES)
        for path in self.tables:
            files.check_output(path, tables, 'outputs')
        if self.skeleton is not None:
            files.check_output(self.skeleton, files.IMAGE_SUFFIXES, 'skeletons')
        if self.summary is not None:
            files.check_output(self.summary, files.TABLE_SUFFIXES, 'summaries')
        if self.report is not None:
            files.check_output(self.report, files.REPORT_SUFFIXES, 'reports')
            files.need('matplotlib', self.report, extra='plot')
        taken = [Path(source), *self.paths()]
        if len({path.resolve() for path in taken}) < len(taken):
            raise FileError('the image and all that is written must be different files')


def run(
    source: str,
    outputs: Outputs,
    *,
    spacing: Sequence[float] | None = None,
    threshold: Threshold | Literal['otsu', 'none'] = None,
    sigma: Sequence[float] | None = None,
    method: str | None = None,
    preserve_topology: bool = False,
    radii: bool = True,
    prune_length: float | None = None,
    prune_ratio: float | None = None,
    channel: int | None = None,
    axes: str | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Skeletonize the image in a file and write what is asked for.

    Parameters
    ----------
    source : str
        The image, see `skanrs.open_image`.
    outputs : Outputs
        What to write.
    spacing : sequence of float, optional
        Size of a voxel, one number for all axes or one for each in the array's order. By default
        what stands in the file, else 1.
    threshold : float, 'otsu', 'none' or None
        See `skanrs.threshold.mask_of`.
    sigma : sequence of float, optional
        Smooth the image first; in voxels, one number for all axes or one for each.
    method : {'lee', 'zhang'}, optional
        See `skanrs.skeletonize`.
    preserve_topology : bool, optional
        See `skanrs.skeletonize`.
    radii : bool, optional
        Whether the table has radii and what follows from them, see `skanrs.analyze`.
    prune_length : float, optional
        Take branches with a free end that are shorter away first, see `skanrs.prune`.
    prune_ratio : float, optional
        Those that are shorter than this times the radius at their junction likewise.
    channel : int, optional
        See `skanrs.open_image`.
    axes : str, optional
        See `skanrs.open_image`.
    memory : int, optional
        Bytes that the process may hold; images that need more go in chunks. What is known of the
        skeleton and its branches is held nevertheless, and a warning says where that was too much.
        By default most of what is free.
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
    _positive('prune-length', None if prune_length is None else [prune_length])
    _positive('prune-ratio', None if prune_ratio is None else [prune_ratio])
    if sigma is not None and threshold in (None, 'none'):
        raise ValueError('sigma: a smoothed image is gray; give a threshold too, a value or otsu')
    outputs.check(source)
    allowed = memory
    if memory is None:
        memory = int(SHARE_OF_FREE * (free_memory() or 1 << 62)) + held_memory()
    with (
        files.open_source(source, channel=channel, axes=axes) as image,
        AtomicOutputs() as together,
    ):
        spacing_from = 'as given'
        if spacing is None:
            spacing_from = 'from the file' if image.spacing else 'none is known'
            spacing = image.spacing or (1,)
        options = Options(
            spacing=_for_each_axis('spacing', spacing, image.shape),
            threshold=threshold,
            sigma=None if sigma is None else _for_each_axis('sigma', sigma, image.shape),
            method=method,
            preserve_topology=preserve_topology,
            radii=radii,
            prune_length=prune_length,
            prune_ratio=prune_ratio,
            need_table=outputs.need_table,
            need_graph=outputs.need_graph,
        )
        in_chunks = needed_in_memory(image, options) > memory
        if in_chunks:
            from .in_chunks import skeletonized

            scratch = together.scratch(outputs.paths()[-1])
            result = skeletonized(image, options, memory, scratch, progress)
        else:
            from .in_memory import skeletonized as skeletonized_in_memory

            result = skeletonized_in_memory(image, options, progress)
        unit = image.unit if spacing_from == 'from the file' else None
        report = Report(
            source=source,
            shape=image.shape,
            dtype=image.dtype.name,
            axes=image.axes,
            spacing=options.spacing,
            spacing_from=spacing_from,
            unit=unit,
            sigma=options.sigma,
            threshold=result.rule.threshold,
            threshold_from=_how_found(threshold),
            foreground=result.foreground,
            prune_length=prune_length,
            prune_ratio=prune_ratio,
            skeleton_voxels=result.skeleton_voxels,
            branches=None if result.table is None else Branches.of(result.table),
            in_chunks=in_chunks,
            seconds=progress.seconds,
            total_seconds=progress.total,
            peak_memory=peak_memory(),
            warnings=(
                *image.warnings,
                *warnings_of(result, image.size, _how_found(threshold), options.sigma),
            ),
            written=outputs.paths(),
        )
        with progress.stage('writing'):
            _write(together, outputs, options, result, report)
    return report.at_the_end(progress.total, peak_memory(), allowed)


def _write(
    together: AtomicOutputs, outputs: Outputs, options: Options, result: Result, report: Report
) -> None:
    for path in outputs.tables:
        files.write_skeleton(
            together,
            path,
            result.table,
            result.graph,
            radii=result.radii,
            unit=report.unit,
            axes=report.axes_in_space,
        )
    if outputs.skeleton is not None:
        files.write_image(together, outputs.skeleton, result.skeleton, options.spacing, report.unit)
    if outputs.summary is None and outputs.report is None:
        return
    from skanrs import network_summary

    assert result.table is not None
    skeleton = result.skeleton
    summary = network_summary(
        result.table,
        skeleton=skeleton.as_dask() if isinstance(skeleton, PackedMask) else skeleton,
        shape=report.shape,
        spacing=options.spacing,
    )
    if outputs.summary is not None:
        together.write(outputs.summary, files.table_writer(outputs.summary, summary))
    if outputs.report is not None:
        from .html_report import write_report

        together.write(outputs.report, lambda file: write_report(file, report, result, summary))


def needed_in_memory(source: Source, options: Options) -> int:
    """Return the bytes that the process holds at the peak of working in memory, estimated."""
    voxels = source.size
    image = source.nbytes
    # A mask, its skeleton, and what the kernels and the graph take beside them.
    most = max(image + voxels, int(2.8 * voxels))
    if options.sigma is not None:
        wide = voxels * np.result_type(source.dtype, np.float32).itemsize
        most = max(most, image + 2 * wide, wide + 2 * voxels)
    return held_memory() + most


def _how_found(threshold: Threshold) -> str:
    if threshold is None:
        return 'the image is a mask'
    if threshold == 'none':
        return 'all that is not zero'
    return 'by otsu' if threshold == 'otsu' else 'as given'


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
