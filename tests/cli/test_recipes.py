"""Recipes: options that are saved, run again, and held by reports and Parquet files."""

from __future__ import annotations

import dataclasses
import html
import json

import numpy as np
import pandas as pd
import pytest

import skanrs
from skanrs.cli import main, run
from skanrs.cli.options import Options
from skanrs.cli.parser import command_parser
from skanrs.cli.recipes import RECIPE, options_of_recipe
from skanrs.datasets import vessel_tree
from skanrs.files.recipe import read_recipe, to_toml

# A value for each option, as on the command line.
GIVEN = {
    'channel': ['a "name" \\ of\tµ\x7f😀'],
    'axes': ['zyx'],
    'time': ['all'],
    'level': ['2'],
    'spacing': ['0.1', '2', '1e-30'],
    'threshold': ['-1e-05'],
    'sigma': ['0.7'],
    'closing': ['1.5'],
    'fill-cavities': [],
    'min-size': ['30'],
    'keep-largest': ['2'],
    'labels': [],
    'only-labels': ['3,-7'],
    'min-voxels': ['9'],
    'method': ['lee'],
    'preserve-topology': [],
    'prune-length': ['3'],
    'prune-ratio': ['1.5'],
    'prune-bulge': ['2.5'],
    'open-loops': ['shortest'],
    'radii': [],
    'include-tips': [],
    'intensity-channel': ['1'],
    'root': ['0,12.5,-1e-7'],
}


