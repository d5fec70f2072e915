"""Files appear complete or not at all: process killed, disk full, other systems."""

import errno
import os
import random
import signal
import sys
import time

import numpy as np
import pandas as pd
import pytest

import skanrs
from skanrs import files
from skanrs.files import AtomicOutputs, FileError, write_files

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
    # What a killed process leaves beside it is hidden.
    left = [name for name in os.listdir(tmp_path) if name != path.name]
    assert all(name.startswith('.skanrs-') for name in left)


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork here')
@pytest.mark.filterwarnings('ignore:.*fork.*:DeprecationWarning')
def test_next_run_removes_what_a_killed_one_left(tmp_path):
    path = tmp_path / 'table.csv'
    path.write_bytes(b'before')
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with AtomicOutputs() as outputs:
            (outputs.scratch(path) / 'rows').write_bytes(b'1')
            outputs.new(path).write_bytes(b'half')
            os.write(writing, b'!')
            time.sleep(60)
        os._exit(0)
    os.read(reading, 1)
    left = set(os.listdir(tmp_path)) - {path.name}
    assert len(left) == 3
    # What a process that works has stays.
    with AtomicOutputs() as outputs:
        outputs.scratch(path)
        assert left < set(os.listdir(tmp_path))
    assert left < set(os.listdir(tmp_path))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert path.read_bytes() == b'before'
    write_files({path: lambda file: file.write(b'after')})
    assert os.listdir(tmp_path) == [path.name]
    for pipe in (reading, writing):
        os.close(pipe)


def test_scratch_of_a_run_that_begins_stays(tmp_path):
    """The lock comes a moment after its file."""
    (tmp_path / '.skanrs-other-0').mkdir()
    (tmp_path / '.skanrs-other-lock').touch()
    write_files({tmp_path / 'table.csv': lambda file: file.write(b'after')})
    assert len(os.listdir(tmp_path)) == 3


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


def fsync_of_windows(plain):
    """fsync of Windows needs a file that is open for writing."""
    fcntl = pytest.importorskip('fcntl')

    def fsync(number):
        if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        plain(number)

    return fsync


def refuse(code):
    def call(*_, **__):
        raise OSError(code, os.strerror(code))

    return call


SYSTEMS = {
    'windows': {'fsync': fsync_of_windows(os.fsync)},
    'fsync is refused': {'fsync': refuse(errno.EINVAL)},
    'fsync is not there': {'fsync': refuse(errno.ENOTSUP)},
    'no hard links': {'link': refuse(errno.EPERM)},
    'no links at all': {'link': refuse(errno.ENOTSUP), 'symlink': refuse(errno.ENOTSUP)},
}


@pytest.mark.parametrize('system', SYSTEMS)
def test_other_systems(tmp_path, monkeypatch, system):
    """Every format is written, and written again."""
    for name, call in SYSTEMS[system].items():
        monkeypatch.setattr(os, name, call)
    image = np.zeros((5, 20, 20), bool)
    image[2, 9, 3:17] = image[2, 3:17, 9] = True
    skeleton = skanrs.Skeleton(image)
    table = skanrs.summarize(skeleton, separator='_')
    for times in (1, 2):
        with AtomicOutputs() as outputs:
            for suffix in files.IMAGE_SUFFIXES:
                name = tmp_path / f'skeleton{suffix}'
                files.write_image(outputs, name, image[: 6 - times], (1,) * 3)
            for suffix in (*files.TABLE_SUFFIXES, *files.GRAPH_SUFFIXES):
                files.write_skeleton(outputs, tmp_path / f'graph{suffix}', table, skeleton)
        count = len(files.IMAGE_SUFFIXES + files.TABLE_SUFFIXES + files.GRAPH_SUFFIXES)
        assert len(os.listdir(tmp_path)) == count
        for suffix in files.IMAGE_SUFFIXES:
            assert skanrs.open_image(tmp_path / f'skeleton{suffix}').image.shape[0] == 6 - times
        assert len(pd.read_csv(tmp_path / 'graph.csv')) == len(table)


@pytest.mark.parametrize('code', [errno.EIO, errno.ENOSPC])
def test_a_disk_that_fails_at_the_last_moment(tmp_path, monkeypatch, code):
    (tmp_path / 'a').write_text('before')
    monkeypatch.setattr(os, 'fsync', refuse(code))
    with pytest.raises(FileError, match=f'a cannot be written: {os.strerror(code)}'):
        write_files({tmp_path / 'a': lambda file: file.write(b'after')})
    assert (tmp_path / 'a').read_text() == 'before'
    assert os.listdir(tmp_path) == ['a']


@pytest.mark.parametrize('target', ['there', 'not there'])
def test_a_symbolic_link_is_followed(tmp_path, target):
    (tmp_path / 'data').mkdir()
    aim, link = tmp_path / 'data/aim.csv', tmp_path / 'link.csv'
    if target == 'there':
        aim.write_text('before')
    link.symlink_to(aim)
    files.check_output(link, files.TABLE_SUFFIXES, 'tables')
    write_files({link: lambda file: file.write(b'after')})
    assert link.is_symlink()
    assert aim.read_text() == 'after'
    assert os.listdir(tmp_path / 'data') == ['aim.csv']


