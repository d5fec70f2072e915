"""Progress bars of long calls and of the command."""

import io
import os
import pty
import re
import subprocess
import sys
import termios
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel

import skanrs
from skanrs import _core
from skanrs._support import progress
from skanrs.cli.progress import Progress
from skanrs.datasets import VesselTree, balls, vessel_tree

STATE = re.compile(r'(.*): +(\d+)%\|.*\| (\d\d:\d\d)<(\d\d:\d\d|\?) *')


class Terminal(io.StringIO):
    def isatty(self):
        return True


def states(stream):
    """The label and the percentage of each state of the bars."""
    parts = [STATE.fullmatch(part) for part in re.split('[\r\n]', stream.getvalue())]
    return [(part[1], int(part[2])) for part in parts if part]


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets, for the bars too."""
    now = [1000.0]
    monkeypatch.setattr(progress, 'time', SimpleNamespace(time=lambda: now[0]))
    monkeypatch.setattr('tqdm.std.time', lambda: now[0])
    return now


@pytest.fixture
def terminal(monkeypatch):
    """A terminal on which calls of any length show a bar."""
    stream = Terminal()
    # pytest sets that of `sys` between a fixture and its test.
    monkeypatch.setattr(progress, 'sys', SimpleNamespace(stderr=stream, modules=sys.modules))
    monkeypatch.setattr(progress, 'DELAY', 0.0)
    skanrs.show_progress(True)
    yield stream
    skanrs.show_progress(None)


def test_stages_of_a_run(clock, monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, 'stderr', stream)
    with Progress(shown=True).stage('thinning'):
        for done in range(1, 201):
            clock[0] += 0.5
            progress.advance(done / 200)
    assert re.search(r'thinning:  50%\|.*\| 00:50<00:50', stream.getvalue())
    labels, parts = zip(*states(stream), strict=True)
    assert set(labels) == {'thinning'}
    assert list(parts) == sorted(parts)
    assert (parts[0], parts[-1]) == (0, 100)
    # Nothing stays.
    assert stream.getvalue().rsplit('\r', 2)[1].isspace()


def test_not_more_than_ten_times_a_second(clock, monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, 'stderr', stream)
    with Progress(shown=True).stage('thinning'):
        for done in range(1000):
            clock[0] += 0.001
            progress.advance(done / 1000)
    assert 5 < len(states(stream)) <= 12


def test_in_a_file(clock, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, 'stderr', stream)
    with Progress(shown=True).stage('thinning'):
        for done in range(100):
            clock[0] += 0.25
            progress.advance(done / 100)
    # At the beginning, every ten seconds, at the end.
    assert [part for _, part in states(stream)] == [0, 39, 79, 100]
    assert stream.getvalue().endswith('\n')


def test_nothing_is_shown_unless_wanted(capsys, monkeypatch):
    monkeypatch.setattr(progress, 'DELAY', 0.0)
    skanrs.show_progress(True)
    try:
        run = Progress(shown=False)
        with run.stage('thinning'), progress.call('skeletonize'):
            progress.advance(0.5)
        assert list(run.seconds) == ['thinning']
    finally:
        skanrs.show_progress(None)
    assert capsys.readouterr() == ('', '')


def test_without_standard_error(monkeypatch):
    monkeypatch.setattr(sys, 'stderr', None)
    with Progress(shown=True).stage('thinning'):
        progress.advance(0.5)


def long_work():
    """Return a mask whose thinning is longer than the 50 ms between two reports of a kernel."""
    return np.ones((420, 420, 420), dtype=bool)


def parts_of(stream, label):
    """The percentages of the states with this label."""
    return [part for name, part in states(stream) if name == label]


def test_a_call_shows_how_far_the_kernels_are(terminal):
    mask = long_work()
    skeleton = skanrs.skeletonize(mask)
    parts = parts_of(terminal, 'skeletonize')
    assert parts == sorted(parts)
    # How near the end the last report is depends on the machine; a Rust test sees the end.
    assert parts[0] < 60 < parts[-1] <= 100
    skanrs.show_progress(False)
    terminal.truncate(0)
    terminal.seek(0)
    assert np.array_equal(skanrs.skeletonize(mask), skeleton)
    assert terminal.getvalue() == ''


def test_a_call_shows_its_parts(terminal):
    mask = balls((300, 300, 300), radius=(135, 142))
    skeleton = mask & (np.random.default_rng(0).random(mask.shape) < 0.02)
    terminal.truncate(0)
    terminal.seek(0)
    skanrs.analyze(mask, skeleton=skeleton)
    parts = parts_of(terminal, 'analyze: radii')
    assert parts == sorted(parts)
    # On a busy machine there may be only one report.
    assert 0 < parts[-1] <= 100


def test_a_call_of_python_shows_progress_too(terminal):
    VesselTree.grow((96, 96, 96), distance=4).image()
    parts = parts_of(terminal, 'VesselTree')
    assert parts == sorted(parts)
    assert len(parts) > 1


def test_steps_are_not_mixed_with_the_progress_of_one_of_them(terminal):
    mask = long_work().view(np.uint8)
    output = np.empty_like(mask)
    with progress.bar('slabs', delay=0.0):
        progress.advance(0)
        for done in range(1, 4):
            _core.skeletonize(mask, 1, 'lee', output)
            progress.advance(done / 4)
    assert {0} < set(parts_of(terminal, 'slabs')) <= {0, 25, 50, 75, 100}


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
        progress.advance(0.25)
        raise KeyboardInterrupt


def test_bar_of_a_failed_call_stays(capsys, clock):
    skanrs.show_progress(True)
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted_call(clock)
        last = capsys.readouterr().err.rsplit('\r', 1)[1]
        assert re.fullmatch(r'analyze:  25%\|.*\| 00:02<00:07\n', last)
        # A later call is no part of it.
        with progress.call('radii'):
            clock[0] += 1.25
            progress.advance(None)
        last = capsys.readouterr().err.rsplit('\r', 1)[1]
        assert re.fullmatch(r'radii: 100%\|.*\| 00:01<00:00\n', last)
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


def test_the_command_shows_how_far_the_kernels_are(tmp_path):
    np.save(tmp_path / 'mask.npy', long_work())
    terminal, other_end = pty.openpty()
    termios.tcsetwinsize(other_end, (24, 80))
    command = [sys.executable, '-m', 'skanrs', 'skeletonize', 'mask.npy', '-o', 'skeleton.npy']
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=other_end)
    os.close(other_end)
    said = b''
    # A closed terminal is an error on Linux.
    while part := _read(terminal):
        said += part
    os.close(terminal)
    assert process.wait() == 0
    assert re.search(r'thinning: skeletonize: +\d+%\|', said.decode())


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b''


def test_in_a_notebook():
    manager, client = start_new_kernel(kernel_name='python3')
    outputs = []
    code = """
    import sys
    sys.modules['ipywidgets'] = None
    import numpy as np, skanrs
    from skanrs._support import progress
    progress.DELAY = 0.0
    skanrs.skeletonize(np.ones((420, 420, 420), dtype=bool));
    """
    try:
        reply = client.execute_interactive(
            '\n'.join(map(str.strip, code.splitlines())),
            timeout=60,
            output_hook=outputs.append,
        )
        assert reply['content']['status'] == 'ok', reply['content']
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    # Without ipywidgets tqdm writes text; its warning about that is not shown.
    text = ''.join(
        output['content']['text'] for output in outputs if output['msg_type'] == 'stream'
    )
    assert re.search(r'\rskeletonize: 100%\|', text)
    assert 'Warning' not in text


def test_a_listener_in_place_of_a_bar():
    said = []
    image = vessel_tree((64, 64, 64))
    thread = threading.Thread(target=lambda: measured_for(said.append, image))
    thread.start()
    thread.join()
    assert list(dict(said)) == [
        'skeletonize',
        'analyze',
        'Skeleton',
        'radii',
        'measures',
        'summarize',
    ]
    parts = [part for part, _ in said]
    assert parts == sorted(parts, key=list(dict(said)).index)
    assert all(done is None or 0 <= done <= 1 for _, done in said)
    # Of other threads nothing is told.
    before = len(said)
    skanrs.skeletonize(image)
    assert len(said) == before


def measured_for(tell, image):
    with progress.reported_to(lambda part, done: tell((part, done))):
        skanrs.analyze(image, skeleton=skanrs.skeletonize(image))
