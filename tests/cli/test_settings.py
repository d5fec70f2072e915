"""The command with unusual consoles, streams, file names and settings."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tifffile

from skanrs.cli import main
from skanrs.datasets import vessel_tree

MASK = vessel_tree((20, 24, 28), seed=2)


def write_mask(folder):
    tifffile.imwrite(
        folder / 'mask.tif', MASK.view('u1'), imagej=True, resolution=(2, 1),
        metadata={'axes': 'ZYX', 'spacing': 2.0, 'unit': 'um'},
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    write_mask(tmp_path)
    return tmp_path


def run(folder, *typed, shell='', **environment):
    """Run the command in a folder and return the process."""
    command = [sys.executable, '-m', 'skanrs', *typed]
    if shell:
        command = ['sh', '-c', f'exec "$@" {shell}', 'sh', *command]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, env={**os.environ, **environment}, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done


@pytest.mark.parametrize(
    'encoding',
    ['ascii', 'cp437', *(pytest.param(name, marks=pytest.mark.slow) for name in ('gbk', 'utf-8'))],
)
def test_a_console_that_cannot_show_every_letter(folder, encoding):
    done = run(folder, 'analyze', 'mask.tif', '-o', 't.csv', PYTHONIOENCODING=encoding)
    shown = {'ascii': '\\xb5m', 'gbk': '\\xb5m'}.get(encoding, 'µm')
    assert f'spacing 2 x 1 x 0.5 {shown} (from the file)' in done.stdout.decode(encoding)
    run(folder, 'info', 'mask.tif', PYTHONIOENCODING=encoding)
    run(folder, 'analyze', '--help', PYTHONIOENCODING=encoding)


def test_a_name_that_is_not_utf8(folder):
    name = os.fsdecode(b'caf\xe9.npy')
    try:
        np.save(folder / name, MASK)
    except OSError:
        pytest.skip('this file system has names in UTF-8 only')
    table = os.fsdecode(b'caf\xe9.csv')
    typed = ['analyze', name, '-o', table, '--radii', '--report', 'r.html']
    done = run(folder, *typed)
    assert b'written     caf\\udce9.csv, r.html' in done.stdout
    assert (folder / table).is_file()
    assert '<h1>caf?.npy</h1>' in (folder / 'r.html').read_text(encoding='utf-8')
    report = json.loads(run(folder, 'analyze', name, '-o', table, '--json').stdout)
    # JSON has the exact names.
    assert (folder / report['source']).is_file()
    assert report['written'] == [table]


@pytest.fixture(scope='module')
def expected_table(tmp_path_factory):
    """Return the bytes of the table with ordinary streams."""
    other = tmp_path_factory.mktemp('expected')
    write_mask(other)
    run(other, 'analyze', 'mask.tif', '-o', 't.csv')
    return (other / 't.csv').read_bytes()


@pytest.mark.skipif(os.name != 'posix', reason='needs a shell')
@pytest.mark.parametrize('closed', ['>&-', '2>&-', '>&- 2>&-', '<&- >&- 2>&-'])
def test_closed_streams(folder, closed, expected_table):
    done = run(folder, 'analyze', 'mask.tif', '-o', 't.csv', '--progress', shell=closed)
    # Nothing that is printed gets into an output, whose descriptor might be that of the stream.
    assert (folder / 't.csv').read_bytes() == expected_table
    assert (b'written     t.csv' in done.stdout) == (not closed.count(' >&-') and closed[0] == '2')


@pytest.mark.parametrize(
    'backend',
    [
        # Refused when matplotlib is imported.
        'what',
        # Refused when a figure is made.
        pytest.param('module://not_installed', marks=pytest.mark.slow),
        # Changes settings.
        pytest.param('module://matplotlib_inline.backend_inline', marks=pytest.mark.slow),
    ],
)
def test_settings_of_matplotlib_do_not_matter(folder, monkeypatch, backend):
    typed = ['analyze', 'mask.tif', '-o', 't.csv', '--radii', '--report', 'r.html']
    monkeypatch.chdir(folder)
    assert main(typed) == 0
    expected = (folder / 'r.html').read_bytes()
    assert expected.count(b'data:image/png;base64,') == 5
    (folder / 'matplotlibrc').write_text('text.usetex: True\nfigure.facecolor: red\n')
    run(folder, *typed, MPLBACKEND=backend)
    assert (folder / 'r.html').read_bytes() == expected


@pytest.mark.parametrize('threshold', ['inf', '-inf'])
def test_json_has_finite_numbers_only(folder, threshold):
    def refuse(text):
        raise ValueError(text)

    np.save(folder / 'gray.npy', np.arange(60.0).reshape(3, 4, 5))
    typed = ['analyze', 'gray.npy', '-o', 't.csv', f'--threshold={threshold}', '--json']
    report = json.loads(run(folder, *typed).stdout, parse_constant=refuse)
    assert (report['threshold'], report['threshold_from']) == (None, 'as given')
