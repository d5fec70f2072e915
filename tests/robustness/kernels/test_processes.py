"""Forks, processes, threads, sub-interpreters and interrupts: no hang, no crash, equal results."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
from images import blobs
from jupyter_client.manager import start_new_kernel

import skanrs

IMAGE = blobs((60, 70, 90), 3, 2)


def table_of(image):
    """Thin in chunks, build, merge and count: every kernel runs."""
    skeleton = skanrs.skeletonize(image)
    blocks = skanrs.iter_blocks(skeleton, chunks=40)
    parts = [skanrs.chunk_graph(b, offset=o, shape=image.shape) for b, o in blocks]
    merged = skanrs.summarize(skanrs.merge_chunks(parts), separator='_')
    whole = skanrs.summarize(skanrs.Skeleton(skeleton), separator='_', find_main_branch=True)
    assert merged.equals(whole.drop(columns='main'))
    return whole


@pytest.fixture(scope='module')
def expected():
    return table_of(IMAGE)


@pytest.fixture(autouse=True)
def _restore_threads():
    yield
    skanrs.set_num_threads(None)


@pytest.mark.parametrize('method', multiprocessing.get_all_start_methods())
@pytest.mark.filterwarnings('ignore:.*fork.*:DeprecationWarning')
def test_multiprocessing(method, expected):
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        for table in pool.map(table_of, [IMAGE] * 4, timeout=120):
            assert table.equals(expected)


def test_calls_from_many_threads_while_their_number_changes(expected):
    done = threading.Event()

    def change():
        count = 1
        while not done.is_set():
            skanrs.set_num_threads(count % 16 + 1)
            count += 1

    changer = threading.Thread(target=change)
    changer.start()
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            tables = list(pool.map(table_of, [IMAGE] * 16, timeout=120))
    finally:
        done.set()
        changer.join()
    assert all(table.equals(expected) for table in tables)


def test_a_fork_while_other_threads_call(run_python):
    code = """
        import os, select, signal, sys, threading
        import numpy as np
        import skanrs
        image = np.random.default_rng(0).random((50, 60, 70)) < 0.3
        expected = skanrs.skeletonize(image)
        stop = threading.Event()
        def work():
            while not stop.is_set():
                skanrs.skeletonize(image)
        threads = [threading.Thread(target=work) for _ in range(3)]
        [thread.start() for thread in threads]
        hung = 0
        for _ in range(10):
            begun, begin = os.pipe()
            child = os.fork()
            if child == 0:
                os.write(begin, b'!')
                same = np.array_equal(skanrs.skeletonize(image), expected)
                os._exit(0 if same else 3)
            # CPython 3.11 before 3.11.10 may hang in the fork itself (gh-112275).
            if sys.version_info < (3, 11, 10) and not select.select([begun], [], [], 20)[0]:
                hung += 1
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            else:
                assert os.waitpid(child, 0)[1] == 0
            os.close(begun)
            os.close(begin)
        assert hung < 3
        stop.set()
        [thread.join() for thread in threads]
        print('done')
    """
    assert run_python(textwrap.dedent(code)).strip() == 'done'


def test_sub_interpreter_is_refused_with_a_clear_error(run_python):
    # Every CPython has it, by one of two names.
    name = '_xxsubinterpreters' if sys.version_info < (3, 13) else '_interpreters'
    code = f"""
        import {name} as interpreters
        import skanrs
        inner = interpreters.create()
        code = '''
        import sys
        sys.path[:] = {sys.path!r}
        try:
            import skanrs._core
        except ImportError as error:
            print('refused:', error, flush=True)
        else:
            print('imported', skanrs._core.get_num_threads() > 0, flush=True)
        '''
        import os, textwrap
        interpreters.run_string(inner, textwrap.dedent(code))
        print(skanrs.skeletonize([[1, 1, 1]]).sum(), flush=True)
        # CPython 3.11 may hang at its end after numpy alone was imported twice.
        os._exit(0)
    """
    said = run_python(textwrap.dedent(code)).splitlines()
    assert said[-1] == '3'
    # numpy, which is imported first, refuses, or Python or pyo3: not a module that was not found.
    words = ('cannot load module more than once per process', 'subinterpreters')
    refused = said[0].startswith('refused: ') and any(each in said[0] for each in words)
    assert refused or said[0] == 'imported True'


LONG_CALLS = {
    'skeletonize': 'lambda: skanrs.skeletonize(thick)',
    'thin_chunk': 'lambda: skanrs.thin_chunk(thick, offset=(0, 0, 0), shape=(999, 999, 999))',
    'Skeleton': 'lambda: skanrs.Skeleton(noise)',
    'chunk_graph': 'lambda: skanrs.chunk_graph(noise, offset=(0, 0, 0), shape=(999, 999, 999))',
    'summarize': "lambda: skanrs.summarize(noise, separator='_')",
    'prune_paths': 'lambda: skeleton.prune_paths(range(skeleton.n_paths))',
}
INTERRUPTED = """
    import faulthandler, os, signal, sys, threading, time
    import numpy as np
    import skanrs
    faulthandler.enable()
    # Packages that an interrupt stops while they are imported cannot be used later.
    skanrs.summarize(np.eye(9, dtype=bool), separator='_')
    signal.signal(signal.SIGINT, signal.default_int_handler)
    random = np.random.default_rng({seed})
    thick = np.ones((160, 160, 160), dtype=bool)
    noise = random.random((110, 110, 110)) < 0.3
    skeleton = skanrs.Skeleton(noise[:30])
    call = {call}
    before = thick.copy(), noise.copy()
    interrupts = 0
    for delay in random.random({times}) * 0.2:
        timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
        try:
            timer.start()
            call()
            time.sleep(60)  # The interrupt ends this, if it did not end the call.
        except KeyboardInterrupt:
            interrupts += 1
        timer.join()
        assert np.array_equal(thick, before[0]) and np.array_equal(noise, before[1])
    assert skanrs.summarize(np.eye(9, dtype=bool), separator='_')['branch_type'].tolist() == [0]
    print(interrupts)
