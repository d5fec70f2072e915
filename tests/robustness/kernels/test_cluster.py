"""Every call that takes dask arrays, on a cluster of two processes between which arrays cross."""

import itertools

import dask
import dask.array as da
import numpy as np
import pytest
from image_calls import ARRAYS, CASES, IN_MEMORY, MASK, REFUSE_DASK, computed, name_of

import skanrs

pytestmark = pytest.mark.lazy


def summarize_by_hand(block):
    """Make graphs of blocks by delayed calls, and merge them."""
    call = dask.delayed(skanrs.chunk_graph)
    graphs = [
        call(part, offset=offset, shape=block.shape) for part, offset in skanrs.iter_blocks(block)
    ]
    merged = dask.delayed(skanrs.merge_chunks)(graphs)
    return dask.delayed(skanrs.summarize)(merged, separator='_')


def thin_by_hand(block):
    """Thin blocks by delayed calls, merge what is left over, and finish each."""
    call = dask.delayed(skanrs.thin_chunk)
    thinned = [
        call(part, offset=offset, shape=block.shape) for part, offset in skanrs.iter_blocks(block)
    ]
    merged = dask.delayed(skanrs.merge_thinned)(thinned)
    counts = [chunk.finish(merged).sum() for chunk in thinned]
    return dask.delayed(sum)(counts)


def in_partitions(function):
    """Return a call with three partitions, where the image is in blocks."""

    def call(image):
        count = 3 if dask.is_dask_collection(image) else None
        return function(image, separator='_', npartitions=count)

    return call


CALLS = {case: call for case, call in CASES.items() if case not in IN_MEMORY | REFUSE_DASK} | {
    'summarize in partitions': (in_partitions(skanrs.summarize), 'image'),
    'analyze in partitions': (in_partitions(skanrs.analyze), 'image'),
    'analyze with tips': (lambda mask: skanrs.analyze(mask, include_tips=True), 'mask'),
    'clean and analyze': (lambda mask: skanrs.analyze(skanrs.clean(mask, min_size=9)), 'mask'),
}
BY_HAND = {
    'summarize': (summarize_by_hand, lambda block: skanrs.summarize(block, separator='_')),
    'skeletonize': (thin_by_hand, lambda block: skanrs.skeletonize(block).sum()),
}
CHUNKS = [(15, 34, 19), pytest.param((11, 12, 13), marks=pytest.mark.slow)]


def spread(image, chunks, client):
    """Return an image in blocks that lie on the workers in turn, and the futures of the blocks."""
    lazy = da.from_array(image, chunks=chunks)
    workers = itertools.cycle(client.scheduler_info()['workers'])
    blocks, futures = np.empty(lazy.numblocks, object), []
    for at in np.ndindex(lazy.numblocks):
        block = lazy.blocks[at]
        futures += client.scatter([block.compute(scheduler='sync')], workers=[next(workers)])
        blocks[at] = da.from_delayed(futures[-1], block.shape, block.dtype)
    return da.block(blocks.tolist()), futures


def sent(client):
    return sum(client.run(lambda dask_worker: dask_worker.transfer_outgoing_bytes_total).values())


def compare(client, call, expected, images, chunks):
    """Call with images on the cluster; see that blocks crossed, and that the result is the same."""
    before = sent(client)
    with client.as_current():
        there = {name: spread(image, chunks, client) for name, image in images.items()}
        got = computed(call(**{name: image for name, (image, _) in there.items()}))
    expected = computed(expected)
    assert got.equals(expected) if hasattr(got, 'equals') else np.array_equal(got, expected)
    assert sent(client) > before


@pytest.mark.parametrize('chunks', CHUNKS, ids=str)
@pytest.mark.parametrize('case', CALLS)
def test_results_are_those_of_arrays(case, chunks, client):
    call, *parameters = CALLS[case]
    images = {name: ARRAYS[name_of(name)] for name in parameters}
    compare(client, call, call(**images), images, chunks)


@pytest.mark.parametrize('chunks', CHUNKS, ids=str)
@pytest.mark.parametrize('case', BY_HAND)
def test_blocks_by_hand(case, chunks, client):
    call, whole = BY_HAND[case]
    image = MASK if case == 'skeletonize' else ARRAYS['skeleton']
    compare(client, call, whole(image), {'block': image}, chunks)
