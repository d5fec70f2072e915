"""Several images with `skanrs analyze`: one table, groups, failures, resuming."""

from __future__ import annotations

import contextlib
import json
from concurrent.futures import Future

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import skanrs
from skanrs.cli import batch, main
from skanrs.cli.batch_inputs import find_images
from skanrs.cli.comparison import compare_groups
from skanrs.datasets import vessel_tree

SHAPE = (20, 24, 28)


def command(*arguments):
    return main([str(argument) for argument in arguments])


def write_image(path, seed, spacing=None):
    path.parent.mkdir(exist_ok=True)
    mask = vessel_tree(SHAPE, seed=seed)
    if spacing is None:
        np.save(path, mask)
    else:
        np.savez(path, image=mask, spacing=spacing)


@pytest.fixture
def scans(empty_folder):
    """Write four images in a folder, and a CSV file that lists them with groups."""
    for seed in range(4):
        write_image(empty_folder / 'scans' / f's{seed}.npy', seed)
    lines = [f'scans/s{i}.npy,{"ab"[i % 2]},{20 + i}' for i in range(4)]
    (empty_folder / 'list.csv').write_text('\n'.join(['file,group,age', *lines]))
    return empty_folder


def single(name):
    """Return table and summary of an image by the command on it alone."""
    assert command('analyze', f'scans/{name}.npy', '-o', 'one.csv', '--summary', 'sum.csv') == 0
    return pd.read_csv('one.csv'), pd.read_csv('sum.csv')


def test_table_is_that_of_each_image(scans):
    files = [f'scans/s{i}.npy' for i in range(4)]
    assert command('analyze', *files, '-o', 't.csv', '-o', 't.parquet', '--summary', 's.csv') == 0
    table, summary = pd.read_csv('t.csv'), pd.read_csv('s.csv')
    assert list(summary['image']) == ['s0', 's1', 's2', 's3']
    assert 'group' not in table
    for name in summary['image']:
        one, row = single(name)
        part = table[table['image'] == name].drop(columns='image').reset_index(drop=True)
        pd.testing.assert_frame_equal(part, one, check_exact=True)
        mine = summary[summary['image'] == name].drop(columns='image').reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, row, check_exact=True, check_dtype=False)
    pd.testing.assert_frame_equal(pd.read_parquet('t.parquet'), table, check_dtype=False)


@pytest.mark.parametrize(
    'inputs', [['scans', '--each'], ['scans/*.npy', '--each'], ['list.csv']], ids=str
)
def test_folders_patterns_and_lists(scans, inputs):
    assert command('analyze', *inputs, '-o', 't.csv', '--summary', 's.csv') == 0
    summary = pd.read_csv('s.csv')
    assert list(summary['image']) == ['s0', 's1', 's2', 's3']
    if inputs == ['list.csv']:
        assert list(summary.columns[:3]) == ['image', 'group', 'age']
        assert list(summary['age']) == [20, 21, 22, 23]
        assert list(pd.read_csv('t.csv').columns[:2]) == ['image', 'group']


def test_groups_are_texts(scans):
    lines = ['scans/s0.npy,NA,1,7,', 'scans/s1.npy,01,b,', 'scans/s2.npy,,,8,', 'scans/s3.npy']
    (scans / 'list.csv').write_text('\n'.join(['file,group,image,age', *lines]))
    images = find_images(['list.csv'])
    assert [(image.name, image.group) for image in images] == [
        ('1', 'NA'), ('b', '01'), ('s2', None), ('s3', None),
    ]  # fmt: skip
    ages = [image.columns['age'] for image in images]
    np.testing.assert_array_equal(ages, [7, np.nan, 8, np.nan])


def test_group_by_folder(empty_folder):
    for group, seed in (('one', 1), ('other', 2)):
        write_image(empty_folder / group / f's{seed}.npy', seed)
    typed = ('one/s1.npy', 'other/s2.npy', '--group-by-folder', '-o', 't.csv', '--summary', 's.csv')
    assert command('analyze', *typed) == 0
    assert list(pd.read_csv('s.csv')['group']) == ['one', 'other']


def test_one_fails(scans, capsys):
    (scans / 'scans' / 's1.npy').write_bytes(b'no image')
    np.save('scans/s2.npy', np.arange(24).reshape(2, 3, 4))
    assert command('analyze', 'list.csv', '-o', 't.csv', '--summary', 's.csv', '--json') == 3
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert list(said['failed']) == ['s1', 's2']
    assert 'skanrs: error: s1: ' in err
    assert 'skanrs: error: s2: ' in err
    assert list(pd.read_csv('s.csv')['image']) == ['s0', 's3']


