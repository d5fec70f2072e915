"""Zarr, HDF5 and NIfTI with odd axes, units and sizes, or without some parts."""

import json
import struct

import h5py
import nibabel
import numpy as np
import pytest
import zarr
from doubtful import MASK, check

import skanrs
from skanrs.files import FileError


@pytest.mark.parametrize(
    'names',
    [
        ('plane', 'row', 'column'),
        ('slice', 'row', 'col'),
        ('axial', 'coronal', 'sagittal'),
        ('dim_0', 'dim_1', 'dim_2'),
        ('x', 'x', 'x'),
    ],
)
def test_words_for_axes_of_zarr(tmp_path, names):
    zarr.create_array(tmp_path / 'a.zarr', data=MASK, dimension_names=names)
    check(tmp_path / 'a.zarr')
    zarr.create_array(tmp_path / 'b.zarr', data=MASK, dimension_names=('x', 'y', 'z'))
    check(tmp_path / 'b.zarr', axes='xyz')
    zarr.create_array(tmp_path / 'c.zarr', data=MASK, dimension_names=('channel', 'row', 'column'))
    check(tmp_path / 'c.zarr', image=MASK[1], axes='yx', channel=1)


def ome_zarr(group, names='zyx', units=('micrometer',) * 3, scale=(2.0, 0.5, 0.5), kind='space'):
    group.create_array('0', data=MASK)
    axes = [
        {'name': name, 'type': kind, **({'unit': unit} if unit else {})}
        for name, unit in zip(names, units, strict=True)
    ]
    scales = [{'type': 'scale', 'scale': scale}]
    datasets = [{'path': '0', 'coordinateTransformations': scales}]
    group.attrs['multiscales'] = [{'version': '0.4', 'axes': axes, 'datasets': datasets}]


@pytest.mark.parametrize(
    ('options', 'spacing', 'unit', 'said'),
    [
        ({'names': ('slice', 'row', 'col')}, (2, 0.5, 0.5), 'µm', None),
        (
            {'units': (None, 'micrometer', 'micrometer')},
            (2, 0.5, 0.5),
            None,
            'units of the axes are none, µm, µm; the unit is unknown',
        ),
        ({'units': ('inch', 'micrometers', 'microns')}, (50800, 0.5, 0.5), 'µm', None),
        ({'units': ('ångström',) * 3}, (2, 0.5, 0.5), 'Å', None),
        (
            {'units': ('furlong', 'micrometer', 'micrometer')},
            None,
            None,
            'units of the axes are furlong, µm, µm; the spacing is unknown',
        ),
        ({'scale': ('2', '0,5', '0,5')}, None, None, 'is not a size; the spacing is unknown'),
        ({'scale': (2, 0, 0.5)}, None, None, 'its spacing 2 x 0 x 0.5 is not positive'),
        ({'scale': (2, 0.5)}, None, None, 'scale has 2 sizes for 3 axes'),
    ],
)
def test_sizes_of_ome_zarr(tmp_path, options, spacing, unit, said):
    ome_zarr(zarr.open_group(tmp_path / 'a.zarr', zarr_format=2), **options)
    check(tmp_path / 'a.zarr', spacing, unit, said=said)


@pytest.mark.parametrize(
    ('attributes', 'spacing', 'said'),
    [
        ({'spacing': 'thick'}, None, "spacing 'thick' is not a size"),
        ({'spacing': [2, 1]}, None, 'it has 2 sizes for 3 axes'),
        ({'spacing': [2, None, 1]}, None, 'is not a size'),
        ({'spacing': [2, 1, -1]}, None, 'its spacing 2 x 1 x -1 is not positive'),
        ({'spacing': ['2', 1, 1]}, (2, 1, 1), None),
        ({'spacing': 2}, (2, 2, 2), None),
        ({'spacing': 2, 'unit': ['um'] * 3}, (2, 2, 2), "unit ['um', 'um', 'um'] is not a text"),
    ],
)
def test_attributes_of_zarr_and_hdf5(tmp_path, attributes, spacing, said):
    zarr.create_array(tmp_path / 'a.zarr', data=MASK).attrs.update(attributes)
    check(tmp_path / 'a.zarr', spacing, said=said)


def test_a_group_without_images(tmp_path):
    zarr.open_group(tmp_path / 'a.zarr', mode='w')
    with pytest.raises(FileError, match=r'a\.zarr holds no image'):
        skanrs.open_image(tmp_path / 'a.zarr')


