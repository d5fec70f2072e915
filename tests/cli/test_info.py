"""The command `skanrs info`, and help texts."""

import json
import re

import numpy as np
import pytest
import tifffile
from command import MASK, run, write_tif

import skanrs
from skanrs.cli import main


@pytest.fixture
def folder(empty_folder):
    write_tif('mask.tif')
    return empty_folder


def test_info(folder, capsys):
    run('info', 'mask.tif')
    said = capsys.readouterr().out
    assert re.search(r'^image +40 x 44 x 48 voxels, axes zyx, uint8$', said, re.MULTILINE)
    assert re.search(r'^spacing +2 x 1 x 0\.5 µm$', said, re.MULTILINE)
    run('info', 'mask.tif', '--json')
    content = json.loads(capsys.readouterr().out)
    assert content['shape'] == [40, 44, 48]
    assert (content['spacing'], content['unit']) == ([2.0, 1.0, 0.5], 'µm')


@pytest.mark.parametrize('command', ['', 'analyze', 'skeletonize', 'info', 'demo'])
def test_examples_of_the_help_are_valid(command, capsys):
    from skanrs.cli.parser import command_parser

    with pytest.raises(SystemExit):
        main([command, '--help'] if command else ['--help'])
    said = capsys.readouterr().out
    examples = re.findall(r'^  skanrs (.*?)(?: \|.*)?$', said, re.MULTILINE)
    assert examples
    for example in examples:
        assert command in ('', command_parser().parse_args(example.split()).command)
    assert 'exit codes: 0 success; 2 a problem with' in said


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


def test_pattern_expanded_by_the_shell(folder, capsys):
    for z in range(3):
        tifffile.imwrite(f's{z}.tif', MASK[z].astype(np.uint8))
    for typed in (['info'], ['skeletonize', '-o', 's.tif']):
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
