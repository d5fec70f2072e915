"""Notebooks run from top to bottom, keep their outputs and agree with their text."""

import functools
import json
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

FOLDER = Path(__file__).parents[2] / 'notebooks'
NOTEBOOKS = sorted(FOLDER.glob('*.ipynb'))

# What is asked of a notebook after its last cell, by an expression.
VALUES = {
    'batch': """{
        'same': bool(pd.read_parquet(folder / 'again.parquet').equals(branches)),
        'images': summary['group'].value_counts().to_dict(),
        'rows': [int(summary['n_branches'].sum()), len(branches)],
        'p': compared['p'].max(),
        'report': (folder / 'report.html').stat().st_size,
    }""",
    'cells': """{
        'labels': cells.index.tolist(),
        'voxels': bool((cells['n_voxels'] == np.bincount(neurites.ravel())[1:]).all()),
        'rows': int(cells['n_branches'].sum()) == len(branches),
        'one': bool(one[columns].equals(same[columns])),
        'large': [len(by_nucleus), int(by_nucleus['n_voxels'].min())],
    }""",
    'lung_vessels': """{
        'branches': {kind: len(table) for kind, table in exact.items()},
        'chords': max(
            (table['euclidean-distance'] / table['branch-distance']).max()
            for table in exact.values()
        ),
        'lazy': {kind: type(table).__module__.split('.')[0] for kind, table in tables.items()},
        'same': [*same.values(), by_hand.equals(in_memory), in_memory.equals(exact['healthy'])],
        'thinning': thinning.to_dict('index'),
        'comparison': comparison.to_dict('index'),
        'radii': networks.loc[:, ['radius_q50', 'radius_q95']].to_dict('index'),
        'widest': {kind: measured[kind]['mean_radius'].max() for kind in KINDS},
        'measured': measured['healthy'].columns.size - exact['healthy'].columns.size,
    }""",
}


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == 'code']


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


@pytest.fixture(scope='module')
def executed(tmp_path_factory):
    """Runs a notebook, once, in the kernel of this environment; gives it and what `VALUES` asks."""

    @functools.cache
    def run(path):
        notebook = nbformat.read(path, as_version=4)
        for cell in code_cells(notebook):
            cell.outputs = []
        asked = f'import json, sys\nvalues = {VALUES.get(path.stem)}\n'
        asked += 'print(json.dumps([sys.executable, values], default=float))'
        notebook.cells.append(new_code_cell(asked))
        # On a loaded machine calls take the second after which a bar is shown.
        notebook.cells.insert(0, new_code_cell('import skanrs\nskanrs.show_progress(False)'))
        folder = tmp_path_factory.mktemp(path.stem)
        with pytest.MonkeyPatch.context() as patch:
            # Kernels that the user has installed must not stand in for this one.
            patch.setenv('JUPYTER_PREFER_ENV_PATH', '1')
            patch.setenv('JUPYTER_DATA_DIR', str(folder / 'jupyter'))
            patch.setenv('IPYTHONDIR', str(folder / 'ipython'))
            patch.delenv('JUPYTER_PATH', raising=False)
            NotebookClient(
                notebook,
                timeout=300,
                kernel_name='python3',
                coalesce_streams=True,
                resources={'metadata': {'path': str(folder)}},
            ).execute()
        executable, values = json.loads(notebook.cells.pop().outputs[0].text)
        assert Path(executable) == Path(sys.executable)
        notebook.cells.pop(0)
        return notebook, values

    return run


def test_notebooks_exist():
    assert set(VALUES) <= {path.stem for path in NOTEBOOKS}


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_without_a_warning(path, executed):
    notebook, _ = executed(path)
    assert all(output.get('name') != 'stderr' for output in outputs(notebook))


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_kept(path, executed):
    kept, (new, _) = nbformat.read(path, as_version=4), executed(path)
    assert path.stat().st_size < 600_000
    for machine in ('/tmp/', '/home/', '/root/', '/Users/', 'C:\\'):
        assert machine not in path.read_text()
    assert not any('execution' in cell.metadata for cell in kept.cells)
    counts = [cell.execution_count for cell in code_cells(kept)]
    assert counts == list(range(1, len(counts) + 1))
    for cell, again in zip(code_cells(kept), code_cells(new), strict=True):
        assert shown(cell) == shown(again), cell.id


def shown(cell):
    """The kinds of a cell's outputs, and what tables and text say but for times and memory."""
    kinds = [sorted(output.get('data', {output.output_type: ''})) for output in cell.outputs]
    text = [
        output.get('text') or output.get('data', {}).get('text/plain', '')
        for output in cell.outputs
        if 'image/png' not in output.get('data', {})
    ]
    if 'times' in cell.metadata.get('tags', []):
        # A bar is drawn as often as there is time for.
        return sorted({kind for each in kinds for kind in each}), []
    if 'memory' in cell.metadata.get('tags', []):
        return kinds, []
    # The names of lazy expressions and the versions of dask are not the notebook's.
    return kinds, [one for one in text if 'Dask' not in one and 'dask.' not in one]


def test_cells(executed):
    _, values = executed(FOLDER / 'cells.ipynb')
    assert values['labels'] == list(range(1, 13))
    assert [values['voxels'], values['rows'], values['one']] == [True] * 3
    count, least = values['large']
    assert 0 < count < 40
    assert least >= 4000


def test_batch(executed):
    _, values = executed(FOLDER / 'batch.ipynb')
    assert values['same']
    assert values['images'] == {'control': 5, 'sparse': 5}
    assert values['rows'][0] == values['rows'][1] > 1000
    # That of five against five without an overlap.
    assert values['p'] == pytest.approx(2 / 252)
    assert values['report'] > 50_000


def test_lung_vessels(executed):
    _, values = executed(FOLDER / 'lung_vessels.ipynb')
    assert values['branches'] == {'healthy': 2510, 'hernia': 778}
    assert values['chords'] <= 1 + 1e-12
    assert values['same'] == [True] * 5
    assert set(values['lazy'].values()) == {'dask'}
    assert values['measured'] == 13
    assert values['radii']['healthy'] == pytest.approx(
        {'radius_q50': 2.33, 'radius_q95': 5.85}, abs=0.05
    )
    assert values['radii']['hernia'] == pytest.approx(
        {'radius_q50': 2.26, 'radius_q95': 5.57}, abs=0.05
    )
    assert values['widest'] == pytest.approx({'healthy': 17, 'hernia': 11}, abs=0.5)
    right, *wrong = values['thinning'].values()
    assert right == {'wrong voxels': 0, 'branches': 2510, 'networks': 16}
    for thinning in wrong:
        assert thinning['wrong voxels'] > 0
        assert thinning['networks'] > 16
    exact, glued, mixed = values['comparison'].values()
    assert (exact['found'], exact['lost'], exact['chord longer than path']) == (2510, 0, 0)
    assert glued['lost'] > 500
    assert glued['total length (mm)'] > 1.1 * exact['total length (mm)']
    assert mixed['mean euclidean-distance'] > 5 * mixed['mean branch-distance']
    assert mixed['chord longer than path'] > 2500
