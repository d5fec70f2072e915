"""Many images, one table: `skanrs analyze` on each, and the tables, summaries and a page of all.

Each image has its own table, summary, page and a JSON file in a folder. The JSON file is written
last and records the options and the state of the input: an image whose record fits is complete and
is not done again. One that fails does not stop the others. The outputs of the batch are made from
the files in the folder, so that they are the same after an interrupt.
"""

import argparse
import contextlib
import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import skanrs
from skanrs import files, get_num_threads, set_num_threads
from skanrs._support.memory import free_memory
from skanrs._support.reprs import counted
from skanrs.files import AtomicOutputs, FileError
from skanrs.files.recipe import recipe_writer, to_toml

from .argument_types import path as path_of
from .batch_inputs import BatchImage, find_images, hints_of_slices
from .options import Options
from .progress import Progress
from .run import SHARE_OF_FREE, run
from .texts import to_json

if TYPE_CHECKING:
    import pandas as pd

__all__ = ['EXIT_SOME_FAILED', 'run_batch']

EXIT_SOME_FAILED = 3
NO_UNITS = (
    'no image states a unit of length, and their spacings differ; all numbers are taken to be in '
    'one unit'
)


@dataclass(frozen=True)
class _Task:
    """What is to be done for an image."""

    options: Options
    unit: str | None
    """The unit of length of the whole batch."""
    record: Path
    """The JSON file that says that the image is complete."""
    state: dict[str, Any]
    """What the results depend on."""


def run_batch(arguments: argparse.Namespace) -> int:
    """Analyze several images and write the outputs of all; return the exit code."""
    images = find_images(
        arguments.image, each=arguments.each, group_by_folder=arguments.group_by_folder
    )
    options = Options.of(argparse.Namespace(**{**vars(arguments), 'image': images[0].path}))
    _check_is_shared(options)
    if options.threads is not None:
        set_num_threads(options.threads)
    folder = arguments.folder
    if folder is None:
        first = options.output[0]
        folder = first.with_name(f'{first.name.removesuffix(first.suffix)}_images')
    if folder.exists() and not folder.is_dir():
        raise FileError(f'{folder}: expected a folder, got a file')
    failed: dict[str, str] = {}
    images, states, units, axes = _open_all(options, images, failed)
    _check_columns(options, images, axes)
    unit = next((one for one in units.values() if one), None)
    tasks = {}
    for image in images:
        tasks[image.key] = _task(options, image, folder, states[image.key], unit)
    _check(options, arguments.image, images, tasks)
    folder.mkdir(parents=True, exist_ok=True)
    shown = sys.stderr.isatty() if options.progress is None else options.progress
    reports: dict[str, dict[str, Any]] = {}
    for name, task in tasks.items():
        record = _complete(task)
        if record is not None:
            reports[name] = record
    done = len(reports)
    left = {name: task for name, task in tasks.items() if name not in reports}
    try:
        for name, result in _work(left, arguments.jobs, shown):
            if isinstance(result, str):
                failed[name] = result
                print(f'skanrs: error: {name}: {result}', file=sys.stderr)
            else:
                reports[name] = result
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f'complete images are in {folder}, and the same command goes on from there'
        ) from None
    # In the order of the inputs, however long each took.
    kept = [image for image in images if image.key in reports]
    if not kept:
        # Nothing of it is to be kept.
        with contextlib.suppress(OSError):
            folder.rmdir()
        raise FileError(f'none of {counted(len(failed), "image")} could be analyzed')
    warnings = _warnings(options, kept, reports) + hints_of_slices(kept, reports)
    for name in reports:
        warnings += [f'{name}: {text}' for text in reports[name]['warnings']]
    for text in warnings:
        print(f'skanrs: warning: {text}', file=sys.stderr)
    unwritten = _write(options, kept, tasks, unit, warnings, failed)
    for text in unwritten:
        print(f'skanrs: error: {text}', file=sys.stderr)
    _print(options, kept, reports, failed, warnings, done, folder)
    if unwritten:
        return 2
    return EXIT_SOME_FAILED if failed else 0


