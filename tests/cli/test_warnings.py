"""Warnings of `skanrs analyze`: nothing left of the image, more memory than allowed."""

import json

import numpy as np
import pandas as pd
import pytest
from command import MASK, run

import skanrs
from skanrs.cli import in_chunks as chunked
from skanrs.cli import run as command


@pytest.fixture
def folder(empty_folder):
    np.save('mask.npy', MASK)
    return empty_folder


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
def test_warning_if_nothing_is_left(folder, capsys, monkeypatch, name, in_chunks):
    image, options, warning = NOTHING[name]
    np.save('odd.npy', image)
    # What fits no memory goes block by block.
    monkeypatch.setattr(command, 'needed_in_memory', lambda *_: np.inf if in_chunks else 0)
    monkeypatch.setattr(chunked, 'SMALLEST_BLOCK', 1)
    monkeypatch.setattr(chunked, 'LARGEST_BLOCK', 200)
    run('analyze', 'odd.npy', '-o', 'table.csv', *options)
    assert capsys.readouterr().err == f'skanrs: warning: {warning}\n'
    table = pd.read_csv('table.csv')
    assert list(table.columns) == list(skanrs.summarize(MASK, separator='_').columns)
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


@pytest.mark.parametrize('in_chunks', [False, True], ids=['in memory', 'in chunks'])
def test_one_warning_of_cavities(folder, capsys, monkeypatch, recwarn, in_chunks):
    shell = np.ones((20, 20, 20), bool)
    shell[5:15, 5:15, 5:15] = False
    np.save('shell.npy', np.pad(shell, 12))
    monkeypatch.setattr(command, 'needed_in_memory', lambda *_: np.inf if in_chunks else 0)
    run('analyze', 'shell.npy', '-o', 'table.csv', '--radii')
    said = capsys.readouterr().err
    assert said.startswith('skanrs: warning: the skeleton has 1 closed surface around cavities')
    assert said.count('\n') == 1
    # That of Python has a path, and names a function.
    assert not [warning for warning in recwarn if warning.category is skanrs.CavityWarning]


def test_no_warning_otherwise(folder, capsys):
    run('analyze', 'mask.npy', '-o', 'table.csv', '--report', 'page.html', '--json')
    said = capsys.readouterr()
    assert (json.loads(said.out)['warnings'], said.err) == ([], '')
    assert 'Warning' not in (folder / 'page.html').read_text()
    np.save('cube.npy', CUBE)
    run('analyze', 'cube.npy', '-o', 'table.csv', '--preserve-topology')
    assert capsys.readouterr().err == ''


def test_warning_of_more_memory_than_allowed(folder, capsys, monkeypatch):
    monkeypatch.setattr(command, 'peak_memory', lambda: 2 * 10**12)
    run('analyze', 'mask.npy', '-o', 'table.csv', '--memory', '1TB', '--json')
    said = capsys.readouterr()
    (warning,) = json.loads(said.out)['warnings']
    assert warning.startswith('the peak of memory was 2.0 TB, more than --memory 1.0 TB: ')
    assert said.err == f'skanrs: warning: {warning}\n'
    run('analyze', 'mask.npy', '-o', 'table.csv')
    assert capsys.readouterr().err == ''
