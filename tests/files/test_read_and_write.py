"""Files are read back as written; errors name damaged files; outputs are complete or absent."""

import io
import json
import os
import zipfile

import numcodecs
import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image, ImageSequence

from skanrs import files, open_image
from skanrs.files import FileError, read_image, write_files

IMAGES = {
    'bool': np.arange(60).reshape(3, 4, 5) % 3 == 0,
    'uint8': np.arange(60, dtype=np.uint8).reshape(3, 4, 5),
    'uint16': np.arange(20, dtype=np.uint16).reshape(4, 5) * 3000,
    'float32': np.linspace(-1, 1, 60, dtype=np.float32).reshape(3, 4, 5),
    'fortran': np.asfortranarray(np.arange(60, dtype=np.int32).reshape(3, 4, 5)),
    'big endian': np.arange(60, dtype='>i2').reshape(3, 4, 5),
    'no voxels': np.zeros((0, 4, 5), dtype=bool),
}


@pytest.fixture(params=IMAGES.values(), ids=IMAGES.keys())
def image(request):
    return request.param


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_npy(tmp_path, image):
    np.save(tmp_path / 'a.npy', image)
    read, spacing = read_image(tmp_path / 'a.npy')
    np.testing.assert_array_equal(read, image, strict=True)
    assert spacing is None


@pytest.mark.parametrize('save', [np.savez, np.savez_compressed])
def test_npz(tmp_path, image, save):
    save(tmp_path / 'a.npz', image=image)
    read, spacing = read_image(tmp_path / 'a.npz')
    np.testing.assert_array_equal(read, image, strict=True)
    assert spacing is None


@pytest.mark.parametrize('name', ['a.tif', 'b.TIFF'])
@pytest.mark.parametrize('kind', ['uint8', 'uint16', 'float32'])
def test_tif(tmp_path, name, kind):
    tifffile.imwrite(tmp_path / name, IMAGES[kind], photometric='minisblack')
    read, spacing = read_image(tmp_path / name)
    np.testing.assert_array_equal(read, IMAGES[kind], strict=True)
    assert spacing is None


@pytest.mark.parametrize(
    ('stored', 'expected'),
    [(2, (2.0, 2.0, 2.0)), ([2], (2.0, 2.0, 2.0)), ([3, 1, 0.5], (3.0, 1.0, 0.5))],
)
def test_spacing_in_npz(tmp_path, stored, expected):
    np.savez(tmp_path / 'a.npz', image=IMAGES['uint8'], spacing=stored)
    assert read_image(tmp_path / 'a.npz').spacing == expected


def test_only_array_of_npz(tmp_path):
    np.savez(tmp_path / 'a.npz', lungs=IMAGES['uint8'], spacing=2)
    np.testing.assert_array_equal(read_image(tmp_path / 'a.npz').image, IMAGES['uint8'])


def test_several_arrays_in_npz(tmp_path):
    np.savez(tmp_path / 'a.npz', left=IMAGES['uint8'], right=IMAGES['uint8'])
    with pytest.raises(FileError, match=r'several arrays \(left, right\)'):
        read_image(tmp_path / 'a.npz')


def test_no_array_in_npz(tmp_path):
    with zipfile.ZipFile(tmp_path / 'a.npz', 'w') as archive:
        archive.writestr('readme.txt', 'hello')
    with pytest.raises(FileError, match='holds no image'):
        read_image(tmp_path / 'a.npz')


@pytest.mark.parametrize('name', ['a.npy', 'a.npz'])
def test_pickled_is_refused(tmp_path, name):
    (np.save if name == 'a.npy' else np.savez)(
        tmp_path / name, np.array([[1, 'two'], [None, 3]], dtype=object), allow_pickle=True
    )
    with pytest.raises(FileError, match='Python objects, which are not read'):
        read_image(tmp_path / name)


@pytest.mark.parametrize('suffix', ['.npy', '.npz', '.tif'])
@pytest.mark.parametrize('share', [0, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_cut_off(tmp_path, suffix, share):
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 40), dtype=np.uint8)
    whole, path = tmp_path / f'whole{suffix}', tmp_path / f'cut{suffix}'
    with whole.open('wb') as file:
        if suffix == '.tif':
            tifffile.imwrite(file, image, photometric='minisblack')
        else:
            (np.save if suffix == '.npy' else np.savez_compressed)(file, image)
    content = whole.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(FileError, match=r'cut'):
        read_image(path)