"""


SLOW = pytest.mark.slow
NAMES = [
    pytest.param(name, marks=() if name in ('skeletonize', 'summarize') else SLOW)
    for name in LONG_CALLS
]


@pytest.mark.parametrize('name', NAMES)
def test_interrupts_at_any_moment(name, run_python):
    code = textwrap.dedent(INTERRUPTED).format(seed=len(name), call=LONG_CALLS[name], times=6)
    assert run_python(code).strip() == '6'


def test_an_interrupted_command_says_so(tmp_path):
    np.save(tmp_path / 'image.npy', np.ones((220, 220, 220), dtype=bool))
    code = (
        'import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);'
        'from skanrs.cli import main; sys.exit(main(sys.argv[1:]))'
    )
    with subprocess.Popen(
        [sys.executable, '-c', code, 'analyze', 'image.npy', '-o', 'table.csv', '--progress'],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        process.stderr.read(1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode in (0, 130), said
    if process.returncode:
        assert 'interrupted' in said
        assert [path.name for path in tmp_path.iterdir()] == ['image.npy']


def test_a_notebook_is_interrupted_and_goes_on():
    manager, client = start_new_kernel(kernel_name='python3')
    try:
        client.execute_interactive('import numpy as np, skanrs', timeout=60)
        # A call takes seconds: one that could not be interrupted would be noticed.
        client.execute_interactive('image = np.ones((600, 600, 600), dtype=bool)', timeout=60)
        # The kernel logs each pass: after the first one the call runs, and has many passes to go.
        log = 'import logging, sys; logging.basicConfig(level="DEBUG", stream=sys.stdout)'
        request = client.execute(f'{log}\nwhile True: skanrs.skeletonize(image)')
        while True:
            message = client.get_iopub_msg(timeout=60)
            if 'skanrs.thinning:pass ' in message['content'].get('text', ''):
                break
        start = time.monotonic()
        manager.interrupt_kernel()
        reply = client.get_shell_msg(timeout=60)
        while reply['parent_header']['msg_id'] != request:
            reply = client.get_shell_msg(timeout=60)
        assert reply['content']['ename'] == 'KeyboardInterrupt'
        assert time.monotonic() - start < 2
        check = 'assert skanrs.skeletonize(image[:9, :9, :9]).sum() > 0'
        reply = client.execute_interactive(check, timeout=60)
        # The kernel aborts what arrives while it still clears its queue.
        while reply['content']['status'] == 'aborted':
            reply = client.execute_interactive(check, timeout=60)
        assert reply['content']['status'] == 'ok'
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
