"""The options of the command that clean the mask, and the warning about surfaces."""

from __future__ import annotations

import json

import numpy as np
import pytest
from command import run

import skanrs
from skanrs.cli import in_chunks as chunked
from skanrs.cli import run as command

pytest.importorskip('zarr')


def dirty():
    """Return a thick shell, a bar of two pieces with a gap, and dust."""
    z, y, x = np.indices((40, 40, 90)) - 20
    radius = np.sqrt(z * z + y * y + x * x)
    mask = (radius <= 15) & (radius > 9)
    mask[18:23, 18:23, 40:60] = True
    mask[18:23, 18:23, 62:85] = True
    mask[2::9, 3::9, 70::9] = True
    return mask


@pytest.fixture(params=[False, True], ids=['in memory', 'in chunks'])
def folder(empty_folder, monkeypatch, request):
    np.save('mask.npy', dirty())
    needed = np.inf if request.param else 0
    monkeypatch.setattr(command, 'needed_in_memory', lambda *_: needed)
    monkeypatch.setattr(chunked, 'LARGEST_BLOCK', 1 << 12)
    monkeypatch.setattr(chunked, 'EDGE', 17)
    return empty_folder


def test_clean(folder, capsys):
    typed = ('--closing', 2, '--fill-cavities', '--min-size', 10, '--keep-largest', 1)
    run('analyze', 'mask.npy', '-o', 't.csv', '--skeleton', 's.npy', '--json', *typed)
    said, error = capsys.readouterr()
    assert error == ''
    cleaned = json.loads(said)['cleaned']
    mask = dirty()
    closed = skanrs.clean(mask, closing=2)
    filled = skanrs.clean(closed, fill_cavities=True)
    clean = skanrs.clean(filled, min_size=10, largest=1)
    assert cleaned == {
        'closed_voxels': int(closed.sum() - mask.sum()),
        'cavities': 1,
        'filled_voxels': int(filled.sum() - closed.sum()),
        'removed_objects': cleaned['removed_objects'],
        'removed_voxels': int(filled.sum() - clean.sum()),
        'voxels': int(clean.sum()),
    }
    assert cleaned['removed_objects'] > 10
    assert np.array_equal(np.load('s.npy'), skanrs.skeletonize(clean))


def test_summary_and_report(folder, capsys):
    pytest.importorskip('matplotlib')
    run('analyze', 'mask.npy', '-o', 't.csv', '--report', 'r.html', '--fill-cavities')
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith('cleaned')]
    said = line.split(maxsplit=1)[1]
    assert said.startswith('1 cavity of 3,071 voxels filled; ')
    assert said in (folder / 'r.html').read_text(encoding='utf-8')


def test_warning_about_surfaces(folder, capsys):
    run('analyze', 'mask.npy', '-o', 't.csv')
    assert 'the skeleton has 1 closed surface around cavities' in capsys.readouterr().err
    run('skeletonize', 'mask.npy', '-o', 's.npy', '--fill-cavities')
    assert capsys.readouterr().err == ''


def test_warning_if_nothing_is_left(folder, capsys):
    run('analyze', 'mask.npy', '-o', 't.csv', '--min-size', 10**9)
    assert 'warning: cleaning removed the whole foreground' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('option', 'text'),
    [
        (('--closing', -1), 'closing: expected a radius in voxels'),
        (('--min-size', 'few'), '--min-size: expected a non-negative integer'),
        (('--keep-largest', 0), 'largest: expected 1 or more, got 0'),
    ],
)
def test_bad_options(empty_folder, capsys, option, text):
    np.save('mask.npy', dirty())
    with pytest.raises((AssertionError, SystemExit)):
        run('analyze', 'mask.npy', '-o', 't.csv', *option)
    assert text in capsys.readouterr().err
