"""The command `skanrs`: the same table as the functions give, the summary, the options."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time

import numpy as np
import pandas as pd
import pytest
import tifffile
from scipy import ndimage
from skimage.filters import threshold_otsu

import skanrs
from skanrs.cli import in_chunks as chunked
from skanrs.cli import main
from skanrs.cli import run as command
from skanrs.csr import Skeleton, summarize
from skanrs.datasets import lung, vessel_tree

MASK = vessel_tree((40, 44, 48), seed=2)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save('mask.npy', MASK)
    return tmp_path


@pytest.fixture(autouse=True)
def _restore_threads():
    yield
    skanrs.set_num_threads(None)


def run(*arguments):
    assert main([str(argument) for argument in arguments]) == 0


def expected(mask, spacing=1, method=None):
    skeleton = skanrs.skeletonize(mask, method=method)
    return summarize(Skeleton(skeleton, spacing=spacing), separator='_')


def check_csv(path, table):
    # The index is not written; csv knows no widths of integers.
    table = table.reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.read_csv(path), table, check_exact=True, check_dtype=False)


def test_table(folder, capsys):
    run('analyze', 'mask.npy', '-o', 'table.csv')
    check_csv('table.csv', expected(MASK))
    said = capsys.readouterr()
    assert said.err == ''
    lines = dict(line.split(maxsplit=1) for line in said.out.splitlines())
    assert lines['image'].startswith('40 x 44 x 48 voxels (84,480), bool, spacing 1 x 1 x 1')
    assert f'{MASK.sum():,} voxels' in lines['foreground']
    assert f'{skanrs.skeletonize(MASK).sum():,} voxels' in lines['skeleton']
    assert lines['branches'].startswith(f'{len(expected(MASK)):,} in ')
    assert 'junction to endpoint' in lines['branches']
    assert re.search(r'\d MB at the peak', lines['memory'])
    assert lines['written'] == 'table.csv'
    assert sorted(path.name for path in folder.iterdir()) == ['mask.npy', 'table.csv']


def test_parquet_keeps_types(folder):
    run('analyze', 'mask.npy', '-o', 'table.parquet')
    table = expected(MASK).reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.read_parquet('table.parquet'), table, check_exact=True)


@pytest.mark.parametrize('spacing', [[2.5], [3, 1, 0.5]])
def test_spacing(folder, spacing):
    run('analyze', 'mask.npy', '-o', 'table.csv', '--spacing', *spacing)
    check_csv('table.csv', expected(MASK, spacing=spacing * (3 // len(spacing))))


def test_spacing_of_the_file(folder, capsys):
    np.savez('mask.npz', image=MASK, spacing=[3, 1, 0.5])
    run('analyze', 'mask.npz', '-o', 'table.csv')
    check_csv('table.csv', expected(MASK, spacing=[3.0, 1.0, 0.5]))
    assert 'spacing 3 x 1 x 0.5 (from the file)' in capsys.readouterr().out
    run('analyze', 'mask.npz', '-o', 'table.csv', '--spacing', 2)
    check_csv('table.csv', expected(MASK, spacing=[2.0, 2.0, 2.0]))
    assert 'spacing 2 x 2 x 2 (as given)' in capsys.readouterr().out


def test_gray(folder):
    gray = lung('hernia', shape=(48, 48, 48)).image
    tifffile.imwrite('gray.tif', gray, photometric='minisblack')
    run('analyze', 'gray.tif', '-o', 'table.csv', '--threshold', 'otsu')
    check_csv('table.csv', expected(gray > threshold_otsu(gray)))
    run('analyze', 'gray.tif', '-o', 'table.csv', '--threshold', 120)
    check_csv('table.csv', expected(gray > 120))
    run('analyze', 'gray.tif', '-o', 'table.csv', '--threshold', 100, '--sigma', 1, 0.5, 0.5)
    smoothed = ndimage.gaussian_filter(gray.astype(np.float32), (1, 0.5, 0.5))
    check_csv('table.csv', expected(smoothed > 100))


def test_threshold_none(folder):
    labels = MASK * np.arange(1, 41)[:, None, None]
    np.save('labels.npy', labels)
    run('analyze', 'labels.npy', '-o', 'table.csv', '--threshold', 'none')
    check_csv('table.csv', expected(MASK))


@pytest.mark.parametrize('method', ['lee', 'zhang'])
def test_two_dimensions(folder, method):
    flat = MASK.max(axis=0)
    np.save('flat.npy', flat.astype(np.uint8) * 255)
    run('analyze', 'flat.npy', '-o', 'table.csv', '--method', method)
    check_csv('table.csv', expected(flat, method=method))


@pytest.mark.parametrize('name', ['s.npy', 's.npz', 's.tif', 's.zarr'])
def test_skeleton(folder, name, capsys):
    run('analyze', 'mask.npy', '-o', 'table.csv', '--skeleton', name, '--spacing', 2, 1, 1)
    image, spacing = skanrs.files.read_image(name)
    np.testing.assert_array_equal(image != 0, skanrs.skeletonize(MASK))
    assert spacing == (None if name == 's.npy' else (2, 1, 1))
    assert f'written     table.csv, {name}' in capsys.readouterr().out


def test_empty_image(folder, capsys):
    np.save('empty.npy', np.zeros((5, 6, 7), bool))
    run('analyze', 'empty.npy', '-o', 'table.csv')
    assert list(pd.read_csv('table.csv').columns) == list(expected(MASK).columns)
    assert 'branches    0 in 0 networks' in capsys.readouterr().out


DOT = np.zeros((8, 9, 20), bool)
DOT[2, 2, 2] = True
CUBE = np.zeros((8, 9, 20), bool)
CUBE[2:6, 2:6, 2:6] = True
RAMP = np.arange(12, 202, dtype=np.uint8).reshape(10, 19, 1) * np.ones(8, np.uint8)
NOTHING = {
    'mask': (CUBE & False, (), 'no voxel is foreground: all values are 0'),
    'threshold': (
        RAMP,
        ('--threshold', 250),
        'no voxel is foreground: values go from 12 to 201, and the threshold is 250 (as given)',
    ),
    'smoothed': (
        np.full((5, 6, 7), 30, np.uint8),
        ('--threshold', 30.5, '--sigma', 1),
        'no voxel is foreground: all smoothed values are 30, and the threshold is 30.5 (as given)',
    ),
    'otsu of one value': (
        np.full((5, 6, 7), 7, np.uint8),
        ('--threshold', 'otsu'),
        'no voxel is foreground: all values are 7, and the threshold is 7 (by otsu)',
    ),
    'NaN': (
        np.full((5, 6, 7), np.nan, np.float32),
        ('--threshold', 3),
        'no voxel is foreground: all values are NaN, and the threshold is 3 (as given)',
    ),
    'some NaN': (
        np.where(RAMP == 13, np.nan, RAMP / 2),
        ('--threshold', 1000),
        'no voxel is foreground: values go from 6 to 100.5, and the threshold is 1000 (as given)',
    ),
    'all': (
        RAMP,
        ('--threshold', 5),
        'all 1,520 voxels are foreground: values go from 12 to 201, and the threshold is 5 '
        '(as given)',
    ),
    'one value': (
        np.full((5, 6, 7), 7, np.uint8),
        (),
        'all 210 voxels are foreground: all values are 7',
    ),
    'thinned away': (
        CUBE,
        (),
        'thinning left nothing of 64 voxels of foreground: solid blocks of even thickness can '
        'vanish, and --preserve-topology keeps them',
    ),
    'a voxel': (DOT, (), 'the skeleton has no branches, only 1 isolated voxel'),
}


@pytest.mark.parametrize('in_chunks', [False, True], ids=['in memory', 'in chunks'])
@pytest.mark.parametrize('name', NOTHING)
def test_what_leaves_nothing_is_said(folder, capsys, monkeypatch, name, in_chunks):
    image, options, warning = NOTHING[name]
    np.save('odd.npy', image)
    # What fits no memory goes block by block.
    monkeypatch.setattr(command, 'needed_in_memory', lambda *_: np.inf if in_chunks else 0)
    monkeypatch.setattr(chunked, 'SMALLEST_BLOCK', 1)
    monkeypatch.setattr(chunked, 'LARGEST_BLOCK', 200)
    run('analyze', 'odd.npy', '-o', 'table.csv', *options)
    assert capsys.readouterr().err == f'skanrs: warning: {warning}\n'
    table = pd.read_csv('table.csv')
    assert list(table.columns) == list(expected(MASK).columns)
    # A script finds it in the report, and a table that is complete, if perhaps without rows.
    run('analyze', 'odd.npy', '-o', 'table.csv', '--report', 'page.html', '--json', *options)
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert report['warnings'] == [warning]
    assert (report['branches']['count'], report['in_chunks']) == (len(table), in_chunks)
    assert said.err == f'skanrs: warning: {warning}\n'
    assert f'Warning: {warning}.' in (folder / 'page.html').read_text()
    run('skeletonize', 'odd.npy', '-o', 'skeleton.npy', *options)
    said = capsys.readouterr()
    if name == 'a voxel':
        assert 'foreground  1 voxel, ' in said.out
        assert 'skeleton    1 voxel\n' in said.out
    alone = said.err
    assert alone == ('' if name == 'a voxel' else f'skanrs: warning: {warning}\n')


def test_nothing_is_said_otherwise(folder, capsys):
    run('analyze', 'mask.npy', '-o', 'table.csv', '--report', 'page.html', '--json')
    said = capsys.readouterr()
    assert (json.loads(said.out)['warnings'], said.err) == ([], '')
    assert 'Warning' not in (folder / 'page.html').read_text()
    np.save('cube.npy', CUBE)
    run('analyze', 'cube.npy', '-o', 'table.csv', '--preserve-topology')
    assert capsys.readouterr().err == ''


def test_more_memory_than_allowed_is_said(folder, capsys, monkeypatch):
    monkeypatch.setattr(command, 'peak_memory', lambda: 2 * 10**12)
    run('analyze', 'mask.npy', '-o', 'table.csv', '--memory', '1TB', '--json')
    said = capsys.readouterr()
    (warning,) = json.loads(said.out)['warnings']
    assert warning.startswith('the peak of memory was 2.0 TB, more than --memory 1.0 TB: ')
    assert said.err == f'skanrs: warning: {warning}\n'
    run('analyze', 'mask.npy', '-o', 'table.csv')
    assert capsys.readouterr().err == ''


def test_threads(folder):
    run('analyze', 'mask.npy', '-o', 'table.csv', '--threads', 1)
    assert skanrs.get_num_threads() == 1
    check_csv('table.csv', expected(MASK))


def test_progress(folder, capsys):
    run('analyze', 'mask.npy', '-o', 'table.csv', '--progress')
    said = capsys.readouterr().err
    stages = re.findall(r'\r(\w+)[\w: ]*: 100%[^\r]*\n', said)
    assert stages == ['reading', 'threshold', 'thinning', 'graph', 'table', 'writing']


def test_progress_on_a_terminal(folder):
    terminal, other_end = pty.openpty()
    termios.tcsetwinsize(other_end, (24, 80))
    done = subprocess.run(
        [sys.executable, '-m', 'skanrs', 'analyze', 'mask.npy', '-o', 'table.csv'],
        stdout=subprocess.PIPE, stderr=other_end, check=True,
    )  # fmt: skip
    os.close(other_end)
    shown = os.read(terminal, 65536).decode()
    os.close(terminal)
    assert re.search(r'\rthinning: .*\| 00:0', shown)
    # Nothing stays.
    assert shown.rsplit('\r', 2)[1].isspace()
    assert done.stdout.startswith(b'image ')


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(['--version'])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f'skanrs {skanrs.__version__}\n'


@pytest.mark.parametrize('arguments', [['--help'], ['analyze', '--help'], ['demo', '--help']])
def test_help(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
    assert 'usage: skanrs' in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures('listens_to_ctrl_c')
def test_interrupt(folder):
    np.save('large.npy', np.ones((400, 400, 400), bool))
    before = sorted(path.name for path in folder.iterdir())
    command = [sys.executable, '-m', 'skanrs', 'analyze', 'large.npy', '-o', 'table.csv']
    process = subprocess.Popen(
        [*command, '--progress'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    # A bar is rewritten after carriage returns, which end lines here.
    assert any(line.startswith('thinning') for line in process.stderr)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - asked < 2
    assert process.returncode == 130
    assert out == ''
    assert err.endswith('\nskanrs: interrupted; nothing was written\n')
    assert sorted(path.name for path in folder.iterdir()) == before


def test_reader_of_the_summary_gone(folder):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, '-m', 'skanrs', 'analyze', 'mask.npy', '-o', 'table.csv']
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=True)
    os.close(writer)
    assert done.stderr == b''
    check_csv('table.csv', expected(MASK))


def test_demo(folder, capfd):
    run('demo', '--shape', 64, '--folder', 'out')
    said = capfd.readouterr().out
    assert said.count('$ skanrs analyze ') == 2
    assert re.search(r'^total length \(µm\) +[\d,.]+ +[\d,.]+ +0\.\d\d$', said, re.MULTILINE)
    names = {path.name for path in (folder / 'out').iterdir()}
    ends = ('.npz', '.csv', '_skeleton.npz', '_summary.csv', '.html')
    files = {f'{kind}{end}' for kind in ('healthy', 'hernia') for end in ends}
    assert names == {'lungs.png', 'lungs.html'} | files
    assert re.search(
        r'^median radius, by length \(µm\) +[\d.]+ +[\d.]+ +[01]\.\d\d$', said, re.MULTILINE
    )
    page = (folder / 'out' / 'lungs.html').read_text()
    assert page.count('data:image/png;base64,') == 2
    assert 'href="healthy.html"' in page
    assert 'median radius, by length' in page
    assert 'http' not in page


def test_a_pattern_that_the_shell_resolved(folder, capsys):
    for z in range(3):
        tifffile.imwrite(f's{z}.tif', MASK[z].astype(np.uint8))
    for typed in (['info'], ['analyze', '-o', 't.csv'], ['skeletonize', '-o', 's.tif']):
        with pytest.raises(SystemExit) as caught:
            main([typed[0], 's0.tif', 's1.tif', 's2.tif', *typed[1:]])
        assert caught.value.code == 2
        said = capsys.readouterr().err
        assert 'expected one image, got another one, s1.tif;' in said
        assert "or a pattern in quotes: 'slices/*.tif'" in said
    run('info', 's*.tif', '--json')
    assert json.loads(capsys.readouterr().out)['shape'] == [3, 44, 48]
    with pytest.raises(SystemExit):
        main(['info', 's0.tif', '--jsn'])
    assert 'unrecognized arguments: --jsn' in capsys.readouterr().err


def test_demo_too_small(folder, capsys):
    assert main(['demo', '--shape', '8']) == 2
    assert capsys.readouterr().err == 'skanrs: error: --shape: expected at least 32 voxels, got 8\n'
