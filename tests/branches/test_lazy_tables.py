"""Branch tables of dask arrays: lazy, with few tasks, equal under every scheduler."""

import os
import pickle
import signal
import subprocess
import sys

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from blocks import assert_same_table, random_chunks, random_walks
from dask.callbacks import Callback
from dask.sizeof import sizeof
from hypothesis import example, given, settings
from hypothesis import strategies as st
from images import blobs, random_image, random_spacing

import skanrs
import skanrs as skan

# Workers come and go as the tests want it.
pytestmark = [pytest.mark.lazy, pytest.mark.filterwarnings('ignore')]

BLOCKS_OF_BOOL = {'dtype': bool, 'meta': np.empty((0,) * 3, dtype=bool)}


def refuse(*arguments, **options):
    raise AssertionError('building must not compute')


def skeleton_and_chunks(seed, shape=(30, 31, 32), dtype=bool):
    random = np.random.default_rng(seed)
    image = random_walks(random, shape, 12, 90)
    if np.dtype(dtype) != bool:
        image = (image * random.random(shape)).astype(dtype)
    chunks = random_chunks(random, shape)
    return image, chunks


def summarize(skel, **options):
    return skanrs.summarize(skel, separator='_', **options)


def test_lazy_table_equals_that_of_the_whole_image(scheduler):
    for seed in range(4):
        image, chunks = skeleton_and_chunks(seed, dtype=['?', 'f4'][seed % 2])
        table = summarize(da.from_array(image, chunks=chunks))
        assert isinstance(table, dd.DataFrame)
        assert_same_table(table.compute(), summarize(image))


def test_random_images_and_options():
    random = np.random.default_rng(21)
    for _ in range(40):
        image = random_image(random)
        heights = image.dtype != bool and bool(random.random() < 0.5)
        options = {
            'spacing': random_spacing(random, image.ndim),
            'value_is_height': heights,
            'find_main_branch': bool(random.random() < 0.3),
        }
        lazy = da.from_array(image, chunks=random_chunks(random, image.shape))
        whole = summarize(image, **options)
        with dask.config.set(scheduler='sync'):
            for npartitions in (None, 1, 3):
                table = summarize(lazy, npartitions=npartitions, **options)
                # Dask's empty table, and pandas' union of parts, are in the machine's byte order.
                native = [dtype.newbyteorder('=') for dtype in whole.dtypes]
                assert table.dtypes.tolist() == native
                parts = (npartitions or 1) > 1
                types = dict(zip(whole, native, strict=True)) if parts else {}
                assert_same_table(table.compute().astype(types), whole.astype(types))


def test_partitions_are_parts_of_about_the_same_size(scheduler):
    image, _ = skeleton_and_chunks(5)
    whole = summarize(image, find_main_branch=True)
    table = summarize(da.from_array(image, chunks=11), npartitions=4, find_main_branch=True)
    assert table.npartitions == 4
    parts = dask.compute(*table.to_delayed())
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert_same_table(pd.concat(parts), whole)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 9))
@example(3253, 7)  # The last bit of a product of four axes depends on where a row stands.
def test_random_images_in_partitions(seed, npartitions):
    random = np.random.default_rng(seed)
    image = random_image(random)
    options = {
        'spacing': random_spacing(random, image.ndim),
        'value_is_height': image.dtype != bool and bool(random.random() < 0.5),
        'find_main_branch': bool(random.random() < 0.3),
    }
    lazy = da.from_array(image, chunks=random_chunks(random, image.shape))
    whole = summarize(image, **options)
    with dask.config.set(scheduler='sync'):
        parts = dask.compute(*summarize(lazy, npartitions=npartitions, **options).to_delayed())
    assert [part.index.start for part in parts] == [
        len(whole) * part // npartitions for part in range(npartitions)
    ]
    # Pandas cannot take rows of the other byte order.
    native = {name: dtype.newbyteorder('=') for name, dtype in whole.dtypes.items()}
    assert_same_table(pd.concat([part.astype(native) for part in parts]), whole.astype(native))


def rows_in(result):
    """How many rows of a table are in what a task gives."""
    if isinstance(result, pd.DataFrame):
        return len(result)
    if isinstance(result, dict):
        return len(result.get('lengths', ()))
    return sum(map(rows_in, result)) if isinstance(result, (list, tuple)) else 0


def test_partitions_gather_no_table():
    """No task is given more rows than those of a few partitions."""
    image = skanrs.skeletonize(blobs((64, 60, 60), 6, 1))
    given, taken = {}, {}

    def note(key, result, dsk, state, worker):
        given[key] = rows_in(result)
        taken[key] = sum(given.get(need, 0) for need in state['dependencies'][key])

    lazy = da.from_array(image, chunks=16)
    with Callback(posttask=note), dask.config.set(scheduler='sync'):
        parts = dask.compute(*summarize(lazy, npartitions=8).to_delayed())
    assert sum(map(len, parts)) > 2000
    assert 0 < max(taken.values()) < sum(map(len, parts)) / 3


