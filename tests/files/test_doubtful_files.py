"""Odd axes and units in any format, axes and units as options, warnings of the command."""

import json
import os
import pickle

import h5py
import nibabel
import numpy as np
import pytest
import tifffile
import zarr
from doubtful import GRAY, MASK, check, write_slices

import skanrs
from skanrs.cli import main
from skanrs.files import FileError, open_source
from skanrs.files.read.axes import axis_letters
from skanrs.files.units import METRES, in_one_unit, plain_unit


@pytest.mark.parametrize(
    ('names', 'kinds', 'expected'),
    [
        (('plane', 'row', 'column'), (), 'zyx'),
        (('Slices', 'rows', 'cols'), (), 'zyx'),
        (('axial', 'coronal', 'sagittal'), (), 'zyx'),
        (('depth', 'height', 'width'), (), 'zyx'),
        (('time', 'channels', 'Z', 'Y', 'X'), (), 'tczyx'),
        (('dim_0', None, ''), (), '???'),
        (('c', 'slice', 'frame'), ('space', 'space', 'space'), '?z?'),
        (('a', 'b', 'x'), ('time', 'channel', 'space'), 'tcx'),
        ((), (), ''),
    ],
)
def test_names_of_axes(names, kinds, expected):
    assert axis_letters(names, kinds) == expected


LONG = [(1, 3, 20, 30), (3, 20, 30, 1), (1, 1, 3, 20, 30, 1), (1, 3, 20, 30, 1, 1, 1)]


@pytest.mark.parametrize('shape', LONG, ids=str)
@pytest.mark.parametrize('name', ['a.npy', 'a.npz', 'a.zarr', 'a.h5', 'a.tif', 'a.nii'])
def test_axes_of_length_1(tmp_path, shape, name):
    """By one rule in every format: they are dropped where there would be more than three."""
    path, image = tmp_path / name, MASK.reshape(shape)
    if name == 'a.npy':
        np.save(path, image)
    elif name == 'a.npz':
        np.savez(path, image=image)
    elif name == 'a.zarr':
        zarr.create_array(path, data=image)
    elif name == 'a.h5':
        with h5py.File(path, 'w') as file:
            file['image'] = image
    elif name == 'a.tif':
        tifffile.imwrite(path, image, **GRAY)
    else:
        # Of this format, the fourth axis is time.
        image = MASK.reshape(MASK.shape + (1,) * (len(shape) - 3))
        nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), path)
        check(path, (1, 1, 1), axes='xyz')
        return
    check(path)


def test_times_and_others_of_length_1(tmp_path):
    tifffile.imwrite(tmp_path / 'a.tif', MASK, imagej=True, metadata={'axes': 'ZYX'})
    np.save(tmp_path / 'plane.npy', MASK[:1])
    check(tmp_path / 'plane.npy', image=MASK[:1])
    np.save(tmp_path / 'four.npy', np.stack([MASK, MASK]))
    with pytest.raises(FileError, match=r'array of shape \(2, 3, 20, 30\) \(4D\)'):
        skanrs.open_image(tmp_path / 'four.npy')
    ones = np.ones((1, 1, 1, 1, 1), np.uint8)
    np.save(tmp_path / 'ones.npy', ones)
    check(tmp_path / 'ones.npy', image=ones[0, 0])


UNITS = {
    'pm': ('pm', 'picometer'),
    'Å': ('Å', 'Å', 'angstrom', 'Angstroms', 'ångström', 'A'),
    'nm': ('nm', 'nanometers', 'Nanometre'),
    'µm': ('µm', 'μm', 'um', 'micron', 'microns', 'micrometers', 'Micrometer', '\\u00B5m', 'Âµm'),
    'mm': ('mm', 'MM', 'millimeters'),
    'cm': ('cm', 'centimetres'),
    'm': ('m', 'meters'),
    'km': ('km',),
    'thou': ('thou', 'mil', 'mils', 'Mils'),
    'in': ('in', 'inch', 'Inches', '"'),
    'ft': ('ft', 'feet'),
    None: (None, '', ' ', 'pixel', 'Pixels', 'px', 'voxels', 'none', 'unknown'),
    'furlong': ('furlong',),
    'ms': ('ms',),
}


@pytest.mark.parametrize(
    ('unit', 'name'), [(u, name) for u, names in UNITS.items() for name in names]
)
def test_names_of_units(unit, name):
    assert plain_unit(name) == unit
    assert unit in METRES or unit in (None, 'furlong', 'ms')


@pytest.mark.parametrize(
    ('sizes', 'units', 'expected'),
    [
        ((1, 2, 3), ('mm', 'mm', 'mm'), ((1, 2, 3), 'mm')),
        ((1, 2, 3), (None, None, None), ((1, 2, 3), None)),
        ((1, 2, 3), ('mm', 'µm', 'nm'), ((1e6, 2e3, 3), 'nm')),
        ((0.7, 0.3, 1.1), ('µm', 'µm', 'nm'), ((700, 300, 1.1), 'nm')),
        ((1, 2, 3), ('mm', None, 'mm'), ((1, 2, 3), None)),
        ((1, 2, 3), ('mm', None, 'nm'), (None, None)),
        ((1, 2, 3), ('furlong',) * 3, ((1, 2, 3), 'furlong')),
        ((1, 2, 3), ('furlong', 'm', 'm'), (None, None)),
    ],
)
def test_units_that_differ(sizes, units, expected):
    assert in_one_unit(sizes, units) == expected


