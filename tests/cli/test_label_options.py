"""The command on label images."""

import json

import numpy as np
import pandas as pd
import pytest
from command import assert_same_csv, run

import skanrs
from skanrs import files
from skanrs.cli import main


@pytest.fixture
def labels():
    image = np.zeros((20, 24, 40), np.uint16)
    image[4:7, 4:7, 3:36] = 3
    image[7:10, 4:20, 8:11] = 300
    image[14:18, 14:18, 20:24] = 7
    image[19, 23, 39] = 9
    return image


def test_analyze(tmp_path, labels, capsys):
    np.save(tmp_path / 'labels.npy', labels)
    options = ['--labels', '--spacing', 0.5, '--radii', '--json']
    outputs = ['-o', tmp_path / 'table.csv', '-o', tmp_path / '{label}.swc']
    more = ['--skeleton', tmp_path / 'skeleton.npy', '--summary', tmp_path / 'summary.csv']
    run('analyze', tmp_path / 'labels.npy', *outputs, *more, *options)
    report = json.loads(capsys.readouterr().out)
    assert report['objects'] == 4
    assert report['foreground'] == np.count_nonzero(labels)
    table = skanrs.analyze(labels, spacing=0.5, labels=True)
    assert_same_csv(tmp_path / 'table.csv', table)
    skeleton = skanrs.skeletonize(labels, labels=True)
    np.testing.assert_array_equal(np.load(tmp_path / 'skeleton.npy'), skeleton)
    assert {path.name for path in tmp_path.glob('*.swc')} == {'3.swc', '300.swc'}
    summary = pd.read_csv(tmp_path / 'summary.csv')
    assert summary['label'].tolist() == [3, 7, 9, 300]
    assert summary['n_voxels'].tolist() == [3 * 3 * 33, 64, 1, 3 * 16 * 3]
    assert summary['n_branches'].tolist() == [1, 0, 0, 1]


def test_a_label_that_cannot_be_written_leaves_out_all_labels(empty_folder, labels, capsys):
    labels[14:17, 2:14, 20:32] = 200
    labels[14:17, 5:11, 23:29] = 0
    np.save('labels.npy', labels)
    typed = ['analyze', 'labels.npy', '--labels', '-o', 't.csv', '-o', '{label}.swc']
    assert main(typed) == 2
    assert '{label}.swc cannot be written: the skeleton has 1 loop' in capsys.readouterr().err
    assert sorted(path.name for path in empty_folder.iterdir()) == ['labels.npy', 't.csv']


def test_chosen_and_large_labels(tmp_path, labels, capsys):
    np.save(tmp_path / 'labels.npy', labels)
    some = ['--labels', '--only-labels', '300,7', '--min-voxels', 65]
    run('analyze', tmp_path / 'labels.npy', *some, '-o', tmp_path / 'table.csv')
    assert 'objects     1 label\n' in capsys.readouterr().out
    assert set(pd.read_csv(tmp_path / 'table.csv')['label']) == {300}


@pytest.mark.parametrize('suffix', ['npy', 'npz', 'tif', 'zarr'])
@pytest.mark.parametrize('dtype', ['u1', 'u2', 'i4', 'u8'])
def test_skeletonize(tmp_path, labels, suffix, dtype):
    labels = np.minimum(labels, 255).astype(dtype)
    np.save(tmp_path / 'labels.npy', labels)
    skeleton = tmp_path / f'skeleton.{suffix}'
    run('skeletonize', tmp_path / 'labels.npy', '--labels', '-o', skeleton)
    with files.open_source(str(skeleton)) as image:
        found = image.read()
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, skanrs.skeletonize(labels, labels=True))


def test_whole_numbers_of_floats_are_labels(tmp_path, labels, capsys):
    np.save(tmp_path / 'labels.npy', labels.astype('f4'))
    run('analyze', tmp_path / 'labels.npy', '--labels', '-o', tmp_path / 'table.csv')
    assert_same_csv(
        tmp_path / 'table.csv',
        skanrs.summarize(skanrs.skeletonize(labels, labels=True), labels=True, separator='_'),
    )
    wrong = labels.astype('f4')
    wrong[2, 3, 4] = 0.5
    np.save(tmp_path / 'labels.npy', wrong)
    code = main(
        ['analyze', str(tmp_path / 'labels.npy'), '--labels', '-o', str(tmp_path / 'a.csv')]
    )
    assert code == 2
    assert 'expected integers as labels, got 0.5 at (2, 3, 4)' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--labels', '--threshold', '3'], 'labels: expected no --threshold with --labels'),
        (
            ['--labels', '--sigma', '1', '--threshold', '3'],
            'labels: expected no --sigma with --labels',
        ),
        (['--labels', '--closing', '2'], 'labels: expected no --closing'),
        (['--labels', '--min-size', '2'], 'or --keep-largest with --labels'),
        (['--labels', '--nodes', 'n.csv'], 'labels: expected no --nodes'),
        (['--labels', '--root', 'thickest'], 'labels: expected no --root'),
        (['--labels', '--angles', 'w.csv'], 'labels: expected no --angles'),
        (['--labels', '--territories', 't.tif'], 'labels: expected no --territories'),
        (['--labels', '--branch-image', 'b.tif'], 'labels: expected no --branch-image'),
        (['--labels', '--each'], 'labels: expected one image, got several'),
        (['--labels', '--memory', '1kB'], 'labels: expected a label image that fits in 1.0 kB'),
        (['--only-labels', '3'], 'only-labels: expected --labels with it'),
        (['--min-voxels', '3'], 'min-voxels: expected --labels with it'),
        (['--labels', '--only-labels', '3,x'], "expected labels as 3,7,12, got '3,x'"),
        (['--labels', '--only-labels', '70000'], 'labels: expected nonzero values of uint16'),
        ([], 'or --labels if each value is an object'),
    ],
)
def test_refusals(tmp_path, labels, capsys, options, message):
    np.save(tmp_path / 'labels.npy', labels)
    arguments = ['analyze', str(tmp_path / 'labels.npy'), '-o', str(tmp_path / 'a.csv'), *options]
    try:
        code = main(arguments)
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'a.csv').exists()
