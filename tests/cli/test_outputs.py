"""The files that `skanrs analyze` writes: tables, graphs, summaries, JSON."""

import json

import networkx
import numpy as np
import pandas as pd
import pytest
import tifffile
from command import MASK, SPACING, assert_same_csv, run, write_tif

import skanrs
from skanrs.cli import main


@pytest.fixture
def folder(empty_folder):
    write_tif('mask.tif')
    return empty_folder


def test_radii(folder, capsys):
    run('analyze', 'mask.tif', '-o', 't.csv', '--radii')
    table = skanrs.analyze(MASK, spacing=SPACING)
    assert_same_csv('t.csv', table)
    said = capsys.readouterr().out
    assert f'radius      {table["mean_radius"].median():.4g}, the median' in said
    assert 'spacing 2 x 1 x 0.5 µm (from the file)' in said
    run('analyze', 'mask.tif', '-o', 't.csv', '--no-radii')
    skeleton = skanrs.Skeleton(skanrs.skeletonize(MASK), spacing=SPACING)
    assert_same_csv('t.csv', skanrs.summarize(skeleton, separator='_'))
    assert 'radius' not in capsys.readouterr().out


def test_lengths_include_tips(folder, capsys):
    run('analyze', 'mask.tif', '-o', 't.csv', '--radii', '--include-tips')
    assert_same_csv('t.csv', skanrs.analyze(MASK, spacing=SPACING, include_tips=True))
    assert main(['analyze', 'mask.tif', '-o', 'no.csv', '--include-tips']) != 0
    assert 'include-tips: expected --radii with it' in capsys.readouterr().err
    assert not (folder / 'no.csv').exists()


def test_summary(folder):
    run('analyze', 'mask.tif', '-o', 't.csv', '--radii', '--summary', 's.csv')
    table = skanrs.analyze(MASK, spacing=SPACING)
    skeleton = skanrs.skeletonize(MASK)
    expected = skanrs.network_summary(table, skeleton=skeleton, shape=MASK.shape, spacing=SPACING)
    assert_same_csv('s.csv', expected)


def test_nodes(folder):
    run('analyze', 'mask.tif', '-o', 't.csv', '--nodes', 'n.csv')
    assert_same_csv('n.csv', skanrs.nodes(MASK, spacing=SPACING))
    # Nodes refer to columns of the measures.
    assert_same_csv('t.csv', skanrs.analyze(MASK, spacing=SPACING))


def test_trees_and_territories(folder, capsys, monkeypatch):
    run(
        'analyze', 'mask.tif', '-o', 't.csv', '--root', 'thickest', '--territories', 'v.tif',
        '--branch-image', 'b.nii.gz', '--angles', 'a.csv', '-o', 'g.graphml',
    )  # fmt: skip
    skeleton = skanrs.skeletonize(MASK)
    table = skanrs.analyze(MASK, spacing=SPACING)
    drawn = skanrs.territories(MASK, skeleton, spacing=SPACING)
    table['counted_volume'] = skanrs.counted_volume(drawn, table, spacing=SPACING)
    nodes = skanrs.nodes(MASK, spacing=SPACING)
    tree = skanrs.root(table, nodes, at='thickest')
    assert_same_csv('t.csv', tree)
    angles = skanrs.angles(tree, nodes, skanrs.centrelines(MASK, spacing=SPACING))
    assert set(angles['relation']) >= {'parent', 'children'}
    assert_same_csv('a.csv', angles.astype({'relation': str}))
    graph = networkx.read_graphml('g.graphml', node_type=int, force_multigraph=True)
    assert dict(graph.degree) == dict(skanrs.to_networkx(tree, nodes).degree)
    for row in nodes.itertuples():
        node = graph.nodes[row.node_id]
        assert [node[name] for name in 'zyx'] == [row.coord_0, row.coord_1, row.coord_2]
        assert (node['radius'], node['touches_border']) == (row.radius, row.touches_border)
    lengths = sorted(length for *_, length in graph.edges(data='length'))
    assert lengths == sorted(tree['length'][~tree['in_junction']])
    node = int(nodes['node_id'][nodes['degree'] == 1].iloc[-1])
    run('analyze', 'mask.tif', '-o', 'n.csv', '--root', node)
    assert_same_csv('n.csv', skanrs.root(skanrs.analyze(MASK, spacing=SPACING), nodes, at=node))
    for name, image in (
        ('v.tif', drawn),
        ('b.nii.gz', skanrs.branch_image(skeleton, spacing=SPACING)),
    ):
        written = skanrs.open_image(name)
        assert (written.spacing, written.unit) == (SPACING, 'µm')
        np.testing.assert_array_equal(written.image, image)
    with pytest.raises(SystemExit):
        main(['analyze', 'mask.tif', '-o', 't.csv', '--root', 'there'])
    assert 'expected thickest, a face such as z=0, a point' in capsys.readouterr().err
    assert main(['analyze', 'mask.tif', '-o', 't.csv', '--root', '900,900,900']) == 2
    assert 'root: expected a point at most' in capsys.readouterr().err
    monkeypatch.setattr(skanrs, 'skeletonize', None)
    for root, words in (('z=1', 'or a face (z=0, '), ('1,2', 'a point of 3 finite numbers')):
        assert main(['analyze', 'mask.tif', '-o', 't.csv', '--root', root, '--min-size', '9']) == 2
        assert words in capsys.readouterr().err