def command(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture
def gray(empty_folder):
    """Write a gray image and return the folder."""
    image = vessel_tree((20, 24, 28), seed=2).astype(np.uint8) * 100
    np.save(empty_folder / 'a.npy', image)
    return empty_folder


# Inputs, outputs, and what changes no result.
NOT_IN_RECIPES = {
    'image', 'intensity', 'regions', 'output', 'skeleton', 'summary', 'report', 'nodes', 'angles',
    'territories', 'branch_image', 'by_region', 'recipe_file', 'save_recipe', 'threads', 'memory',
    'progress', 'json', 'color_by',
}  # fmt: skip
OPTIONS = ('--threshold', 'otsu', '--sigma', '0.5', '--min-size', 20, '--root', 'thickest')


def test_recipes_have_every_option_that_changes_results():
    names = {field.name for field in dataclasses.fields(Options)}
    assert names == {*RECIPE, *NOT_IN_RECIPES}


def test_every_option_is_the_same_when_it_is_read(tmp_path):
    assert list(GIVEN) == [name.replace('_', '-') for name in RECIPE]
    words = [
        [f'--{name}', *values] if name in ('spacing', 'sigma') else
        [f'--{name}={value}' for value in values] or [f'--{name}']
        for name, values in GIVEN.items()
    ]  # fmt: skip
    parse = command_parser().parse_args
    given = vars(
        parse(['analyze', 'a.npy', '-o', 'b.csv', *(word for each in words for word in each)])
    )
    defaults = vars(parse(['analyze', 'a.npy', '-o', 'b.csv']))
    file = tmp_path / 'r.toml'
    file.write_text(to_toml({name: given[name.replace('-', '_')] for name in GIVEN}), 'utf-8')
    read, warning = options_of_recipe(file, 'analyze')
    assert warning is None
    assert read == {name: given[name] for name in RECIPE}
    assert all(given[name] != defaults[name] for name in RECIPE)


def test_a_recipe_gives_the_same_table(gray):
    assert command('analyze', 'a.npy', '-o', 'a.csv', *OPTIONS, '--save-recipe', 'r.toml') == 0
    assert command('analyze', 'a.npy', '-o', 'b.csv', '--recipe', 'r.toml') == 0
    assert (gray / 'a.csv').read_bytes() == (gray / 'b.csv').read_bytes()
    recipe = read_recipe(gray / 'r.toml')
    assert recipe['skanrs'] == skanrs.__version__
    assert recipe['sigma'] == [0.5]
    assert recipe['threshold'] == 'otsu'
    # Implied by the root.
    assert recipe['radii'] is True
    # Whatever the defaults of another version are.
    assert recipe['preserve-topology'] is False
    assert 'memory' not in recipe


def test_options_of_the_command_line_win(gray):
    assert command('analyze', 'a.npy', '-o', 'a.csv', *OPTIONS, '--save-recipe', 'r.toml') == 0
    changed = ('--threshold', '30', '--fill-cavities', '--save-recipe', 's.toml')
    assert command('analyze', 'a.npy', '-o', 'b.csv', '--recipe', 'r.toml', *changed) == 0
    first, second = read_recipe(gray / 'r.toml'), read_recipe(gray / 's.toml')
    assert second == first | {'threshold': 30.0, 'fill-cavities': True}
    again = ('--recipe', 's.toml', '--no-fill-cavities', '--save-recipe', 't.toml')
    assert command('analyze', 'a.npy', '-o', 'c.csv', *again) == 0
    assert read_recipe(gray / 't.toml') == first | {'threshold': 30.0}


@pytest.mark.parametrize('in_chunks', [False, True])
def test_outputs_hold_the_recipe(gray, capsys, monkeypatch, in_chunks):
    monkeypatch.setattr(run, 'needed_in_memory', lambda *_: np.inf if in_chunks else 0)
    outputs = ('-o', 'a.parquet', '--summary', 's.parquet', '--report', 'r.html')
    typed = ('--threshold', '30', '--prune-length', '2', '--save-recipe', 'r.toml')
    assert command('analyze', 'a.npy', *outputs, *typed, '--json') == 0
    printed = json.loads(capsys.readouterr().out)['recipe']
    recipe = read_recipe(gray / 'r.toml')
    for name in ('a.parquet', 's.parquet'):
        assert read_recipe(gray / name) == recipe
    assert {'skanrs': skanrs.__version__} | {
        k: v for k, v in printed.items() if v is not None
    } == recipe
    text = html.unescape((gray / 'r.html').read_text('utf-8'))
    assert (gray / 'r.toml').read_text('utf-8') in text
    assert command('analyze', 'a.npy', '-o', 'b.parquet', '--recipe', 'a.parquet') == 0
    pd.testing.assert_frame_equal(pd.read_parquet('b.parquet'), pd.read_parquet('a.parquet'))


def test_rows_on_disk_hold_the_recipe(gray, monkeypatch):
    monkeypatch.setattr(run, 'needed_in_memory', lambda *_: np.inf)
    typed = ('--threshold', '30', '--save-recipe', 'r.toml')
    assert command('analyze', 'a.npy', '-o', 'a.parquet', *typed) == 0
    assert read_recipe(gray / 'a.parquet') == read_recipe(gray / 'r.toml')


def test_several_images(gray):
    np.save('b.npy', np.load('a.npy')[::-1])
    outputs = ('-o', 'all.parquet', '--summary', 's.csv', '--report', 'r.html')
    assert command('analyze', 'a.npy', 'b.npy', *outputs, *OPTIONS, '--save-recipe', 'r.toml') == 0
    assert read_recipe(gray / 'all.parquet') == read_recipe(gray / 'r.toml')
    assert 'threshold = "otsu"' in html.unescape((gray / 'r.html').read_text('utf-8'))
    again = ('-o', 'again.csv', '--recipe', 'r.toml', '--folder', 'other')
    assert command('analyze', 'a.npy', 'b.npy', *again) == 0
    expected = pd.read_parquet('all.parquet')
    pd.testing.assert_frame_equal(pd.read_csv('again.csv'), expected, check_dtype=False)


def test_skeletonize(gray):
    assert command('analyze', 'a.npy', '-o', 'a.csv', *OPTIONS, '--save-recipe', 'r.toml') == 0
    assert command('skeletonize', 'a.npy', '-o', 's.npy', '--recipe', 'r.toml') == 0
    assert command('skeletonize', 'a.npy', '-o', 't.npy', *OPTIONS[:-2]) == 0
    np.testing.assert_array_equal(np.load('s.npy'), np.load('t.npy'))
    (gray / 'all.toml').write_text(to_toml({'time': 'all'}))
    with pytest.raises(SystemExit, match='2'):
        command('skeletonize', 'a.npy', '-o', 'u.npy', '--recipe', 'all.toml')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('sgima = 1', "r.toml: unknown key 'sgima'; known are skanrs, channel, axes, "),
        ('min_size = 1', "r.toml: unknown key 'min_size'; known are "),
        ('[options]\nsigma = 1', "r.toml: unknown key 'options'; known are "),
        ('output = "a.csv"', "r.toml: unknown key 'output'; known are "),
        ('threshold = "x"', "r.toml: --threshold: expected a number, otsu or none, got 'x'"),
        ('labels = 3', 'r.toml: labels: expected true or false, got 3'),
        ('threshold = true', 'r.toml: threshold: expected a value, got true'),
        ('sigma = [1, "a"]', "r.toml: --sigma: expected a number, got 'a'"),
        ('sigma = []', 'r.toml: --sigma: expected at least one argument'),
        ('method = "foo"', "r.toml: --method: invalid choice: 'foo' (choose from "),
        ('level = 1979-05-27', 'r.toml: level: expected a number, a text or a list, got 1979'),
        ('level = {a = 1}', 'r.toml: level: expected a number, a text or a list, got {'),
        ('sigma = 1\nsigma = 2', 'r.toml is no TOML: Cannot overwrite a value'),
        ('sigma = ', 'r.toml is no TOML: Invalid value'),
        ('sigma = -1', 'sigma: expected positive, finite numbers, got -1'),
    ],
)  # fmt: skip
def test_recipes_that_make_no_sense(gray, capsys, text, message):
    (gray / 'r.toml').write_text(f'skanrs = "{skanrs.__version__}"\n{text}')
    assert command('analyze', 'a.npy', '-o', 'a.csv', '--recipe', 'r.toml') == 2
    error = capsys.readouterr().err
    assert error.startswith(f'skanrs: error: {message}')
    assert error.count('\n') == 1
    assert sorted(path.name for path in gray.iterdir()) == ['a.npy', 'r.toml']