def _check_is_shared(options: Options) -> None:
    """Raise `FileError` for files that only one image can have."""
    if options.skeleton is not None:
        raise FileError('--skeleton: expected one image, got several; use skanrs skeletonize')
    for name in ('territories', 'branch_image', 'intensity', 'regions'):
        if getattr(options, name) is not None:
            raise FileError(f'--{name.replace("_", "-")}: expected one image, got several')


def _check(
    options: Options,
    given: Sequence[str],
    images: Sequence[BatchImage],
    tasks: Mapping[str, _Task],
) -> None:
    """Raise `FileError` for options that several images cannot share."""
    for path in options.output:
        files.check_output(path, files.TABLE_SUFFIXES, 'tables of several images')
    inputs = {path_of(path).resolve() for path in (*given, *(image.path for image in images))}
    makers: dict[Path, str] = {}
    outputs = [(path, 'all images') for path in options.outputs]
    for key, task in tasks.items():
        outputs += [(path, key) for path in (*task.options.outputs, task.record)]
    for path, maker in outputs:
        if path.resolve() in inputs:
            raise FileError(f'{path}: expected an output that is not an input')
        other = makers.setdefault(path.resolve(), maker)
        if other != maker:
            raise FileError(f'{path}: expected a file for {maker}, got one for {other} too')


def _open_all(
    options: Options, images: Sequence[BatchImage], failed: dict[str, str]
) -> tuple[list[BatchImage], dict[str, list[int]], dict[str, str | None], set[int]]:
    """Open each image, and list what failed.

    Returns
    -------
    images : list of BatchImage
        The images, or the times of them.
    states, units : dict
        The states of the files and their units of length, by the keys of images.
    axes : set of int
        The numbers of axes of the images.
    """
    opened: list[BatchImage] = []
    states: dict[str, list[int]] = {}
    units: dict[str, str | None] = {}
    axes: set[int] = set()
    for image in images:
        try:
            with files.open_source(
                image.path,
                channel=options.channel,
                axes=options.axes,
                time=None if options.time == 'all' else options.time,
                level=options.level,
                first=options.time == 'all',
            ) as source:
                times = range(source.times) if options.time == 'all' else [None]
                parts = [dataclasses.replace(image, time=time) for time in times]
                for part in parts:
                    states[part.key], units[part.key] = list(source.state()), source.unit
                opened += parts
                axes.add(len(source.shape))
        except (FileError, ImportError, OSError, ValueError, TypeError) as error:
            failed[image.key] = ' '.join(str(error).split())
            print(f'skanrs: error: {image.key}: {failed[image.key]}', file=sys.stderr)
    return opened, states, units, axes


def _check_columns(options: Options, images: Sequence[BatchImage], axes: set[int]) -> None:
    """Raise `FileError` for columns of a CSV file that the summary of images has too."""
    carried = {name for image in images for name in image.columns}
    if not carried or (options.summary is None and options.report is None):
        return
    taken = {'time'} if options.time == 'all' else set()
    for ndim in axes & {2, 3}:
        # Nothing has all columns of the summary.
        nothing = np.zeros((1,) * ndim, dtype=bool)
        measure = skanrs.analyze if options.radii else partial(skanrs.summarize, separator='_')
        summary = skanrs.network_summary(measure(nothing), skeleton=nothing, shape=nothing.shape)
        taken |= set(map(str, summary))
    for name in sorted(carried & taken):
        raise FileError(f'the column {name!r} of the CSV file is one of the summary too')


def _task(
    options: Options, image: BatchImage, folder: Path, state: list[int], unit: str | None
) -> _Task:
    own = dataclasses.replace(
        options,
        image=image.path,
        time=options.time if image.time is None else image.time,
        output=(folder / f'{image.key}.csv',),
        summary=folder / f'{image.key}.summary.csv',
        report=None if options.report is None else folder / f'{image.key}.html',
        nodes=None if options.nodes is None else folder / f'{image.key}.nodes.csv',
        angles=None if options.angles is None else folder / f'{image.key}.angles.csv',
        recipe_file=None,
        save_recipe=None,
    )
    about = {
        'skanrs': skanrs.__version__,
        'file': str(Path(image.path).absolute()),
        'state': state,
        'unit': None if options.spacing else unit,
        'options': own.recipe,
        'color_by': own.color_by,
    }
    # As JSON has it: lists for tuples.
    return _Task(own, unit, folder / f'{image.key}.json', json.loads(to_json(about)))