@pytest.mark.parametrize('suffix', ['.npy', '.npz', '.tif'])
@pytest.mark.parametrize('content', [b'', b'hello, I am a text\n' * 50, b'\x00' * 1000])
def test_not_an_image(tmp_path, suffix, content):
    path = tmp_path / f'text{suffix}'
    path.write_bytes(content)
    with pytest.raises(FileError, match=r'text') as caught:
        read_image(path)
    assert '\n' not in str(caught.value)


def test_damaged_npz(tmp_path):
    np.savez(tmp_path / 'a.npz', image=IMAGES['uint8'])
    content = bytearray((tmp_path / 'a.npz').read_bytes())
    content[200] ^= 0xFF
    (tmp_path / 'a.npz').write_bytes(content)
    with pytest.raises(FileError, match='damaged'):
        read_image(tmp_path / 'a.npz')


def test_missing(tmp_path):
    with pytest.raises(FileError, match='does not exist'):
        read_image(tmp_path / 'a.npy')


def test_folder(tmp_path):
    (tmp_path / 'a.npy').mkdir()
    with pytest.raises(FileError, match='is a folder'):
        read_image(tmp_path / 'a.npy')


@pytest.mark.parametrize(
    ('name', 'said'), [('a.jpg', 'ends in .jpg; images are'), ('a', 'has no ending; images are')]
)
def test_unknown_ending(tmp_path, name, said):
    with pytest.raises(FileError, match=said):
        read_image(tmp_path / name)


@pytest.mark.parametrize(
    ('array', 'said'),
    [
        (np.zeros((4, 4), dtype=complex), 'type complex128'),
        (np.full((4, 4), 'text'), 'type string'),
        (np.zeros((4, 4), dtype='datetime64[s]'), 'type datetime64'),
        (np.zeros((4, 4), dtype=[('a', int)]), 'type record'),
        (np.zeros(4), '1D'),
        (np.zeros((2, 2, 3, 4)), '4D'),
        (np.zeros((1, 2, 2, 3, 4)), '5D'),
        (np.array(7), '0D'),
    ],
)
def test_arrays_that_are_not_images(tmp_path, array, said):
    np.save(tmp_path / 'a.npy', array)
    with pytest.raises(FileError, match=said):
        read_image(tmp_path / 'a.npy')


def test_colours_in_tif(tmp_path):
    tifffile.imwrite(tmp_path / 'a.tif', np.zeros((20, 30, 3), np.uint8), photometric='rgb')
    with pytest.raises(FileError, match='3 colours'):
        read_image(tmp_path / 'a.tif')


UNITS = [None, 'µm', 'nm', 'Å', 'Faden']


@pytest.mark.parametrize('suffix', files.IMAGE_SUFFIXES)
@pytest.mark.parametrize('shape', [(4, 5, 6), (40, 50), (1, 5, 6), (7, 1, 3), (4, 5, 1)])
@pytest.mark.parametrize('unit', UNITS)
def test_written_skeleton_is_read(tmp_path, suffix, shape, unit):
    image = np.random.default_rng(0).random(shape) < 0.3
    spacing = (2.0, 1.0, 0.3)[: len(shape)]
    path = tmp_path / f'skeleton{suffix}'
    with files.AtomicOutputs() as outputs:
        files.write_image(outputs, path, image, spacing, unit)
    read = open_image(path)
    np.testing.assert_array_equal(read.image.compute() != 0, image, strict=True)
    assert read.spacing == (None if suffix == '.npy' else pytest.approx(spacing, rel=1e-9))
    assert read.unit == (None if suffix in ('.npy', '.npz') else unit)
    assert listing(tmp_path) == [path.name]
    np.testing.assert_array_equal(by_others(path), image)


def by_others(path):
    """A written image as libraries read it that did not write it, as far as there are any."""
    if path.suffix in ('.npy', '.npz'):
        read = np.load(path)
        return read if path.suffix == '.npy' else read['image']
    if path.suffix == '.zarr':
        return zarr_by_hand(path)
    with Image.open(path) as file:
        pages = [np.asarray(page) for page in ImageSequence.Iterator(file)]
        assert {value for page in pages for value in np.unique(page)} <= {0, 255}
    with tifffile.TiffFile(path) as file:
        shape = file.series[0].shape
    return np.reshape(pages, shape) != 0


