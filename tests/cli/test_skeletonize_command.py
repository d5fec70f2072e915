"""The command `skanrs skeletonize`, and pruning by both commands."""

import json

import numpy as np
import pytest
from command import MASK, SPACING, assert_same_csv, run, write_tif

import skanrs


@pytest.fixture
def folder(empty_folder):
    write_tif('mask.tif')
    return empty_folder


@pytest.mark.parametrize('name', ['s.tif', 's.zarr', 's.npy'])
def test_skeletonize(folder, capsys, name):
    run('skeletonize', 'mask.tif', '-o', name)
    image, _ = skanrs.files.read_image(name)
    np.testing.assert_array_equal(image != 0, skanrs.skeletonize(MASK))
    said = capsys.readouterr().out
    assert 'branches' not in said
    assert f'written     {name}' in said
    # Sizes of voxels go with it, from file to file.
    written = skanrs.open_image(name)
    if name != 's.npy':
        assert (written.spacing, written.unit) == (SPACING, 'µm')


@pytest.mark.parametrize('command', ['analyze', 'skeletonize'])
def test_pruning(folder, command):
    run(
        command, 'mask.tif', '-o', 't.csv' if command == 'analyze' else 's.npy', '--prune-length', 9
    )
    skeleton = skanrs.skeletonize(MASK)
    pruned = skanrs.prune(skeleton, min_length=9, spacing=SPACING)
    assert 0 < pruned.sum() < skeleton.sum()
    if command == 'skeletonize':
        np.testing.assert_array_equal(np.load('s.npy'), pruned)
    else:
        assert_same_csv('t.csv', skanrs.summarize(pruned, spacing=SPACING, separator='_'))


def test_pruning_by_radius(folder, capsys):
    skeleton = skanrs.skeletonize(MASK)
    pruned = skanrs.prune(skeleton, max_radius_ratio=3, mask=MASK, spacing=SPACING)
    assert 0 < pruned.sum() < skeleton.sum()
    run('skeletonize', 'mask.tif', '-o', 's.npy', '--prune-ratio', 3)
    np.testing.assert_array_equal(np.load('s.npy'), pruned)
    run('skeletonize', 'mask.tif', '-o', 's.npy', '--prune-ratio', 3, '--prune-length', 9)
    both = {'max_radius_ratio': 3, 'min_length': 9, 'mask': MASK, 'spacing': SPACING}
    np.testing.assert_array_equal(np.load('s.npy'), skanrs.prune(skeleton, **both))
    said = capsys.readouterr().out
    assert 'voxels, without end branches shorter than 9 µm or 3 radii at their junction' in said


def test_loops(folder, capsys):
    skeleton = skanrs.skeletonize(MASK)
    opened = skanrs.open_loops(skeleton, 'thinnest', mask=MASK, spacing=SPACING)
    pruned = skanrs.prune(opened, max_radius_ratio=3, mask=MASK, spacing=SPACING)
    assert 0 < pruned.sum() < opened.sum() < skeleton.sum()
    arguments = ['mask.tif', '--open-loops', 'thinnest', '--prune-ratio', 3]
    run('skeletonize', *arguments, '-o', 's.npy')
    np.testing.assert_array_equal(np.load('s.npy'), pruned)
    said = capsys.readouterr().out
    assert 'loops opened at their thinnest voxel' in said
    run('skeletonize', *arguments, '-o', 's.npy', '--json')
    counts = json.loads(capsys.readouterr().out)
    assert (counts['prune_ratio'], counts['open_loops']) == (3, 'thinnest')
    before, after = (
        skanrs.network_summary(
            skanrs.summarize(skanrs.Skeleton(image), separator='_'), skeleton=image
        ).loc[0, 'n_loops']
        for image in (skeleton, pruned)
    )
    removed = {'voxels': int(skeleton.sum() - pruned.sum()), 'loops': int(before - after)}
    assert counts['removed'] == removed
    assert removed['loops'] > 0
    run('skeletonize', 'mask.tif', '-o', 's.npy', '--open-loops', 'shortest')
    shortest = skanrs.open_loops(skeleton, 'shortest', spacing=SPACING)
    np.testing.assert_array_equal(np.load('s.npy'), shortest)


def test_preserve_topology(folder):
    cube = np.zeros((6, 6, 20), bool)
    cube[1:5, 1:5, 1:5] = cube[2:4, 2:4, 8:18] = True
    np.save('cube.npy', cube)
    run('skeletonize', 'cube.npy', '-o', 's.npy')
    assert not np.load('s.npy')[..., :6].any()
    run('skeletonize', 'cube.npy', '-o', 's.npy', '--preserve-topology')
    expected = skanrs.skeletonize(cube, preserve_topology=True)
    assert expected[..., :6].any()
    np.testing.assert_array_equal(np.load('s.npy'), expected)
