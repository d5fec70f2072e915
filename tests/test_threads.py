"""The number of threads: set, read, refused, from the environment."""

import subprocess
import sys

import pytest

import skanrs


@pytest.fixture(autouse=True)
def _restore():
    yield
    skanrs.set_num_threads(None)


def test_set_and_get():
    default = skanrs.get_num_threads()
    assert default >= 1
    skanrs.set_num_threads(3)
    assert skanrs.get_num_threads() == 3
    skanrs.set_num_threads(None)
    assert skanrs.get_num_threads() == default


@pytest.mark.parametrize('count', [0, -1, 2**40])
def test_out_of_range(count):
    with pytest.raises(ValueError, match='count: expected 1 to'):
        skanrs.set_num_threads(count)


@pytest.mark.parametrize('count', ['2', 2.0, [2]])
def test_wrong_type(count):
    with pytest.raises(TypeError, match='count: expected an integer'):
        skanrs.set_num_threads(count)


def in_new_process(value):
    return subprocess.run(
        [sys.executable, '-c', 'import skanrs; print(skanrs.get_num_threads())'],
        env={'SKANRS_NUM_THREADS': value},
        capture_output=True,
        text=True,
        check=True,
    )


def test_environment():
    assert in_new_process('5').stdout.split() == ['5']


@pytest.mark.parametrize('value', ['many', '0', '-2', '1.5'])
def test_environment_with_an_invalid_count(value):
    done = in_new_process(value)
    assert int(done.stdout) == skanrs.get_num_threads()
    assert 'SKANRS_NUM_THREADS' in done.stderr
    assert 'is ignored' in done.stderr


def test_environment_empty():
    done = in_new_process('')
    assert int(done.stdout) == skanrs.get_num_threads()
    assert done.stderr == ''
