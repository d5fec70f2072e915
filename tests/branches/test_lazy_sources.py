"""Blocks are read once; an error names its block, and nothing is written after it."""

import collections
import copy
import errno
import uuid

import dask
import dask.array as da
import numpy as np
import pytest
from blocks import assert_same_table
from images import blobs

import skanrs

# Workers come and go, and dask warns where tables and arrays are computed together.
pytestmark = [pytest.mark.lazy, pytest.mark.filterwarnings('ignore')]

VOLUME = np.where(blobs((34, 30, 32), 3, 2), 2, 1) * np.random.default_rng(3).random((34, 30, 32))
LEVEL = 1.0
CHUNKS = 16
PLACE = r'at offset \(16, 0, 16\) of shape \(16, 16, 16\)'


def summarize(skel, **options):
    return skanrs.summarize(skel, separator='_', **options)


class Reader:
    """An array that leaves a file in a folder for each time that a part of it is read."""

    def __init__(self, folder, fails=None):
        self.folder = folder
        self.fails = fails
        self.shape, self.dtype, self.ndim = VOLUME.shape, VOLUME.dtype, VOLUME.ndim

    def __getitem__(self, part):
        start = tuple(along.start for along in part)
        if start == (16, 0, 16) and self.fails is not None:
            raise copy.copy(self.fails)
        (self.folder / f'{"-".join(map(str, start))}_{uuid.uuid4().hex}').touch()
        return VOLUME[part]

    def lazy(self):
        return da.from_array(self, chunks=CHUNKS, asarray=False, meta=np.empty((0,) * 3))


def note(block, folder, block_info=None):
    start = [bounds[0] for bounds in block_info[0]['array-location']]
    (folder / f'{"-".join(map(str, start))}_{uuid.uuid4().hex}').touch()
    return block


def from_reader(folder):
    return Reader(folder).lazy()


def from_chain(folder):
    return da.from_array(VOLUME, chunks=CHUNKS).map_blocks(
        note, folder=folder, dtype=VOLUME.dtype, meta=np.empty((0,) * 3)
    )


def skeleton(source, mask):
    return [skanrs.skeletonize(mask)]


def table(source, mask):
    return [summarize(skanrs.skeletonize(mask))]


def values(source, mask):
    return [summarize(skanrs.skeletonize(mask) * source)]


def parts(source, mask):
    return [summarize(skanrs.skeletonize(mask) * source, npartitions=3)]


def delayed_list(source, mask):
    skel = skanrs.skeletonize(mask) * source
    graphs = [
        dask.delayed(skanrs.chunk_graph)(block, offset=offset, shape=skel.shape)
        for block, offset in skanrs.iter_blocks(skel)
    ]
    return [dask.delayed(skanrs.merge_chunks)(graphs)]


def arrays(source, mask):
    thinned = skanrs.skeletonize(mask)
    return [thinned, thinned * source, mask.sum()]


@pytest.mark.parametrize('wanted', [skeleton, table, values, parts, delayed_list, arrays])
@pytest.mark.parametrize('read', [from_reader, from_chain])
def test_every_block_is_read_once(scheduler, tmp_path, read, wanted):
    source = read(tmp_path)
    results = wanted(source, source * 2 > 2 * LEVEL)
    assert not list(tmp_path.iterdir())
    dask.compute(*results)
    read = collections.Counter(path.name.split('_')[0] for path in tmp_path.iterdir())
    assert len(read) == source.npartitions
    assert set(read.values()) == {1}


def test_skeleton_and_table_in_one_computation(scheduler):
    source = da.from_array(VOLUME, chunks=CHUNKS)
    thinned = skanrs.skeletonize(source > LEVEL)
    found, lazy = dask.compute(thinned, summarize(thinned * source))
    whole = skanrs.skeletonize(VOLUME > LEVEL)
    assert np.array_equal(found, whole)
    assert_same_table(lazy, summarize(whole * VOLUME))


def raise_there(block, error, block_info=None):
    if [bounds[0] for bounds in block_info[0]['array-location']] == [16, 0, 16]:
        raise copy.copy(error)
    return block


class OddError(Exception):
    """An error with another text than its argument."""

    def __init__(self, code, text):
        super().__init__(code, text)

    def __str__(self):
        return 'odd'


ERRORS = [
    OSError('the disk is gone'),
    FileNotFoundError(errno.ENOENT, 'No such file', 'mask.zarr'),
    RuntimeError(),
    KeyError('mask'),
    OddError(3, 'text'),
]


def fails_in_chain(error):
    blocks = da.from_array(VOLUME, chunks=CHUNKS)
    return blocks.map_blocks(raise_there, error=error, dtype=float, meta=np.empty((0,) * 3))


def text_of(error):
    return '\n'.join([str(error), *getattr(error, '__notes__', ())])


