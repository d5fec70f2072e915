"""The HTML report of `skanrs analyze`."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import tifffile
from command import MASK, run, write_tif
from PIL import Image

from skanrs.cli import main


@pytest.fixture
def folder(empty_folder):
    write_tif('mask.tif')
    return empty_folder


class Page(HTMLParser):
    """The pictures, words and links of a page."""

    def __init__(self, text):
        super().__init__()
        self.pictures, self.words, self.open = [], [], []
        self.scene = None
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == 'img':
            head, _, data = attributes['src'].partition(',')
            assert head == 'data:image/png;base64'
            self.pictures.append((attributes['alt'], base64.b64decode(data)))
        # The page needs nothing from elsewhere.
        assert tag == 'img' or not {'href', 'src', 'srcset'} & set(attributes)
        assert tag not in ('link', 'iframe')
        self.attributes = attributes
        if tag not in ('img', 'meta'):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ['script']:
            self.words.append(data.strip())
        elif self.attributes.get('id') == 'scene':
            self.scene = json.loads(data)


@pytest.mark.parametrize('radii', ['--radii', '--no-radii'])
def test_report(folder, radii):
    run('analyze', 'mask.tif', '-o', 't.csv', radii, '--report', 'r.html')
    text = (folder / 'r.html').read_text(encoding='utf-8')
    # A mask has no list of objects, nor a trace of it.
    assert '</table>\n</div>\n<h2>Skeleton</h2>\n' in text
    page = Page(text)
    table = pd.read_csv('t.csv')
    words = page.words
    assert words[words.index('branches') + 1] == f'{len(table):,}'
    total = table['length' if radii == '--radii' else 'branch_distance'].sum()
    assert words[words.index('total length') + 1] == f'{total:.4g} µm'
    assert ('Radii' in words) == (radii == '--radii')
    assert any('2 x 1 x 0.5 µm (from the file)' in word for word in words)
    names = [name for name, _ in page.pictures]
    by = 'radius' if radii == '--radii' else 'length'
    assert names == [f'the skeleton along {axis}, coloured by {by}' for axis in 'zxy'] + [
        'violins',
        *(['histogram'] if radii == '--radii' else []),
    ]
    for _, data in page.pictures:
        picture = np.asarray(Image.open(io.BytesIO(data)).convert('RGB')).reshape(-1, 3)
        # Something is drawn, in several colours.
        assert (picture != picture[0]).any(axis=1).mean() > 0.002
        assert len(np.unique(picture, axis=0)) > 10
    colours = [colour['name'] for colour in page.scene['colours']]
    of_radii = ['radius'] if radii == '--radii' else []
    assert colours == [*of_radii, 'length', 'branch type', 'territory']
    assert page.scene['lines'] == len(table)


def test_the_same_image_gives_the_same_page(folder):
    for name in ('a.html', 'b.html'):
        run('analyze', 'mask.tif', '-o', 't.csv', '--radii', '--report', name)
    assert (folder / 'a.html').read_bytes() == (folder / 'b.html').read_bytes()


def test_report_of_nothing_and_of_strange_names(folder):
    np.save('<b>&.npy', np.zeros((5, 6, 7), bool))
    run('analyze', '<b>&.npy', '-o', 't.csv', '--radii', '--report', 'r.html')
    page = Page((folder / 'r.html').read_text(encoding='utf-8'))
    assert page.pictures == []
    assert '<b>&.npy' in page.words
    # There is no mean of nothing.
    assert page.words[page.words.index('mean length of a branch') + 1] == 'none'
    assert 'nan' not in page.words


def test_report_lists_the_largest_of_many_labels(folder):
    image = np.zeros((3, 3, 1000), 'u1')
    image[1, 1, ::4] = np.arange(1, 251)
    image[1, 1, 997] = 250
    np.save('labels.npy', image)
    run('analyze', 'labels.npy', '--labels', '-o', 't.csv', '--report', 'r.html')
    assert 'The largest 200 of 250 labels' in (folder / 'r.html').read_text(encoding='utf-8')
    assert [row[0] for row in _objects('r.html')] == [*map(str, range(1, 200)), '250']


def _objects(path):
    """Return the cells of the table of objects, row by row, without its head."""
    with open(path, encoding='utf-8') as file:
        table = file.read().split('<h2>Objects</h2>')[1].split('</table>')[0]
    return [re.findall('<td>(.*?)</td>', row) for row in table.split('<tr>')[2:]]


def test_report_of_equal_radii(folder):
    """Those of straight rods of one thickness differ in their last bits."""
    mask = np.zeros((20, 24, 60), bool)
    mask[4:7, 4:7, 3:56] = mask[12:15, 4:7, 3:50] = mask[12:15, 14:17, 5:50] = True
    np.save('rods.npy', mask)
    run('analyze', 'rods.npy', '-o', 't.csv', '--radii', '--report', 'r.html')
    assert 0 < np.ptp(pd.read_csv('t.csv')['mean_radius']) < 1e-12
    page = Page((folder / 'r.html').read_text(encoding='utf-8'))
    assert 'histogram' in [name for name, _ in page.pictures]


def test_report_of_a_flat_image(folder):
    np.save('flat.npy', MASK.max(axis=0))
    run('analyze', 'flat.npy', '-o', 't.csv', '--radii', '--report', 'r.html')
    page = Page((folder / 'r.html').read_text(encoding='utf-8'))
    assert len(page.pictures) == 3
    assert page.scene['flat']


@pytest.mark.parametrize('radii', ['--radii', '--no-radii'])
def test_report_of_labels(folder, radii):
    labels = np.where(MASK, 1 + np.indices(MASK.shape)[2] // 16, 0).astype('u2')
    # Of a block nothing is left.
    labels[:2, :2, :2] = 300
    tifffile.imwrite('labels.tif', labels, imagej=True, metadata={'axes': 'ZYX', 'unit': 'um'})
    typed = ['analyze', 'labels.tif', '--labels', '-o', 't.csv', radii, '--report', 'r.html']
    run(*typed, '--color-by', 'label', '--summary', 's.csv')
    first = (folder / 'r.html').read_bytes()
    run(*typed, '--color-by', 'label')
    assert (folder / 'r.html').read_bytes() == first
    rows = _objects('r.html')
    columns = ['label', 'n_voxels', 'n_branches', 'total_length', 'mean_radius', 'total_volume']
    columns = columns[: 6 if radii == '--radii' else 4]
    units = [[], [], [], ['µm'], ['µm'], ['µm³']][: len(columns)]
    assert [cell.split()[1:] for cell in rows[0]] == units
    numbers = [
        [float(cell.split()[0].replace(',', '').replace('none', 'nan')) for cell in row]
        for row in rows
    ]
    expected = pd.read_csv('s.csv')[columns]
    assert expected['label'].tolist() == [1, 2, 3, 300]
    np.testing.assert_allclose(numbers, expected, rtol=1e-3)
    table = pd.read_csv('t.csv')
    assert table['label'].nunique() == 3
    page = Page((folder / 'r.html').read_text(encoding='utf-8'))
    assert page.scene['lines'] == len(table)
    assert page.words[page.words.index('branches') + 1] == f'{len(table):,}'
    assert page.pictures[0][0] == 'the skeleton along z, coloured by label'
    # The summary of all labels together does not count them.
    assert 'isolated voxels' not in page.words
    run(*typed, '--min-voxels', 10**6)


def test_the_colour_of_a_report(folder, capsys):
    typed = ['analyze', 'mask.tif', '-o', 't.csv', '--root', 'thickest', '--report', 'r.html']
    run(*typed, '--color-by', 'n_tips_downstream')
    page = Page((folder / 'r.html').read_text(encoding='utf-8'))
    names = [colour['name'] for colour in page.scene['colours']]
    assert names[0] == 'n tips downstream'
    assert names[1:] == [
        'radius', 'length', 'generation', 'Strahler order', 'branch type', 'territory'
    ]  # fmt: skip
    assert page.pictures[0][0].endswith('coloured by n tips downstream')
    capsys.readouterr()
    for words, more in (
        ('color-by: expected --report with it', ['--color-by', 'length']),
        ('color-by: expected territory, ', ['--report', 'r.html', '--color-by', 'strahler']),
    ):
        assert main(['analyze', 'mask.tif', '-o', 'u.csv', *more]) == 2
        assert words in capsys.readouterr().err
    assert not (folder / 'u.csv').exists()


@pytest.mark.parametrize(
    'more',
    [
        [],
        ['--radii'],
        ['--labels', '--radii'],
        ['--root', 'thickest', '--territories', 't.tif'],
        ['--intensity', 'mask.tif', '--regions', 'mask.tif'],
    ],
)
def test_colours_are_checked_by_the_columns_of_the_table(folder, capsys, more):
    """The list of the error, before the work, is that of the table's columns of numbers."""
    typed = ['analyze', 'mask.tif', '-o', 't.parquet', *more]
    assert main([*typed, '--report', 'r.html', '--color-by', 'x']) == 2
    listed = capsys.readouterr().err.split('expected territory, ')[1].split(', got')[0]
    run(*typed)
    assert listed.split(', ') == list(pd.read_parquet('t.parquet'))
