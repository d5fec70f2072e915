"""Tables, networks and summaries from rows and lines on disk: bytes of those in memory."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import zarr
from scipy import ndimage

import skanrs
from skanrs._support import sorted_records
from skanrs._support.records import Records
from skanrs.branches import lines_on_disk, measures_on_disk, nodes_on_disk, on_disk
from skanrs.cli import in_chunks as chunked
from skanrs.cli import main, measures_in_chunks
from skanrs.cli import run as command
from skanrs.files.write import precomputed, tables, vtp, vtp_parts

NAMES = ('t.csv', 't.parquet', 'a.graphml', 'b.GraphML', 's.csv', 's.parquet', 'n.csv', 'n.parquet')
LINES = ('v.vtp', 'n.precomputed')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(folder, monkeypatch, capsys, *arguments, in_chunks):
    """Return the contents of the outputs, and what the command said of them."""
    with monkeypatch.context() as patch:
        patch.setattr(command, 'needed_in_memory', lambda *_: float('inf') if in_chunks else 0)
        if in_chunks:
            # Neither the whole table nor the graph is made.
            patch.setattr(skanrs, 'network_summary', None)
            patch.setattr(chunked, '_with_table', None)
            patch.setattr(chunked, 'with_measures', None)
            patch.setattr(skanrs, 'prune', None)
        assert main(['analyze', *map(str, arguments)]) == 0
    written = {}
    for path in folder.iterdir():
        if path.name in NAMES or path.name == LINES[0]:
            written[path.name] = path.read_bytes()
            path.unlink()
    segments = folder / LINES[1]
    if segments.exists():
        files = [path for path in segments.rglob('*') if path.is_file()]
        written |= {str(path.relative_to(folder)): path.read_bytes() for path in files}
        shutil.rmtree(segments)
    assert not list(folder.glob('.skanrs-*'))
    said = capsys.readouterr()
    assert ('in chunks' in said.out) == in_chunks
    lines = said.out.splitlines()
    return written, [line for line in lines if not re.match('time|memory', line)], said.err


def ids_in(written):
    """Return how many skeletons neuroglancer is told of."""
    properties = json.loads(written['n.precomputed/segment_properties/info'])
    return len(properties['inline']['ids'])


def short_runs(monkeypatch, random):
    """Let few records, rows and voxels be in memory, as random as the image."""
    monkeypatch.setattr(sorted_records, 'RUN', int(random.choice([150, 3_000, 1 << 25])))
    monkeypatch.setattr(sorted_records, 'LEAST', int(random.choice([1, 100])))
    monkeypatch.setattr(lines_on_disk, 'VOXELS', int(random.choice([1, 50, 1 << 19])))
    for module in (vtp, vtp_parts, precomputed):
        monkeypatch.setattr(module, 'ROWS', int(random.choice([1, 50, 1 << 17])))


def random_mask(random, shape):
    """Noise with many cycles, lines, thick objects with cavities, single voxels, or nothing."""
    kind = random.integers(5)
    if kind < 2:
        return random.random(shape) < (0.003 if kind else random.choice([0.03, 0.1, 0.3]))
    if kind == 2:
        return np.zeros(shape, dtype=bool)
    gray = ndimage.gaussian_filter(random.random(shape), float(random.choice([1.0, 1.5])))
    return gray < np.quantile(gray, 0.1) if kind == 3 else gray > np.quantile(gray, 0.65)


@pytest.mark.parametrize('seed', range(20))
def test_random_images(folder, monkeypatch, capsys, seed):
    random = np.random.default_rng(seed)
    ndim = int(random.integers(2, 4))
    shape = tuple(random.integers(1, 40 if ndim == 3 else 120, ndim).tolist())
    monkeypatch.setattr(chunked, 'SMALLEST_BLOCK', 1)
    monkeypatch.setattr(chunked, 'LARGEST_BLOCK', int(random.integers(800, 28**3)))
    monkeypatch.setattr(chunked, 'EDGE', int(random.choice([9, 32])))
    monkeypatch.setattr(on_disk, 'ROWS', int(random.choice([1, 50, 1 << 18])))
    monkeypatch.setattr(tables, 'PART_ROWS', int(random.choice([5, 1 << 17])))
    short_runs(monkeypatch, random)
    np.save('i.npy', random_mask(random, shape))
    typed = ['i.npy', '--threshold', 'none', '--axes', random.choice(['zyx', 'xzy'])[-ndim:]]
    typed += ['--spacing', *random.choice([1, 0.5, 2.3], ndim)]
    for name in (*NAMES[:4], *LINES):
        typed += ['-o', name]
    typed += ['--summary', random.choice(NAMES[4:6])]
    typed += [[], ['--prune-length=4'], ['--skeleton=k.npy']][random.integers(3)]
    whole = run(folder, monkeypatch, capsys, *typed, in_chunks=False)
    assert run(folder, monkeypatch, capsys, *typed, in_chunks=True) == whole
    assert len(whole[0]) == 8 + ids_in(whole[0])
    assert whole[0]['a.graphml'] == whole[0]['b.GraphML']


# In the last one, branches differ about their ends in the last bit.
@pytest.mark.parametrize('seed', [*range(20), 1105])
def test_random_images_with_radii(folder, monkeypatch, capsys, seed):
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 40, 3).tolist())
    monkeypatch.setattr(chunked, 'SMALLEST_BLOCK', 1)
    monkeypatch.setattr(chunked, 'LARGEST_BLOCK', int(random.integers(800, 28**3)))
    monkeypatch.setattr(chunked, 'EDGE', int(random.choice([9, 32])))
    monkeypatch.setattr(chunked, 'MOST_PLANES', int(random.choice([1, 10_000])))
    monkeypatch.setattr(measures_in_chunks, 'LARGEST_SLAB', int(random.choice([1, 5_000])))
    monkeypatch.setattr(measures_on_disk, 'VOXELS', int(random.choice([1, 50])))
    monkeypatch.setattr(nodes_on_disk, 'ROWS', int(random.choice([1, 50])))
    short_runs(monkeypatch, random)
    np.save('i.npy', random_mask(random, shape))
    typed = ['i.npy', '--threshold', 'none', '--radii']
    for name in (*NAMES[:3], *LINES):
        typed += ['-o', name]
    typed += ['--nodes', random.choice(NAMES[6:])]
    typed += ['--axes', random.choice(['zyx', 'xzy', 'yxz'])]
    typed += [
        '--spacing',
        *([random.choice(['1', '0.3'])] if seed % 2 else random.uniform(0.5, 3, 3)),
    ]
    typed += [[], ['--summary=s.csv'], ['--include-tips'], ['--skeleton=k.npy']][seed % 4]
    typed += ['--prune-length=3'] * int(random.integers(2))
    whole = run(folder, monkeypatch, capsys, *typed, in_chunks=False)
    assert run(folder, monkeypatch, capsys, *typed, in_chunks=True) == whole
    assert b'surface_area' in whole[0]['t.csv']
    assert b'Name="radius"' in whole[0]['v.vtp']
    assert b'attr.name="border_faces"' in whole[0]['a.graphml']
    assert whole[0].keys() & {*NAMES[6:]}


def test_networks_cycles_and_single_voxels(folder, monkeypatch, capsys):
    mask = np.zeros((70, 70), dtype=bool)
    mask[5, 3:60] = mask[5:60, 30] = True
    mask[40, 40:60] = mask[60, 40:60] = mask[40:61, 40] = mask[40:61, 60] = True
    mask[20, 5] = mask[65, 65] = mask[0, 0] = True
    np.save('i.npy', mask)
    monkeypatch.setattr(chunked, 'SMALLEST_BLOCK', 1)
    monkeypatch.setattr(chunked, 'LARGEST_BLOCK', 200)
    monkeypatch.setattr(chunked, 'EDGE', 16)
    typed = ['i.npy', '-o', 'a.graphml', '-o', LINES[0], '-o', LINES[1], '--summary', 's.csv']
    written = run(folder, monkeypatch, capsys, *typed, in_chunks=True)[0]
    assert written == run(folder, monkeypatch, capsys, *typed, in_chunks=False)[0]
    assert ids_in(written) == 2
    (folder / 's.csv').write_bytes(written['s.csv'])
    summary = pd.read_csv('s.csv').iloc[0]
    counts = summary[['n_networks', 'n_isolated', 'n_loops', 'n_cycles', 'n_junctions']]
    assert counts.tolist() == [2, 3, 1, 1, 1]


@pytest.mark.parametrize('radii', [[], ['--radii']])
def test_units_of_precomputed_skeletons(folder, monkeypatch, capsys, radii):
    mask = np.random.default_rng(0).random((20, 20, 20)) < 0.3
    image = zarr.create_array('i.zarr', data=mask, chunks=(10, 10, 10))
    image.attrs.update({'spacing': [0.5, 0.25, 0.3], 'unit': 'um'})
    typed = ['i.zarr', '-o', 'n.precomputed', *radii]
    whole = run(folder, monkeypatch, capsys, *typed, in_chunks=False)
    assert run(folder, monkeypatch, capsys, *typed, in_chunks=True) == whole
    points = np.frombuffer(whole[0]['n.precomputed/1'], '<f4', 3, offset=8)
    assert points.max() > 1000


@pytest.mark.parametrize(
    ('file', 'output'),
    [('nodes', 'a.graphml'), ('0', 'a.vtp'), ('pairs', 'a.precomputed')],
)
def test_full_disk_while_records_wait(folder, monkeypatch, capsys, file, output):
    """The other outputs are written."""
    plain = Records.append

    def append(self, records):
        if self._path.name == file:
            raise OSError(28, 'No space left on device')
        return plain(self, records)

    mask = np.random.default_rng(0).random((40, 40)) < 0.4
    np.save('i.npy', mask)
    monkeypatch.setattr(Records, 'append', append)
    monkeypatch.setattr(command, 'needed_in_memory', lambda *_: float('inf'))
    typed = ['analyze', 'i.npy', '-o', 't.csv', '-o', output, '--summary', 's.csv']
    assert main(typed) == 2
    assert f'{output} cannot be written: No space left on device' in capsys.readouterr().err
    assert {path.name for path in folder.iterdir()} == {'i.npy', 's.csv', 't.csv'}


def test_full_disk_while_nodes_are_read(folder, monkeypatch, capsys):
    """The other outputs are written."""

    def parts(_):
        raise OSError(28, 'No space left on device')

    np.save('i.npy', np.random.default_rng(0).random((20, 20, 20)) < 0.2)
    monkeypatch.setattr(nodes_on_disk.NodesOnDisk, 'parts', parts)
    monkeypatch.setattr(command, 'needed_in_memory', lambda *_: float('inf'))
    typed = ['analyze', 'i.npy', '-o', 't.csv', '-o', 'a.graphml', '--nodes', 'n.csv']
    assert main([*typed, '--summary', 's.csv']) == 2
    said = capsys.readouterr().err
    for name in ('a.graphml', 'n.csv'):
        assert f'{name} cannot be written: No space left on device' in said
    assert {path.name for path in folder.iterdir()} == {'i.npy', 's.csv', 't.csv'}