@pytest.mark.parametrize('error', ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize('where', ['reader', 'chain'])
def test_an_error_names_the_block(scheduler, tmp_path, error, where):
    source = Reader(tmp_path, error).lazy() if where == 'reader' else fails_in_chain(error)
    mask = source * 2 > 2 * LEVEL
    # Tasks after the one that fails, and blocks that need several of the source.
    for blocks in (mask, mask.rechunk(16).astype('u1')):
        for lazy in (
            skanrs.skeletonize(blocks),
            summarize(blocks),
            summarize(skanrs.skeletonize(blocks) * source),
            delayed_list(source, blocks)[0],
        ):
            with pytest.raises(type(error), match=f'in the block {PLACE}') as caught:
                lazy.compute()
            assert text_of(caught.value).count('in the block') == 1
            assert text_of(caught.value).startswith(str(error)[:-1])
    with pytest.raises(type(error), match=f'in the block {PLACE}'):
        skanrs.Skeleton(mask)


def test_an_error_of_several_blocks_names_one_of_them(scheduler):
    mask = (fails_in_chain(OSError('the disk is gone')) > LEVEL).rechunk((34, 30, 8))
    place = r'at offset \(0, 0, (16|24)\) of shape \(34, 30, 8\)'
    with pytest.raises(OSError, match=f'the disk is gone .in the block {place}'):
        skanrs.skeletonize(mask).compute()


def test_error_of_a_kernel_names_the_block(scheduler):
    heights = VOLUME.copy()
    heights[20, 3, 20] = np.nan
    lazy = da.from_array(heights, chunks=CHUNKS)
    with pytest.raises(ValueError, match=rf'finite heights.*in the block {PLACE}'):
        summarize(lazy, value_is_height=True).compute()


def short(block, block_info=None):
    there = [bounds[0] for bounds in block_info[0]['array-location']] == [16, 0, 16]
    return block[1:] if there else block


def test_a_block_of_another_shape_is_named(scheduler):
    lazy = da.from_array(VOLUME > LEVEL, chunks=CHUNKS)
    cut = lazy.map_blocks(short, dtype=bool, meta=np.empty((0,) * 3, bool))
    for wanted in (skanrs.skeletonize(cut), summarize(cut)):
        with pytest.raises(ValueError, match=rf'got \(15, 16, 16\).*{PLACE}'):
            wanted.compute()
    with pytest.raises(ValueError, match=rf'got \(15, 16, 16\).*{PLACE}'):
        skanrs.Skeleton(cut)


def other_type(block, block_info=None):
    there = [bounds[0] for bounds in block_info[0]['array-location']] == [16, 0, 16]
    return block.astype('complex' if there else 'f4')


def test_a_block_of_another_type_is_named(scheduler):
    lazy = da.from_array(VOLUME, chunks=CHUNKS)
    odd = lazy.map_blocks(other_type, dtype='f4', meta=np.empty((0,) * 3, 'f4'))
    for wanted in (skanrs.skeletonize(odd), summarize(odd)):
        with pytest.raises(TypeError, match=rf'complex128.*in the block {PLACE}'):
            wanted.compute()


def files_in(folder):
    return sorted(path.name for path in folder.rglob('*') if path.is_file())


@pytest.mark.parametrize('npartitions', [1, 3])
def test_nothing_is_written_after_an_error(scheduler, tmp_path, npartitions):
    skeleton = skanrs.skeletonize(fails_in_chain(OSError('the disk is gone')) > LEVEL)
    with pytest.raises(OSError, match=PLACE):
        skeleton.to_zarr(tmp_path / 'skeleton.zarr')
    # What describes the array is there since before; no block of it is.
    assert files_in(tmp_path / 'skeleton.zarr') == ['zarr.json']
    with pytest.raises(OSError, match=PLACE):
        summarize(skeleton, npartitions=npartitions).to_parquet(tmp_path / 'table.parquet')
    assert files_in(tmp_path / 'table.parquet') == []


def test_arrays_that_are_used_beside_their_blocks():
    """The graph with named tasks does not lack those that only others need."""
    source = da.from_array(VOLUME, chunks=CHUNKS)
    upper = skanrs.skeletonize(source[:16] > LEVEL)
    both = da.concatenate([upper * source[:16], source[16:]]).compute(scheduler='sync')
    assert np.array_equal(both[16:], VOLUME[16:])
    assert np.array_equal(both[:16] != 0, skanrs.skeletonize(VOLUME[:16] > LEVEL))


@pytest.mark.parametrize('fails', [False, True])
def test_graphs_written_by_hand(scheduler, fails):
    """Tasks as tuples, as people and older libraries write them."""
    volume = (np.linalg.inv, np.zeros((2, 2))) if fails else (np.asarray, VOLUME)
    name = f'mask-{fails}'
    graph = {(name, 0, 0, 0): (np.greater, 'volume', LEVEL), 'volume': volume}
    chunks = tuple((length,) for length in VOLUME.shape)
    skeleton = skanrs.skeletonize(da.Array(graph, name, chunks, dtype=bool))
    if fails:
        with pytest.raises(np.linalg.LinAlgError, match=r'in the block at offset \(0, 0, 0\)'):
            skeleton.compute()
    else:
        assert np.array_equal(skeleton.compute(), skanrs.skeletonize(VOLUME > LEVEL))
