"""README: its Python runs, its commands exist, its picture is small; docstrings run too."""

import doctest
import importlib
import inspect
import pkgutil
import re
import shlex
from pathlib import Path

import pytest

import skanrs
from skanrs.cli import _parser

ROOT = Path(__file__).parent.parent
README = (ROOT / 'README.md').read_text()
MODULES = [
    module.name
    for module in pkgutil.walk_packages(skanrs.__path__, 'skanrs.')
    if not module.name.endswith(('__main__', '_core'))
]


def blocks(language):
    return re.findall(rf'^```{language}\n(.*?)^```', README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize('block', blocks('python'), ids=lambda block: block.split('\n')[0])
def test_python(block):
    exec(compile(block, 'README.md', 'exec'), {})


def test_commands():
    commands = [line.split('#')[0] for block in blocks('sh') for line in block.splitlines()]
    targets = re.findall(r'^([a-z-]+):', (ROOT / 'Makefile').read_text(), re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        program, *arguments = shlex.split(command)
        if program == 'make':
            assert arguments[0] in targets
        else:
            assert program == 'skanrs'
            assert _parser().parse_args(arguments).command == 'analyze'


def test_summary_is_what_the_command_says():
    (text,) = blocks('text')
    heads = [line.split()[0] for line in text.splitlines()]
    assert heads == ['image', 'foreground', 'skeleton', 'branches', 'length', 'radius']


def test_links_within_the_repository():
    for target in re.findall(r'\]\(([^)#]+)\)', README):
        assert target.startswith('https://') or (ROOT / target).is_file()


def test_picture_is_small():
    assert (ROOT / 'docs/images/lungs.png').stat().st_size < 300_000


@pytest.mark.parametrize('module', ['skanrs', 'skanrs.csr', 'skanrs.datasets', 'skanrs.thinning'])
def test_public_names_have_examples(module):
    module = importlib.import_module(module)
    for name in module.__all__:
        if not name.startswith('_'):
            text = inspect.getdoc(getattr(module, name))
            assert 'Examples\n--------\n>>> ' in text or 'see `' in text or 'See Also' in text, name


@pytest.mark.parametrize('name', ['skanrs', *MODULES])
def test_docstrings(name):
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0