def _complete(task: _Task) -> dict[str, Any] | None:
    """Return the report of an image that is complete; None if it has to be done."""
    try:
        record = json.loads(task.record.read_text(encoding='utf-8'))
        fits = record['made_from'] == task.state
        report: dict[str, Any] = record['report']
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return report if fits and all(path.is_file() for path in task.options.outputs) else None


def _analyze(task: _Task, shown: bool = False) -> dict[str, Any] | str:
    """Analyze an image and write its files; return its report, or why it failed."""
    try:
        task.record.unlink(missing_ok=True)
        report = run(task.options, Progress(shown=shown), unit=task.unit)
        if report.failed:
            return '; '.join(report.failed)
        content: dict[str, Any] = json.loads(report.as_json())
        record = to_json({'made_from': task.state, 'report': content})
        with AtomicOutputs() as out:
            out.new(task.record).write_text(record, encoding='utf-8')
    except MemoryError as error:
        return f'not enough memory: {error}'
    # Whatever it is, it must not stop the other images.
    except Exception as error:
        text = ' '.join(str(error).split())
        expected = isinstance(error, (FileError, ImportError, OSError, TypeError, ValueError))
        return text if expected else f'{type(error).__name__}: {text}'
    return content


def _work(
    tasks: Mapping[str, _Task], jobs: int, shown: bool
) -> Iterator[tuple[str, dict[str, Any] | str]]:
    """Iterate over the results of images as they are finished, `jobs` at a time."""
    from tqdm import tqdm

    with tqdm(total=len(tasks), desc='images', unit='image', disable=not shown) as bar:
        jobs = min(jobs, len(tasks))
        if jobs <= 1:
            for name, task in tasks.items():
                bar.set_postfix_str(name)
                yield name, _analyze(task, shown)
                bar.update()
            return
        with _pool(jobs) as pool:
            futures = {
                pool.submit(_analyze, _share(task, jobs)): name for name, task in tasks.items()
            }
            for future in as_completed(futures):
                try:
                    yield futures[future], future.result()
                except BrokenProcessPool:
                    yield futures[future], 'its process was killed, perhaps for lack of memory'
                bar.update()