def test_files_without_a_recipe(gray, capsys):
    pd.DataFrame({'a': [1]}).to_parquet('t.parquet')
    (gray / 'broken.parquet').write_bytes(b'PAR1')
    (gray / 'latin.toml').write_bytes(b'channel = "\xb5"')
    for name, message in [
        ('t.parquet', 't.parquet has no recipe in its metadata'),
        ('broken.parquet', 'broken.parquet cannot be read as Parquet'),
        ('latin.toml', 'latin.toml is no TOML'),
        ('nowhere.toml', 'nowhere.toml does not exist'),
        ('r.json', 'r.json ends in .json; recipes are .toml or .parquet'),
    ]:
        assert command('analyze', 'a.npy', '-o', 'a.csv', '--recipe', name) == 2
        assert capsys.readouterr().err.startswith(f'skanrs: error: {message}')
    typed = ('analyze', 'a.npy', '-o', 'a.csv', '--threshold', 'otsu', '--save-recipe')
    assert command(*typed, 'r.txt') == 2
    assert 'r.txt ends in .txt; recipes are .toml' in capsys.readouterr().err


def test_a_recipe_is_not_overwritten(gray, capsys):
    (gray / 'r.toml').write_text(to_toml({'threshold': 30}))
    typed = ('--recipe', 'r.toml', '--save-recipe', './r.toml')
    assert command('analyze', 'a.npy', '-o', 'a.csv', *typed) == 2
    assert 'the image, the recipe and all outputs must be different' in capsys.readouterr().err
    assert command('analyze', 'a.npy', 'a.npy', '-o', 'a.csv', *typed) == 2


def test_recipes_of_other_versions(gray, capsys):
    for text, words in (('skanrs = "0.0.1"', 'by skanrs 0.0.1'), ('', 'without a version')):
        (gray / 'r.toml').write_text(f'{text}\nthreshold = 30')
        assert command('analyze', 'a.npy', '-o', 'a.csv', '--recipe', 'r.toml') == 0
        expected = f'r.toml was saved {words}, and this is {skanrs.__version__}; results may differ'
        assert f'skanrs: warning: {expected}\n' in capsys.readouterr().err
