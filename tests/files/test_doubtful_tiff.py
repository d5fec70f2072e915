"""TIFF, OME-TIFF and ImageJ with odd units, sizes and tags, or without some planes."""

import pickle
import struct
import uuid

import numpy as np
import pytest
import tifffile
from doubtful import GRAY, MASK, check, write_slices

import skanrs
from skanrs.files import FileError, FileWarning, open_source, read_image


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


@pytest.mark.parametrize('name', ['StripOffsets', 'StripByteCounts'])
def test_planes_that_are_not_stored(tmp_path, name):
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, MASK, compression='zlib', metadata=None, **GRAY)
    with tifffile.TiffFile(path) as file:
        tag = file.pages[1].tags[name]
    with path.open('r+b') as raw:
        raw.seek(tag.valueoffset)
        raw.write(bytes(2 if tag.dtype == 3 else 4))
    said = 'strips or tiles that are not stored (1) are read as background'
    check(path, said=said, image=MASK * np.uint8([1, 0, 1])[:, None, None])


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
