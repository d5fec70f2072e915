"""From an image file to the outputs of `skanrs analyze` and `skanrs skeletonize`.

Reading, smoothing, threshold, skeleton, graph, table, writing. Masks that fit the memory budget,
a bit per voxel, are thinned whole (`in_memory`); others go block by block (`in_chunks`), to the
same bytes. Each output is complete or absent; what is known before the work to make it impossible
is refused before it.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skanrs import files
from skanrs._gray.parts import FARTHEST
from skanrs._support.memory import free_memory, held_memory, peak_memory, size_in_words
from skanrs.files import AtomicOutputs, FileError, Source
from skanrs.files.packed_mask import PackedMask
from skanrs.files.recipe import recipe_writer, to_toml
from skanrs.files.units import in_unit
from skanrs.smoothing import margin
from skanrs.threshold import Rule

from .companions import open_companions
from .options import Options, Threshold
from .progress import Progress
from .report import Branches, Report, axes_in_space, foreground_of, warnings_of
from .result import Result

if TYPE_CHECKING:
    from skanrs.branches.network_on_disk import NetworkOnDisk

__all__ = ['run']

# The part of the free memory at the start that the command uses unless told otherwise.
SHARE_OF_FREE = 0.8
# Bytes per voxel of a packed mask, and of the work on it: mask, kernels, and graph.
PACKED = 1 / 8
PACKED_WORK = 0.6


def run(options: Options, progress: Progress, *, unit: str | None = None) -> Report:
    """Skeletonize the image in a file and write the outputs.

    Parameters
    ----------
    options : Options
        What to read, to compute and to write.
    progress : Progress
        Times and shows the stages.
    unit : str, optional
        The unit of length of the outputs, if that of the file can be converted to it.

    Returns
    -------
    Report

    Raises
    ------
    FileError
        If a file cannot be read or written.
    ValueError
        If an option does not fit the image.
    """
    recipe = options.recipe
    memory = options.memory
    if memory is None:
        memory = int(SHARE_OF_FREE * (free_memory() or 1 << 62)) + held_memory()
    with (
        files.open_source(
            options.image,
            channel=options.channel,
            axes=options.axes,
            time=options.single_time,
            level=options.level,
        ) as image,
        ExitStack() as opened,
        AtomicOutputs(keep_going=True) as out,
    ):
        if options.spacing:
            spacing, spacing_from, unit = options.spacing, 'as given', None
        elif image.spacing:
            spacing, unit = in_unit(image.spacing, image.unit, unit)
            spacing_from = 'from the file'
        else:
            spacing, spacing_from, unit = (1,), 'none is known', None
        options = options.for_shape(image.shape, spacing)
        if options.color_by is not None:
            from .scene import check_color_by

            check_color_by(options, len(image.shape))
        if options.root is not None:
            from skanrs.branches.root import as_place

            with _named_root():
                as_place(options.root, len(image.shape))
        axes = axes_in_space(image.axes)
        for path in options.output:
            try:
                files.check_skeleton(path, len(image.shape), unit=unit, axes=axes)
            except ValueError as error:
                raise ValueError(f'{path}: {error}') from None
        companions = opened.enter_context(open_companions(options, image.shape))
        _check_inputs_stay(options.outputs, [image, *filter(None, companions)])
        needed = needed_in_memory(image, options) + companions.nbytes
        in_chunks = image.size > 0 and needed > memory
        if options.labels:
            from .of_labels import measure_labels_in_memory

            if in_chunks:
                raise ValueError(
                    f'labels: expected a label image that fits in {size_in_words(memory)}, since'
                    f' it is read whole, got one that needs {size_in_words(needed)}; raise --memory'
                )
            result = measure_labels_in_memory(image, options, companions, progress)
        elif in_chunks:
            from .in_chunks import measure_in_chunks

            scratch = out.scratch(options.outputs[-1])
            result = measure_in_chunks(image, options, companions, memory, scratch, progress)
        else:
            from .in_memory import measure_in_memory

            held = held_memory() + companions.nbytes + PACKED * image.size
            spare = int(memory - held)
            result = measure_in_memory(image, options, companions, spare, progress)
        if options.root is not None and result.table is not None and result.nodes is not None:
            from skanrs import root

            with _named_root():
                rooted = root(result.table, result.nodes, at=options.root)
            result = dataclasses.replace(result, table=rooted)
        branches = network = None
        if result.rows is not None:
            from skanrs.branches.network_on_disk import NetworkOnDisk

            from .rows import write_rows

            if options.summary is not None:
                network = NetworkOnDisk(scratch / 'network', len(image.shape))
            with progress.stage('table'):
                branches = write_rows(
                    out,
                    options.output,
                    result.rows,
                    scratch,
                    to_toml(recipe),
                    lines=result.lines_on_disk,
                    nodes=result.nodes_on_disk,
                    unit=unit,
                    axes=axes,
                    also=[] if network is None else [network.add],
                )
        elif result.table is not None:
            branches = Branches.of(result.table)
        threshold_from = 'labels' if options.labels else _how_found(options.threshold, result.rule)
        report = Report(
            source=options.image,
            shape=image.shape,
            dtype=image.dtype.name,
            axes=image.axes,
            spacing=options.spacing,
            spacing_from=spacing_from,
            unit=unit,
            sigma=options.sigma,
            threshold=result.rule.threshold,
            threshold_from=threshold_from,
            foreground=result.foreground,
            cleaned=result.cleaned,
            prune_length=options.prune_length,
            prune_ratio=options.prune_ratio,
            prune_bulge=options.prune_bulge,
            open_loops=options.open_loops,
            removed=None if result.removed is None else result.removed._asdict(),
            skeleton_voxels=result.skeleton_voxels,
            objects=result.objects,
            branches=branches,
            in_chunks=in_chunks,
            seconds=progress.seconds,
            total_seconds=progress.total,
            peak_memory=peak_memory(),
            warnings=(
                *image.warnings,
                *warnings_of(result, image.size, threshold_from, options.sigma),
            ),
            recipe=recipe,
            color_by=options.color_by,
            written=options.outputs,
        )
        with progress.stage('writing'):
            _write(out, options, result, report, network)
    return report.at_the_end(progress.total, peak_memory(), options.memory, out.failed)


@contextmanager
def _named_root() -> Iterator[None]:
    """Name the option in the errors of `skanrs.root`."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f'root: {str(error).removeprefix("at: ")}') from error