def test_all_fail(scans, capsys):
    assert command('analyze', 'none.tif', 'no.npy', '-o', 't.csv') == 2
    assert 'none of 2 images could be analyzed' in capsys.readouterr().err
    assert not (scans / 't.csv').exists()


def test_resumes(scans, monkeypatch, capsys):
    worked = []
    run = batch.run

    def counted(options, *arguments, **more):
        worked.append(options.image)
        return run(options, *arguments, **more)

    monkeypatch.setattr(batch, 'run', counted)
    typed = ('analyze', 'scans', '--each', '-o', 't.csv', '--summary', 's.csv')
    assert command(*typed) == 0
    assert len(worked) == 4
    first = (scans / 't.csv').read_bytes()
    worked.clear()
    assert command(*typed) == 0
    assert worked == []
    assert (scans / 't.csv').read_bytes() == first
    assert '(4 complete before)' in capsys.readouterr().out
    # A changed file, a missing one of the results, and other options.
    write_image(scans / 'scans' / 's1.npy', 9)
    (scans / 't_images' / 's2.csv').unlink()
    assert command(*typed) == 0
    assert worked == ['scans/s1.npy', 'scans/s2.npy']
    worked.clear()
    assert command(*typed, '--prune-length', 3) == 0
    assert len(worked) == 4


def test_resumes_after_an_interrupt(scans, monkeypatch, capsys):
    run = batch.run

    def interrupted(options, *arguments, **more):
        if 's2' in options.image:
            raise KeyboardInterrupt
        return run(options, *arguments, **more)

    monkeypatch.setattr(batch, 'run', interrupted)
    assert command('analyze', 'scans', '--each', '-o', 't.csv') == 130
    assert 'complete images are in t_images' in capsys.readouterr().err
    assert not (scans / 't.csv').exists()
    monkeypatch.setattr(batch, 'run', run)
    assert command('analyze', 'scans', '--each', '-o', 't.csv') == 0
    assert '(2 complete before)' in capsys.readouterr().out


@pytest.mark.slow
def test_jobs(scans):
    assert command('analyze', 'list.csv', '-o', 'a.csv', '--summary', 'b.csv') == 0
    typed = ('-o', 'c.csv', '--summary', 'd.csv', '--jobs', 2, '--memory', '2GB')
    assert command('analyze', 'list.csv', *typed) == 0
    for one, other in (('a.csv', 'c.csv'), ('b.csv', 'd.csv')):
        assert (scans / one).read_bytes() == (scans / other).read_bytes()


def test_report(scans):
    pytest.importorskip('matplotlib')
    (scans / 'scans' / 's3.npy').write_bytes(b'no image')
    (scans / 'pages').mkdir()
    typed = ('-o', 't.csv', '--summary', 's.csv', '--report', 'pages/all.html')
    assert command('analyze', 'list.csv', *typed) == 3
    page = (scans / 'pages' / 'all.html').read_text(encoding='utf-8')
    assert 'href="../t_images/s0.html"' in page
    assert (scans / 't_images' / 's0.html').is_file()
    assert 'Mann-Whitney U, two-sided' in page
    assert '<tr><th>s3</th><td>scans/s3.npy' in page
    assert 'a (2 images)' in page
    assert 'alt="violins of the images of each group"' in page
    medians = pd.read_csv('s.csv').groupby('group')['n_branches'].median()
    assert all(f'{median:,.0f} (' in page for median in medians)


def write_zarr(name, spacing, unit):
    zarr = pytest.importorskip('zarr')
    array = zarr.create_array(f'{name}.zarr', data=vessel_tree(SHAPE, seed=1))
    array.attrs['spacing'] = [spacing] * 3
    if unit:
        array.attrs['unit'] = unit
    return f'{name}.zarr'


def test_units_are_made_the_same(empty_folder, capsys):
    images = [write_zarr(*image) for image in (('one', 0.5, 'µm'), ('two', 500, 'nm'))]
    images.append(write_zarr('wide', 1.0, 'µm'))
    assert command('analyze', *images, '-o', 't.csv') == 0
    assert capsys.readouterr().err == ''
    one, two, wide = (
        part.drop(columns='image').reset_index(drop=True)
        for _, part in pd.read_csv('t.csv').groupby('image', sort=False)
    )
    pd.testing.assert_frame_equal(one, two)
    np.testing.assert_allclose(wide['branch_distance'], 2 * one['branch_distance'])


SOME = (
    '1 of 3 images state no unit of length (c); their numbers are taken to be in the unit of the '
    'others'
)


