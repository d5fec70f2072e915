"""The work on images larger than the memory budget: block by block.

Blocks are made of whole pieces of the file (chunks, strips, tiles), so each pass reads each piece
once. There is one pass for the mask, and one before it if a threshold must be found (two for Otsu's
method on floats). The results equal those of the whole image to the last bit; a block is smoothed
with a margin that is wide enough for that.

The skeleton and the rows of its branches are in files of the scratch folder, so that memory is
bounded for skeletons and tables of any size (`thinning.on_disk`, `branches.on_disk`). Summaries and
GraphML are made of these rows too, VTP and precomputed skeletons of lines in other such files
(`branches.lines_on_disk`), and radii and nodes of 3D images go with them (`rows_in_chunks`); so
does pruning by length (`pruning.on_disk`). The mask is in such a file where it is smoothed, where
its pieces are long along some axis, and where radii are measured. SWC and reports, and radii with
other options, need the branches in memory, radii also the mask, packed to a bit a voxel; other
pruning needs the skeleton.
"""

import math
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from skanrs import smoothing, threads, threshold
from skanrs._gray.parts import Each, value_range
from skanrs._support.memory import held_memory, size_in_words
from skanrs._support.ordered_map import ordered_map
from skanrs._support.progress import advance
from skanrs.files import FileError, Source
from skanrs.files.packed_mask import PackedMask
from skanrs.files.read.blocks import grown_pieces, lazy_array

from .companions import Companions
from .measures_in_chunks import with_measures
from .network import count_in_planes, delayed_network
from .options import Options
from .progress import Progress
from .result import Removed, Result
from .rows_in_chunks import slabs_of_voxels, with_rows

if TYPE_CHECKING:
    import dask.array as da

    from skanrs.branches.measured import Measured
    from skanrs.thinning.on_disk import SkeletonOnDisk

__all__ = ['measure_in_chunks', 'smooth_blocks']

LARGEST_BLOCK = 1 << 24
SMALLEST_BLOCK = 1 << 15
# Bytes that imports and dask's tables need beyond those at the start, and bytes for a block: of
# the delayed call that looks for the threshold, and of the tasks where all blocks are in one
# computation of dask, without smoothing and with it.
LIBRARIES = 70_000_000
DELAYED = 4_000
TASKS = 30_000
SMOOTHING_TASKS = 120_000
# Bytes of planes of the mask, packed, at a time where branches are measured; more are no faster.
MOST_PLANES = 1 << 28
# Edge length of the blocks to thin, where the blocks that were read are longer.
EDGE = 256
# More blocks would need more tasks than the memory of one machine holds.
MOST_BLOCKS = 1_000_000


