"""What the command writes beside the table: radii, summary, report, graphs; its other verbs."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

import skanrs
from skanrs.cli import main
from skanrs.datasets import vessel_tree

MASK = vessel_tree((40, 44, 48), seed=2)
SPACING = (2.0, 1.0, 0.5)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite(
        'mask.tif', MASK.view('u1') * np.uint8(255), imagej=True, resolution=(1 / 0.5, 1),
        metadata={'axes': 'ZYX', 'spacing': 2.0, 'unit': 'um'},
    )  # fmt: skip
    return tmp_path


def run(*arguments):
    assert main([str(argument) for argument in arguments]) == 0


def read(name):
    return pd.read_csv(name)


def same(name, table):
    pd.testing.assert_frame_equal(
        read(name), table.reset_index(drop=True), check_exact=True, check_dtype=False
    )


def test_radii(folder, capsys):
    run('analyze', 'mask.tif', '-o', 't.csv', '--radii')
    table = skanrs.analyze(MASK, spacing=SPACING)
    same('t.csv', table)
    said = capsys.readouterr().out
    assert f'radius      {table["mean_radius"].median():.4g}, the median' in said
    assert 'spacing 2 x 1 x 0.5 µm (from the file)' in said
    run('analyze', 'mask.tif', '-o', 't.csv', '--no-radii')
    skeleton = skanrs.Skeleton(skanrs.skeletonize(MASK), spacing=SPACING)
    same('t.csv', skanrs.summarize(skeleton, separator='_'))
    assert 'radius' not in capsys.readouterr().out


def test_summary(folder):
    run('analyze', 'mask.tif', '-o', 't.csv', '--radii', '--summary', 's.csv')
    table = skanrs.analyze(MASK, spacing=SPACING)
    skeleton = skanrs.skeletonize(MASK)
    expected = skanrs.network_summary(table, skeleton=skeleton, shape=MASK.shape, spacing=SPACING)
    same('s.csv', expected)


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
    skeleton = skanrs.Skeleton(skanrs.skeletonize(MASK), spacing=SPACING)
    of_first = np.array(skeleton.coordinates)[skeleton.path(0)[0]] * SPACING * 1000
    assert (np.abs(points - of_first[::-1]).sum(axis=1) == 0).any()


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
    same('t.csv', skanrs.summarize(skanrs.skeletonize(MASK), spacing=SPACING, separator='_'))


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
    table = read('t.csv')
    assert report['shape'] == list(MASK.shape)
    assert (report['spacing'], report['unit'], report['axes']) == ([2.0, 1.0, 0.5], 'µm', 'zyx')
    assert report['threshold'] == 100
    assert report['foreground'] == MASK.sum()
    assert report['branches']['count'] == len(table)
    assert report['branches']['total_length'] == table['branch_distance'].sum()
    assert sum(report['branches']['by_type'].values()) == len(table)
    assert report['written'] == ['t.csv']
    assert report['skanrs'] == skanrs.__version__


class Page(HTMLParser):
    """The pictures, words and links of a page."""

    def __init__(self, text):
        super().__init__()
        self.pictures, self.words, self.open = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == 'img':
            head, _, data = attributes['src'].partition(',')
            assert head == 'data:image/png;base64'
            self.pictures.append((attributes['alt'], base64.b64decode(data)))
        assert not {'href', 'srcset'} & set(attributes)
        assert tag not in ('script', 'link', 'iframe')
        if tag not in ('img', 'meta'):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data.strip())


@pytest.mark.parametrize('radii', ['--radii', '--no-radii'])
def test_report(folder, radii):
    run('analyze', 'mask.tif', '-o', 't.csv', radii, '--report', 'r.html')
    page = Page((folder / 'r.html').read_text(encoding='utf-8'))
    table = read('t.csv')
    words = page.words
    assert words[words.index('branches') + 1] == f'{len(table):,}'
    total = table['branch_distance'].sum()
    assert words[words.index('total length') + 1] == f'{total:.4g} µm'
    assert ('Radii' in words) == (radii == '--radii')
    assert any('2 x 1 x 0.5 µm (from the file)' in word for word in words)
    names = [name for name, _ in page.pictures]
    assert names == ['violins', *(['histogram'] if radii == '--radii' else [])] + [
        f'the skeleton, coloured by {by}'
        for by in (['radius', 'branch type'] if radii == '--radii' else ['branch type'])
    ]
    for _, data in page.pictures:
        picture = np.asarray(Image.open(io.BytesIO(data)).convert('RGB')).reshape(-1, 3)
        # Something is drawn, in several colours.
        assert (picture != 255).any(axis=1).mean() > 0.01
        assert len(np.unique(picture, axis=0)) > 50


def test_report_of_nothing_and_of_strange_names(folder):
    np.save('<b>&.npy', np.zeros((5, 6, 7), bool))
    run('analyze', '<b>&.npy', '-o', 't.csv', '--radii', '--report', 'r.html')
    page = Page((folder / 'r.html').read_text(encoding='utf-8'))
    assert page.pictures == []
    assert '<b>&.npy' in page.words
    # There is no mean of nothing.
    assert page.words[page.words.index('mean length of a branch') + 1] == 'none'
    assert 'nan' not in page.words


def test_report_of_a_flat_image(folder):
    np.save('flat.npy', MASK.max(axis=0))
    run('analyze', 'flat.npy', '-o', 't.csv', '--radii', '--report', 'r.html')
    assert len(Page((folder / 'r.html').read_text(encoding='utf-8')).pictures) == 4


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
        same('t.csv', skanrs.summarize(pruned, spacing=SPACING, separator='_'))


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


def test_info(folder, capsys):
    run('info', 'mask.tif')
    said = capsys.readouterr().out
    assert re.search(r'^image +40 x 44 x 48 voxels, axes zyx, uint8$', said, re.MULTILINE)
    assert re.search(r'^spacing +2 x 1 x 0\.5 µm$', said, re.MULTILINE)
    run('info', 'mask.tif', '--json')
    content = json.loads(capsys.readouterr().out)
    assert content['shape'] == [40, 44, 48]
    assert (content['spacing'], content['unit']) == ([2.0, 1.0, 0.5], 'µm')


@pytest.mark.parametrize('command', ['', 'analyze', 'skeletonize', 'info', 'demo'])
def test_examples_of_the_help_are_valid(command, capsys):
    from skanrs.cli.parser import command_parser

    with pytest.raises(SystemExit):
        main([command, '--help'] if command else ['--help'])
    said = capsys.readouterr().out
    examples = re.findall(r'^  skanrs (.*?)(?: \|.*)?$', said, re.MULTILINE)
    assert examples
    for example in examples:
        assert command in ('', command_parser().parse_args(example.split()).command)
    assert 'exit codes: 0 success; 2 a problem with' in said
