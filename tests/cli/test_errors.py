"""Errors of the command: one line, exit code 2, nothing written."""

import numpy as np
import pytest
import tifffile
import zarr

from skanrs.cli import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mask = np.zeros((8, 9, 10), bool)
    mask[2:6, 3:7, 1:9] = True
    np.save('mask.npy', mask)
    np.save('gray.npy', np.arange(720).reshape(8, 9, 10))
    np.save('nan.npy', np.where(mask, np.nan, np.arange(720.0).reshape(8, 9, 10)))
    np.save('line.npy', mask[2, 3])
    np.save('five.npy', np.stack([[mask] * 2] * 2))
    np.save('complex.npy', mask * 1j)
    np.save('string.npy', mask.astype(str))
    np.save('object.npy', mask.astype(object), allow_pickle=True)
    np.savez('object.npz', image=mask.astype(object))
    np.savez('two.npz', left=mask, right=mask)
    tifffile.imwrite('rgb.tif', np.zeros((20, 30, 3), np.uint8), photometric='rgb')
    (tmp_path / 'cut.npy').write_bytes((tmp_path / 'mask.npy').read_bytes()[:300])
    (tmp_path / 'text.tif').write_text('hello')
    (tmp_path / 'folder.csv').mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ('typed', 'said'),
    [
        ('', ['COMMAND', 'skanrs --help']),
        ('analyse mask.npy', ["'analyse'", 'analyze']),
        ('analyze', ['IN', '-o/--output']),
        ('analyze mask.npy', ['-o/--output']),
        ('analyze mask.npy -o t.csv --colour red', ['--colour']),
        ('analyze none.npy -o t.csv', ['none.npy does not exist']),
        ('analyze cut.npy -o t.csv', ['cut.npy is cut off']),
        ('analyze text.tif -o t.csv', ['text.tif is cut off, damaged or no TIFF file']),
        ('analyze image.jpg -o t.csv', ['image.jpg ends in .jpg', '.npy']),
        ('analyze folder.csv -o t.csv', ['folder.csv is a folder without TIFF slices']),
        ('analyze . -o t.csv', ['rgb.tif holds 3 colours']),
        ('analyze mask.npy -o t.csv --memory much', ['--memory', "'much'", '4GB']),
        ('analyze mask.npy -o t.csv --channel 0', ['mask.npy has no channels']),
        ('analyze rgb.tif -o t.csv', ['rgb.tif holds 3 colours']),
        ('analyze two.npz -o t.csv', ['two.npz', 'left, right']),
        ('analyze object.npy -o t.csv', ['object.npy', 'Python objects']),
        ('analyze object.npz -o t.csv', ['object.npz', "'image'", 'Python objects']),
        ('analyze complex.npy -o t.csv', ['complex.npy', 'complex128']),
        ('analyze string.npy -o t.csv', ['string.npy', 'string']),
        ('analyze line.npy -o t.csv', ['line.npy', '1D', '2 or 3 axes']),
        ('analyze five.npy -o t.csv', ['five.npy', '5D', '2 or 3 axes']),
        ('analyze gray.npy -o t.csv', ['threshold: expected one for a gray image', '--threshold']),
        ('analyze nan.npy -o t.csv --threshold otsu', ['otsu', 'NaN']),
        ('analyze gray.npy -o t.csv --threshold soft', ['--threshold', "'soft'"]),
        ('analyze gray.npy -o t.csv --threshold nan', ['--threshold', "'nan'"]),
        ('analyze mask.npy -o t.csv --method zhang', ['zhang', '3D']),
        ('analyze mask.npy -o t.csv --method fast', ['--method', "'fast'"]),
        ('analyze mask.npy -o t.csv --spacing 1 2', ['spacing', 'got 2', '(8, 9, 10)']),
        ('analyze mask.npy -o t.csv --spacing 1 2 3 4', ['spacing', 'got 4']),
        ('analyze mask.npy -o t.csv --spacing 0', ['spacing', 'positive', '0']),
        ('analyze mask.npy -o t.csv --spacing 1 1 -2', ['spacing', 'positive', '-2']),
        ('analyze mask.npy -o t.csv --spacing nan', ['spacing', 'nan']),
        ('analyze mask.npy -o t.csv --spacing inf', ['spacing', 'inf']),
        ('analyze mask.npy -o t.csv --spacing wide', ['--spacing', "'wide'"]),
        ('analyze -o t.csv --spacing 1 mask.npy', ['--spacing', "'mask.npy'", 'before']),
        ('analyze mask.npy -o t.csv --axes yx', ['axes: expected 3 letters', "got 'yx'"]),
        ('info mask.npy --axes zzz', ['axes: expected letters', "got 'zzz'"]),
        ('analyze mask.npy -o t.csv --sigma 1', ['sigma', 'threshold']),
        ('analyze gray.npy -o t.csv --sigma -1 --threshold 5', ['sigma', 'positive']),
        ('analyze gray.npy -o t.csv --sigma 1 2 --threshold 5', ['sigma', 'got 2']),
        (
            'analyze gray.npy -o t.csv --sigma 1e6 --threshold otsu',
            ['sigma: expected at most ', '1e+06'],
        ),
        ('analyze mask.npy -o t.csv --threads 0', ['--threads', "'0'"]),
        ('analyze mask.npy -o t.csv --threads many', ['--threads', "'many'"]),
        ('analyze mask.npy -o none/t.csv', ['the folder none does not exist']),
        ('analyze mask.npy -o t.xlsx', ['t.xlsx ends in .xlsx', '.csv, .parquet, .graphml']),
        ('analyze mask.npy -o t.csv -o t.csv', ['different files']),
        ('analyze mask.npy -o t.csv --report t.pdf', ['t.pdf ends in .pdf; reports are .html']),
        ('analyze mask.npy -o t.csv --summary t.txt', ['t.txt ends in .txt; summaries are']),
        ('skeletonize mask.npy -o t.csv', ['t.csv ends in .csv; skeletons are .npy']),
        ('skeletonize mask.npy', ['-o/--output']),
        ('info none.npy', ['none.npy does not exist']),
        ('analyze mask.npy -o folder.csv', ['folder.csv is a folder']),
        ('analyze mask.npy -o t.csv --skeleton none/s.npy', ['the folder none does not exist']),
        ('analyze mask.npy -o t.csv --skeleton s.png', ['s.png ends in .png']),
        ('analyze mask.npy -o t.csv --skeleton mask.npy', ['different files']),
    ],
)
def test_error_is_one_line(folder, capsys, typed, said):
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    try:
        code = main(typed.split())
    except SystemExit as stopped:
        code = stopped.code
    out, err = capsys.readouterr()
    assert code == 2
    assert out == ''
    assert err.startswith('skanrs: error: ')
    assert err.count('\n') == 1
    assert err.endswith('\n')
    for words in said:
        assert words in err
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_existing_table_survives(folder):
    (folder / 't.csv').write_text('before')
    assert main(['analyze', 'gray.npy', '-o', 't.csv']) == 2
    assert (folder / 't.csv').read_text() == 'before'


def test_parts_of_inputs_are_no_outputs(folder, capsys):
    (folder / 'slices').mkdir()
    mask = np.load('mask.npy')
    for number, plane in enumerate(mask):
        tifffile.imwrite(f'slices/s{number}.tif', plane.view('u1'), photometric='minisblack')
    group = zarr.open_group('group.zarr', mode='w')
    group.create_array('0', data=mask.view('u1'))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob('*')}
    for typed in (
        'skeletonize slices -o slices/s3.tif',
        'skeletonize slices/s*.tif -o slices/s3.tif',
        'skeletonize group.zarr/0 -o group.zarr',
        'skeletonize group.zarr -o group.zarr/0.zarr',
        'analyze mask.npy -o t.csv --regions slices --skeleton slices/s1.tif',
    ):
        assert main(typed.split()) == 2
        assert 'expected an output that is not an input' in capsys.readouterr().err
        assert {path: path.stat().st_mtime_ns for path in folder.rglob('*')} == before
    # Beside the slices there is room.
    assert main(['analyze', 'slices', '-o', 'slices/t.csv', '--skeleton', 'slices/s.npy']) == 0