@pytest.mark.parametrize(
    ('spacings', 'units', 'options', 'warning'),
    [
        ((1, 2, 2), ('µm', 'mm', 'nm'), (), None),
        ((1, 2, 2), ('µm', 'µm', None), (), SOME),
        ((1, 2, 2), ('µm', 'µm', None), ('--spacing', '1'), None),
        ((1, 2, 2), (None, None, None), (), batch.NO_UNITS),
        ((2, 2, 2), (None, None, None), (), None),
    ],
)
def test_images_without_a_unit(empty_folder, capsys, spacings, units, options, warning):
    pytest.importorskip('matplotlib')
    images = [write_zarr(*image) for image in zip('abc', spacings, units, strict=True)]
    assert command('analyze', *images, '-o', 't.csv', '--report', 'r.html', '--json', *options) == 0
    said = capsys.readouterr()
    assert said.err == (f'skanrs: warning: {warning}\n' if warning else '')
    assert json.loads(said.out)['warnings'] == ([warning] if warning else [])
    page = (empty_folder / 'r.html').read_text(encoding='utf-8')
    assert ('Warning: ' in page) == (warning is not None)
    assert warning is None or f'Warning: {warning}.' in page


def test_bars_of_files_and_within_a_file(scans, capsys):
    assert command('analyze', 'list.csv', '-o', 't.csv', '--progress') == 0
    said = capsys.readouterr().err
    assert 'images:   0%' in said
    assert '4/4' in said
    for name in ('s0', 's3', 'reading: ', 'thinning: '):
        assert name in said
    (scans / 't_images' / 's3.json').unlink()
    assert command('analyze', 'list.csv', '-o', 't.csv', '--no-progress') == 0
    assert 'images: ' not in capsys.readouterr().err


def test_jobs_share_the_memory(scans, monkeypatch):
    given = []

    class Pool:
        def submit(self, work, task):
            given.append(task.options.memory)
            done = Future()
            done.set_result(work(task))
            return done

    monkeypatch.setattr(batch, '_pool', lambda jobs: contextlib.nullcontext(Pool()))
    typed = ('analyze', 'list.csv', '-o', 't.csv', '--jobs')
    assert command(*typed, 3, '--memory', '30GB') == 0
    assert given == [10 * 10**9] * 4


def test_names_and_patterns(empty_folder):
    tifffile = pytest.importorskip('tifffile')
    for name in ('one/a.ome.tif', 'two/b.tif'):
        (empty_folder / name).parent.mkdir()
        image = vessel_tree(SHAPE, seed=1).astype('u1')
        tifffile.imwrite(name, image, photometric='minisblack', metadata={'axes': 'ZYX'})
    typed = ('*/*.tif', '--each', '--group-by-folder', '-o', 't.csv', '--summary', 's.csv')
    assert command('analyze', *typed) == 0
    summary = pd.read_csv('s.csv')
    assert list(zip(summary['image'], summary['group'], strict=True)) == [
        ('a', 'one'),
        ('b', 'two'),
    ]


@pytest.mark.parametrize(
    ('arguments', 'text'),
    [
        (['bad.csv', '-o', 't.csv'], "bad.csv: expected a column 'file', got 'name', 'group'"),
        (['absent.csv', '-o', 't.csv'], 'absent.csv does not exist'),
        (['scans/s0.npy', 'more/s0.npy', '-o', 't.csv'], "two images have the name 's0': scans"),
        (['list.csv', '-o', 'list.csv'], 'list.csv: expected an output that is not an input'),
        (['list.csv', '-o', 't.swc'], 'tables of several images'),
        (['list.csv', '-o', 't.csv', '--skeleton', 's.npy'], '--skeleton: expected one image'),
        (['list.csv', '-o', 't.csv', '--territories', 'b.npy'], '--territories: expected one'),
        (['list.csv', '-o', 't.csv', '--branch-image', 'b.npy'], '--branch-image: expected one'),
        (['list.csv', '-o', 't.csv', '--intensity', 'a.npy'], '--intensity: expected one image'),
        (['list.csv', '-o', 't.csv', '--regions', 'a.npy'], '--regions: expected one image'),
        (['empty', '--each', '-o', 't.csv'], 'empty: expected images, found none'),
        (['list.csv', '-o', 't.csv', '--folder', 'bad.csv'], 'bad.csv: expected a folder'),
        (['named.csv', '-o', 't.csv'], "expected a name that a file can have, got '../x'"),
        (['same.csv', '-o', 't.csv'], 's1.summary.csv: expected a file for s1.summary, got one'),
        (['list.csv', '-o', 't/s1.csv', '--folder', 't'], 's1.csv: expected a file for s1, got'),
        (['more.csv', '-o', 't.csv', '--summary', 's.csv', '--radii'], "column 'radius_q50' of"),
        (['loops.csv', '-o', 't.csv', '--summary', 's.csv'], "the column 'n_loops' of the CSV"),
    ],
)  # fmt: skip
def test_bad_input(scans, capsys, arguments, text):
    (scans / 'bad.csv').write_text('name,group\nx,y\n')
    (scans / 'named.csv').write_text('file,image\nscans/s0.npy,../x\n')
    (scans / 'same.csv').write_text('file,image\nscans/s1.npy,s1\nscans/s2.npy,s1.summary\n')
    (scans / 'more.csv').write_text('file,radius_q50\nscans/s1.npy,5\n')
    (scans / 'loops.csv').write_text('file,n_loops\nscans/s1.npy,5\n')
    (scans / 'empty').mkdir()
    (scans / 't').mkdir()
    before = sorted(scans.rglob('*'))
    assert command('analyze', *arguments) == 2
    assert text in capsys.readouterr().err
    assert sorted(scans.rglob('*')) == before