def _check_inputs_stay(outputs: Sequence[Path], sources: Sequence[Source]) -> None:
    """Raise `FileError` for an output that would replace an input or a part of it, as a slice."""
    for source in sources:
        read = {path.resolve() for path in source.paths()}
        # An array of zarr goes with any folder that it is in, and has files of its own.
        above = {folder for path in read for folder in path.parents}
        folders = {path for path in read if path.is_dir()}
        for output in outputs:
            target = output.resolve()
            if target in read | above or not folders.isdisjoint(target.parents):
                raise FileError(
                    f'{output}: expected an output that is not an input, got one of {source.name}'
                )


def _write(
    out: AtomicOutputs,
    options: Options,
    result: Result,
    report: Report,
    network: 'NetworkOnDisk | None',
) -> None:
    recipe = to_toml(report.recipe)
    # Rows on disk are written already.
    for path in options.output if result.rows is None else ():
        with out.attempt(path):
            files.write_skeleton(
                out,
                path,
                result.table,
                None if result.measured is None else result.measured.skeleton,
                unit=report.unit,
                axes=axes_in_space(report.axes),
                lines=result.lines if files.needs_geometry(path, options.radii) else None,
                nodes=result.nodes,
                recipe=recipe,
            )
    if options.skeleton is not None:
        assert result.skeleton is not None
        with out.attempt(options.skeleton):
            files.write_image(out, options.skeleton, result.skeleton, report.spacing, report.unit)
    for labels, image in (
        (options.territories, result.territories),
        (options.branch_image, result.branch_image),
    ):
        if labels is not None and image is not None:
            with out.attempt(labels):
                files.write_image(out, labels, image, report.spacing, report.unit)
    if options.save_recipe is not None:
        with out.attempt(options.save_recipe):
            out.write(options.save_recipe, recipe_writer(recipe))
    if options.nodes is not None:
        with out.attempt(options.nodes):
            if result.nodes_on_disk is not None:
                parts = result.nodes_on_disk.parts()
                out.write(options.nodes, files.parts_writer(options.nodes, parts, recipe))
            elif result.nodes is not None:
                out.write(options.nodes, files.table_writer(options.nodes, result.nodes, recipe))
    if options.angles is not None and result.nodes is not None:
        from skanrs import angles

        assert result.table is not None
        assert result.lines is not None
        pairs = angles(result.table, result.nodes, result.lines)
        with out.attempt(options.angles):
            out.write(options.angles, files.table_writer(options.angles, pairs, recipe))
    if options.by_region is not None and result.by_region is not None:
        with out.attempt(options.by_region):
            out.write(
                options.by_region, files.table_writer(options.by_region, result.by_region, recipe)
            )
    if options.summary is None and options.report is None:
        return
    whole: dict[str, Any] = {'spacing': report.spacing}
    if report.voxels:
        # Nothing has a density in an image without voxels.
        whole['shape'] = report.shape
    if network is not None and result.rows is not None:
        assert options.summary is not None
        whole |= {'isolated': result.rows.isolated, 'attrs': result.rows.attrs}
        with out.attempt(options.summary):
            summary = network.summary(loops=result.loops, **whole)
            out.write(options.summary, files.table_writer(options.summary, summary, recipe))
        return
    from skanrs import network_summary

    assert result.table is not None
    assert result.skeleton is not None
    skeleton: Any = result.skeleton
    if isinstance(skeleton, PackedMask):
        skeleton = skeleton.as_dask()
    elif result.measured is not None:
        skeleton = result.measured.skeleton
    if result.labels is not None:
        # Touching skeletons of labels are no networks of their voxels.
        skeleton = None
    summary = network_summary(result.table, skeleton=skeleton, **whole)
    objects = None
    if result.labels is not None and result.measured is not None:
        objects = network_summary(
            result.table,
            skeleton=result.measured.skeleton,
            labels=options.chosen_labels,
            mask=result.labels.image.array,
            min_voxels=options.min_voxels,
            **whole,
        )
    if options.summary is not None:
        rows = summary if objects is None else objects
        with out.attempt(options.summary):
            out.write(options.summary, files.table_writer(options.summary, rows, recipe))
    if options.report is not None:
        from .html_report import write_report

        with out.attempt(options.report):
            out.write(
                options.report,
                lambda file: write_report(file, report, result, summary, objects),
            )


def needed_in_memory(source: Source, options: Options) -> int:
    """Return an estimate of the peak memory in bytes if the whole mask is in memory."""
    voxels = source.size
    image = source.nbytes
    if options.labels:
        # Labels, those of the skeleton, the kernels and graph.
        return held_memory() + 2 * image + 2 * voxels
    from .masks import least_memory

    most = max(least_memory(source, options) + voxels // 8, int(PACKED_WORK * voxels))
    if options.sigma is not None and max(map(margin, options.sigma)) > FARTHEST:
        wide = voxels * np.result_type(source.dtype, np.float32).itemsize
        most = max(most, image + 2 * wide)
    if options.works_on_arrays:
        # Mask, skeleton, kernels and graph.
        most = max(most, int(2.8 * voxels))
    if options.cleans:
        # The mask, its background, labels, and the clean mask.
        most = max(most, 7 * voxels)
    return held_memory() + most


def _how_found(threshold: Threshold, rule: Rule) -> str:
    if threshold is None:
        return f'the image is a mask, {foreground_of(rule)}'
    if threshold == 'none':
        return 'all nonzero values'
    return 'by otsu' if threshold == 'otsu' else 'as given'