def _share(task: _Task, jobs: int) -> _Task:
    """Return a task that takes its share of the memory."""
    memory = task.options.memory or int(SHARE_OF_FREE * (free_memory() or 1 << 62))
    return dataclasses.replace(
        task, options=dataclasses.replace(task.options, memory=memory // jobs)
    )


@contextlib.contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    # Threads of the kernels do not survive a fork.
    threads = max(1, get_num_threads() // jobs)
    pool = ProcessPoolExecutor(
        jobs, get_context('spawn'), initializer=set_num_threads, initargs=(threads,)
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _warnings(
    options: Options, images: Sequence[BatchImage], reports: Mapping[str, dict[str, Any]]
) -> list[str]:
    """Return a warning if lengths of images cannot be compared."""
    if options.spacing:
        return []
    without = [image.key for image in images if reports[image.key]['unit'] is None]
    if not without:
        return []
    if len(without) == len(images):
        spacings = {str(reports[image.key]['spacing']) for image in images}
        return [] if len(spacings) == 1 else [NO_UNITS]
    named = ', '.join(without[:3]) + (' and others' if len(without) > 3 else '')
    return [
        f'{len(without)} of {counted(len(images), "image")} state no unit of length ({named}); '
        'their numbers are taken to be in the unit of the others'
    ]


def _write(
    options: Options,
    images: Sequence[BatchImage],
    tasks: Mapping[str, _Task],
    unit: str | None,
    warnings: Sequence[str],
    failed: Mapping[str, str],
) -> list[str]:
    """Write the outputs of the batch; return why some could not be written."""
    recipe = to_toml(options.recipe)
    own = [tasks[image.key].options for image in images]
    table = _joined(images, [each.output[0] for each in own])
    with AtomicOutputs(keep_going=True) as out:
        for path in options.output:
            with out.attempt(path):
                out.write(path, files.table_writer(path, table, recipe))
        if options.summary is not None or options.report is not None:
            summary = _joined(images, [each.summary for each in own], more=True)
        if options.summary is not None:
            with out.attempt(options.summary):
                out.write(options.summary, files.table_writer(options.summary, summary, recipe))
        for name in ('nodes', 'angles'):
            path = getattr(options, name)
            if path is not None:
                rows = _joined(images, [getattr(each, name) for each in own])
                with out.attempt(path):
                    out.write(path, files.table_writer(path, rows, recipe))
        if options.save_recipe is not None:
            with out.attempt(options.save_recipe):
                out.write(options.save_recipe, recipe_writer(recipe))
        if options.report is not None:
            from .batch_report import write_batch_report

            report = options.report
            pages = [tasks[image.key].record.with_suffix('.html') for image in images]
            with out.attempt(report):
                out.write(
                    report,
                    lambda file: write_batch_report(
                        file,
                        summary,
                        pages=pages,
                        folder=report.absolute().parent,
                        unit=unit,
                        warnings=warnings,
                        failed=failed,
                        recipe=recipe,
                    ),
                )
    return list(out.failed.values())


def _joined(
    images: Sequence[BatchImage], paths: Sequence[Path | None], *, more: bool = False
) -> 'pd.DataFrame':
    """Return the tables in several files as one, with the name and the group of the image."""
    import pandas as pd

    # From 3.1 on pandas reads every float as it was written.
    version = tuple(map(int, pd.__version__.split('.')[:2]))
    exact: Any = {} if version >= (3, 1) else {'float_precision': 'round_trip'}
    grouped = any(image.group is not None for image in images)
    tables = []
    for image, path in zip(images, paths, strict=True):
        assert path is not None
        table = pd.read_csv(path, **exact)
        first: dict[str, Any] = {'image': image.name}
        if grouped:
            first['group'] = image.group
        if image.time is not None:
            first['time'] = image.time
        if more:
            first |= image.columns
        for column, (name, value) in enumerate(first.items()):
            if name in table:
                raise FileError(f'the column {name!r} of the CSV file is one of the summary too')
            table.insert(column, name, value)
        tables.append(table)
    # Columns of a table without rows have no type.
    joined: pd.DataFrame = pd.concat(
        [table for table in tables if len(table)] or tables[:1], ignore_index=True
    )
    return joined


def _print(
    options: Options,
    images: Sequence[BatchImage],
    reports: Mapping[str, dict[str, Any]],
    failed: Mapping[str, str],
    warnings: Sequence[str],
    done: int,
    folder: Path,
) -> None:
    """Print what was done, as text or as JSON."""
    written = [str(path) for path in options.outputs]
    if options.json:
        content = {
            'skanrs': skanrs.__version__,
            'images': {image.key: reports[image.key] for image in images},
            'complete_before': done,
            'failed': dict(failed),
            'warnings': list(warnings),
            'folder': str(folder),
            'written': written,
        }
        print(to_json(content))
        return
    branches = sum(reports[image.key]['branches']['count'] for image in images)
    before = f' ({done} complete before)' if done else ''
    wrong = f', {len(failed)} failed: {", ".join(failed)}' if failed else ''
    print(f'images      {len(images)} analyzed{before}{wrong}')
    groups: dict[str, int] = {}
    for image in images:
        if image.group is not None:
            groups[image.group] = groups.get(image.group, 0) + 1
    if groups:
        print('groups      ' + ', '.join(f'{name}: {count}' for name, count in groups.items()))
    print(f'branches    {branches:,}')
    print('written     ' + ', '.join([*written, f'{folder} (files of each image)']))
