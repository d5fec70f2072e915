"""README and documentation: the Python and docstrings run, the commands exist."""

import dataclasses
import doctest
import importlib
import inspect
import pkgutil
import re
import shlex
import tomllib
from pathlib import Path

import pytest

import skanrs
from skanrs.cli.parser import command_parser

ROOT = Path(__file__).parents[2]
README = (ROOT / 'README.md').read_text()
PYPROJECT = tomllib.loads((ROOT / 'pyproject.toml').read_text())
EXTRAS = PYPROJECT['project']['optional-dependencies']
PAGES = ('getting_started', 'choosing_a_method', 'questions')
MODULES = [
    module.name
    for module in pkgutil.walk_packages(skanrs.__path__, 'skanrs.')
    if not module.name.endswith(('__main__', '_core'))
]


def blocks(language, text=README):
    return re.findall(rf'^```{language}\n(.*?)^```', text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize('page', PAGES)
def test_examples_of_a_page_print_what_it_says(page, tmp_path, monkeypatch):
    text = (ROOT / 'docs' / f'{page}.md').read_text(encoding='utf-8')
    monkeypatch.chdir(tmp_path)
    examples = doctest.DocTestParser().get_doctest(
        '\n'.join(blocks('pycon', text)), {}, page, page, 0
    )
    result = doctest.DocTestRunner().run(examples)
    assert result.attempted > 5
    assert result.failed == 0


@pytest.mark.parametrize('block', blocks('python'), ids=lambda block: block.split('\n')[0])
def test_python(block):
    exec(compile(block, 'README.md', 'exec'), {})


def test_commands():
    commands = [line.split('#')[0] for block in blocks('sh') for line in block.splitlines()]
    targets = re.findall(r'^([a-z0-9-]+):', (ROOT / 'Makefile').read_text(), re.MULTILINE)
    lines = [shlex.split(command) for command in commands]
    assert [arguments for program, *arguments in lines if program == 'make'] == [['demo'], ['test']]
    assert {'demo', 'test'} <= set(targets)
    calls = [arguments for program, *arguments in lines if program == 'skanrs']
    assert [command_parser().parse_args(arguments).command for arguments in calls] == [
        'demo', 'info', 'analyze', 'skeletonize',
    ]  # fmt: skip
    (install,) = (line for line in lines if line[0] not in ('make', 'skanrs'))
    assert install[:4] == ['python', '-m', 'pip', 'install']
    assert set(re.findall(r'\w+', install[4])) <= set(EXTRAS)


def test_extras_are_those_of_the_package():
    page = (ROOT / 'docs' / 'getting_started.md').read_text(encoding='utf-8')
    rows = dict(re.findall(r'^\| `(\w+)` \| (.*?) \| .* \|$', page, re.MULTILINE))
    assert rows.keys() == EXTRAS.keys()
    for extra in EXTRAS.keys() - {'all'}:
        names = {re.match(r'\w+', requirement)[0] for requirement in EXTRAS[extra]}
        assert set(rows[extra].replace('scikit-image', 'scikit').split(', ')) == names


def test_readme_is_short():
    assert len(README.splitlines()) <= 120


def test_summary_is_what_the_command_says():
    (text,) = blocks('text')
    heads = [line.split()[0] for line in text.splitlines()]
    assert heads == ['image', 'foreground', 'skeleton', 'branches', 'length', 'radius']


def test_links_within_the_repository():
    for target in re.findall(r'\]\(([^)#]+)\)', README):
        assert target.startswith('https://') or (ROOT / target).is_file()


@pytest.mark.parametrize(
    'page',
    [
        'README.md',
        'CONTRIBUTING.md',
        'SECURITY.md',
        *(f'docs/{path.name}' for path in (ROOT / 'docs').glob('*.md')),
    ],
)
def test_tests_and_targets_that_a_page_names_exist(page):
    text = (ROOT / page).read_text(encoding='utf-8')
    targets = re.findall(r'^([a-z0-9-]+):', (ROOT / 'Makefile').read_text(), re.MULTILINE)
    assert set(re.findall(r'`make ([a-z0-9-]+)', text)) <= set(targets)
    tests = {path.name for path in (ROOT / 'tests').rglob('*.py')}
    for path in re.findall(r'\b(?:tests/[a-z_/]*)?test_[a-z_]+\.py', text):
        assert (ROOT / path).is_file() if '/' in path else path in tests


def test_figures_of_speed_are_those_of_the_benchmarks():
    page = (ROOT / 'docs' / 'benchmarks.md').read_text(encoding='utf-8')
    measured = [float(seconds) for seconds in re.findall(r'\| \d+ \| ([\d.]+) \|', page)]
    row = r'^\| .* \| ([\d.]+) \| .*: ([\d.]+) \| (\d+). \| `'
    rows = [tuple(map(float, found)) for found in re.findall(row, README, re.MULTILINE)]
    assert 4 <= len(rows) <= 6
    for ours, theirs, ratio in rows:
        assert pytest.approx(ours, rel=0.03) in measured
        assert pytest.approx(theirs, rel=0.03) in measured
        assert theirs / ours == pytest.approx(ratio, rel=0.05)


def test_picture_is_small():
    assert (ROOT / 'docs/images/lungs.png').stat().st_size < 300_000


def listed():
    """The names that have a page in the reference."""
    page = (ROOT / 'docs' / 'reference' / 'index.rst').read_text()
    return re.findall(r'^   ([a-zA-Z_][\w.]*)$', page, re.MULTILINE)


@pytest.mark.parametrize('name', [*skanrs.__all__, *listed()])
def test_public_names_have_examples(name):
    if name.startswith('__'):
        return
    found = skanrs
    for part in name.split('.'):
        found = getattr(found, part)
    text = inspect.getdoc(found)
    if inspect.isclass(found):
        # The methods may have them in its stead.
        text += ''.join(inspect.getdoc(method) or '' for method in vars(found).values())
    assert 'Examples\n--------\n>>> ' in text


def test_names_of_the_command_s_json_are_documented():
    from skanrs.cli.report import Branches, Report

    page = (ROOT / 'docs' / 'command.md').read_text()
    section = page[page.index('## JSON') :]
    documented = set(re.findall(r'`(\w+)`', section[: section.index('\n## ', 5)]))
    names = {field.name for of in (Report, Branches) for field in dataclasses.fields(of)}
    assert names <= documented


@pytest.mark.parametrize('name', ['skanrs', *MODULES])
def test_docstrings(name):
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0