def test_a_link_to_a_folder_is_followed(tmp_path):
    link = tmp_path / 'link.zarr'
    link.symlink_to(tmp_path / 'aim.zarr')
    for length in (4, 3):
        with AtomicOutputs() as outputs:
            files.check_output(link, files.IMAGE_SUFFIXES, 'images')
            files.write_image(outputs, link, np.ones((length, 5), bool), (1, 1))
        assert link.is_symlink()
        assert skanrs.open_image(tmp_path / 'aim.zarr').image.shape == (length, 5)
    assert sorted(os.listdir(tmp_path)) == ['aim.zarr', 'link.zarr']


def test_links_that_lead_nowhere(tmp_path):
    (tmp_path / 'circle.csv').symlink_to('circle.csv')
    (tmp_path / 'gone.csv').symlink_to(tmp_path / 'gone/a.csv')
    for name, said in (('circle', 'circle.csv cannot be written'), ('gone', 'gone does not exist')):
        with pytest.raises(FileError, match=said):
            files.check_output(tmp_path / f'{name}.csv', files.TABLE_SUFFIXES, 'tables')


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='no pipes with names here')
def test_a_pipe_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / 'pipe.csv')
    with pytest.raises(FileError, match='is a device or a pipe'):
        files.check_output(tmp_path / 'pipe.csv', files.TABLE_SUFFIXES, 'tables')


@pytest.mark.parametrize('suffix', ['.csv', '.zarr'])
def test_long_names(tmp_path, suffix):
    longest = tmp_path / ('n' * (255 - len(suffix)) + suffix)
    suffixes = (*files.TABLE_SUFFIXES, *files.IMAGE_SUFFIXES)
    files.check_output(longest, suffixes, 'outputs')
    with AtomicOutputs() as outputs:
        if suffix == '.csv':
            outputs.write(longest, lambda file: file.write(b'a'))
        else:
            files.write_image(outputs, longest, np.ones((4, 5), bool), (1, 1))
    assert os.listdir(tmp_path) == [longest.name]
    with pytest.raises(FileError, match='cannot be written: File name too long'):
        files.check_output(tmp_path / ('n' + longest.name), suffixes, 'outputs')


def test_one_output_that_fails_leaves_the_others(tmp_path, monkeypatch):
    """In its writer, or at the end, where Windows does not replace a file that is open."""
    (tmp_path / 'open.csv').write_text('before')
    plain = os.replace

    def replace(source, target, **options):
        if os.path.basename(target) == 'open.csv':
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return plain(source, target, **options)

    def loops(file):
        file.write(b'half')
        raise ValueError('the skeleton\nhas loops')

    monkeypatch.setattr(os, 'replace', replace)
    names = [tmp_path / name for name in ('a.csv', 'open.csv', 'b.swc', 'c.csv')]
    with AtomicOutputs(keep_going=True) as outputs:
        for name in names:
            with outputs.attempt(name):
                outputs.write(name, loops if name.suffix == '.swc' else lambda file: None)
    assert outputs.failed == {
        names[2]: f'{names[2]} cannot be written: the skeleton has loops',
        names[1]: f'{names[1]} cannot be written: {os.strerror(errno.EACCES)}',
    }
    assert sorted(os.listdir(tmp_path)) == ['a.csv', 'c.csv', 'open.csv']
    assert (tmp_path / 'open.csv').read_text() == 'before'
    with pytest.raises(FileError, match='open.csv cannot be written'):
        write_files({names[0]: lambda file: None, names[1]: lambda file: None})


def test_a_folder_that_cannot_be_replaced_is_kept(tmp_path, monkeypatch):
    path = tmp_path / 'a.zarr'
    with AtomicOutputs() as outputs:
        files.write_image(outputs, path, np.ones((4, 5), bool), (1, 1))
    plain, moved = os.rename, []

    def rename(source, target, **options):
        moved.append(source)
        if len(moved) == 2:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        plain(source, target, **options)

    monkeypatch.setattr(os, 'rename', rename)
    with pytest.raises(FileError, match='a.zarr cannot be written'), AtomicOutputs() as outputs:
        files.write_image(outputs, path, np.ones((3, 5), bool), (1, 1))
    assert len(moved) == 3
    assert skanrs.open_image(path).image.shape == (4, 5)
    assert os.listdir(tmp_path) == ['a.zarr']


@pytest.mark.parametrize(
    ('name', 'options', 'said'),
    [
        ('a.precomputed', {'unit': 'parsec'}, r'^unit: expected one of .* got .parsec'),
        ('a.graphml', {'axes': 'cyx'}, r'^axes: expected 3 letters'),
        ('a.swc', {'axes': 'yx'}, r'^axes: expected 3 letters'),
    ],
)
def test_impossible_outputs_are_refused_before_the_work(tmp_path, name, options, said):
    with pytest.raises(ValueError, match=said):
        files.check_skeleton(tmp_path / name, 3, **options)
    with pytest.raises(ValueError, match=said):
        skanrs.save_skeleton(skanrs.Skeleton(np.eye(4)[None]), tmp_path / name, **options)
    files.check_skeleton(tmp_path / 'a.csv', 5, unit='parsec', axes='tczyx')
    with pytest.raises(ValueError, match='skeleton: expected 2 or 3 axes for a file, got 4'):
        files.check_skeleton(tmp_path / name, 4)
