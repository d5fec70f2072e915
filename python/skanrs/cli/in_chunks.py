"""The main job for images larger than the memory budget: block by block, with dask.

Blocks are whole pieces of the file, so that each is read once in a pass: a pass for the threshold
where one must be found (two for Otsu's of floats), one for everything else. The table and the
skeleton are those of the whole image, to the last bit, see `skanrs.skeletonize` and
`skanrs.summarize`; a smoothed block is computed with all the voxels around it that count.
"""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from skanrs import threads, threshold
from skanrs._support.memory import held_memory, size_in_words
from skanrs.files import FileError, Source
from skanrs.files.packed_mask import PackedMask
from skanrs.files.read.blocks import grown_pieces, lazy_array

from .progress import Progress
from .work import Options, Result

if TYPE_CHECKING:
    import dask.array as da

__all__ = ['skeletonized', 'smooth_blocks']

LARGEST_BLOCK = 1 << 24
SMALLEST_BLOCK = 1 << 15
# What imports and the tables of dask take on top of what this process holds at the beginning, and
# what the tasks of a block do, without smoothing and with it.
LIBRARIES = 40_000_000
TASKS = 30_000
SMOOTHING_TASKS = 120_000
# Edge of the blocks that are thinned, where those that were read are longer.
EDGE = 256
# Blocks beyond this are more tasks than one machine can keep a list of.
MOST_BLOCKS = 1_000_000


def skeletonized(
    source: Source, options: Options, memory: int, scratch: Path, progress: Progress
) -> Result:
    """Skeletonize an image block by block.

    Parameters
    ----------
    source : Source
        The image.
    options : Options
        What to do, and what is needed.
    memory : int
        Bytes that the process may hold.
    scratch : Path
        An empty folder for the skeleton, a bit a voxel at most.
    progress : Progress
        Is told of the stages.

    Returns
    -------
    Result
    """
    try:
        import dask
        import dask.dataframe
    except ImportError as error:
        raise FileError(
            f'{source.name} does not fit the memory of {size_in_words(memory)}, and to be read '
            "block by block needs dask: pip install 'skanrs[dask]'"
        ) from error
    import skanrs

    shape, workers = _plan(source, options, memory)
    image = lazy_array(source, shape)
    if options.sigma is not None:
        image = smooth_blocks(image, options.sigma)
    with ThreadPoolExecutor(workers) as pool, dask.config.set(pool=pool):
        with progress.stage('threshold'), _shown(progress):
            # A look at some blocks finds most gray images out; smoothed ones share their margins.
            some = None if options.sigma else 4 * workers
            rule = threshold.find_rule(_each_block(image, some), image.dtype, options.threshold)
        mask = _cut(image.map_blocks(rule, dtype=bool, meta=np.empty((0,) * image.ndim, bool)))
        skeleton = skanrs.skeletonize(
            mask, method=options.method, preserve_topology=options.preserve_topology
        )
        if options.prunes:
            skeleton = options.pruned(skeleton, mask)
        kept = PackedMask(scratch, skeleton.chunks)
        foreground = list(_for_blocks(mask, _count))
        voxels = list(_for_blocks(skeleton, kept.store))
        tables = _table(mask, skeleton, options)
        table = graph = radii = None
        with progress.stage('skeleton' + (' and table' if tables else '')), _shown(progress):
            foreground, voxels, tables = dask.compute(foreground, voxels, tables)
        if options.need_table:
            (table,) = tables
        values = None
        if sum(foreground) in (0, source.size):
            with progress.stage('values'), _shown(progress):
                values = threshold.value_range(_each_block(image, None))
        if options.need_graph:
            with progress.stage('graph'), _shown(progress):
                drawn = kept.as_dask()
                if options.radii:
                    # Every radius is positive, so that the image of radii is one of the skeleton.
                    drawn = skanrs.radius_image(drawn, mask, spacing=options.spacing)
                graph = skanrs.Skeleton(drawn, spacing=options.spacing, keep_images=False)
                radii = graph.pixel_values
    return Result(
        rule=rule,
        foreground=sum(foreground),
        skeleton=kept,
        skeleton_voxels=sum(voxels),
        values=values,
        table=table,
        graph=graph,
        radii=radii,
    )


def _table(mask: 'da.Array', skeleton: 'da.Array', options: Options) -> list[Any]:
    """Return the delayed table of branches; none if it is not needed."""
    import skanrs

    if not options.need_table:
        return []
    if options.radii:
        table = skanrs.analyze(mask, skeleton=skeleton, spacing=options.spacing)
    else:
        table = skanrs.summarize(skeleton, separator='_', spacing=options.spacing)
    delayed: list[Any] = table.to_delayed()
    return delayed