def test_intensity(folder, capsys):
    image = np.random.default_rng(0).normal(size=MASK.shape).astype(np.float32)
    np.save('i.npy', image)
    run('analyze', 'mask.tif', '-o', 't.csv', '--intensity', 'i.npy')
    assert_same_csv('t.csv', skanrs.analyze(MASK, spacing=SPACING, intensity=image))
    channels = np.stack([MASK * np.uint8(255), (100 * image).clip(0, 255).astype(np.uint8)])
    tifffile.imwrite('two.tif', channels, ome=True, metadata={'axes': 'CZYX'})
    two = ['analyze', 'two.tif', '--channel', '0', '--spacing', 2, 1, 0.5, '-o', 'two.csv']
    run(*two, '--intensity', 'two.tif', '--intensity-channel', '1')
    expected = skanrs.analyze(MASK, spacing=SPACING, intensity=channels[1])
    assert_same_csv('two.csv', expected)
    np.save('labels.npy', MASK.astype(np.uint8))
    run('analyze', 'labels.npy', '--labels', '-o', 't.csv', '--intensity', 'i.npy')
    assert_same_csv('t.csv', skanrs.analyze(MASK.astype(int), labels=True, intensity=image))
    np.save('small.npy', image[1:])
    for typed, words in (
        (['--intensity', 'small.npy'], 'intensity: expected shape (40, 44, 48) as the image, got'),
        (['--intensity', 'none.npy'], 'none.npy does not exist'),
        (['--intensity', 'two.tif'], 'channel'),
        (['--intensity-channel', '1'], 'intensity-channel: expected --intensity with it'),
        (['--intensity', 'n.csv', '--nodes', 'n.csv'], 'n.csv: expected an output that is not an'),
    ):
        assert main(['analyze', 'mask.tif', '-o', 't.csv', *typed]) == 2
        assert words in capsys.readouterr().err


def test_regions(folder, capsys):
    regions = np.arange(MASK.size).reshape(MASK.shape) // 20000
    np.save('r.npy', regions)
    run('analyze', 'mask.tif', '-o', 't.csv', '--regions', 'r.npy', '--by-region', 'a.csv')
    table, by_region = skanrs.analyze(MASK, spacing=SPACING, regions=regions)
    assert_same_csv('t.csv', table)
    assert_same_csv('a.csv', by_region)
    assert 'written     t.csv, a.csv' in capsys.readouterr().out
    np.save('labels.npy', MASK.astype(np.uint8))
    run(
        'analyze', 'labels.npy', '--labels', '-o', 't.csv', '--regions', 'r.npy', '--by-region',
        'a.parquet',
    )  # fmt: skip
    _, of_labels = skanrs.analyze(MASK.astype(int), labels=True, regions=regions)
    pd.testing.assert_frame_equal(pd.read_parquet('a.parquet'), of_labels)
    np.save('floats.npy', regions * 1.0)
    np.save('small.npy', regions[1:])
    for typed, words in (
        (['--regions', 'floats.npy'], 'regions: expected a label image of integers, got float64'),
        (['--regions', 'small.npy'], 'regions: expected shape (40, 44, 48) as the image, got'),
        (['--by-region', 'a.csv'], 'by-region: expected --regions with it'),
        (['--regions', 'r.npy', '--by-region', 'a.tif'], 'a.tif'),
    ):
        assert main(['analyze', 'mask.tif', '-o', 't.csv', *typed]) == 2
        assert words in capsys.readouterr().err