def test_partitions_of_nothing(scheduler):
    for image in (np.zeros((9, 9), bool), np.zeros((0, 4), bool), np.eye(3, dtype=bool)):
        table = summarize(da.from_array(image, chunks=4), npartitions=5)
        assert_same_table(table.compute(), summarize(image))


def test_cycles_come_last_in_partitions():
    """Paths of all slabs come before the cycles of the first."""
    image = np.zeros((80, 9), dtype=bool)
    for at in range(0, 80, 10):
        image[at : at + 5, :5] = True
        image[at + 1 : at + 4, 1:4] = False
        image[[at, at, at + 4, at + 4], [0, 4, 0, 4]] = False
        image[at : at + 5, 7] = True
    whole = summarize(image)
    assert whole['branch_type'].tolist() == [0] * 8 + [3] * 8
    table = summarize(da.from_array(image, chunks=(3, 2)), npartitions=5)
    parts = dask.compute(*table.to_delayed(), scheduler='sync')
    assert_same_table(pd.concat(parts), whole)


def test_the_delayed_list_comprehension(scheduler):
    image, chunks = skeleton_and_chunks(6)
    skel = da.from_array(image, chunks=chunks)
    parts = [
        dask.delayed(skan.chunk_graph)(b, offset=o, shape=skel.shape)
        for b, o in skan.iter_blocks(skel)
    ]
    table = dask.delayed(skan.summarize)(dask.delayed(skan.merge_chunks)(parts), separator='_')
    assert_same_table(table.compute(), summarize(image))


def test_tables_of_chunks_with_meta(scheduler):
    image, _ = skeleton_and_chunks(7)
    image[:10] = False
    skel = da.from_array(image, chunks=10)
    tables = [dask.delayed(skan.summarize)(b, separator='_') for b, _ in skan.iter_blocks(skel)]
    table = dd.from_delayed(tables, meta=skan.table_meta(3, separator='_')).compute()
    expected = pd.concat([summarize(block) for block, _ in skan.iter_blocks(image, chunks=10)])
    assert_same_table(table, expected)
    assert 0 in [len(summarize(block)) for block, _ in skan.iter_blocks(image, chunks=10)]


def test_skeleton_of_a_dask_array(scheduler):
    for dtype in ('?', 'f4', 'i2'):
        image, chunks = skeleton_and_chunks(8, dtype=dtype)
        image = image * 100 if dtype == 'i2' else image
        lazy = da.from_array(image, chunks=chunks)
        ours, whole = skanrs.Skeleton(lazy, spacing=0.5), skanrs.Skeleton(image, spacing=0.5)
        assert ours.skeleton_image is lazy
        assert ours.skeleton_dtype == whole.skeleton_dtype
        assert (ours.graph != whole.graph).nnz == 0
        assert (ours.paths != whole.paths).nnz == 0
        assert np.array_equal(ours.coordinates, whole.coordinates)
        assert_same_table(summarize(ours), summarize(whole))
        assert np.array_equal(ours.path_label_image(), whole.path_label_image())


def test_heights_of_a_skeleton_of_a_dask_array():
    image, chunks = skeleton_and_chunks(9, dtype='f4')
    options = {'value_is_height': True}
    ours = skanrs.Skeleton(da.from_array(image, chunks=chunks), **options)
    assert_same_table(summarize(ours, **options), summarize(image, **options))


def test_values_under_a_lazy_skeleton():
    image, chunks = skeleton_and_chunks(10)
    intensities = np.random.default_rng(0).random(image.shape)
    lazy = da.from_array(image, chunks=chunks) * da.from_array(intensities, chunks=9)
    whole = summarize(image * intensities)
    assert (whole['mean_pixel_value'] < 1).all()
    assert_same_table(summarize(lazy).compute(), whole)


def test_building_computes_nothing():
    lazy = da.ones((40, 40, 40), chunks=10, dtype=bool).map_blocks(refuse, **BLOCKS_OF_BOOL)
    with dask.config.set(scheduler=refuse):
        for npartitions in (1, 3):
            table = summarize(lazy, npartitions=npartitions, find_main_branch=True)
            assert list(table.columns)[:2] == ['skeleton_id', 'node_id_src']
        for block, offset in skan.iter_blocks(lazy):
            dask.delayed(skan.chunk_graph)(block, offset=offset, shape=lazy.shape)
        with pytest.raises(AssertionError, match='must not compute'):
            table.compute()


def test_few_tasks_a_block():
    blocks = 8**3
    source = da.zeros((80, 80, 80), chunks=10, dtype=bool)
    tasks = len(dict(summarize(source).__dask_graph__())) - len(dict(source.__dask_graph__()))
    # A graph for each block, merges of eight, and the table.
    assert tasks <= blocks + blocks // 8 + blocks // 64 + 8
    parts = summarize(source, npartitions=4)
    assert len(dict(parts.__dask_graph__())) - len(dict(source.__dask_graph__())) < 2 * blocks


