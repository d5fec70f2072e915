"""The command `skanrs analyze`: the table of the functions, options, progress, interrupts."""

import os
import pty
import re
import signal
import subprocess
import sys
import termios

import numpy as np
import pandas as pd
import pytest
import tifffile
from command import MASK, assert_same_csv, run
from scipy import ndimage
from skimage.filters import threshold_otsu

import skanrs
from skanrs.cli import main
from skanrs.csr import Skeleton, summarize
from skanrs.datasets import lung


@pytest.fixture
def folder(empty_folder):
    np.save('mask.npy', MASK)
    return empty_folder


@pytest.fixture(autouse=True)
def _restore_threads():
    yield
    skanrs.set_num_threads(None)


def expected(mask, spacing=1, method=None):
    skeleton = skanrs.skeletonize(mask, method=method)
    return summarize(Skeleton(skeleton, spacing=spacing), separator='_')


def test_table(folder, capsys):
    run('analyze', 'mask.npy', '-o', 'table.csv')
    assert_same_csv('table.csv', expected(MASK))
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
    assert_same_csv('table.csv', expected(MASK, spacing=spacing * (3 // len(spacing))))


def test_spacing_of_the_file(folder, capsys):
    np.savez('mask.npz', image=MASK, spacing=[3, 1, 0.5])
    run('analyze', 'mask.npz', '-o', 'table.csv')
    assert_same_csv('table.csv', expected(MASK, spacing=[3.0, 1.0, 0.5]))
    assert 'spacing 3 x 1 x 0.5 (from the file)' in capsys.readouterr().out
    run('analyze', 'mask.npz', '-o', 'table.csv', '--spacing', 2)
    assert_same_csv('table.csv', expected(MASK, spacing=[2.0, 2.0, 2.0]))
    assert 'spacing 2 x 2 x 2 (as given)' in capsys.readouterr().out


def test_gray(folder):
    gray = lung('hernia', shape=(48, 48, 48)).image
    tifffile.imwrite('gray.tif', gray, photometric='minisblack')
    run('analyze', 'gray.tif', '-o', 'table.csv', '--threshold', 'otsu')
    assert_same_csv('table.csv', expected(gray > threshold_otsu(gray)))
    run('analyze', 'gray.tif', '-o', 'table.csv', '--threshold', 120)
    assert_same_csv('table.csv', expected(gray > 120))
    run('analyze', 'gray.tif', '-o', 'table.csv', '--threshold', 100, '--sigma', 1, 0.5, 0.5)
    smoothed = ndimage.gaussian_filter(gray.astype(np.float32), (1, 0.5, 0.5))
    assert_same_csv('table.csv', expected(smoothed > 100))


def test_threshold_none(folder):
    labels = MASK * np.arange(1, 41)[:, None, None]
    np.save('labels.npy', labels)
    run('analyze', 'labels.npy', '-o', 'table.csv', '--threshold', 'none')
    assert_same_csv('table.csv', expected(MASK))


@pytest.mark.parametrize('method', ['lee', 'zhang'])
def test_two_dimensions(folder, method):
    flat = MASK.max(axis=0)
    np.save('flat.npy', flat.astype(np.uint8) * 255)
    run('analyze', 'flat.npy', '-o', 'table.csv', '--method', method)
    assert_same_csv('table.csv', expected(flat, method=method))


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


@pytest.mark.parametrize('shape', [(0, 5), (3, 0, 4)])
def test_image_without_voxels(folder, capsys, shape):
    np.save('none.npy', np.zeros(shape, bool))
    outputs = ['-o', 'table.csv', '--radii', '--summary', 's.csv', '--report', 'r.html']
    # All memory is too little, and no block is read.
    for more in ((), ('--memory', '1kB')):
        run('analyze', 'none.npy', *outputs, *more)
        assert 'the image has no voxels' in capsys.readouterr().err
        assert pd.read_csv('s.csv')['n_branches'].tolist() == [0]


def test_threads(folder):
    run('analyze', 'mask.npy', '-o', 'table.csv', '--threads', 1)
    assert skanrs.get_num_threads() == 1
    assert_same_csv('table.csv', expected(MASK))


def test_progress(folder, capsys):
    run('analyze', 'mask.npy', '-o', 'table.csv', '--progress')
    said = capsys.readouterr().err
    stages = re.findall(r'\r(\w+)[\w: ]*: 100%[^\r]*\n', said)
    assert stages == ['reading', 'thinning', 'graph', 'table', 'writing']


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
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    # Thinning was not finished.
    assert 'graph' not in err
    assert out == ''
    assert err.endswith('\nskanrs: interrupted; nothing was written\n')
    assert sorted(path.name for path in folder.iterdir()) == before


def test_interrupt_is_told(monkeypatch, capsys):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules['skanrs.cli.main']._SUBCOMMANDS, 'info', interrupted)
    assert main(['info', 'mask.npy']) == 130
    assert capsys.readouterr().err == 'skanrs: interrupted; nothing was written\n'


def test_closed_pipe_for_the_summary(folder):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, '-m', 'skanrs', 'analyze', 'mask.npy', '-o', 'table.csv']
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=True)
    os.close(writer)
    assert done.stderr == b''
    assert_same_csv('table.csv', expected(MASK))
