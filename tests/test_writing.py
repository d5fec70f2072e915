"""Files appear whole or not at all: killed at any moment, or on a full disk."""

import os
import random
import signal
import sys
import time

import pytest

from skanrs.files import FileError, write_files

SIZE = 300_000


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork here')
@pytest.mark.filterwarnings('ignore:.*fork.*:DeprecationWarning')
def test_killed_at_a_random_moment(tmp_path):
    path = tmp_path / 'table.csv'
    path.write_bytes(b'0' * SIZE)
    moments = random.Random(0)
    seen = set()
    for _ in range(50):
        child = os.fork()
        if child == 0:
            for letter in (b'1', b'2', b'3') * 1000:
                write_files({path: lambda file, letter=letter: file.write(letter * SIZE)})
            os._exit(0)
        time.sleep(moments.random() * 0.05)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        content = path.read_bytes()
        assert len(content) == SIZE
        assert len(set(content)) == 1
        seen.add(content[:1])
    assert len(seen) > 1
    # What a killed process leaves beside it begins with a dot and ends in .part or .old.
    left = [name for name in os.listdir(tmp_path) if name != path.name]
    assert all(name.startswith('.table.csv.') for name in left)
    assert all(name.endswith(('.part', '.old')) for name in left)


@pytest.mark.skipif(sys.platform != 'linux', reason='the limit is that of Linux')
def test_a_full_disk(tmp_path):
    import resource

    path = tmp_path / 'table.csv'
    path.write_bytes(b'before')
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE // 2, limit[1]))
        with pytest.raises(
            FileError, match=r'table\.csv cannot be written: File too large'
        ) as said:
            write_files({path: lambda file: file.write(b'1' * SIZE)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)
    assert '\n' not in str(said.value)
    assert path.read_bytes() == b'before'
    assert os.listdir(tmp_path) == ['table.csv']