def test_store_of_bioformats2raw(tmp_path):
    root = zarr.open_group(tmp_path / 'a.zarr', zarr_format=2)
    root.attrs['bioformats2raw.layout'] = 3
    root.create_group('OME').attrs['series'] = ['0']
    ome_zarr(root.create_group('0'))
    check(tmp_path / 'a.zarr', (2, 0.5, 0.5), 'µm')
    ome_zarr(root.create_group('1'))
    with pytest.raises(FileError, match=r'a\.zarr is a group of several \(0, 1, OME\)'):
        skanrs.open_image(tmp_path / 'a.zarr')
    check(tmp_path / 'a.zarr/1', (2, 0.5, 0.5), 'µm')


def tagged(file, keys, data):
    image = file.create_dataset('exported_data', data=data)
    image.attrs['axistags'] = json.dumps({'axes': [{'key': key} for key in keys]})


def test_axes_of_hdf5(tmp_path):
    with h5py.File(tmp_path / 'a.h5', 'w') as file:
        tagged(file, 'zyxc', MASK[..., None])
    check(tmp_path / 'a.h5')
    with h5py.File(tmp_path / 'b.h5', 'w') as file:
        tagged(file, 'cyx', MASK)
    with pytest.raises(FileError, match='holds 3 channels; choose one'):
        skanrs.open_image(tmp_path / 'b.h5')
    check(tmp_path / 'b.h5', image=MASK[1], axes='yx', channel=1)
    with h5py.File(tmp_path / 'c.h5', 'w') as file:
        file['image'] = MASK
        for dimension, label in zip(file['image'].dims, 'xyz', strict=True):
            dimension.label = label
    check(tmp_path / 'c.h5', axes='xyz')
    with h5py.File(tmp_path / 'd.h5', 'w') as file:
        file.create_dataset('image', data=MASK).attrs['axistags'] = '{"axes": 3}'
    check(tmp_path / 'd.h5', said='its axistags cannot be read')


def test_links_in_hdf5(tmp_path):
    with h5py.File(tmp_path / 'data.h5', 'w') as file:
        file['deep/image'] = MASK
    with h5py.File(tmp_path / 'a.h5', 'w') as file:
        file['image'] = h5py.ExternalLink('data.h5', '/deep/image')
        file['self'] = h5py.SoftLink('/')
    check(tmp_path / 'a.h5')
    check(f'{tmp_path}/a.h5:/image')
    with h5py.File(tmp_path / 'data.h5', 'a') as file:
        # Another name of the same image is no other image.
        file['alias'] = h5py.SoftLink('/deep/image')
        file['again'] = h5py.ExternalLink('data.h5', '/deep/image')
    check(tmp_path / 'data.h5')
    (tmp_path / 'data.h5').unlink()
    for name in ('a.h5', 'a.h5:image'):
        with pytest.raises(FileError, match=r'it links to data\.h5, which cannot be opened'):
            skanrs.open_image(f'{tmp_path}/{name}')


def test_virtual_hdf5_of_which_a_part_is_gone(tmp_path):
    layout = h5py.VirtualLayout(MASK.shape, 'u1')
    for at, plane in enumerate(MASK):
        with h5py.File(tmp_path / f'part{at}.h5', 'w') as file:
            file['plane'] = plane
        layout[at] = h5py.VirtualSource(f'part{at}.h5', 'plane', plane.shape)
    with h5py.File(tmp_path / 'a.h5', 'w') as file:
        file.create_virtual_dataset('image', layout)
    check(tmp_path / 'a.h5')
    with h5py.File(tmp_path / 'part2.h5', 'a') as file:
        del file['plane']
    with pytest.raises(FileError, match=r'a\.h5:/image lacks a part: part2\.h5 has no plane'):
        skanrs.open_image(tmp_path / 'a.h5')
    (tmp_path / 'part2.h5').unlink()
    with pytest.raises(FileError, match=r'a\.h5:/image lacks a part: part2\.h5 is missing'):
        skanrs.open_image(tmp_path / 'a.h5')


