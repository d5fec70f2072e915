"""Valid files with odd axes, units and tags are read; doubtful values cause a warning."""

import json
import os
import pickle
import struct
import uuid
import warnings

import h5py
import nibabel
import numpy as np
import pytest
import tifffile
import zarr

import skanrs
from skanrs.cli import main
from skanrs.files import FileError, FileWarning, open_source, read_image
from skanrs.files.read.axes import axis_letters
from skanrs.files.units import METRES, in_one_unit, plain_unit

MASK = np.zeros((3, 20, 30), np.uint8)
MASK[:, 9:11, 3:17] = 1
MASK[1, 5] = 2
GRAY = {'photometric': 'minisblack'}


def check(path, spacing=None, unit=None, axes='zyx', said=None, image=MASK, **options):
    """Open an image; see that its voxels are right, and that it warns of this and nothing else."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        lazy = skanrs.open_image(path, **options)
        np.testing.assert_array_equal(lazy.image.compute(), image)
    assert (lazy.spacing, lazy.unit, lazy.axes) == (spacing, unit, axes)
    texts = [str(warning.message) for warning in caught]
    assert len(texts) == (said is not None), texts
    if said is not None:
        assert caught[0].category is FileWarning
        assert caught[0].filename == __file__
        assert str(path) in texts[0]
        assert said in texts[0]
        with pytest.warns(FileWarning, match=r'.'):
            read_image(path, **options)
        assert open_source(path, **options).warnings == texts


def write_imagej(path, **metadata):
    metadata = {'axes': 'ZYX', **metadata}
    tifffile.imwrite(path, MASK, imagej=True, resolution=(1 / 500, 1 / 250), metadata=metadata)


@pytest.mark.parametrize(
    ('metadata', 'spacing', 'unit'),
    [
        ({'unit': 'nm', 'zunit': 'um', 'spacing': 2}, (2000, 250, 500), 'nm'),
        ({'unit': 'um', 'zunit': 'nm', 'spacing': 300}, (0.3, 250, 500), 'µm'),
        ({'unit': 'um', 'yunit': 'mm', 'spacing': 1}, (1, 250_000, 500), 'µm'),
        ({'unit': 'um', 'zunit': 'inch', 'spacing': 1}, (25400, 250, 500), 'µm'),
        ({'unit': 'inch', 'spacing': 0.5}, (0.5, 250, 500), 'in'),
        ({'unit': 'um', 'spacing': -0.5}, (0.5, 250, 500), 'µm'),
        ({'unit': 'um', 'spacing': 0}, (500, 250, 500), 'µm'),
        ({'unit': 'pixel', 'spacing': 0.5}, None, None),
    ],
)
def test_units_of_imagej(tmp_path, metadata, spacing, unit):
    write_imagej(tmp_path / 'a.tif', **metadata)
    check(tmp_path / 'a.tif', spacing, unit)


@pytest.mark.parametrize(
    ('metadata', 'said'),
    [
        ({'unit': 'um', 'spacing': '0,5'}, "spacing '0,5' is not a size; the spacing is unknown"),
        ({'unit': 'um', 'spacing': 'thick'}, "spacing 'thick' is not a size"),
        ({'unit': 'um', 'spacing': 'nan'}, 'its spacing nan x 250 x 500 is not positive'),
        (
            {'unit': 'um', 'zunit': 'furlong', 'spacing': 1},
            'units of the axes are furlong, µm, µm; the spacing is unknown',
        ),
    ],
)
def test_invalid_sizes_of_imagej(tmp_path, metadata, said):
    write_imagej(tmp_path / 'a.tif', **metadata)
    check(tmp_path / 'a.tif', said=said)


@pytest.mark.parametrize(
    ('sizes', 'said'),
    [
        ({'PhysicalSizeX': '0,5', 'PhysicalSizeY': 0.5}, "PhysicalSizeX '0,5' is not a size"),
        ({'PhysicalSizeX': 0, 'PhysicalSizeY': 0.5}, 'its spacing 0 x 0.5 x 0 is not positive'),
        (
            {'PhysicalSizeX': 1, 'PhysicalSizeY': 1, 'PhysicalSizeXUnit': 'ly'},
            'units of the axes are ly, µm, ly; the spacing is unknown',
        ),
    ],
)
def test_invalid_sizes_of_ome(tmp_path, sizes, said):
    path = tmp_path / 'a.ome.tif'
    tifffile.imwrite(path, MASK, ome=True, metadata={'axes': 'ZYX', **sizes}, **GRAY)
    check(path, said=said)


@pytest.mark.parametrize('spacing', [0.2, [0.2]])
def test_one_number_in_a_description(tmp_path, spacing):
    tifffile.imwrite(tmp_path / 'a.tif', MASK, metadata={'spacing': spacing}, **GRAY)
    check(tmp_path / 'a.tif')
    tifffile.imwrite(tmp_path / 'a.tif', MASK, metadata={'spacing': '0,2'}, **GRAY)
    check(tmp_path / 'a.tif', said="spacing '0,2' is not a size")


def break_tag(path, name):
    """Let the value of a tag stand beyond the end of the file."""
    with tifffile.TiffFile(path) as file:
        entry = file.pages[0].tags[name].offset
    with path.open('r+b') as file:
        file.seek(entry + 8)
        file.write(struct.pack('<I', 0xFFFFFF0))


@pytest.mark.parametrize('name', ['DateTime', 'XResolution', 'Artist'])
def test_broken_tag_without_effect_on_voxels(tmp_path, name):
    path = tmp_path / 'a.tif'
    extra = [(315, 's', 0, 'somebody with a name', True)]
    tifffile.imwrite(
        path, MASK, datetime='2026:11:29 10:00:00', extratags=extra, metadata=None, **GRAY
    )
    with tifffile.TiffFile(path) as file:
        code = file.pages[0].tags[name].code
    break_tag(path, name)
    check(path, said=f'a tag that no voxel depends on is damaged ({code})')


@pytest.mark.parametrize('name', ['StripOffsets', 'StripByteCounts', 'ImageDescription'])
def test_broken_tag_with_effect_on_voxels(tmp_path, name):
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, MASK, rowsperstrip=2, compression='zlib', description='a' * 99, **GRAY)
    break_tag(path, name)
    with pytest.raises(FileError, match=r'a\.tif'):
        read_image(path)


@pytest.mark.parametrize('options', [{}, {'compression': 'zlib'}, {'metadata': None}], ids=str)
def test_pages_written_one_by_one(tmp_path, options):
    with tifffile.TiffWriter(tmp_path / 'a.tif') as file:
        for plane in MASK:
            file.write(plane, **GRAY, **options)
    check(tmp_path / 'a.tif')
    with tifffile.TiffWriter(tmp_path / 'a.tif') as file:
        for times in (1, 2):
            file.write(MASK[:, :, : 10 * times], **GRAY, **options)
    with pytest.raises(FileError, match='holds 2 images; one is needed'):
        skanrs.open_image(tmp_path / 'a.tif')


def ome_files(folder, count=3, planes=None):
    """An OME-TIFF of a file for each plane, of which `planes` are claimed."""
    names = [f'plane{at}.ome.tif' for at in range(count)]
    ids = [f'urn:uuid:{uuid.UUID(int=at + 1)}' for at in range(count)]
    data = ''.join(
        f'<TiffData FirstZ="{at}" IFD="0" PlaneCount="1">'
        f'<UUID FileName="{names[at]}">{ids[at]}</UUID></TiffData>'
        for at in range(count)
    )
    for at in range(count):
        xml = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="{ids[at]}"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" '
            f'Type="uint8" SizeX="30" SizeY="20" SizeZ="{planes or count}" SizeC="1" SizeT="1">'
            f'<Channel ID="Channel:0:0" SamplesPerPixel="1"/>{data}</Pixels></Image></OME>'
        )
        options = {'compression': 'zlib'} if at else {}
        tifffile.imwrite(folder / names[at], MASK[at], description=xml, metadata=None, **options)
    return [folder / name for name in names]


def test_ome_of_several_files(tmp_path):
    paths = ome_files(tmp_path)
    check(paths[0])
    source = pickle.loads(pickle.dumps(open_source(paths[0])))
    np.testing.assert_array_equal(source[1:, 5], MASK[1:, 5])
    before = skanrs.open_image(paths[0]).image.name
    tifffile.imwrite(paths[2], MASK[0], description='other', metadata=None, compression='zlib')
    assert skanrs.open_image(paths[0]).image.name != before
    for gone in (paths[1], paths[2]):
        gone.unlink()
        with pytest.raises(FileError, match=rf'plane0.*lacks . of 3 planes; missing:.*{gone.name}'):
            skanrs.open_image(paths[0])


def test_ome_with_planes_that_were_not_written(tmp_path):
    paths = ome_files(tmp_path, planes=5)
    with pytest.raises(FileError, match=r'plane0\.ome\.tif lacks 2 of 5 planes$'):
        skanrs.open_image(paths[0])


def test_a_part_of_an_ome_image(tmp_path):
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<BinaryOnly MetadataFile="all.companion.ome" UUID="urn:uuid:1"/></OME>'
    )
    tifffile.imwrite(tmp_path / 'a.ome.tif', MASK, description=xml, metadata=None, **GRAY)
    check(tmp_path / 'a.ome.tif', said='the planes of the whole image are listed in all.companion')


@pytest.mark.parametrize('kind', ['imagej', 'shaped'])
def test_stacks_with_missing_pages(tmp_path, kind):
    text = 'ImageJ=1.11a\nimages=5\nslices=5\n' if kind == 'imagej' else '{"shape": [5, 20, 30]}'
    with tifffile.TiffWriter(tmp_path / 'a.tif') as file:
        for at, plane in enumerate(MASK):
            options = {} if at else {'description': text}
            file.write(plane, metadata=None, compression='zlib', **GRAY, **options)
    with pytest.raises(FileError, match=r'a\.tif'):
        read_image(tmp_path / 'a.tif')


def write_slices(folder, numbers, name='s{}.tif'):
    for number in numbers:
        tifffile.imwrite(folder / name.format(number), MASK[0], **GRAY)
    return np.stack([MASK[0]] * len(numbers))


@pytest.mark.parametrize('where', ['.', '*.tif'])
def test_hidden_files_are_no_slices(tmp_path, where):
    image = write_slices(tmp_path, range(3))
    (tmp_path / '._s0.tif').write_bytes(b'\x00\x05\x16\x07' + bytes(100))
    check(tmp_path / where, image=image)
    for path in tmp_path.glob('s*.tif'):
        path.unlink()
    with pytest.raises(FileError, match='no image'):
        skanrs.open_image(tmp_path / where)


@pytest.mark.parametrize(
    ('numbers', 'name', 'said'),
    [
        ((0, 1, 3, 4, 8, 9), 's{}.tif', 'slices are missing: 2, 5 to 7; the slices beside'),
        ((8, 9, 10, 12), 'scan_2026_{:04}.tif', 'slices are missing: 11; the slices'),
        (range(0, 50, 10), 's{}.tif', None),
        ((0, 10, 30), 's{}.tif', 'slices are missing: 20;'),
        ((0, 10, 25), 's{}.tif', None),
        (range(0, 60, 3), 's{}.tif', None),
        ([*range(0, 60, 3), 61], 's{}.tif', None),
        ((1, 2), 's{}.tif', None),
        ((5,), 's{}.tif', None),
        ('abd', 's{}.tif', None),
    ],
)
def test_numbers_of_slices(tmp_path, numbers, name, said):
    check(tmp_path, image=write_slices(tmp_path, numbers, name), said=said)


def test_many_gaps_are_not_all_named(tmp_path):
    image = write_slices(tmp_path, [0, *range(1, 60, 2)])
    check(tmp_path, image=image, said='slices are missing: 2, 4, 6, 8, 10, 12, 14, 16 and more;')


def test_numbers_that_vary_in_two_places(tmp_path):
    for first, second in ((1, 1), (1, 2), (2, 5)):
        tifffile.imwrite(tmp_path / f'a{first}_z{second}.tif', MASK[0], **GRAY)
    check(tmp_path, image=np.stack([MASK[0]] * 3))


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
    ],
)
def test_attributes_of_zarr_and_hdf5(tmp_path, attributes, spacing, said):
    zarr.create_array(tmp_path / 'a.zarr', data=MASK).attrs.update(attributes)
    check(tmp_path / 'a.zarr', spacing, said=said)


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


UNITS = {
    'pm': ('pm', 'picometer'),
    'Å': ('Å', 'Å', 'angstrom', 'Angstroms', 'ångström', 'A'),
    'nm': ('nm', 'nanometers', 'Nanometre'),
    'µm': ('µm', 'μm', 'um', 'micron', 'microns', 'micrometers', 'Micrometer', '\\u00B5m', 'Âµm'),
    'mm': ('mm', 'MM', 'millimeters'),
    'cm': ('cm', 'centimetres'),
    'm': ('m', 'meters'),
    'km': ('km',),
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


@pytest.mark.parametrize('axes', ['TYX', 'CYX'])
def test_planes_that_were_saved_as_something_else(tmp_path, axes):
    path = tmp_path / 'a.tif'
    metadata = {'axes': axes, 'unit': 'um'}
    tifffile.imwrite(path, MASK, imagej=True, metadata=metadata, resolution=(2, 2))
    with pytest.raises(FileError, match='holds 3 '):
        skanrs.open_image(path)
    said = 'the file has no size for axes that are now zyx; spacing is unknown'
    with pytest.warns(FileWarning, match=said):
        lazy = skanrs.open_image(path, axes='zyx')
    np.testing.assert_array_equal(lazy.image, MASK)
    assert (lazy.axes, lazy.spacing, lazy.unit) == ('zyx', None, None)
    with pytest.warns(FileWarning, match=said):
        np.testing.assert_array_equal(read_image(path, axes='zyx').image, MASK)


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
