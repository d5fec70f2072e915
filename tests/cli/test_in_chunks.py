"""The command on images larger than the memory budget: the same bytes as in memory."""

import collections
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr
from blocks import random_chunks

from skanrs import files, threshold
from skanrs._support.records import Records
from skanrs.cli import in_chunks as chunked
from skanrs.cli import main
from skanrs.cli import run as command
from skanrs.cli.options import Options
from skanrs.cli.parser import command_parser
from skanrs.datasets import lung, vessel_tree
from skanrs.files.read.npy import Npy

GRAY = lung('healthy', shape=(56, 64, 60), seed=3).image
MASK = vessel_tree((56, 64, 60), seed=3)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of some thousand voxels, and cut to edges of 32."""
    monkeypatch.setattr(chunked, 'SMALLEST_BLOCK', 1)
    monkeypatch.setattr(chunked, 'LARGEST_BLOCK', 28**3)
    monkeypatch.setattr(chunked, 'EDGE', 32)


def write(name, image):
    if name.endswith('.npy'):
        np.save(name, image)
    elif name.endswith('.zarr'):
        array = zarr.create_array(name, shape=image.shape, chunks=(16, 30, 20), dtype=image.dtype)
        array[:] = image
    else:
        tifffile.imwrite(
            name, image.astype(image.dtype if image.dtype != bool else 'u1'),
            photometric='minisblack', compression='zlib', rowsperstrip=20,
        )  # fmt: skip
    return name


def run(folder, monkeypatch, *arguments, in_chunks):
    """Return the contents of the files that the command writes, by name."""
    before = {path.name for path in folder.iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr(command, 'needed_in_memory', lambda *_: float('inf') if in_chunks else 0)
        assert main(['analyze', *map(str, arguments)]) == 0
    written = {}
    for new in sorted({path.name for path in folder.iterdir()} - before):
        for path in [folder / new, *(folder / new).rglob('*')]:
            if path.is_file():
                written[str(path.relative_to(folder))] = path.read_bytes()
        shutil.rmtree(new) if (folder / new).is_dir() else (folder / new).unlink()
    return written


OPTIONS = {
    'mask': (MASK, ()),
    'two values': (MASK * np.uint8(200) + np.uint8(3), ()),
    'none': (MASK * np.arange(1, 61, dtype=np.int32), ('--threshold', 'none')),
    'otsu': (GRAY, ('--threshold', 'otsu')),
    'otsu of floats': (GRAY.astype(np.float32) / 7, ('--threshold', 'otsu')),
    'smoothed, otsu': (GRAY, ('--threshold', 'otsu', '--sigma', 1.2, 0.5, 3)),
    'smoothed': (GRAY.astype(np.float64), ('--threshold', '80', '--sigma', 0.7)),
}


@pytest.mark.parametrize(
    ('name', 'case'),
    [('i.npy', case) for case in OPTIONS]
    + [(name, case) for name in ('i.zarr', 'i.tif') for case in ('otsu', 'smoothed')],
)
def test_same_bytes(folder, monkeypatch, capsys, small_blocks, name, case):
    image, options = OPTIONS[case]
    arguments = [write(name, image), '-o', 't.csv', '--spacing', 2, 1, 0.5, *options]
    whole = run(folder, monkeypatch, *arguments, in_chunks=False)
    said = capsys.readouterr().out
    parts = run(folder, monkeypatch, *arguments, in_chunks=True)
    also = capsys.readouterr().out
    assert parts == whole
    assert whole['t.csv'].count(b'\n') > 40
    kept = [line for line in said.splitlines() if not re.match('time|memory', line)]
    assert [line for line in also.splitlines() if not re.match('time|memory', line)] == kept
    assert 'in chunks' in also
    assert 'in chunks' not in said


@pytest.mark.parametrize('skeleton', ['s.npy', 's.npz', 's.tif', 's.zarr'])
def test_same_skeleton(folder, monkeypatch, small_blocks, skeleton):
    arguments = [write('i.zarr', MASK), '-o', 't.parquet', '--skeleton', skeleton]
    whole = run(folder, monkeypatch, *arguments, in_chunks=False)
    assert run(folder, monkeypatch, *arguments, in_chunks=True) == whole
    assert len(whole) > 1


def test_pruning_in_chunks(folder, monkeypatch, small_blocks):
    arguments = [write('i.zarr', MASK), '-o', 't.csv', '--skeleton', 's.npy', '--prune-length', 9]
    arguments += ['--spacing', 2, 1, 0.5]
    whole = run(folder, monkeypatch, *arguments, in_chunks=False)
    assert run(folder, monkeypatch, *arguments, in_chunks=True) == whole
    assert whole != run(folder, monkeypatch, *arguments[:-6], in_chunks=False)


def test_two_dimensions(folder, monkeypatch, small_blocks):
    flat = np.tile(GRAY.max(axis=0), (4, 3))
    arguments = [write('i.npy', flat), '-o', 't.csv', '--threshold', 'otsu', '--sigma', 1]
    for method in ('lee', 'zhang'):
        typed = [*arguments, '--method', method, '--skeleton', 's.tif']
        whole = run(folder, monkeypatch, *typed, in_chunks=False)
        assert run(folder, monkeypatch, *typed, in_chunks=True) == whole


def test_gray_image_without_threshold_is_refused(folder, monkeypatch, capsys, small_blocks):
    monkeypatch.setattr(command, 'needed_in_memory', lambda *_: float('inf'))
    assert main(['analyze', write('i.npy', GRAY), '-o', 't.csv']) == 2
    assert 'for a gray image (uint8, more than two values)' in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ['i.npy']


@pytest.mark.parametrize(
    ('options', 'passes'), [(['--sigma', 1, '--threshold', 50], 1), (['--threshold', 'otsu'], 2)]
)
def test_each_voxel_is_read_once_a_pass(folder, monkeypatch, small_blocks, options, passes):
    read = collections.Counter()
    plain = Npy._read

    def counted(self, box):
        for z in range(box[0].start, box[0].stop):
            read[z] += (box[1].stop - box[1].start) * (box[2].stop - box[2].start)
        return plain(self, box)

    monkeypatch.setattr(Npy, '_read', counted)
    typed = [write('i.npy', GRAY), '-o', 't.csv', *options]
    run(folder, monkeypatch, *typed, '--skeleton', 's.zarr', in_chunks=True)
    assert read == dict.fromkeys(range(56), 64 * 60 * passes)


def test_block_that_cannot_be_read(folder, monkeypatch, capsys, small_blocks):
    write('i.tif', GRAY)
    content = bytearray((folder / 'i.tif').read_bytes())
    # Into the pages; headers and tags stay as they are.
    with tifffile.TiffFile('i.tif') as file:
        start = file.pages[30].dataoffsets[1]
    content[start : start + 40] = b'\xff' * 40
    (folder / 'i.tif').write_bytes(content)
    monkeypatch.setattr(command, 'needed_in_memory', lambda *_: float('inf'))
    typed = ['analyze', 'i.tif', '-o', 't.csv', '--skeleton', 's.zarr', '--threshold', '50']
    assert main(typed) == 2
    said = capsys.readouterr().err
    assert said.startswith('skanrs: error: i.tif is cut off')
    assert said.count('\n') == 1
    assert [path.name for path in folder.iterdir()] == ['i.tif']


@pytest.mark.parametrize('kind', ['words', 'rows-1', 'voxels'])
def test_a_full_disk(folder, monkeypatch, capsys, small_blocks, kind):
    (folder / 't.csv').write_bytes(b'before')
    plain = Records.append

    def append(self, records):
        if self._path.name == kind and self.count:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return plain(self, records)

    monkeypatch.setattr(Records, 'append', append)
    monkeypatch.setattr(command, 'needed_in_memory', lambda *_: float('inf'))
    assert main(['analyze', write('i.zarr', MASK), '-o', 't.csv', '--radii']) == 2
    said = capsys.readouterr().err
    assert said == 'skanrs: error: t.csv cannot be written: No space left on device\n'
    assert (folder / 't.csv').read_bytes() == b'before'
    assert {path.name for path in folder.iterdir()} == {'i.zarr', 't.csv'}


PEAK = """
import sys
from skanrs.cli import main, run
from skanrs._support.memory import peak_memory
run.needed_in_memory = lambda *_: float('inf')
assert main() == 0
print(peak_memory())
"""


@pytest.fixture(scope='module')
def gray():
    return lung('healthy', shape=(288, 288, 288), seed=1).image


@pytest.mark.parametrize('source', ['i.zarr', 'i.tif'])
def test_peak_of_memory(folder, gray, source):
    if source == 'i.tif':
        tifffile.imwrite(source, gray, photometric='minisblack', compression='zlib')
    else:
        zarr.create_array(source, shape=gray.shape, chunks=(72,) * 3, dtype=gray.dtype)[:] = gray
    typed = ['analyze', source, '-o', 't.csv', '--sigma', '1', '--threshold', '100']
    typed += ['--threads', '2']
    done = subprocess.run(
        [sys.executable, '-c', PEAK, *typed, '--memory', '320MB', '--skeleton', 's.zarr'],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ''
    assert 'in chunks' in done.stdout
    assert int(done.stdout.splitlines()[-1]) < 320e6


@pytest.mark.parametrize(
    'more',
    [
        [],
        ['--prune-length', 9],
        ['--prune-ratio', 3],
        ['--prune-bulge', 2, '--open-loops', 'thinnest'],
    ],
)
def test_radii(folder, monkeypatch, small_blocks, more):
    typed = [write('i.zarr', MASK), '--radii', '--spacing', 2, 1, 0.5, *more]
    for name in ('t.csv', 't.graphml', 't.vtp', 't.precomputed'):
        typed += ['-o', name]
    typed += ['--summary', 's.csv', '--nodes', 'n.csv', '--root', 'thickest']
    typed += ['--angles', 'w.csv']
    typed += ['--territories', 'v.zarr', '--branch-image', 'b.npz']
    typed += ['--intensity', write('gray.zarr', GRAY.astype(np.float32) / 7)]
    typed += [
        '--regions',
        write('cells.tif', (GRAY // 60).astype(np.uint16)),
        '--by-region',
        'a.csv',
    ]
    whole = run(folder, monkeypatch, *typed, in_chunks=False)
    assert run(folder, monkeypatch, *typed, in_chunks=True) == whole
    assert b'mean_radius' in whole['t.csv']
    assert b'territory_intensity' in whole['t.csv']
    assert len(whole['a.csv'].splitlines()) > 3


def test_regions_without_a_graph(folder, monkeypatch, small_blocks):
    regions = write('cells.zarr', (GRAY // 60).astype(np.uint16))
    typed = [write('i.zarr', MASK), '-o', 't.parquet', '--regions', regions, '--by-region', 'a.csv']
    whole = run(folder, monkeypatch, *typed, in_chunks=False)
    assert run(folder, monkeypatch, *typed, in_chunks=True) == whole
    assert len(whole['a.csv'].splitlines()) > 3


def test_report(folder, monkeypatch, small_blocks):
    typed = [write('i.zarr', MASK), '-o', 't.csv', '--radii', '--report', 'r.html']
    whole = run(folder, monkeypatch, *typed, in_chunks=False)
    parts = run(folder, monkeypatch, *typed, in_chunks=True)
    # Pictures and numbers are the same; the last line says how it was done.
    assert parts['r.html'].split(b'<footer>')[0] == whole['r.html'].split(b'<footer>')[0]


def large_image():
    """Write an image that is read in chunks, and return the command that does it."""
    array = zarr.create_array('i.zarr', shape=(1000,) * 3, chunks=(100,) * 3, dtype='u1')
    block = vessel_tree((100,) * 3, seed=1)
    for index in np.ndindex(10, 10, 10):
        if sum(index) % 10 == 0:
            array[tuple(slice(100 * i, 100 * i + 100) for i in index)] = block
    typed = ['analyze', 'i.zarr', '-o', 't.csv', '--skeleton', 's.zarr', '--memory', '300MB']
    return [sys.executable, '-m', 'skanrs', *typed]


def wait_for_scratch(process, folder):
    while not list(folder.glob('.skanrs-*/*')):
        assert process.poll() is None
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.usefixtures('listens_to_ctrl_c')
def test_interrupt(folder):
    typed = large_image()
    process = subprocess.Popen(
        [*typed, '--progress'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for_scratch(process, folder)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, '')
    assert err.endswith('skanrs: interrupted; nothing was written\n')
    assert [path.name for path in folder.iterdir()] == ['i.zarr']


@pytest.mark.slow
def test_killed_and_run_again(folder):
    """The old table stays, and the next run removes what the killed one left."""
    typed = [*large_image(), '--json']
    table = folder / 't.csv'
    table.write_text('old')
    process = subprocess.Popen(typed)
    wait_for_scratch(process, folder)
    process.kill()
    process.wait()
    assert table.read_text() == 'old'
    assert list(folder.glob('.skanrs-*/*'))
    report = json.loads(subprocess.run(typed, check=True, capture_output=True).stdout)
    assert report['in_chunks']
    assert {path.name for path in folder.iterdir()} == {'i.zarr', 's.zarr', 't.csv'}
    assert len(pd.read_csv(table)) == report['branches']['count'] > 0


def test_too_little_memory(folder):
    write('i.tif', GRAY)
    # In a process of its own, since the process of the tests holds any amount.
    typed = ['-m', 'skanrs', 'analyze', 'i.tif', '-o', 't.csv', '--threshold', '9', '--memory']
    refused = subprocess.run([sys.executable, *typed, '1MB'], capture_output=True, text=True)
    assert refused.returncode == 2
    found = re.search(
        r'--memory: expected at least ([\d.]+) MB for i.tif, got 1.0 MB: a piece of 1 x 64 x 60 '
        r'voxels needs ([\d.]+) kB, the program ([\d.]+) MB',
        refused.stderr,
    )
    least, piece, program = map(float, found.groups())
    assert least == pytest.approx(program + piece / 1000, abs=1.5)
    subprocess.run([sys.executable, *typed, f'{least + 20}MB'], check=True)


@pytest.mark.parametrize('seed', range(20))
def test_smoothed_in_parts(seed):
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 30, random.integers(2, 4)).tolist())
    dtype = random.choice(['u1', 'i2', 'i4', 'f4', 'f8'])
    image = (random.random(shape) * 100).astype(dtype)
    sigma = tuple((random.random(len(shape)) * 3).tolist())
    blocks = da.from_array(image, chunks=random_chunks(random, shape))
    parts = chunked.smooth_blocks(blocks, sigma).compute()
    whole = threshold.smooth(image, sigma)
    assert parts.dtype == whole.dtype
    assert parts.tobytes() == whole.tobytes()


def test_too_many_blocks_are_refused(folder, capsys):
    zarr.create_array('i.zarr', shape=(10**6,) * 3, chunks=(32,) * 3, dtype='u1')
    assert main(['analyze', 'i.zarr', '-o', 't.csv', '--threshold', '1']) == 2
    assert 'expected at most 1,000,000' in capsys.readouterr().err
    assert files.open_source('i.zarr').shape == (10**6,) * 3


def test_memory_reserved_for_blocks(folder, monkeypatch):
    """Where only rows are wanted there are no tasks of dask, so that larger blocks fit."""
    zarr.create_array('i.zarr', shape=(2048,) * 3, chunks=(64,) * 3, dtype=bool)
    source = files.open_source('i.zarr')
    monkeypatch.setattr(chunked, 'held_memory', lambda: 0)
    monkeypatch.setattr(chunked.threads, 'get_num_threads', lambda: 2)

    def voxels(*more):
        typed = ['analyze', 'i.zarr', '-o', 't.parquet', *more]
        parsed = command_parser().parse_args(typed)
        [parsed.image] = parsed.image
        options = Options.of(parsed).for_shape(source.shape, (1,))
        shape, workers = chunked._plan(source, options, 310_000_000)
        assert workers == 2
        return np.prod(shape)

    assert voxels() == 1 << 23
    assert voxels('--prune-length', '9') == 1 << 23
    assert voxels('--radii') == voxels('--open-loops', 'shortest') == 1 << 22
