"""Configuration of Sphinx; `make docs` runs it.

Notebooks are copied beside the pages with their outputs and are not run. The help texts come from
the command.
"""

import argparse
import os
import shutil
from pathlib import Path

import skanrs
from skanrs.cli.parser import command_parser

HERE = Path(__file__).parent

project = 'skanrs'
author = 'the skanrs developers'
copyright = f'2026, {author}'
version = release = skanrs.__version__

extensions = [
    'sphinx.ext.autodoc',
    'sphinx.ext.autosummary',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
    'myst_nb',
]
exclude_patterns = ['_build', '**.ipynb_checkpoints']
nb_execution_mode = 'off'
nb_merge_streams = True
myst_heading_anchors = 4
myst_enable_extensions = ['dollarmath']
suppress_warnings = ['mystnb.unknown_mime_type']

# A name between single backticks links to its page, if there is one.
default_role = 'py:obj'
autosummary_generate = True
autodoc_typehints = 'none'
autodoc_member_order = 'bysource'
napoleon_google_docstring = False
napoleon_use_rtype = False
# Types are descriptions ("array, shape (M, N)"), not names to link.
napoleon_use_param = False
napoleon_custom_sections = [('Attributes', 'params_style')]

html_theme = 'furo'
html_title = f'skanrs {version}'
html_show_sphinx = False
templates_path = ['_templates']
html_static_path = ['_static']
html_css_files = ['style.css']
pygments_style = 'default'


def copy_notebooks() -> None:
    """Copy the notebooks into the gallery, and remove old ones."""
    gallery = HERE / 'gallery'
    shutil.rmtree(gallery, ignore_errors=True)
    gallery.mkdir()
    for notebook in sorted((HERE.parent / 'notebooks').glob('*.ipynb')):
        # Links from the notebooks to the pages change with the folder.
        text = notebook.read_text(encoding='utf-8').replace('](../docs/', '](../')
        (gallery / notebook.name).write_text(text, encoding='utf-8')


def write_help() -> None:
    """Write the help text of each command."""
    # The width of a page, independent of the terminal.
    os.environ['COLUMNS'] = '88'
    (subcommands,) = (
        action
        for action in command_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    for name, parser in subcommands.choices.items():
        (HERE / 'gallery' / f'{name}.txt').write_text(parser.format_help(), encoding='utf-8')


def check_api() -> None:
    """Raise an error if a public name has no page."""
    page = (HERE / 'reference' / 'index.rst').read_text(encoding='utf-8')
    listed = {line.strip() for line in page.splitlines()}
    missing = [name for name in skanrs.__all__ if name not in listed and name != '__version__']
    if missing:
        raise RuntimeError(f'docs/reference/index.rst does not list {", ".join(missing)}')


copy_notebooks()
write_help()
check_api()
