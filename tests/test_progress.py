"""What long calls and long jobs tell on the way."""

import io
import os
import pty
import re
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel

import skanrs
from skanrs._support import progress
from skanrs._support.progress import in_words, time_left
from skanrs.cli.progress import Progress
from skanrs.datasets import VesselTree, balls


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def lines(self):
        return self.getvalue().split('\r\x1b[K')


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""
    now = [0.0]
    monkeypatch.setattr(progress.time, 'perf_counter', lambda: now[0])
    return now


@pytest.fixture
def terminal(monkeypatch):
    """A terminal on which calls of any length show how far they are."""
    stream = Terminal()
    monkeypatch.setattr(progress, 'sys', SimpleNamespace(stderr=stream, modules=sys.modules))
    monkeypatch.setattr(progress, 'DELAY', 0.0)
    monkeypatch.setattr(progress, 'EVERY', 0.0)
    skanrs.show_progress(True)
    yield stream
    skanrs.show_progress(None)


def test_bar_and_estimate(clock):
    terminal = Terminal()
    shown = Progress(shown=True, stream=terminal)
    with shown.stage('thinning'):
        for done in range(1, 201):
            clock[0] += 0.5
            shown.told(done / 200)
    lines = terminal.lines()
    assert 'thinning [############............]  50%, 50 s left' in lines
    assert '0 s left' in lines[-2]
    assert lines[-1] == ''
    assert shown.seconds == {'thinning': 100.0}
    # Some steps must be done before their pace tells how long the rest takes.
    assert [bool(re.search('left', line)) for line in lines[2:6]] == [False, False, False, True]


def test_not_more_than_ten_times_a_second(clock):
    terminal = Terminal()
    shown = Progress(shown=True, stream=terminal)
    with shown.stage('thinning'):
        for done in range(1000):
            clock[0] += 0.001
            shown.told(done / 1000)
    assert terminal.getvalue().count('%') <= 10


def test_job_without_a_terminal():
    stream = io.StringIO()
    shown = Progress(shown=True, stream=stream)
    with shown.stage('thinning'):
        shown.told(0.5)
    assert re.fullmatch(r'thinning: \d+\.\d\d s\n', stream.getvalue())


@pytest.mark.parametrize(
    ('seconds', 'words'), [(0.2, '0 s'), (59, '59 s'), (61, '1:01 min'), (3700, '1:01 h')]
)
def test_times(seconds, words):
    assert in_words(seconds) == words


def test_time_left():
    assert time_left(0.5, 10) == '10 s left'
    assert time_left(None, 10) == time_left(0.01, 10) == time_left(0.5, 0.1) == ''


def long_work():
    """Return a mask whose thinning takes several looks, which are 50 ms apart, on any machine."""
    return np.ones((420, 420, 420), dtype=bool)


def parts_of(lines, name):
    """Return the parts of the work that lines of this name tell, as they were told."""
    found = [
        re.match(rf'{name}(?: \[[#.]{{24}}\] +(\d+)%)?(?:, .* left)?$', line) for line in lines
    ]
    assert any(found), lines
    return [int(match[1]) for match in found if match and match[1]]


def test_a_call_tells_how_far_the_kernels_are(terminal):
    mask = long_work()
    skeleton = skanrs.skeletonize(mask)
    parts = parts_of(terminal.lines(), 'skeletonize')
    assert parts == sorted(parts)
    # How near the end the last look is depends on the machine; a Rust test sees the end.
    assert parts[0] < 60 < parts[-1] <= 100
    assert terminal.lines()[-1] == ''
    skanrs.show_progress(False)
    terminal.truncate(0)
    terminal.seek(0)
    assert np.array_equal(skanrs.skeletonize(mask), skeleton)
    assert terminal.getvalue() == ''


def test_a_call_tells_its_parts(terminal):
    mask = balls((300, 300, 300), radius=(135, 142))
    skeleton = mask & (np.random.default_rng(0).random(mask.shape) < 0.0005)
    terminal.truncate(0)
    terminal.seek(0)
    skanrs.analyze(mask, skeleton=skeleton)
    parts = parts_of(terminal.lines(), 'analyze: radii')
    assert parts == sorted(parts)
    # On a machine that is busy there may be time for one look only.
    assert 0 < parts[-1] <= 100


def test_a_call_of_python_tells_too(terminal):
    VesselTree.grow((96, 96, 96), distance=4).image()
    parts = parts_of(terminal.lines(), 'VesselTree')
    assert parts == sorted(parts)
    assert len(parts) > 1


def test_short_calls_show_nothing(terminal, monkeypatch):
    monkeypatch.setattr(progress, 'DELAY', 1.0)
    skanrs.skeletonize(np.ones((100, 100, 100), dtype=bool))
    assert terminal.getvalue() == ''


def test_other_threads_show_nothing(terminal):
    mask = long_work()
    thread = threading.Thread(target=skanrs.skeletonize, args=[mask])
    thread.start()
    thread.join()
    assert terminal.getvalue() == ''


def interrupted_call(clock):
    with progress.call('analyze'):
        clock[0] += 2.5
        progress.advance(None)
        raise KeyboardInterrupt


def test_a_call_that_fails_says_when(capsys, clock):
    skanrs.show_progress(True)
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted_call(clock)
        with progress.call('radii'):
            clock[0] += 1.25
            progress.advance(0.5)
        assert capsys.readouterr().err == 'analyze: stopped after 2.5 s\nradii: 1.2 s\n'
    finally:
        skanrs.show_progress(None)


def test_nothing_unless_asked_for(capsys, monkeypatch):
    monkeypatch.setattr(progress, 'DELAY', 0.0)
    skanrs.skeletonize(long_work())
    assert capsys.readouterr() == ('', '')


@pytest.mark.parametrize('shown', [1, 'yes'])
def test_bad_argument(shown):
    with pytest.raises(TypeError, match='^shown: expected True, False or None'):
        skanrs.show_progress(shown)


def test_the_command_tells_how_far_the_kernels_are(tmp_path):
    np.save(tmp_path / 'mask.npy', long_work())
    terminal, other_end = pty.openpty()
    command = [sys.executable, '-m', 'skanrs', 'skeletonize', 'mask.npy', '-o', 'skeleton.npy']
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=other_end)
    os.close(other_end)
    said = b''
    # A closed terminal is an error on Linux.
    while part := _read(terminal):
        said += part
    os.close(terminal)
    assert process.wait() == 0
    assert re.search(r'thinning \[#+\.*\] +\d+%', said.decode())


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b''


def test_in_a_notebook():
    manager, client = start_new_kernel(kernel_name='python3')
    outputs = []
    code = """
    import numpy as np, skanrs
    from skanrs._support import progress
    progress.DELAY = 0.0
    skanrs.skeletonize(np.ones((420, 420, 420), dtype=bool))
    """
    try:
        reply = client.execute_interactive(
            '\n'.join(map(str.strip, code.splitlines()[:-1])) + ';',
            timeout=60,
            output_hook=outputs.append,
        )
        assert reply['content']['status'] == 'ok', reply['content']
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    shown = [output for output in outputs if 'display_data' in output['msg_type']]
    # One output of the cell, written anew.
    assert [output['msg_type'] for output in shown[:2]] == ['display_data', 'update_display_data']
    assert len({output['content']['transient']['display_id'] for output in shown}) == 1
    plain = [output['content']['data']['text/plain'] for output in shown]
    assert any(re.match(r'skeletonize, \d+%', text) for text in plain), plain
    assert re.fullmatch(r'skeletonize: \d+\.\d s', plain[-1])
    assert '<progress value="' in shown[-2]['content']['data']['text/html']