def zarr_by_hand(path):
    """An array of zarr 3, after its specification."""
    about = json.loads((path / 'zarr.json').read_text())
    assert (about['zarr_format'], about['data_type']) == (3, 'bool')
    assert [codec['name'] for codec in about['codecs']] == ['bytes', 'zstd']
    chunks = about['chunk_grid']['configuration']['chunk_shape']
    image = np.full(about['shape'], about['fill_value'])
    for index in np.ndindex(
        *(-(-n // chunk) for n, chunk in zip(image.shape, chunks, strict=True))
    ):
        file = path.joinpath('c', *map(str, index))
        if file.exists():
            block = numcodecs.Zstd().decode(file.read_bytes())
            box = tuple(slice(at * n, (at + 1) * n) for at, n in zip(index, chunks, strict=True))
            inside = tuple(slice(0, n) for n in image[box].shape)
            image[box] = np.frombuffer(block, dtype=bool).reshape(chunks)[inside]
    return image


def test_imagej_reads_the_size_of_voxels(tmp_path):
    """As its documentation has it: z in the description, x and y as pixels for each unit."""
    path = tmp_path / 's.tif'
    with files.AtomicOutputs() as outputs:
        files.write_image(outputs, path, np.ones((3, 4, 5), bool), (2.5, 0.5, 0.25), 'µm')
    with Image.open(path) as file:
        lines = dict(line.split('=') for line in file.tag_v2[270].splitlines())
        assert (lines['images'], lines['slices']) == ('3', '3')
        assert (lines['unit'], float(lines['spacing'])) == ('micron', 2.5)
        assert (file.tag_v2[282], file.tag_v2[283]) == (4, 2)


@pytest.mark.parametrize('name', ['table.csv', 'table.parquet'])
def test_written_table_is_read(tmp_path, name):
    table = pd.DataFrame({'node_id_src': [1, 2], 'branch_distance': [0.1, 1 / 3]})
    path = tmp_path / name
    write_files({path: files.table_writer(path, table)})
    read = (pd.read_csv if name == 'table.csv' else pd.read_parquet)(path)
    pd.testing.assert_frame_equal(read, table, check_exact=True)


def test_overwrites(tmp_path):
    path = tmp_path / 'a'
    path.write_text('before')
    write_files({path: lambda file: file.write(b'after')})
    assert path.read_text() == 'after'
    assert listing(tmp_path) == ['a']


def test_permissions_follow_the_umask(tmp_path):
    (tmp_path / 'ordinary').write_text('')
    write_files({tmp_path / 'a': lambda file: file.write(b'a')})
    assert (tmp_path / 'a').stat().st_mode == (tmp_path / 'ordinary').stat().st_mode


def fail(kind):
    def write(file):
        file.write(b'half')
        raise kind('no space')

    return write


@pytest.mark.parametrize('kind', [ValueError, KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize('existing', [True, False])
def test_failing_writer_leaves_nothing(tmp_path, kind, existing):
    if existing:
        (tmp_path / 'a').write_text('before')
    before = listing(tmp_path)
    outputs = {tmp_path / 'a': lambda file: file.write(b'after'), tmp_path / 'b': fail(kind)}
    with pytest.raises(kind):
        write_files(outputs)
    assert listing(tmp_path) == before
    if existing:
        assert (tmp_path / 'a').read_text() == 'before'


def test_full_disk_is_named(tmp_path):
    with pytest.raises(FileError, match=r'b cannot be written: no space'):
        write_files({tmp_path / 'a': lambda file: None, tmp_path / 'b': fail(OSError)})
    assert listing(tmp_path) == []


@pytest.mark.parametrize(
    ('name', 'said'),
    [
        ('none/a.csv', 'none does not exist'),
        ('a.txt', r'ends in \.txt; tables are \.csv or \.parquet'),
        ('folder.csv', 'is a folder'),
    ],
)
def test_check_output(tmp_path, name, said):
    (tmp_path / 'folder.csv').mkdir()
    with pytest.raises(FileError, match=said):
        files.check_output(tmp_path / name, files.TABLE_SUFFIXES, 'tables')


@pytest.mark.parametrize('name', ['a.tif', 'a.parquet'])
def test_missing_extra_is_named(tmp_path, name, monkeypatch):
    monkeypatch.setattr(files.errors.importlib.util, 'find_spec', lambda module: None)
    suffixes = (*files.TABLE_SUFFIXES, *files.IMAGE_SUFFIXES)
    with pytest.raises(FileError, match=r"pip install 'skanrs\[io\]'"):
        files.check_output(tmp_path / name, suffixes, 'outputs')


def test_folder_without_permission(tmp_path, monkeypatch):
    # Root may write everywhere, so the system's answer is given here.
    monkeypatch.setattr(os, 'access', lambda path, mode: path != tmp_path)
    with pytest.raises(FileError, match='may not be written to'):
        files.check_output(tmp_path / 'a.csv', files.TABLE_SUFFIXES, 'tables')


def test_csv_writer_leaves_the_file_open():
    file = io.BytesIO()
    files.table_writer('a.csv', pd.DataFrame({'a': [1]}))(file)
    assert file.getvalue() == b'a\n1\n'