def test_columns_that_this_summary_has_not(scans):
    (scans / 'more.csv').write_text('file,radius_q50,total_area,time\nscans/s1.npy,5,6,7\n')
    assert command('analyze', 'more.csv', '-o', 't.csv', '--summary', 's.csv') == 0
    row = pd.read_csv('s.csv').iloc[0]
    assert row[['radius_q50', 'total_area', 'time']].tolist() == [5, 6, 7]
    (scans / 'loops.csv').write_text('file,n_loops\nscans/s1.npy,5\n')
    assert command('analyze', 'loops.csv', '-o', 't.csv') == 0


def test_comparison_equals_scipy():
    random = np.random.default_rng(0)
    summary = pd.DataFrame(
        {
            'group': ['a', 'b'] * 6,
            'one': random.random(12),
            'two': random.random(12) + np.tile([0, 1], 6),
            'same': 1.0,
        }
    )
    table = compare_groups(summary, ['one', 'two', 'same', 'absent'])
    assert list(table['measure']) == ['one', 'one', 'two', 'two', 'same', 'same']
    a, b = summary[summary['group'] == 'a'], summary[summary['group'] == 'b']
    ps = [stats.mannwhitneyu(a[name], b[name]).pvalue for name in ('one', 'two')]
    assert list(table['p'][[0, 2]]) == ps
    assert table['p'].isna().sum() == 2
    assert table['p_holm'][2] == min(1, 2 * min(ps))
    assert table['median'][0] == np.median(a['one'])
    three = summary.assign(group=['a', 'b', 'c'] * 4)
    groups = [three.loc[three['group'] == name, 'two'] for name in 'abc']
    compared = compare_groups(three, ['two'])
    assert compared['p'][0] == stats.kruskal(*groups).pvalue
    assert compared['test'][0] == 'Kruskal-Wallis H'


def test_nodes_of_all_images(scans):
    files = [f'scans/s{i}.npy' for i in range(2)]
    assert command('analyze', *files, '-o', 't.csv', '--nodes', 'n.parquet') == 0
    nodes = pd.read_parquet('n.parquet')
    assert list(nodes.columns[:2]) == ['image', 'node_id']
    for i in range(2):
        expected = skanrs.nodes(np.load(f'scans/s{i}.npy'))
        part = nodes[nodes['image'] == f's{i}'].drop(columns='image').reset_index(drop=True)
        pd.testing.assert_frame_equal(part, expected, check_dtype=False)


def test_nothing_is_left_if_all_images_fail(empty_folder, capsys):
    for name in 'ab':
        (empty_folder / f'{name}.tif').write_bytes(b'no image')
    assert command('analyze', 'a.tif', 'b.tif', '-o', 't.csv') == 2
    assert 'none of 2 images could be analyzed' in capsys.readouterr().err
    assert sorted(path.name for path in empty_folder.iterdir()) == ['a.tif', 'b.tif']


def test_slices_that_a_shell_has_listed_are_noticed(empty_folder, capsys):
    for number in range(3):
        np.save(f's{number}.npy', vessel_tree(SHAPE, seed=2).max(axis=0))
        np.save(f'v{number}.npy', vessel_tree(SHAPE, seed=2))
    assert command('analyze', 's0.npy', 's1.npy', 's2.npy', '-o', 't.csv') == 0
    assert 'if they are the slices of one image, give their folder' in capsys.readouterr().err
    for others in (['s0.npy', 's1.npy'], [f'v{number}.npy' for number in range(3)]):
        assert command('analyze', *others, '-o', 'u.csv', '--folder', others[0] + 's') == 0
        assert 'slices' not in capsys.readouterr().err
    np.save('times.npy', np.stack([np.load(f's{number}.npy') for number in range(3)]))
    assert command('analyze', 'times.npy', '--axes', 'tyx', '--time', 'all', '-o', 'w.csv') == 0
    assert 'slices' not in capsys.readouterr().err