def test_several_outputs(folder, capsys):
    outputs = ['t.csv', 't.parquet', 't.graphml', 't.vtp', 't.precomputed']
    run('analyze', 'mask.tif', '--radii', *(part for name in outputs for part in ('-o', name)))
    assert f'written     {", ".join(outputs)}' in capsys.readouterr().out
    table = skanrs.analyze(MASK, spacing=SPACING)
    pd.testing.assert_frame_equal(pd.read_parquet('t.parquet'), table.reset_index(drop=True))
    assert '<data key="mean_radius">' in (folder / 't.graphml').read_text()
    assert b'Name="radius"' in (folder / 't.vtp').read_bytes()
    info = json.loads((folder / 't.precomputed/info').read_text())
    assert [attribute['id'] for attribute in info['vertex_attributes']] == ['radius']
    # The unit of the file makes them nanometres.
    (network, *_) = sorted(path for path in (folder / 't.precomputed').iterdir() if path.is_file())
    count = np.fromfile(network, '<u4', 1)[0]
    points = np.fromfile(network, '<f4', 3 * count, offset=8).reshape(-1, 3)
    line = skanrs.centrelines(MASK, spacing=SPACING).points[0] * 1000
    assert (points == line[::-1].astype('<f4')).all(axis=1).any()


def test_an_output_that_cannot_be_written_does_not_stop_the_others(folder, capsys):
    typed = ['analyze', 'mask.tif', '-o', 't.swc', '-o', 't.csv', '--summary', 's.csv', '--json']
    assert main(typed) == 2
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert report['written'] == ['t.csv', 's.csv']
    (failed,) = report['failed']
    assert failed.startswith('t.swc cannot be written: the skeleton has 1 loop, and SWC files hold')
    assert said.err == f'skanrs: error: {failed}\n'
    assert sorted(path.name for path in folder.iterdir()) == ['mask.tif', 's.csv', 't.csv']
    assert_same_csv(
        't.csv', skanrs.summarize(skanrs.skeletonize(MASK), spacing=SPACING, separator='_')
    )


def test_an_output_that_is_impossible_is_refused_before_the_work(folder, capsys, monkeypatch):
    tifffile.imwrite(
        'far.tif', MASK.view('u1'), imagej=True, metadata={'axes': 'ZYX', 'unit': 'furlong'},
        resolution=(2, 1),
    )  # fmt: skip
    typed = ['analyze', 'far.tif', '-o', 't.csv', '-o', 't.precomputed']
    with monkeypatch.context() as patch:
        patch.setattr(skanrs, 'skeletonize', None)
        assert main(typed) == 2
    said = capsys.readouterr().err
    assert said.startswith('skanrs: error: t.precomputed: unit: expected one of pm, ')
    assert not list(folder.glob('t.*'))
    # Given sizes are of no unit.
    run(*typed, '--spacing', 2)


def test_json(folder, capsys):
    run('analyze', 'mask.tif', '-o', 't.csv', '--json', '--threshold', 100)
    report = json.loads(capsys.readouterr().out)
    table = pd.read_csv('t.csv')
    assert report['shape'] == list(MASK.shape)
    assert (report['spacing'], report['unit'], report['axes']) == ([2.0, 1.0, 0.5], 'µm', 'zyx')
    assert report['threshold'] == 100
    assert report['foreground'] == MASK.sum()
    assert report['branches']['count'] == len(table)
    assert report['branches']['total_length'] == table['branch_distance'].sum()
    assert sum(report['branches']['by_type'].values()) == len(table)
    assert report['written'] == ['t.csv']
    assert report['skanrs'] == skanrs.__version__