def smooth_blocks(image: 'da.Array', sigma: tuple[float, ...]) -> 'da.Array':
    """Return the image smoothed as `skanrs.threshold.smooth` does, lazily, to the last bit."""
    import dask.array as da

    # An axis that is not cut needs no margin.
    margins = {
        axis: min(threshold.smoothing_margin(one), length) if blocks > 1 else 0
        for axis, (one, length, blocks) in enumerate(
            zip(sigma, image.shape, image.numblocks, strict=True)
        )
    }
    dtype = np.result_type(image.dtype, np.float32)
    return da.map_overlap(
        threshold.smooth,
        image,
        depth=margins,
        boundary='none',
        sigma=sigma,
        dtype=dtype,
        meta=np.empty((0,) * image.ndim, dtype),
    )


def _plan(source: Source, options: Options, memory: int) -> tuple[tuple[int, ...], int]:
    """Return the shape of the blocks to read, and how many at a time."""
    size = source.dtype.itemsize
    # Read and unpacked, as a mask, as bits and as what thinning makes of them.
    each = 2 * size + 4
    if options.sigma is not None:
        # With margins, in floats, before and after.
        each += 4 * max(4, size)
    # Half of what is left is for blocks on the way, half for what is known of the rest.
    left = max(0, memory - held_memory() - LIBRARIES) // 2
    workers = threads.get_num_threads()

    def takes(shape: tuple[int, ...]) -> int:
        tasks = _count_blocks(source, shape) * (SMOOTHING_TASKS if options.sigma else TASKS)
        return workers * math.prod(shape) * each + _waiting(source, options, shape) + tasks

    sizes = [LARGEST_BLOCK >> power for power in range(10)]
    shapes = [_block_shape(source, options, max(size, SMALLEST_BLOCK)) for size in sizes]
    # The largest that fits, else what comes next to it.
    shape = next((shape for shape in shapes if takes(shape) <= left), min(shapes, key=takes))
    needed = math.prod(shape) * each
    if needed > 2 * left:
        piece = ' x '.join(map(str, source.pieces))
        raise ValueError(
            f'--memory: {size_in_words(memory)} is too little for {source.name}: its pieces of '
            f'{piece} voxels take {size_in_words(needed)} beside the '
            f'{size_in_words(held_memory())} of the program'
        )
    blocks = _count_blocks(source, shape)
    if blocks > MOST_BLOCKS:
        raise ValueError(
            f'{source.name} would be read in {blocks:,} blocks of {" x ".join(map(str, shape))} '
            f'voxels, and more than {MOST_BLOCKS:,} are too many; raise --memory'
        )
    return shape, max(1, min(workers, 2 * left // max(1, needed)))


def _block_shape(source: Source, options: Options, voxels: int) -> tuple[int, ...]:
    """Return the shape of blocks of about so many voxels, made of whole pieces of the file."""
    shape = grown_pieces(source.pieces, source.shape, voxels)
    if options.sigma is None:
        return shape
    # Blocks thinner than their margins would be read again and again.
    margins = [threshold.smoothing_margin(one) for one in options.sigma]
    return tuple(
        min(length, math.ceil(max(block, margin) / block) * block)
        for block, margin, length in zip(shape, margins, source.shape, strict=True)
    )


def _count_blocks(source: Source, shape: tuple[int, ...]) -> int:
    return math.prod(-(-n // block) for n, block in zip(source.shape, shape, strict=True))


def _waiting(source: Source, options: Options, shape: tuple[int, ...]) -> int:
    """Return the bytes of blocks that wait for neighbours to be smoothed with: two layers."""
    if options.sigma is None:
        return 0
    return 2 * shape[0] * math.prod(source.shape[1:]) * source.dtype.itemsize


def _cut(mask: 'da.Array') -> 'da.Array':
    """Cut blocks that are long along some axes, such as pages: thinning does best on cubes."""
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
    """Give, delayed, the results of a function of each block and its index."""
    import dask

    delayed = dask.delayed(function, pure=False)
    blocks = array.to_delayed()
    return (delayed(blocks[index], index) for index in np.ndindex(*array.numblocks))


def _each_block(image: 'da.Array', batch: int | None) -> threshold.Each:
    """Return what calls a function with every block, so many at a time, or all."""
    import dask

    def each(function: Callable[[npt.NDArray[Any]], Any]) -> Iterator[Any]:
        results = list(_for_blocks(image, lambda block, _: function(block)))
        step = batch or max(1, len(results))
        for start in range(0, len(results), step):
            yield from dask.compute(*results[start : start + step])

    return each


def _count(block: npt.NDArray[np.bool_], _: tuple[int, ...]) -> int:
    return int(np.count_nonzero(block))


def _shown(progress: Progress) -> Any:
    """Return dask's callback that tells the progress how many tasks are done."""
    from dask.callbacks import Callback

    class Shown(Callback):  # type: ignore[misc]
        def _posttask(
            self, key: Any, result: Any, dsk: Any, state: dict[str, Any], worker_id: Any
        ) -> None:
            left = sum(len(state[name]) for name in ('waiting', 'ready', 'running'))
            done = len(state['finished'])
            progress.told(done / max(1, done + left))

    return Shown()
