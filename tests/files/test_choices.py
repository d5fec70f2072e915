"""Channels, times and levels: chosen by number or name, listed by `skanrs info`."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest

import skanrs
from skanrs.cli import main
from skanrs.datasets import vessel_tree
from skanrs.files import FileError, open_source

tifffile = pytest.importorskip('tifffile')
zarr = pytest.importorskip('zarr')

# Times, channels, z, y, x; every voxel is different.
ARRAY = np.arange(2 * 3 * 4 * 6 * 8, dtype=np.uint16).reshape(2, 3, 4, 6, 8)
NAMES = ['DAPI', 'GFP', 'Cy5']


def write_ome_tiff(path, array=ARRAY):
    tifffile.imwrite(
        path, array, ome=True, photometric='minisblack',
        metadata={
            'axes': 'TCZYX', 'Channel': {'Name': NAMES}, 'PhysicalSizeX': 0.5,
            'PhysicalSizeY': 0.5, 'PhysicalSizeZ': 2.0,
        },
    )  # fmt: skip


def write_ome_zarr(path, array=ARRAY, levels=2):
    group = zarr.create_group(path)
    datasets = []
    for level in range(levels):
        step = 2**level
        group.create_array(str(level), data=np.ascontiguousarray(array[..., ::step, ::step]))
        scale = [1, 1, 2.0, 0.5 * step, 0.5 * step]
        datasets.append(
            {
                'path': str(level),
                'coordinateTransformations': [{'type': 'scale', 'scale': scale}],
            }
        )
    kinds = {'t': 'time', 'c': 'channel'}
    axes = [
        {'name': name, 'type': kinds.get(name, 'space')}
        | ({} if name in kinds else {'unit': 'micrometer'})
        for name in 'tczyx'
    ]
    group.attrs['ome'] = {
        'version': '0.5',
        'multiscales': [{'axes': axes, 'datasets': datasets}],
        'omero': {'channels': [{'label': name} for name in NAMES]},
    }


@pytest.fixture(params=['a.ome.tif', 'a.ome.zarr'])
def path(empty_folder, request):
    write = write_ome_tiff if request.param.endswith('tif') else write_ome_zarr
    write(empty_folder / request.param)
    return request.param


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(('channel', 'number'), [(2, 2), ('GFP', 1), ('cy5', 2), (np.int64(0), 0)])
@pytest.mark.parametrize('time', [0, 1])
def test_channel_and_time(path, channel, number, time):
    opened = skanrs.open_image(path, channel=channel, time=time)
    assert np.array_equal(opened.image.compute(), ARRAY[time, number])
    assert (opened.spacing, opened.unit, opened.axes) == ((2.0, 0.5, 0.5), 'µm', 'zyx')
    source = pickle.loads(pickle.dumps(open_source(path, channel=channel, time=time)))
    assert np.array_equal(source.read(), ARRAY[time, number])


@pytest.mark.parametrize(
    ('choice', 'text'),
    [
        ({'time': 0}, 'holds 3 channels; choose one of them by channel (DAPI, GFP, Cy5)'),
        ({'channel': 0}, 'holds 2 times; choose one of them by time'),
        ({'channel': 'RFP', 'time': 0}, "no channel 'RFP'; its channels are DAPI, GFP, Cy5"),
        ({'channel': 3, 'time': 0}, 'holds 3 channels; there is no channel 3 (the first is 0)'),
        ({'channel': 0, 'time': 2}, 'holds 2 times; there is no time 2 (the first is 0)'),
        ({'channel': 0, 'time': 0, 'level': 7}, 'there is no level 7 (the largest is 0)'),
    ],
)
def test_wrong_choices(path, choice, text):
    with pytest.raises(FileError) as caught:
        skanrs.open_image(path, **choice)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ('choice', 'error', 'text'),
    [
        ({'channel': -1}, ValueError, 'channel: expected 0 or more, got -1'),
        ({'channel': 1.5}, TypeError, 'channel: expected an integer or a name, got 1.5'),
        ({'time': 'all'}, TypeError, "time: expected an integer, got 'all'"),
        ({'level': True}, TypeError, 'level: expected an integer, got True'),
    ],
)
def test_wrong_types(path, choice, error, text):
    with pytest.raises(error) as caught:
        skanrs.open_image(path, **choice)
    assert text in str(caught.value)


def test_levels_of_zarr(empty_folder):
    write_ome_zarr(empty_folder / 'a.zarr')
    opened = skanrs.open_image('a.zarr', channel=1, time=1, level=1)
    assert np.array_equal(opened.image.compute(), ARRAY[1, 1, :, ::2, ::2])
    assert opened.spacing == (2.0, 1.0, 1.0)


def test_levels_of_tiff(empty_folder):
    image = np.arange(3 * 64 * 96, dtype=np.uint16).reshape(3, 64, 96)
    metadata = {'axes': 'ZYX', 'PhysicalSizeX': 0.5, 'PhysicalSizeY': 0.25, 'PhysicalSizeZ': 2.0}
    options = {'tile': (16, 16), 'photometric': 'minisblack'}
    with tifffile.TiffWriter('a.ome.tif', ome=True) as file:
        file.write(image, subifds=2, metadata=metadata, **options)
        for step in (2, 4):
            file.write(image[:, ::step, ::step], subfiletype=1, **options)
    for level, step in enumerate((1, 2, 4)):
        opened = skanrs.open_image('a.ome.tif', level=level)
        assert np.array_equal(opened.image.compute(), image[:, ::step, ::step])
        assert opened.spacing == (2.0, 0.25 * step, 0.5 * step)
    with pytest.raises(FileError, match='holds 3 levels; there is no level 3'):
        skanrs.open_image('a.ome.tif', level=3)


@pytest.mark.parametrize(('channel', 'number'), [('red', 0), ('blue', 2), (1, 1)])
def test_colours(empty_folder, channel, number):
    image = np.random.default_rng(0).integers(0, 255, (5, 20, 30, 3), np.uint8)
    tifffile.imwrite('a.tif', image, photometric='rgb')
    opened = skanrs.open_image('a.tif', channel=channel)
    assert np.array_equal(opened.image.compute(), image[..., number])
    for z, plane in enumerate(image):
        tifffile.imwrite(f's{z}.tif', plane, photometric='rgb')
    opened = skanrs.open_image('s*.tif', channel=channel)
    assert np.array_equal(opened.image.compute(), image[..., number])
    source = pickle.loads(pickle.dumps(open_source('s*.tif', channel=channel)))
    assert np.array_equal(source.read(), image[..., number])


@pytest.mark.parametrize('choice', [{'channel': 0}, {'time': 0}, {'channel': 'red'}])
def test_nothing_to_choose(empty_folder, choice):
    np.save('a.npy', np.zeros((3, 4, 5)))
    [name] = choice
    with pytest.raises(FileError, match=f'has no {name}s to choose from'):
        skanrs.open_image('a.npy', **choice)


def test_info(path, capsys):
    assert main(['info', path]) == 0
    said = capsys.readouterr().out
    assert 'channels    3: 0 DAPI, 1 GFP, 2 Cy5' in said
    assert 'times       2' in said
    assert ('levels      2: 0 4 x 6 x 8, 1 4 x 3 x 4 voxels' in said) == path.endswith('zarr')
    assert main(['info', path, '--json']) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content['channels'], content['times']) == (3, 2)
    assert content['channel_names'] == NAMES
    assert content['levels'][0] == [4, 6, 8]


def masks():
    """Return trees at two times in the second of three channels."""
    array = np.zeros((2, 3, 20, 24, 28), np.uint8)
    for time in range(2):
        array[time, 1] = vessel_tree(array.shape[2:], seed=time)
    return array


def test_one_time_in_the_command(empty_folder, capsys):
    write_ome_zarr('a.zarr', masks())
    typed = ['--channel', 'gfp', '--time', '1', '-o', 't.csv']
    assert main(['analyze', 'a.zarr', *typed]) == 0
    expected = skanrs.summarize(
        skanrs.skeletonize(masks()[1, 1]), spacing=(2, 0.5, 0.5), separator='_'
    )
    assert len(pd.read_csv('t.csv')) == len(expected)
    assert main(['analyze', 'a.zarr', '--channel', 'GFP', '-o', 'u.csv']) == 2
    assert 'choose one of them by time' in capsys.readouterr().err


def test_a_channel_that_one_image_lacks(empty_folder, capsys):
    write_ome_zarr('a.zarr', masks())
    tifffile.imwrite('b.tif', masks()[0, 1], photometric='minisblack')
    typed = ['--time', '0', '-o', 't.csv']
    assert main(['analyze', 'a.zarr', 'b.tif', '--channel', 'RFP', *typed]) == 2
    said = capsys.readouterr().err
    assert "a.zarr has no channel 'RFP'; its channels are DAPI, GFP, Cy5" in said
    assert 'none of 2 images could be analyzed' in said
    assert sorted(path.name for path in empty_folder.iterdir()) == ['a.zarr', 'b.tif']
    assert main(['analyze', 'a.zarr', 'b.tif', '--channel', 'GFP', *typed]) == 3
    assert 'skanrs: error: b: b.tif has no channels' in capsys.readouterr().err
    assert list(pd.read_csv('t.csv')['image'].unique()) == ['a']


def test_all_times(empty_folder):
    pytest.importorskip('matplotlib')
    write_ome_zarr('a.zarr', masks())
    write_ome_zarr('b.zarr', masks()[::-1])
    (empty_folder / 'list.csv').write_text('file,group\na.zarr,x\nb.zarr,y\n')
    typed = ['--channel', 'GFP', '--time', 'all', '-o', 't.csv', '--summary', 's.csv']
    assert main(['analyze', 'list.csv', *typed, '--report', 'r.html']) == 0
    table, summary = pd.read_csv('t.csv'), pd.read_csv('s.csv')
    assert list(summary['image']) == ['a', 'a', 'b', 'b']
    assert list(summary['time']) == [0, 1, 0, 1]
    assert list(table.columns[:3]) == ['image', 'group', 'time']
    one = table[(table['image'] == 'a') & (table['time'] == 1)].drop(columns=['image', 'group'])
    other = table[(table['image'] == 'b') & (table['time'] == 0)].drop(columns=['image', 'group'])
    pd.testing.assert_frame_equal(
        one.drop(columns='time').reset_index(drop=True),
        other.drop(columns='time').reset_index(drop=True),
    )
    page = (empty_folder / 'r.html').read_text(encoding='utf-8')
    assert 'Of the times of an image the mean is taken.' in page
    assert 'href="t_images/a_t0001.html"' in page
    # One image alone.
    assert main(['analyze', 'a.zarr', *typed[:4], '-o', 'u.csv']) == 0
    assert list(pd.read_csv('u.csv')['time'].unique()) == [0, 1]
