"""Notebooks: they run from a clean start, and what they print is what they keep as their output."""

import ast
import contextlib
import io
import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / 'notebooks').glob('*.ipynb'))


def run_cell(source, names):
    """Run a cell as a notebook does; return what it printed and the value that it ends with."""
    body = ast.parse(source).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), 'cell', 'exec'), names)
        value = (
            None
            if last is None
            else eval(compile(ast.Expression(last.value), 'cell', 'eval'), names)
        )
    return printed.getvalue(), value


def kept(cell):
    """What the notebook keeps of a cell's output: the text it printed, and that of its value."""
    printed, value = '', None
    for output in cell['outputs']:
        if output['output_type'] == 'stream':
            assert output['name'] == 'stdout'
            printed += ''.join(output['text'])
        elif output['output_type'] == 'execute_result':
            value = ''.join(output['data']['text/plain'])
        else:
            assert list(output['data']) == ['image/png', 'text/plain']
    return printed, value


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, monkeypatch):
    monkeypatch.setenv('MPLBACKEND', 'agg')
    cells = [cell for cell in json.loads(path.read_text())['cells'] if cell['cell_type'] == 'code']
    assert [cell['execution_count'] for cell in cells] == list(range(1, len(cells) + 1))
    names = {}
    for cell in cells:
        source = ''.join(cell['source'])
        printed, value = run_cell(source, names)
        text, result = kept(cell)
        assert printed == text
        if not source.endswith(';'):
            assert (None if value is None else repr(value)) == result


def test_there_are_notebooks():
    assert NOTEBOOKS
