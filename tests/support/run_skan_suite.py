"""Run skan's own test suite on skanrs.

A temporary folder has a package ``skan`` whose modules are those of skanrs, and the tests of the
installed skan, unedited. None is skipped; without napari its test file cannot be imported, and the
output names it.

Usage: python tests/support/run_skan_suite.py [pytest's arguments]
"""

from __future__ import annotations

import importlib.util
import os
import pkgutil
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import skanrs

NAPARI_TESTS = 'test_napari_plugin.py'

ALIAS = """\
import sys
import {name}
sys.modules[__name__] = sys.modules[{name!r}]
"""

# Run in the folder, with its `skan` on the path.
CHECK = """\
import skan, skan.csr, skan.draw, skanrs.csr
assert skan.csr is skanrs.csr and skan.Skeleton is skanrs.Skeleton, skan.csr
"""


def build_alias(folder: Path) -> None:
    """Make a package ``skan`` in `folder`, with skan's tests and the napari manifest."""
    spec = importlib.util.find_spec('skan')
    if spec is None or spec.origin is None:
        sys.exit('skan is not installed; its tests come with it: pip install skan==0.13.1')
    package = folder / 'skan'
    shutil.copytree(Path(spec.origin).parent / 'test', package / 'test')
    (package / '__init__.py').write_text(
        'from skanrs import *\nfrom skanrs import __version__\nfrom skanrs import __getattr__\n'
    )
    for module in pkgutil.iter_modules(skanrs.__path__):
        if not module.name.startswith('__'):
            alias = ALIAS.format(name=f'skanrs.{module.name}')
            (package / f'{module.name}.py').write_text(alias)
    manifest = (Path(skanrs.__path__[0]) / 'napari.yaml').read_text()
    (package / 'napari.yaml').write_text(manifest.replace('skanrs', 'skan'))
    info = folder / f'skan-{version("skan")}.dist-info'
    info.mkdir()
    metadata = f'Metadata-Version: 2.1\nName: skan\nVersion: {version("skan")}\n'
    (info / 'METADATA').write_text(metadata)
    (info / 'entry_points.txt').write_text('[napari.manifest]\nskan-napari = skan:napari.yaml\n')
    (folder / 'pytest.ini').write_text('[pytest]\n')


def main() -> int:
    """Run the suite; the exit status is pytest's."""
    arguments = sys.argv[1:]
    missing = [name for name in ('napari', 'pytestqt') if importlib.util.find_spec(name) is None]
    if missing:
        arguments.append(f'--ignore-glob=*/{NAPARI_TESTS}')
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build_alias(folder)
        environment = os.environ | {
            'PYTHONPATH': str(folder),
            'MPLBACKEND': 'agg',
            'QT_QPA_PLATFORM': os.environ.get('QT_QPA_PLATFORM', 'offscreen'),
        }
        subprocess.run([sys.executable, '-c', CHECK], cwd=folder, env=environment, check=True)
        command = [sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'skan/test']
        status = subprocess.run([*command, *arguments], cwd=folder, env=environment).returncode
    if missing:
        print(f'not run: {NAPARI_TESTS}, since {" and ".join(missing)} cannot be imported')
    return status


if __name__ == '__main__':
    sys.exit(main())