def test_numbered_parts_of_hdf5_of_which_one_is_gone(tmp_path):
    """HDF5 ends such an image where the first file is missing."""
    for at, plane in enumerate(MASK):
        with h5py.File(tmp_path / f'part{at}.h5', 'w') as file:
            file['plane'] = plane[None]
    one, endless = (1, *MASK.shape[1:]), (h5py.h5s.UNLIMITED, *MASK.shape[1:])
    with h5py.File(tmp_path / 'a.h5', 'w', libver='latest') as file:
        whole = h5py.h5s.create_simple(one, endless)
        planes = whole.copy()
        planes.select_hyperslab((0, 0, 0), (endless[0], 1, 1), stride=one, block=one)
        created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        created.set_virtual(planes, b'part%b.h5', b'plane', h5py.h5s.create_simple(one))
        h5py.h5d.create(file.id, b'image', h5py.h5t.NATIVE_UINT8, whole, created)
    check(tmp_path / 'a.h5')
    for gone in (1, 0):
        (tmp_path / f'part{gone}.h5').unlink()
        said = rf'a\.h5:/image lacks a part: part{gone}\.h5 is missing'
        with pytest.raises(FileError, match=said):
            skanrs.open_image(tmp_path / 'a.h5')


def test_raw_file_of_hdf5_that_is_gone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with h5py.File('a.h5', 'w') as file:
        external = [('one.raw', 0, MASK[0].size), ('two.raw', 4, h5py.h5f.UNLIMITED)]
        file.create_dataset('image', MASK.shape, 'u1', external=external)[:] = MASK
    check('a.h5')
    content = (tmp_path / 'two.raw').read_bytes()
    (tmp_path / 'two.raw').write_bytes(content[:-1])
    with pytest.raises(FileError, match=r'a\.h5:/image lacks a part: two\.raw is cut off'):
        skanrs.open_image('a.h5')
    (tmp_path / 'two.raw').unlink()
    with pytest.raises(FileError, match=r'a\.h5:/image lacks a part: two\.raw is missing'):
        skanrs.open_image('a.h5')


def nifti(path, affine, pixdim=(1, 1, 1), code=2, sform=1):
    """A header of which each number stands where the format's description has it."""
    nibabel.save(nibabel.Nifti1Image(MASK, np.eye(4)), path)
    raw = bytearray(path.read_bytes())
    raw[80:92] = np.array(pixdim, '<f4').tobytes()
    raw[123] = code
    raw[254:256] = struct.pack('<h', sform)
    raw[280:328] = np.array(affine[:3], '<f4').tobytes()
    path.write_bytes(raw)


TURNED = np.diag([0.7, 0.5, 2, 1])[:, [1, 0, 2, 3]]


@pytest.mark.parametrize(
    ('affine', 'options', 'spacing', 'said'),
    [
        (np.diag([0.7, 0.5, 2, 1]), {'pixdim': (0.7, 0.5, 2)}, (0.7, 0.5, 2.0), None),
        (np.diag([-0.7, 0.5, 2, 1]), {'pixdim': (0.7, 0.5, 2)}, (0.7, 0.5, 2.0), None),
        (TURNED, {'pixdim': (0.5, 0.7, 2)}, (0.5, 0.7, 2.0), None),
        (
            np.diag([0.7, 0.5, 2, 1]),
            {},
            (0.7, 0.5, 2.0),
            'its affine (sform) has voxels of 0.7 x 0.5 x 2, its pixdim of 1 x 1 x 1; the affine',
        ),
        (np.diag([0.7, 0.5, 2, 1]), {'sform': 0}, (1, 1, 1), None),
        (np.zeros((4, 4)), {}, (1, 1, 1), None),
        (np.full((4, 4), np.nan), {'pixdim': (1, 2, 3)}, (1, 2, 3), None),
        (np.eye(4), {'pixdim': (0, 1, 1)}, (1, 1, 1), 'its pixdim of 0 x 1 x 1; the affine'),
        (np.eye(4), {'pixdim': (0, 1, 1), 'sform': 0}, None, 'its spacing 0 x 1 x 1 is not pos'),
    ],
)
def test_affine_of_nifti(tmp_path, affine, options, spacing, said):
    nifti(tmp_path / 'a.nii', affine, **options)
    check(tmp_path / 'a.nii', spacing, 'mm' if spacing else None, 'xyz', said)


@pytest.mark.parametrize('code', [4, 5, 6, 7])
def test_unknown_units_of_nifti(tmp_path, code):
    nifti(tmp_path / 'a.nii', np.eye(4), code=code)
    said = f'its code of units, {code}, is unknown; the unit is unknown'
    check(tmp_path / 'a.nii', (1, 1, 1), None, 'xyz', said)
