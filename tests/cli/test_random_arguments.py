"""The command with random arguments: success, or exit code 2 and one line, never a traceback."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
import tifffile
import zarr

from skanrs import cli
from skanrs.datasets import vessel_tree

SOURCES = [
    'mask.npy', 'gray.tif', 'flat.npy', 'empty.npy', 'full.npy', 'none.npy', 'line.npy',
    'odd.npz', 'scan.nii.gz', 'store.zarr', 'slices', 'cut.tif', 'text.tif', 'four.npy',
    'nan.npy', 'thin.npy', 'missing.tif', '.', '', '*.tif', 'mask.npy:/x', 'a.h5', '/dev/null',
    'mask.npy\n', '\x00.tif',
]  # fmt: skip
OUTPUTS = [
    't.csv', 't.parquet', 't.json', 't.xlsx', 'g.graphml', 'g.swc', 'g.vtp', 'g.gml', 's.tif',
    's.npy', 's.zarr', 's.nii.gz', 's.h5', 'r.html', '.csv', '', 'none/t.csv', 'slices',
    'mask.npy', '\x00.csv', 't.csv/x.csv', 'é.csv', 'x' * 300 + '.csv', '-', '/dev/full',
]  # fmt: skip
NUMBERS = [
    '0', '1', '2', '0.5', '-1', '1e3', '1e308', '1e400', 'nan', 'inf', '-inf', 'x', '', ' ',
    '1,5', '٣', '9' * 400, '0x10', '1_0', '--', '2GB', '1kB', '-5GB', 'otsu', 'none', 'lee',
    'zhang',
]  # fmt: skip
FLAGS = [
    '--json', '--preserve-topology', '--radii', '--no-radii', '--no-progress', '--progress',
    '--fill-cavities', '--help', '--version', '--nothing', '--js',
]  # fmt: skip
VALUED = [
    '--channel', '--axes', '--spacing', '--threshold', '--sigma', '--method', '--prune-length',
    '--prune-ratio', '--prune-bulge', '--open-loops', '--threads', '--memory', '--closing',
    '--min-size', '--keep-largest',
]  # fmt: skip
FILES = [
    '--skeleton',
    '--summary',
    '--nodes',
    '--angles',
    '--territories',
    '--branch-image',
    '--intensity',
    '--regions',
    '--by-region',
    '--root',
    '--report',
    '--color-by',
    '-o',
    '--output',
]
COMMANDS = ['analyze', 'analyze', 'analyze', 'skeletonize', 'skeletonize', 'info', 'x', '']


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Small images of all kinds in the folder of the process."""
    monkeypatch.chdir(tmp_path)
    mask = vessel_tree((16, 20, 24), seed=1)
    random = np.random.default_rng(0)
    arrays = {
        'mask': mask,
        'flat': mask.any(axis=0),
        'empty': np.zeros((5, 6, 7), bool),
        'full': np.ones((5, 6, 7), np.uint8),
        'none': np.ones((5, 0, 7), bool),
        'line': np.ones(5, bool),
        'four': np.ones((2, 2, 2, 2)),
        'nan': np.where(mask, np.nan, random.random(mask.shape)),
        'thin': np.ones((1, 1, 3000), bool),
    }
    for name, array in arrays.items():
        np.save(f'{name}.npy', array)
    np.savez('odd.npz', image=mask, spacing=[1, np.nan, 2])
    tifffile.imwrite('gray.tif', random.integers(0, 99, mask.shape, np.uint8))
    tifffile.imwrite('cut.tif', mask.astype('u1'))
    content = (tmp_path / 'cut.tif').read_bytes()
    (tmp_path / 'cut.tif').write_bytes(content[: len(content) // 2])
    (tmp_path / 'text.tif').write_text('text')
    (tmp_path / 'slices').mkdir()
    tifffile.imwrite('slices/1.tif', mask[8].astype('u1'))
    zarr.create_array('store.zarr', data=mask)
    nibabel.save(nibabel.Nifti1Image(mask.astype('u1'), np.eye(4)), 'scan.nii.gz')
    return tmp_path


def arguments(random):
    """Words, most of them of a kind that the command knows."""
    words = [
        random.choice(COMMANDS),
        random.choice(SOURCES[:3] if random.random() < 0.4 else SOURCES),
    ]
    if random.random() < 0.8:
        words += ['-o', random.choice(OUTPUTS[:1] if random.random() < 0.4 else OUTPUTS)]
    for _ in range(random.integers(0, 4)):
        kind = random.random()
        if kind < 0.2:
            words.append(random.choice(FLAGS))
        elif kind < 0.8:
            words.append(random.choice(VALUED))
            words += list(random.choice(NUMBERS, random.integers(1, 4) if kind < 0.4 else 1))
        else:
            words += [random.choice(FILES), random.choice(OUTPUTS)]
    if random.random() < 0.1:
        random.shuffle(words)
    return [str(word) for word in words]


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('seed', range(4))
def test_success_or_one_line_of_error(files, capsys, seed):
    random = np.random.default_rng(seed)
    before = {path: path.read_bytes() for path in files.rglob('*') if path.is_file()}
    codes = []
    for _ in range(150):
        words = arguments(random)
        try:
            code = cli.main(words)
        except SystemExit as stopped:
            code = stopped.code
        codes.append(code)
        _, said = capsys.readouterr()
        assert code in (0, 2), words
        if code == 2:
            errors = [line for line in said.splitlines() if 'error: ' in line]
            assert len(errors) == 1, (words, said)
            assert said.splitlines()[-1] == errors[0], (words, said)
            assert errors[0].startswith('skanrs'), (words, said)
        assert 'Traceback' not in said, words
        # Nothing is left half written.
        assert not [path for path in files.rglob('*') if path.suffix in ('.part', '.old')], words
    assert 0 in codes
    assert 2 in codes
    changed = [path.name for path, content in before.items() if path.read_bytes() != content]
    assert set(changed) <= {'mask.npy'}, 'an output may be named as an input, nothing else'
