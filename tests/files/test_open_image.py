"""Images of all formats: voxels, lazy reading, spacing, errors."""

import importlib.util
import pickle
import sys
import zipfile

import dask
import h5py
import nibabel
import numpy as np
import pytest
import tifffile
import zarr
from malformed_files import doubtful
from PIL import Image

import skanrs
from skanrs import files
from skanrs.datasets import vessel_tree
from skanrs.files import FileError, open_source, read_image
from skanrs.files.read.tiff import Tiff

STACK = np.random.default_rng(0).integers(0, 60000, (7, 20, 30), dtype=np.uint16)
PLANE = STACK[0]


def check(path, image, spacing=None, unit=None, axes='zyx', **options):
    """Open lazily and whole; both are the image."""
    lazy = skanrs.open_image(path, **options)
    assert lazy.image.shape == image.shape
    np.testing.assert_array_equal(lazy.image.compute(), image, strict=True)
    assert (lazy.spacing, lazy.unit, lazy.axes) == (spacing, unit, axes[-image.ndim :])
    whole = read_image(path, **options)
    np.testing.assert_array_equal(whole.image, image, strict=True)
    assert whole.spacing == spacing
    source = pickle.loads(pickle.dumps(open_source(path, **options)))
    for box in (
        tuple(slice(n // 3, n) for n in image.shape),
        (slice(1, 6, 2), slice(15, 2, -3)),
        (..., -1)[1:],
        (slice(5, 2), 3),
    ):
        np.testing.assert_array_equal(source[box], image[box])


@pytest.mark.parametrize('image', [STACK, PLANE, STACK.astype(np.float32)], ids=['3D', '2D', 'f4'])
@pytest.mark.parametrize(
    'options',
    [
        {},
        {'compression': 'zlib'},
        {'bigtiff': True},
        {'byteorder': '>'},
        {'byteorder': '>', 'compression': 'zlib'},
        {'tile': (16, 16), 'compression': 'zlib'},
        {'rowsperstrip': 3},
        {'metadata': None},
    ],
    ids=str,
)
def test_tiff(tmp_path, image, options):
    tifffile.imwrite(tmp_path / 'a.tif', image, photometric='minisblack', **options)
    check(tmp_path / 'a.tif', image)


def test_compression_that_needs_more(tmp_path):
    frames = [Image.fromarray(plane) for plane in (STACK // 256).astype(np.uint8)]
    frames[0].save(tmp_path / 'a.tif', save_all=True, append_images=frames[1:], compression='jpeg')
    if importlib.util.find_spec('imagecodecs') is None:
        with pytest.raises(
            FileError, match=r"a\.tif needs imagecodecs .*: pip install 'skanrs\[tiff\]'"
        ):
            read_image(tmp_path / 'a.tif')


@pytest.mark.parametrize('unit', ['um', 'micron', '\\u00B5m'])
def test_imagej(tmp_path, unit):
    tifffile.imwrite(
        tmp_path / 'a.tif', STACK, imagej=True, resolution=(1 / 0.5, 1 / 0.25),
        metadata={'axes': 'ZYX', 'spacing': 2.5, 'unit': unit},
    )  # fmt: skip
    check(tmp_path / 'a.tif', STACK, (2.5, 0.25, 0.5), 'µm')


def test_imagej_without_unit(tmp_path):
    tifffile.imwrite(tmp_path / 'a.tif', STACK, imagej=True, metadata={'axes': 'ZYX'})
    check(tmp_path / 'a.tif', STACK)


@pytest.mark.parametrize(
    ('sizes', 'spacing', 'unit'),
    [
        ({}, None, None),
        ({'PhysicalSizeX': 0.5, 'PhysicalSizeY': 0.25}, (0.5, 0.25, 0.5), 'µm'),
        (
            {'PhysicalSizeX': 0.5, 'PhysicalSizeY': 0.25, 'PhysicalSizeZ': 2.0},
            (2.0, 0.25, 0.5),
            'µm',
        ),
        (
            {
                'PhysicalSizeX': 500, 'PhysicalSizeXUnit': 'nm',
                'PhysicalSizeY': 500, 'PhysicalSizeYUnit': 'nm',
                'PhysicalSizeZ': 2.0,
            },
            (2000.0, 500.0, 500.0),
            'nm',
        ),
    ],
)  # fmt: skip
def test_ome(tmp_path, sizes, spacing, unit):
    path = tmp_path / 'a.ome.tif'
    tifffile.imwrite(path, STACK, ome=True, metadata={'axes': 'ZYX', **sizes})
    check(path, STACK, None if spacing is None else pytest.approx(spacing), unit)


def test_channel_of_tiff(tmp_path):
    image = np.stack([STACK, STACK + 1], axis=1)
    tifffile.imwrite(tmp_path / 'a.tif', image, imagej=True, metadata={'axes': 'ZCYX'})
    check(tmp_path / 'a.tif', STACK + 1, channel=1)
    with pytest.raises(FileError, match='holds 2 channels; choose one'):
        skanrs.open_image(tmp_path / 'a.tif')
    with pytest.raises(FileError, match='there is no channel 2'):
        skanrs.open_image(tmp_path / 'a.tif', channel=2)


@pytest.mark.parametrize('where', ['.', 's*.tif'])
def test_slices(tmp_path, where):
    for z, plane in enumerate(np.concatenate([STACK, STACK])):
        tifffile.imwrite(tmp_path / f's{z}.tif', plane, compression='zlib')
    (tmp_path / 'notes.txt').write_text('')
    check(tmp_path / where, np.concatenate([STACK, STACK]))
    tifffile.imwrite(tmp_path / 's5.tif', PLANE[1:])
    lazy = skanrs.open_image(tmp_path / where)
    with pytest.raises(FileError, match=r's5\.tif in .* is of shape \(19, 30\) .*not slices'):
        lazy.image.compute()


def test_pages_are_read_once_and_when_needed(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / 'a.tif', STACK, photometric='minisblack', compression='zlib')
    lazy = skanrs.open_image(tmp_path / 'a.tif', chunks=(3, 20, 30))
    boxes = []
    plain = Tiff._read
    monkeypatch.setattr(Tiff, '_read', lambda self, box: boxes.append(box[0]) or plain(self, box))
    lazy.image[4].compute()
    assert boxes in ([slice(4, 5)], [slice(3, 6)])
    boxes.clear()
    lazy.image.compute()
    assert sorted((box.start, box.stop) for box in boxes) == [(0, 3), (3, 6), (6, 7)]


@pytest.mark.parametrize('chunks', [3, np.int32(3), [3], (3, 3, 3)])
def test_chunks(tmp_path, chunks):
    np.save(tmp_path / 'a.npy', STACK)
    lazy = skanrs.open_image(tmp_path / 'a.npy', chunks=chunks).image
    assert lazy.chunksize == (3, 3, 3)
    np.testing.assert_array_equal(lazy[3:6].compute(), STACK[3:6])


@pytest.mark.parametrize(
    'chunks', [0, -1, (3, 3), (), (3, 3, 0), 2.5, (3, 3, 2.5), 'auto', [[3], 3]]
)
def test_chunks_that_are_none(tmp_path, chunks):
    np.save(tmp_path / 'a.npy', STACK)
    with pytest.raises((TypeError, ValueError), match=r'^chunks: expected .* got '):
        skanrs.open_image(tmp_path / 'a.npy', chunks=chunks)


def test_slabs_are_cut_but_pages_read_once(tmp_path, monkeypatch):
    """Whatever is computed of blocks that are parts of pages."""
    reader = sys.modules['skanrs.files.read.blocks']
    monkeypatch.setattr(reader, 'BLOCK_VOXELS', 1 << 12)
    monkeypatch.setattr(reader, 'CUT_VOXELS', 1 << 10)
    image = np.random.default_rng(0).random((30, 64, 50)) < 0.1
    tifffile.imwrite(tmp_path / 'a.tif', image.astype('u1'), compression='zlib')
    lazy = skanrs.open_image(tmp_path / 'a.tif').image
    assert lazy.chunksize == (4, 16, 16)
    boxes = []
    plain = Tiff._read
    monkeypatch.setattr(Tiff, '_read', lambda self, box: boxes.append(box[0]) or plain(self, box))
    for compute in (
        lambda: np.testing.assert_array_equal(lazy.compute(), image),
        lambda: skanrs.analyze(lazy > 0).compute(),
        lambda: skanrs.summarize(lazy, separator='_').compute(),
        lambda: skanrs.Skeleton(lazy),
    ):
        boxes.clear()
        compute()
        pages = [page for box in boxes for page in range(box.start, box.stop)]
        assert sorted(pages) == list(range(30))


@pytest.mark.parametrize(
    ('read', 'cut'),
    [
        ((256, 256, 256), (256, 256, 256)),
        ((64, 512, 512), (64, 256, 256)),
        ((4, 2048, 2048), (16, 512, 512)),
        ((1, 5000, 5000), (4, 1024, 1024)),
        ((512, 512, 64), (256, 256, 64)),
        ((20, 900, 30), (20, 900, 30)),
        ((4096, 4096), (4096, 4096)),
    ],
)
def test_blocks_of_slabs(read, cut):
    cut_slabs = sys.modules['skanrs.files.read.blocks'].cut_slabs
    assert cut_slabs(read, tuple(5000 for _ in read)) == cut


def test_an_image_of_no_planes(tmp_path):
    np.save(tmp_path / 'a.npy', np.zeros((0, 5000, 5000), bool))
    assert skanrs.open_image(tmp_path / 'a.npy').image.compute().shape == (0, 5000, 5000)


@pytest.mark.parametrize('zarr_format', [2, 3])
@pytest.mark.parametrize('dtype', ['u2', '>f4', 'bool'])
def test_zarr(tmp_path, zarr_format, dtype):
    image = STACK.astype(dtype)
    if zarr_format == 3:
        # Of this format the byte order is not known outside.
        image = image.astype(image.dtype.newbyteorder('='))
    zarr.create_array(tmp_path / 'a', data=image, chunks=(3, 8, 8), zarr_format=zarr_format)
    check(tmp_path / 'a', image)


def test_sharded_zarr(tmp_path):
    zarr.create_array(tmp_path / 'a.zarr', data=STACK, chunks=(2, 5, 5), shards=(4, 10, 10))
    check(tmp_path / 'a.zarr', STACK)
    assert open_source(tmp_path / 'a.zarr').pieces == (4, 10, 10)


def test_zarr_with_attributes(tmp_path):
    array = zarr.create_array(tmp_path / 'a.zarr', data=STACK)
    array.attrs.update(spacing=[2, 1, 0.5], unit='micrometer')
    check(tmp_path / 'a.zarr', STACK, (2, 1, 0.5), 'µm')


def ome_zarr(path, image, axes, scale, version, more=None):
    group = zarr.create_group(path, zarr_format=2 if version == '0.4' else 3)
    group.create_array('0', data=image, chunks=(1,) * (image.ndim - 2) + (16, 16))
    group.create_array('1', data=image[..., ::2, ::2])
    spatial = {'type': 'space', 'unit': 'micrometer'}
    kinds = {'c': {'type': 'channel'}, 't': {'type': 'time'}}
    image = {
        'axes': [{'name': name, **kinds.get(name, spatial)} for name in axes],
        'datasets': [
            {'path': '0', 'coordinateTransformations': [{'type': 'scale', 'scale': scale}]},
            {'path': '1', 'coordinateTransformations': [{'type': 'scale', 'scale': scale}]},
        ],
        **(more or {}),
    }
    if version == '0.4':
        group.attrs['multiscales'] = [{'version': version, **image}]
    else:
        group.attrs['ome'] = {'version': version, 'multiscales': [image]}


@pytest.mark.parametrize('version', ['0.4', '0.5'])
def test_ome_zarr(tmp_path, version):
    ome_zarr(tmp_path / 'a.zarr', STACK, 'zyx', [2, 0.5, 0.25], version)
    check(tmp_path / 'a.zarr', STACK, (2, 0.5, 0.25), 'µm')
    twice = {'coordinateTransformations': [{'type': 'scale', 'scale': [1, 1, 1, 2, 2]}]}
    image = np.stack([STACK, STACK + 1])[np.newaxis]
    ome_zarr(tmp_path / 'b', image, 'tczyx', [9, 1, 2, 0.5, 0.25], version, twice)
    check(tmp_path / 'b', STACK + 1, (2, 1, 0.5), 'µm', channel=1)
    with pytest.raises(FileError, match='2 channels'):
        skanrs.open_image(tmp_path / 'b')


def test_zarr_groups(tmp_path):
    group = zarr.create_group(tmp_path / 'a.zarr')
    group.create_array('image', data=STACK)
    check(tmp_path / 'a.zarr', STACK)
    group.create_array('other', data=STACK)
    with pytest.raises(FileError, match=r'group of several \(image, other\)'):
        skanrs.open_image(tmp_path / 'a.zarr')
    check(tmp_path / 'a.zarr' / 'image', STACK)


@pytest.mark.parametrize(
    ('part', 'codec'),
    [
        ('compressor', '{"id": "pickle"}'),
        ('filters', '[{"id": "pickle"}]'),
        ('filters', '[{"id": "delta", "dtype": "<u2"}, {"id": "pickle"}]'),
    ],
)
def test_zarr_that_would_unpickle(tmp_path, part, codec):
    zarr.create_array(tmp_path / 'a', data=STACK, zarr_format=2, compressors=None)
    text = (tmp_path / 'a/.zarray').read_text()
    assert f'"{part}": null' in text
    (tmp_path / 'a/.zarray').write_text(text.replace(f'"{part}": null', f'"{part}": {codec}'))
    with pytest.raises(FileError, match=r'pickled Python objects, which are not read|no zarr'):
        skanrs.open_image(tmp_path / 'a')


@pytest.mark.parametrize('chunks', [None, (2, 10, 10)])
def test_hdf5(tmp_path, chunks):
    with h5py.File(tmp_path / 'a.h5', 'w') as file:
        file.create_dataset('deep/image', data=STACK, chunks=chunks)
        file['deep/image'].attrs['element_size_um'] = [2.0, 0.5, 0.25]
        file['numbers'] = np.arange(9)
    check(tmp_path / 'a.h5', STACK, (2.0, 0.5, 0.25), 'µm')
    with h5py.File(tmp_path / 'a.h5', 'a') as file:
        file['mask'] = PLANE
    check(f'{tmp_path}/a.h5:/deep/image', STACK, (2.0, 0.5, 0.25), 'µm')
    check(f'{tmp_path}/a.h5:mask', PLANE)
    with pytest.raises(FileError, match=r'several images \(/deep/image, /mask\); .*a\.h5:/deep/im'):
        skanrs.open_image(tmp_path / 'a.h5')
    with pytest.raises(FileError, match=r'no dataset /none; images in it: /deep/image, /mask'):
        skanrs.open_image(f'{tmp_path}/a.h5:/none')


@pytest.mark.parametrize('name', ['a.nii', 'a.nii.gz'])
@pytest.mark.parametrize('kind', [np.int16, np.float32])
def test_nifti(tmp_path, name, kind):
    image = (STACK // 4).astype(kind)
    file = nibabel.Nifti1Image(image, np.diag([0.7, 0.5, 2, 1]))
    file.header.set_xyzt_units('mm')
    nibabel.save(file, tmp_path / name)
    check(tmp_path / name, image, (0.7, 0.5, 2.0), 'mm', axes='xyz')
    nibabel.save(nibabel.Nifti1Image(image[..., np.newaxis], np.eye(4)), tmp_path / name)
    assert skanrs.open_image(tmp_path / name).image.shape == image.shape
    nibabel.save(nibabel.Nifti1Image(np.stack([image] * 3, axis=-1), np.eye(4)), tmp_path / name)
    with pytest.raises(FileError, match='holds 3 times; choose one of them by time'):
        skanrs.open_image(tmp_path / name)


def test_scaled_nifti(tmp_path):
    file = nibabel.Nifti1Image(STACK, np.eye(4))
    file.header.set_slope_inter(0.5, 3)
    file.header.set_data_dtype(np.uint16)
    nibabel.save(file, tmp_path / 'a.nii')
    check(tmp_path / 'a.nii', nibabel.load(tmp_path / 'a.nii').get_fdata(), (1.0,) * 3, axes='xyz')


@pytest.mark.parametrize('order', ['C', 'F'])
def test_npy(tmp_path, order):
    np.save(tmp_path / 'a.npy', np.asarray(STACK, order=order))
    check(tmp_path / 'a.npy', STACK)
    np.savez_compressed(tmp_path / 'a.npz', image=np.asarray(STACK, order=order), spacing=[2, 1, 1])
    check(tmp_path / 'a.npz', STACK, (2, 1, 1))


def test_lazy_image_as_input_of_a_table(tmp_path):
    mask = vessel_tree((40, 40, 40), seed=1)
    zarr.create_array(tmp_path / 'a.zarr', data=mask, chunks=(15,) * 3).attrs['spacing'] = [2, 1, 1]
    lazy = skanrs.open_image(tmp_path / 'a.zarr')
    table = skanrs.summarize(skanrs.skeletonize(lazy.image), separator='_', spacing=lazy.spacing)
    with dask.config.set(scheduler='processes', num_workers=2):
        computed = table.compute()
    skeleton = skanrs.skeletonize(mask)
    assert computed.equals(skanrs.summarize(skeleton, separator='_', spacing=[2, 1, 1]))


def test_names_of_arrays_follow_the_file(tmp_path):
    np.save(tmp_path / 'a.npy', STACK)
    first = skanrs.open_image(tmp_path / 'a.npy').image.name
    assert skanrs.open_image(tmp_path / 'a.npy').image.name == first
    np.save(tmp_path / 'a.npy', STACK[1:])
    assert skanrs.open_image(tmp_path / 'a.npy').image.name != first


@pytest.mark.parametrize(
    ('name', 'module'),
    [('a.tif', 'tifffile'), ('a.zarr', 'zarr'), ('a.h5', 'h5py'), ('a.nii.gz', 'nibabel')],
)
def test_missing_library_is_named(tmp_path, monkeypatch, name, module):
    if name == 'a.zarr':
        zarr.create_array(tmp_path / name, data=STACK)
    else:
        (tmp_path / name).write_bytes(b'')
    monkeypatch.setattr(files.errors.importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(FileError, match=rf"needs {module}: pip install 'skanrs\[io\]'"):
        skanrs.open_image(tmp_path / name)


def write_all(folder):
    """One file of each format that is a single file."""
    tifffile.imwrite(folder / 'a.tif', STACK, photometric='minisblack')
    tifffile.imwrite(folder / 'z.tif', STACK, photometric='minisblack', compression='zlib')
    np.save(folder / 'a.npy', STACK)
    np.savez_compressed(folder / 'a.npz', image=STACK)
    with h5py.File(folder / 'a.h5', 'w') as file:
        file.create_dataset('image', data=STACK, chunks=(2, 10, 10), compression='gzip')
    nibabel.save(nibabel.Nifti1Image(STACK, np.eye(4)), folder / 'a.nii')
    nibabel.save(nibabel.Nifti1Image(STACK, np.eye(4)), folder / 'a.nii.gz')
    return ['a.tif', 'z.tif', 'a.npy', 'a.npz', 'a.h5', 'a.nii', 'a.nii.gz']


def test_cut_off(tmp_path):
    for name in write_all(tmp_path):
        content = (tmp_path / name).read_bytes()
        for share in (0, 0.01, 0.2, 0.7, 0.99):
            path = tmp_path / f'cut_{name}'
            path.write_bytes(content[: int(share * len(content))])
            with pytest.raises(FileError, match='cut') as caught:
                read_image(path)
            assert '\n' not in str(caught.value)
            with pytest.raises(FileError, match='cut'):
                skanrs.open_image(path).image.compute(scheduler='sync')


def test_damaged(tmp_path):
    """Bytes changed anywhere: the image, another image, or one sentence; nothing else."""
    random = np.random.default_rng(0)
    for name in write_all(tmp_path):
        content = bytearray((tmp_path / name).read_bytes())
        for _ in range(40):
            changed = bytearray(content)
            for at in random.integers(0, min(len(changed), 2000), random.integers(1, 6)):
                changed[at] = random.integers(256)
            path = tmp_path / f'changed_{name}'
            path.write_bytes(changed)
            try:
                image = doubtful(read_image, path).image
            except MemoryError:
                continue
            except FileError as error:
                message = str(error)
                assert '\n' not in message, message
                assert name in message, message
            else:
                assert image.ndim in (2, 3)


def test_small_file_that_claims_much(tmp_path):
    shape = (10**5, 10**5, 10**5)
    header = {'descr': '|u1', 'fortran_order': False, 'shape': shape}
    with (tmp_path / 'a.npy').open('wb') as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(b'\0' * 1000)
    with zipfile.ZipFile(tmp_path / 'a.npz', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / 'a.npy', 'image.npy')
    for name in ('a.npy', 'a.npz'):
        with pytest.raises(FileError, match='is cut off or damaged'):
            read_image(tmp_path / name)
    zarr.create_array(tmp_path / 'a.zarr', shape=shape, chunks=(64,) * 3, dtype='u1')
    with pytest.raises(FileError, match=r'a\.zarr takes 1,000 TB in memory'):
        read_image(tmp_path / 'a.zarr')


@pytest.mark.parametrize(
    ('name', 'said'),
    [
        ('none.tif', 'does not exist'),
        ('none.h5:/image', r'none\.h5 does not exist'),
        ('none*.tif', 'a pattern that no TIFF file fits'),
        ('empty', 'a folder without TIFF slices'),
        ('empty.zarr', 'is a folder, not a zarr array'),
        ('file.zarr', 'is not a folder, as zarr arrays are'),
        ('image.png', r'ends in \.png; images are'),
    ],
)
def test_missing_arrays_and_groups(tmp_path, name, said):
    for folder in ('empty', 'empty.zarr'):
        (tmp_path / folder).mkdir()
    for file in ('file.zarr', 'image.png'):
        (tmp_path / file).write_text('')
    with pytest.raises(FileError, match=said):
        skanrs.open_image(tmp_path / name)


def test_colours_and_times(tmp_path):
    tifffile.imwrite(tmp_path / 'a.tif', np.zeros((20, 30, 3), np.uint8), photometric='rgb')
    with pytest.raises(FileError, match='3 colours; choose one of them by channel'):
        skanrs.open_image(tmp_path / 'a.tif')
    tifffile.imwrite(
        tmp_path / 'a.tif', np.stack([STACK] * 4), imagej=True, metadata={'axes': 'TZYX'}
    )
    with pytest.raises(FileError, match='4 times; choose one of them by time'):
        skanrs.open_image(tmp_path / 'a.tif')
    with tifffile.TiffWriter(tmp_path / 'a.tif') as file:
        file.write(PLANE)
        file.write(STACK.astype(np.uint8))
    with pytest.raises(FileError, match='holds 2 images; one is needed'):
        skanrs.open_image(tmp_path / 'a.tif')