def test_axes_as_given(tmp_path):
    image = np.stack([MASK, MASK + 1])
    np.save(tmp_path / 'a.npy', image)
    lazy = skanrs.open_image(tmp_path / 'a.npy', axes='czyx', channel=1)
    np.testing.assert_array_equal(lazy.image, MASK + 1)
    source = pickle.loads(pickle.dumps(open_source(tmp_path / 'a.npy', axes='czyx', channel=1)))
    np.testing.assert_array_equal(source.read(), MASK + 1)
    np.save(tmp_path / 'b.npy', MASK[None, :, None])
    for axes in ('zyx', 'tzcyx'):
        np.testing.assert_array_equal(skanrs.open_image(tmp_path / 'b.npy', axes=axes).image, MASK)
    np.savez(tmp_path / 'c.npz', image=MASK, spacing=[3, 2, 1])
    lazy = skanrs.open_image(tmp_path / 'c.npz', axes='xyz')
    assert (lazy.spacing, lazy.axes) == ((3, 2, 1), 'xyz')
    write_slices(tmp_path, range(3))
    assert skanrs.open_image(tmp_path, axes='xyz').axes == 'xyz'


@pytest.mark.parametrize('axes', ['zz', 'ab', 'zyq', 'zzz', '', 'yx', 'tczyx', 5, ['z', 'y', 'x']])
def test_axes_that_do_not_fit(tmp_path, axes):
    np.save(tmp_path / 'a.npy', MASK)
    with pytest.raises(ValueError, match=r'^axes: expected .* got '):
        skanrs.open_image(tmp_path / 'a.npy', axes=axes)


@pytest.mark.parametrize('name', ['a.npy', 'a.npz', 'a.tif', 'a.zarr', 'a.h5', 'a.nii', 'slices'])
def test_another_folder_makes_no_difference(tmp_path, monkeypatch, name):
    """An image that is opened by a relative name stays the image of that file."""
    for folder, image in (('one', MASK), ('two', MASK + 1)):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        if name == 'slices':
            os.mkdir(name)
            for at, plane in enumerate(image):
                tifffile.imwrite(f'{name}/{at}.tif', plane, **GRAY)
        elif name == 'a.npy':
            np.save(name, image)
        elif name == 'a.npz':
            np.savez(name, image=image)
        elif name == 'a.tif':
            tifffile.imwrite(name, image, **GRAY)
        elif name == 'a.zarr':
            zarr.create_array(name, data=image)
        elif name == 'a.h5':
            with h5py.File(name, 'w') as file:
                file['image'] = image
        else:
            nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), name)
    monkeypatch.chdir(tmp_path / 'one')
    lazy, source = skanrs.open_image(name), open_source(name)
    monkeypatch.chdir(tmp_path / 'two')
    np.testing.assert_array_equal(lazy.image.compute(), MASK)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(source)).read(), MASK)


def test_home_and_urls(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('USERPROFILE', str(tmp_path))
    np.save(tmp_path / 'a.npy', MASK)
    np.testing.assert_array_equal(skanrs.open_image('~/a.npy').image, MASK)
    skanrs.save_skeleton(skanrs.Skeleton(np.eye(5)), '~/a.csv')
    assert (tmp_path / 'a.csv').exists()
    for url in ('https://example.org/a.zarr', 's3://bucket/a.zarr', 'file:///a.npy'):
        with pytest.raises(FileError, match=f'{url} is a URL; only files of this machine are read'):
            skanrs.open_image(url)


def test_the_command_shows_file_warnings(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.savez('a.npz', image=MASK > 0, spacing=[1, 2, -1])
    said = 'a.npz: its spacing 1 x 2 x -1 is not positive; the spacing is unknown'
    assert main(['analyze', 'a.npz', '-o', 'a.csv', '--json']) == 0
    out, err = capsys.readouterr()
    assert err == f'skanrs: warning: {said}\n'
    report = json.loads(out)
    assert report['warnings'] == [said]
    assert report['spacing'] == [1, 1, 1]
    assert main(['info', 'a.npz', '--json']) == 0
    assert json.loads(capsys.readouterr().out)['warnings'] == [said]
    assert main(['info', 'a.npz']) == 0
    assert f'warning     {said}' in capsys.readouterr().out
    assert main(['analyze', 'a.npz', '-o', 'a.csv', '--spacing', '3', '--json']) == 0
    assert json.loads(capsys.readouterr().out)['spacing'] == [3, 3, 3]


def test_the_command_reads_times_as_planes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite('a.tif', (MASK > 0) * np.uint8(255), imagej=True, metadata={'axes': 'TYX'})
    assert main(['analyze', 'a.tif', '-o', 'a.csv']) == 2
    assert "give axes='zyx' if they are planes" in capsys.readouterr().err
    assert main(['analyze', 'a.tif', '-o', 'a.csv', '--axes', 'zyx', '--json']) == 0
    assert json.loads(capsys.readouterr().out)['axes'] == 'zyx'


def test_the_command_writes_the_skeleton_of_a_slice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nibabel.save(nibabel.Nifti1Image((MASK[1] > 0).astype('u1')[..., None], np.eye(4)), 'a.nii')
    assert main(['analyze', 'a.nii', '-o', 'a.csv', '--skeleton', 'a.tif']) == 0
    assert skanrs.open_image('a.tif').image.shape == (20, 30, 1)
