"""The package: imports, metadata, files in the wheel."""

import ast
import importlib
import importlib.util
import re
import subprocess
import sys
import sysconfig
import tomllib
from importlib import metadata, resources
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import yaml
from packaging.tags import cpython_tags

import skanrs

ROOT = Path(__file__).parents[2]
OPTIONAL = [
    'dask', 'imageio', 'jinja2', 'matplotlib', 'napari', 'networkx', 'numba', 'openpyxl', 'pyarrow',
    'skimage', 'tifffile', 'toolz',
]  # fmt: skip
MODULES = [
    'cli', 'csr', 'datasets', 'draw', 'files', 'image_stats', 'io', 'nputil', 'pipe', 'pre',
    'summary_utils', 'threads', '_testdata',
]  # fmt: skip


IMAGE = np.eye(4, dtype=np.uint8)


def test_version_equals_that_of_the_crate():
    crate = tomllib.loads((ROOT / 'Cargo.toml').read_text())['package']['version']
    assert skanrs.__version__ == crate
    assert metadata.version('skanrs') == crate


def test_types_are_shipped():
    package = resources.files('skanrs')
    assert package.joinpath('py.typed').is_file()
    assert package.joinpath('_core.pyi').is_file()


@pytest.mark.parametrize('module', ['skanrs', *(f'skanrs.{name}' for name in MODULES)])
def test_import_loads_nothing_optional(module):
    # pandas itself loads pyarrow where it is installed; what counts is what the package adds.
    code = (
        'import sys, numpy, pandas, scipy.sparse; before = set(sys.modules)\n'
        f'import {module}\n'
        f'print(*sorted(set({OPTIONAL!r}) & (set(sys.modules) - before)))'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_run_time_dependencies():
    required = [line for line in metadata.requires('skanrs') or () if 'extra ==' not in line]
    names = {line.split(';')[0].split('>')[0].strip() for line in required}
    assert names == {'numpy', 'scipy', 'pandas', 'tqdm'}


@pytest.mark.parametrize(
    'module', ['datasets', 'draw', 'image_stats', 'pre', 'summary_utils', 'threshold']
)
def test_modules_are_imported_on_first_use(module):
    code = f'import skanrs; assert skanrs.{module}.__name__ == "skanrs.{module}"'
    subprocess.run([sys.executable, '-c', code], check=True)


NOT_FOR_VERSION = ['dask', 'numpy', 'pandas', 'scipy', 'tqdm']
NOT_FOR_INFO = ['dask', 'matplotlib', 'pandas', 'scipy', 'skimage', 'tqdm']


@pytest.mark.parametrize(
    ('arguments', 'unwanted'),
    [
        (['--version'], NOT_FOR_VERSION),
        (['info', 'image.npy'], NOT_FOR_INFO),
        (['info', 'image.tif'], NOT_FOR_INFO),
        (['info', 'image.h5'], NOT_FOR_INFO),
    ],
)
def test_the_command_imports_only_what_it_uses(tmp_path, arguments, unwanted):
    np.save(tmp_path / 'image.npy', IMAGE)
    tifffile.imwrite(tmp_path / 'image.tif', IMAGE)
    with h5py.File(tmp_path / 'image.h5', 'w') as file:
        file['image'] = IMAGE
    code = (
        'import atexit, sys\n'
        f'atexit.register(lambda: print(*sorted(set({unwanted!r}) & set(sys.modules))))\n'
        'from skanrs.cli import main\n'
        f'main({arguments!r})'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.splitlines()[-1] == ''


@pytest.mark.parametrize('module', ['skanrs', 'skanrs.files'])
def test_lazy_names_are_those_that_type_checkers_see(module):
    package = importlib.import_module(module)
    tree = ast.parse(Path(package.__file__).read_text())
    (guarded,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: '.' * node.level + node.module
        for node in guarded.body
        for alias in node.names
    }  # fmt: skip
    homes = {name: home.removeprefix(f'{module}.').lstrip('.') for name, home in seen.items()}
    assert homes == package._HOMES
    assert set(homes) <= set(package.__all__) <= set(dir(package))
    starred = {}
    exec(f'from {module} import *', starred)
    assert set(package.__all__) <= set(starred)
    with pytest.raises(AttributeError, match='no_such_name'):
        package.no_such_name  # noqa: B018


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text(encoding='utf-8'))
    assert {'cff-version', 'message', 'title', 'authors'} <= set(citation)
    assert citation['version'] == skanrs.__version__
    assert citation['license'] == 'BSD-3-Clause'
    assert [paper['doi'] for paper in citation['references']] == ['10.7717/peerj.4312']


def test_every_notebook_and_page_is_in_the_index_of_the_documentation():
    index = (ROOT / 'docs' / 'index.md').read_text()
    listed = set(re.findall(r'^([a-z_/]+)$', index, re.MULTILINE))
    notebooks = {f'gallery/{path.stem}' for path in (ROOT / 'notebooks').glob('*.ipynb')}
    pages = {path.stem for path in (ROOT / 'docs').glob('*.md')} - {'index'}
    assert listed == notebooks | pages | {'reference/index'}


def test_a_free_threaded_interpreter_does_not_take_the_wheel():
    """The stable ABI of the wheel is that of interpreters with a lock."""
    wheel = metadata.distribution('skanrs').read_text('WHEEL')
    tags = {line.removeprefix('Tag: ') for line in wheel.splitlines() if line.startswith('Tag: ')}
    interpreter, abi, platform = next(iter(tags)).split('-')
    assert (interpreter, abi) == ('cp311', 'abi3')
    for version in [(3, 13), (3, 14)]:
        name = f'cp3{version[1]}'
        assert tags & {*map(str, cpython_tags(version, [name], [platform]))}
        assert not tags & {*map(str, cpython_tags(version, [f'{name}t'], [platform]))}


def test_a_free_threaded_interpreter_would_take_its_lock():
    """Built from source there, the module says that it needs the lock: no such build is tested."""
    declared = re.findall(r'#\[pymodule\b(.*)\]', (ROOT / 'src/python/mod.rs').read_text())
    assert declared == ['(gil_used = true)']
    if sysconfig.get_config_var('Py_GIL_DISABLED'):
        assert sys._is_gil_enabled()


def imports_of_face(path: Path) -> set[str]:
    """The names that a module of the package takes from ``skanrs`` itself, modules left out."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == 'skanrs':
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name == 'skanrs'}
    return {name for name in names if importlib.util.find_spec(f'skanrs.{name}') is None}


def test_only_the_command_imports_the_face():
    # The contracts of import-linter in pyproject.toml leave `from skanrs import ...` out.
    package = Path(skanrs.__file__).parent
    paths = [path for path in package.rglob('*.py') if path.parent.name != 'cli']
    assert len(paths) > 50
    assert {path.name: names for path in paths if (names := imports_of_face(path))} == {}
