"""The command with unusual consoles, streams, file names and settings."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from skanrs.cli import main
from skanrs.cli.parser import command_parser
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


@pytest.mark.parametrize(
    ('threshold', 'word'), [('inf', 'Infinity'), ('-inf', '-Infinity'), ('-1e400', '-Infinity')]
)
def test_json_has_finite_numbers_only(folder, threshold, word):
    def refuse(text):
        raise ValueError(text)

    np.save(folder / 'gray.npy', np.arange(60.0).reshape(3, 4, 5))
    typed = ['analyze', 'gray.npy', '-o', 't.csv', '--threshold', threshold, '--json']
    report = json.loads(run(folder, *typed).stdout, parse_constant=refuse)
    assert (report['threshold'], report['threshold_from']) == (word, 'as given')
    assert report['recipe']['threshold'] == word


def test_home_folder_in_names(folder):
    """In quotes no shell replaces ``~``."""
    home = folder / 'home'
    home.mkdir()
    os.replace(folder / 'mask.tif', home / 'mask.tif')
    typed = ['analyze', '~/mask.tif', '-o', '~/t.csv', '--summary', '~/s.csv', '--json']
    report = json.loads(run(folder, *typed, HOME=str(home), USERPROFILE=str(home)).stdout)
    assert report['written'] == [str(home / 't.csv'), str(home / 's.csv')]
    assert {path.name for path in home.iterdir()} == {'mask.tif', 't.csv', 's.csv'}


@pytest.mark.parametrize(
    ('words', 'name', 'value'),
    [
        ('--threshold -1e3', 'threshold', -1000),
        ('--threshold -.5E-2', 'threshold', -0.005),
        ('--threshold -inf', 'threshold', -np.inf),
        ('--threshold -2.', 'threshold', -2),
        ('--root -0.5,3,-1e1', 'root', (-0.5, 3, -10)),
        ('--labels --only-labels -3,7', 'only_labels', [-3, 7]),
    ],
)
def test_values_that_begin_with_a_minus(words, name, value):
    parsed = command_parser().parse_args(['analyze', 'a.tif', *words.split(), '-o', 't.csv'])
    assert getattr(parsed, name) == value
    assert parsed.output == [Path('t.csv')]
