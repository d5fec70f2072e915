"""What a long job tells on a terminal."""

import io
import re

import pytest

from skanrs.command import progress
from skanrs.command.progress import Progress, in_words


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""
    now = [0.0]
    monkeypatch.setattr(progress.time, 'perf_counter', lambda: now[0])
    return now


def test_bar_and_estimate(clock):
    terminal = Terminal()
    shown = Progress(shown=True, stream=terminal)
    with shown.stage('thinning'):
        for done in range(1, 201):
            clock[0] += 0.5
            shown.advance(done, 200)
    lines = terminal.getvalue().split('\r\x1b[K')
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
            shown.advance(done, 1000)
    assert terminal.getvalue().count('%') <= 10


def test_nothing_elsewhere():
    stream = io.StringIO()
    shown = Progress(shown=True, stream=stream)
    with shown.stage('thinning'):
        shown.advance(1, 2)
    assert re.fullmatch(r'thinning: \d+\.\d\d s\n', stream.getvalue())


@pytest.mark.parametrize(
    ('seconds', 'words'), [(0.2, '0 s'), (59, '59 s'), (61, '1:01 min'), (3700, '1:01 h')]
)
def test_times(seconds, words):
    assert in_words(seconds) == words