def test_equal_calls_have_equal_names():
    lazy = da.zeros((20, 20), chunks=10, dtype=bool)
    one, other = summarize(lazy), summarize(lazy)
    assert one.__dask_keys__() == other.__dask_keys__()


def test_workers_know_the_size_of_graphs():
    image, _ = skeleton_and_chunks(11)
    graph = skan.chunk_graph(image, offset=(0, 0, 0), shape=image.shape)
    assert sizeof(graph) >= graph.nbytes


def test_one_thread_a_call_in_a_worker(client):
    assert set(client.run(skanrs.get_num_threads).values()) != {0}
    assert client.submit(skanrs.get_num_threads, pure=False).result() == 1

    def on_three():
        skanrs.set_num_threads(3)
        count = skanrs.get_num_threads()
        skanrs.set_num_threads(None)
        return count

    assert client.submit(on_three, pure=False).result() == 3


def test_dask_is_imported_only_where_it_is_used(run_python):
    code = """
import sys, numpy, skanrs
skanrs.summarize(numpy.eye(3, dtype=bool), separator='_')
list(skanrs.iter_blocks(numpy.eye(3)))
print(sorted({name.split('.')[0] for name in sys.modules} & {'dask', 'distributed'}))
"""
    assert run_python(code).strip() == '[]'


def kill_once(block, marker):
    """Kill the worker that is the first to come here."""
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return block
    os.kill(os.getpid(), signal.SIGKILL)
    return None


def test_a_worker_that_is_killed(client, tmp_path):
    image, _ = skeleton_and_chunks(13)
    lazy = da.from_array(image, chunks=8)
    deadly = lazy.map_blocks(kill_once, marker=str(tmp_path / 'killed'), **BLOCKS_OF_BOOL)
    with client.as_current():
        table = summarize(deadly).compute()
    assert (tmp_path / 'killed').exists()
    assert_same_table(table, summarize(image))


@pytest.mark.parametrize(
    ('make', 'options', 'error', 'said'),
    [
        (lambda a: a[a.sum(axis=1) > 0], {}, ValueError, 'skel: expected chunks of known sizes'),
        (lambda a: a.astype(complex), {}, TypeError, 'complex128'),
        (lambda a: a, {'spacing': -1}, ValueError, 'spacing: expected positive'),
        (lambda a: a, {'npartitions': 0}, ValueError, 'npartitions: expected at least 1'),
        (lambda a: a > 0, {'value_is_height': True}, TypeError, 'value_is_height'),
        (lambda a: a[None, None, None], {}, ValueError, 'expected 1 to 4 axes'),
    ],
)
def test_errors_are_raised_at_once(make, options, error, said):
    lazy = make(da.ones((10, 10), chunks=4))
    with dask.config.set(scheduler=refuse), pytest.raises(error, match=said):
        summarize(lazy, **options)


def test_unknown_chunks_are_refused_everywhere():
    lazy = da.ones((10, 10), chunks=4)
    unknown = lazy[lazy.sum(axis=1) > 0]
    with pytest.raises(ValueError, match='array: expected chunks of known sizes'):
        list(skanrs.iter_blocks(unknown))
    with pytest.raises(ValueError, match='skeleton_image: expected chunks of known sizes'):
        skanrs.Skeleton(unknown)


def test_a_delayed_block_needs_a_delayed_call():
    block, offset = next(skanrs.iter_blocks(da.ones((4, 4), chunks=4)))
    with pytest.raises(TypeError, match=r'dask.delayed\(skanrs.chunk_graph\)'):
        skanrs.chunk_graph(block, offset=offset, shape=(4, 4))
    part = skanrs.chunk_graph(da.ones((4, 4), chunks=4), offset=(0, 0), shape=(4, 4))
    assert part.is_complete


def test_chunk_graphs_cross_to_another_process(tmp_path):
    image, chunks = skeleton_and_chunks(14)
    graphs = [
        skan.chunk_graph(b, offset=o, shape=image.shape)
        for b, o in skan.iter_blocks(image, chunks=chunks)
    ]
    path = tmp_path / 'graphs.pickle'
    path.write_bytes(pickle.dumps(graphs, 5))
    code = (
        'import pickle, sys, skanrs;'
        'graphs = pickle.load(open(sys.argv[1], "rb"));'
        'table = skanrs.summarize(skanrs.merge_chunks(graphs), separator="_");'
        'table.to_pickle(sys.argv[1])'
    )
    subprocess.run([sys.executable, '-c', code, str(path)], check=True, timeout=120)
    assert_same_table(pd.read_pickle(path), summarize(image))