def measure_in_chunks(
    source: Source,
    options: Options,
    companions: Companions,
    memory: int,
    scratch: Path,
    progress: Progress,
) -> Result:
    """Skeletonize an image block by block and measure its branches.

    Parameters
    ----------
    source : Source
        The image.
    options : Options
        The options, with spacing and sigma for each axis.
    companions : Companions
        Further images.
    memory : int
        Bytes that the process may hold.
    scratch : Path
        An empty folder for what waits: 52 bytes a branch, 350 with radii, some bytes a voxel of the
        skeleton, a bit a voxel of the image where the mask or the skeleton is kept.
    progress : Progress
        Times and shows the stages.

    Returns
    -------
    Result
    """
    try:
        import dask
        import dask.dataframe
    except ImportError as error:
        raise FileError(
            f'{source.name} does not fit in {size_in_words(memory)} of memory, and reading it '
            "block by block needs dask: pip install 'skanrs[dask]'"
        ) from error
    from skanrs.cleaning.lazy import clean_blocks
    from skanrs.cleaning.surfaces import crowded_voxels, find_walls
    from skanrs.thinning.method import method_of
    from skanrs.thinning.on_disk import BlockGrid, SkeletonOnDisk

    shape, workers = _plan(source, options, memory)
    names = 'mask', 'words', 'skeleton', 'removed', 'pruned', 'rows', 'lines', 'measures'
    folders = {name: scratch / name for name in names}
    for folder in folders.values():
        folder.mkdir()
    image = lazy_array(source, shape)
    if options.sigma is not None:
        image = smooth_blocks(image, options.sigma)
    with ThreadPoolExecutor(workers) as pool, dask.config.set(pool=pool):
        with progress.stage('threshold'), _progress_callback():
            # Most gray images are recognized by a few blocks; smoothed blocks share margins.
            batch = None if options.sigma else 4 * workers
            rule = threshold.find_rule(_each_block(image, batch), image.dtype, options.threshold)
        chunks, mask = image.chunks, None
        foreground, cleaned = 0, None
        cleans = not options.cleaning.changes_nothing
        if _stores_mask(options, shape):
            raw = _cut(image.map_blocks(rule, dtype=bool, meta=np.empty((0,) * image.ndim, bool)))
            blocks, changes = clean_blocks(raw, options.cleaning) if cleans else (raw, None)
            chunks, mask = blocks.chunks, PackedMask(folders['mask'], blocks.chunks)
            work = (list(_for_blocks(raw, _count)), list(_for_blocks(blocks, mask.store)), changes)
            with progress.stage('mask'), _progress_callback():
                counts, _, cleaned = dask.compute(*work)
            foreground = sum(counts)

        def read(box: tuple[slice, ...]) -> npt.NDArray[np.bool_]:
            return rule(source[box]) if mask is None else mask[box]

        grid = BlockGrid(chunks, EDGE)
        with progress.stage('skeleton'):
            method = method_of(options.method, options.preserve_topology, image.ndim)
            made = SkeletonOnDisk(grid, read, method, folders['words'], workers)
        if mask is None:
            foreground = made.foreground
        values = None
        if foreground in (0, source.size):
            with progress.stage('values'), _progress_callback():
                values = value_range(_each_block(image, None))
        result = Result(rule, foreground, values, cleaned)
        kept = None
        if options.skeleton is not None or options.prunes or not options.has_rows_only(image.ndim):
            with progress.stage('blocks'):
                kept, removed = _stored(made, folders, mask, options, workers)
            result = replace(result, removed=removed)
            crowded = np.empty(0, np.int64)
            if image.ndim == 3:
                crowded = crowded_voxels(kept, grid.chunks)
            cavities = find_walls(crowded, grid.shape).cavities
            result = replace(result, skeleton=kept, skeleton_voxels=kept.voxels, cavities=cavities)
        if options.need_table and not options.has_rows_only(image.ndim):
            assert kept is not None
            beside = companions.lazy(kept.as_dask().chunks, math.prod(shape))
            return _with_table(result, kept, mask, beside, options, progress, workers)
        if options.need_table:

            def nodes(index: tuple[int, ...]) -> npt.NDArray[np.int64]:
                return made.nodes(index) if kept is None else np.flatnonzero(kept[grid.box(index)])

            most = min(memory // 8, MOST_PLANES)
            result = with_rows(result, grid, nodes, mask, options, folders, most, progress, workers)
        return result


def _stored(
    made: 'SkeletonOnDisk',
    folders: dict[str, Path],
    mask: PackedMask | None,
    options: Options,
    workers: int,
) -> tuple[PackedMask, Removed | None]:
    """Return the skeleton as a mask on disk without what is removed, and how much that is."""
    import dask

    from skanrs._blocks.tasks import read_blocks

    if options.prunes and not options.prunes_whole:
        return _pruned(made, folders, options, workers)
    grid = made.grid
    kept = PackedMask(folders['skeleton'], grid.chunks)
    indices = list(np.ndindex(*grid.counts))
    stored = ordered_map(lambda index: kept.store(made.block(index), index), indices, workers)
    for done, _ in enumerate(stored, 1):
        advance(done / len(indices))
    if not options.prunes:
        return kept, None
    pruned = PackedMask(folders['pruned'], grid.chunks)
    lazy_mask = None if mask is None else mask.as_dask(grid.chunks)
    with _progress_callback():
        dask.compute(list(_for_blocks(options.prune(kept.as_dask(), lazy_mask), pruned.store)))
    before, after = (read_blocks(image.as_dask(), 'skeleton')[0] for image in (kept, pruned))
    return pruned, Removed.of(before, after, kept.shape)


def _pruned(
    made: 'SkeletonOnDisk', folders: dict[str, Path], options: Options, workers: int
) -> tuple[PackedMask, Removed]:
    """Return the skeleton on disk without short end branches, and how much these are."""
    from skanrs._image.spacing import as_spacing
    from skanrs.pruning.on_disk import RemovedVoxels

    grid = made.grid
    slabs = slabs_of_voxels(grid, made.nodes, workers)
    spacing = as_spacing(options.spacing, len(grid.shape)).floats
    assert options.prune_length is not None
    removed = RemovedVoxels(slabs, grid.shape, spacing, options.prune_length, folders['removed'])
    pruned = PackedMask(folders['pruned'], grid.chunks)

    def store(item: tuple[tuple[int, ...], npt.NDArray[np.int64]]) -> None:
        index, places = item
        block = made.block(index)
        block[tuple(places)] = False
        pruned.store(block, index)

    for done, _ in enumerate(ordered_map(store, removed.in_blocks(grid.bounds), workers), 1):
        advance(done / math.prod(grid.counts))
    return pruned, Removed.by_length(removed.count)


def _with_table(
    result: Result,
    skeleton: PackedMask,
    mask: PackedMask | None,
    beside: 'dict[str, da.Array]',
    options: Options,
    progress: Progress,
    workers: int,
) -> Result:
    """Return the result with the whole table and, if an output needs it, the graph."""
    import dask

    from skanrs.branches.measure_blocks import voxels_and_measures
    from skanrs.cleaning.surfaces import CavityWarning

    if mask is not None and options.radii and not beside:
        with progress.stage('branches'):
            result = with_measures(result, skeleton, mask, options, workers)
        return _with_images(result, skeleton, mask, options, progress)
    voxels = skeleton.as_dask()
    blocks = None if mask is None else mask.as_dask(voxels.chunks)
    if options.need_graph:
        work: Any = _voxels(voxels)
        if blocks is not None and options.radii:
            _, work = voxels_and_measures(
                blocks,
                voxels,
                options.spacing,
                include_tips=options.include_tips,
                with_body=True,
                **beside,
            )
    else:
        work = _table(blocks, voxels, beside, options)
    with progress.stage('branches'), _progress_callback(), warnings.catch_warnings():
        # The command has a warning of its own.
        warnings.simplefilter('ignore', CavityWarning)
        computed, others = dask.compute(work, delayed_network(blocks, voxels, options))
    result = replace(result, **others)
    if options.need_graph:
        with progress.stage('graph'):
            measured = _measured(computed, skeleton.shape, options)
        with progress.stage('table'):
            result = replace(
                result, table=measured.table, measured=measured, by_region=measured.by_region
            )
    else:
        table, by_region = computed
        result = replace(result, table=table, by_region=by_region)
    return _with_counts(result, options, progress)


def _with_images(
    result: Result, skeleton: PackedMask, mask: PackedMask, options: Options, progress: Progress
) -> Result:
    """Return the result with the images of branches that are wanted."""
    import dask

    lazy = skeleton.as_dask()
    delayed = delayed_network(mask.as_dask(lazy.chunks), lazy, options, with_nodes=False)
    if delayed:
        with progress.stage('territories'), _progress_callback():
            (images,) = dask.compute(delayed)
        result = replace(result, **images)
    return _with_counts(result, options, progress)


def _with_counts(result: Result, options: Options, progress: Progress) -> Result:
    """Return the result with the volumes of territories in its table."""
    if result.territories is not None:
        assert result.table is not None
        with progress.stage('territories'):
            counts = count_in_planes(result.territories, len(result.table) + 1)
            result.table['counted_volume'] = counts[1:] * float(np.prod(options.spacing))
    return result


def _table(
    mask: 'da.Array | None',
    skeleton: 'da.Array',
    beside: 'dict[str, da.Array]',
    options: Options,
) -> tuple[Any, Any]:
    """Return, delayed, the table of branches and that of regions, if there are any."""
    import skanrs

    if options.radii:
        tables = skanrs.analyze(
            mask,
            skeleton=skeleton,
            spacing=options.spacing,
            include_tips=options.include_tips,
            **beside,
        )
        table, by_region = tables if 'regions' in beside else (tables, None)
    else:
        table, by_region = skanrs.summarize(skeleton, separator='_', spacing=options.spacing), None
    # Both have one partition.
    return table.to_delayed()[0], None if by_region is None else by_region.to_delayed()[0]


def _voxels(skeleton: 'da.Array') -> list[Any]:
    """Return, delayed, the skeleton's voxels in each block."""
    starts = [np.cumsum([0, *lengths]) for lengths in skeleton.chunks]

    def voxels(block: npt.NDArray[Any], index: tuple[int, ...]) -> Any:
        offset = [start[at] for start, at in zip(starts, index, strict=True)]
        coordinates = np.nonzero(block)
        in_image = [along + start for along, start in zip(coordinates, offset, strict=True)]
        return np.ravel_multi_index(in_image, skeleton.shape)

    return list(_for_blocks(skeleton, voxels))


def _measured(computed: Any, shape: tuple[int, ...], options: Options) -> 'Measured':
    """Return the graph of the body, with its measures, or of the voxels that the blocks have."""
    from skanrs._blocks.read import Pixels
    from skanrs._image.spacing import as_spacing
    from skanrs.branches.measured import Measured
    from skanrs.graph.skeleton import Skeleton

    if options.radii:
        columns, by_region, body = computed
        return Measured(body.skeleton, columns, body, by_region)
    pixels = Pixels.of_mask(shape, np.sort(np.concatenate(computed)))
    return Measured(Skeleton._of_pixels(pixels, as_spacing(options.spacing, len(shape))))


def smooth_blocks(image: 'da.Array', sigma: tuple[float, ...]) -> 'da.Array':
    """Return the image smoothed as `skanrs.threshold.smooth` does, lazily, to the last bit."""
    dtype = np.result_type(image.dtype, np.float32)
    return smoothing.smooth_blocks(image, sigma, threshold.smooth, dtype)


def _plan(source: Source, options: Options, memory: int) -> tuple[tuple[int, ...], int]:
    """Return the shape of the blocks to read, and how many at a time."""
    size = source.dtype.itemsize
    # The block as read and as decoded, its mask, its bits, and thinning.
    each = 2 * size + 4
    if options.sigma is not None:
        # Floats with margins, before and after smoothing.
        each += 4 * max(4, size)
    # Half of the rest is for blocks in work, half for results.
    left = max(0, memory - held_memory() - LIBRARIES) // 2
    workers = threads.get_num_threads()

    def takes(shape: tuple[int, ...]) -> int:
        of_block = SMOOTHING_TASKS if options.sigma else TASKS
        if options.has_rows_only(len(shape)) and not (
            options.prunes_whole or _stores_mask(options, shape)
        ):
            of_block = DELAYED
        tasks = _count_blocks(source, shape) * of_block
        return workers * math.prod(shape) * each + _waiting(source, options, shape) + tasks

    sizes = [LARGEST_BLOCK >> power for power in range(10)]
    shapes = [_block_shape(source, options, max(size, SMALLEST_BLOCK)) for size in sizes]
    # The largest that fits, else the one that needs least.
    shape = next((shape for shape in shapes if takes(shape) <= left), min(shapes, key=takes))
    needed = math.prod(shape) * each
    if needed > 2 * left:
        piece = ' x '.join(map(str, source.pieces))
        least = held_memory() + LIBRARIES + needed
        raise ValueError(
            f'--memory: expected at least {size_in_words(least)} for {source.name}, got '
            f'{size_in_words(memory)}: a piece of {piece} voxels needs {size_in_words(needed)}, '
            f'the program {size_in_words(least - needed)}'
        )
    blocks = _count_blocks(source, shape)
    if blocks > MOST_BLOCKS:
        raise ValueError(
            f'{source.name} would be read in {blocks:,} blocks of {" x ".join(map(str, shape))} '
            f'voxels; expected at most {MOST_BLOCKS:,}: raise --memory'
        )
    return shape, max(1, min(workers, 2 * left // max(1, needed)))


def _stores_mask(options: Options, shape: tuple[int, ...]) -> bool:
    """Return whether the mask, read in blocks of a shape, is stored before it is thinned."""
    is_read_again = options.radii or options.prunes_by_radius or options.territories is not None
    changes = options.sigma is not None or not options.cleaning.changes_nothing
    return is_read_again or changes or max(shape) > 2 * EDGE


def _block_shape(source: Source, options: Options, voxels: int) -> tuple[int, ...]:
    """Return the shape of blocks of about so many voxels, made of whole pieces of the file."""
    shape = grown_pieces(source.pieces, source.shape, voxels)
    if options.sigma is None:
        return shape
    # Blocks thinner than their margins would be read many times.
    margins = [smoothing.margin(width) for width in options.sigma]
    return tuple(
        min(length, math.ceil(max(block, margin) / block) * block)
        for block, margin, length in zip(shape, margins, source.shape, strict=True)
    )


def _count_blocks(source: Source, shape: tuple[int, ...]) -> int:
    return math.prod(-(-n // block) for n, block in zip(source.shape, shape, strict=True))


def _waiting(source: Source, options: Options, shape: tuple[int, ...]) -> int:
    """Return the bytes of blocks that wait for their neighbours before smoothing: two layers."""
    if options.sigma is None:
        return 0
    return 2 * shape[0] * math.prod(source.shape[1:]) * source.dtype.itemsize


def _cut(mask: 'da.Array') -> 'da.Array':
    """Split blocks that are long along some axes, such as pages; thinning is fastest on cubes."""
    chunks = []
    for lengths in mask.chunks:
        cut: list[int] = []
        for length in lengths:
            parts = max(1, round(length / EDGE))
            cut += [length // parts + (part < length % parts) for part in range(parts)]
        chunks.append(tuple(cut))
    return mask.rechunk(tuple(chunks))


def _for_blocks(
    array: 'da.Array', function: Callable[[npt.NDArray[Any], tuple[int, ...]], Any]
) -> Iterator[Any]:
    """Iterate over the delayed results of a function of each block and its index."""
    import dask

    delayed = dask.delayed(function, pure=False)
    blocks = array.to_delayed()
    return (delayed(blocks[index], index) for index in np.ndindex(*array.numblocks))


def _each_block(image: 'da.Array', batch: int | None) -> Each:
    """Return a function that applies another to all blocks, `batch` at a time, or all at once."""
    import dask

    def each(function: Callable[[npt.NDArray[Any]], Any]) -> Iterator[Any]:
        results = list(_for_blocks(image, lambda block, _: function(block)))
        step = batch or max(1, len(results))
        for start in range(0, len(results), step):
            yield from dask.compute(*results[start : start + step])

    return each


def _count(block: npt.NDArray[np.bool_], _: tuple[int, ...]) -> int:
    return int(np.count_nonzero(block))


def _progress_callback() -> Any:
    """Return a dask callback that reports the part of the tasks that is done."""
    from dask.callbacks import Callback

    class Shown(Callback):  # type: ignore[misc]
        def _posttask(
            self, key: Any, result: Any, dsk: Any, state: dict[str, Any], worker_id: Any
        ) -> None:
            left = sum(len(state[name]) for name in ('waiting', 'ready', 'running'))
            done = len(state['finished'])
            advance(done / max(1, done + left))

    return Shown()
