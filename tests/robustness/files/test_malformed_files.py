"""Files that are damaged, claim a wrong size or have odd names: one clear line each."""

from __future__ import annotations

import io
import pickle
import struct
import tracemalloc
import zipfile
import zlib

import h5py
import malformed_files
import numpy as np
import pytest
import tifffile
import zarr
from malformed_bytes import changed

import skanrs
from skanrs.files import FileError, FileWarning, read_image

VALID = malformed_files.valid_files()


@pytest.mark.parametrize('name', VALID)
def test_small_changes(tmp_path, name):
    random = np.random.default_rng(zlib.crc32(name.encode()))
    assert malformed_files.outcome(tmp_path / name, VALID[name]) == ''
    said = {
        malformed_files.outcome(tmp_path / f'{number}_{name}', changed(VALID[name], random))
        for number in range(80)
    }
    # The changes are of consequence.
    assert len(said) > 2


def npz(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, 'w', compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def header(shape, descr='|u1', version=(1, 0)):
    file = io.BytesIO()
    fields = {'descr': descr, 'fortran_order': False, 'shape': shape}
    if version == (1, 0):
        np.lib.format.write_array_header_1_0(file, fields)
    else:
        np.lib.format.write_array_header_2_0(file, fields)
    return file.getvalue()


def with_size(path, name, size):
    """Let both headers of a member of a zip claim another size."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo(name).header_offset
        true = struct.pack('<I', archive.getinfo(name).file_size)
    content[start + 22 : start + 26] = struct.pack('<I', size)
    central = content.rindex(true)
    content[central : central + 4] = struct.pack('<I', size)
    path.write_bytes(content)


def negative_lengths():
    """Return files whose last axis is of length -6, by name."""
    nifti = bytearray(VALID['plain.nii'])
    nifti[42:44] = struct.pack('<h', -6)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, 'w') as members:
        members.writestr('image.npy', header((4, 5, -6)))
    return {'a.npy': header((4, 5, -6)), 'a.npz': archive.getvalue(), 'a.nii': bytes(nifti)}


@pytest.mark.parametrize('name', negative_lengths())
def test_negative_length(tmp_path, name):
    said = malformed_files.outcome(tmp_path / name, negative_lengths()[name])
    assert 'damaged' in said


def test_axis_without_length(tmp_path):
    nifti = bytearray(VALID['plain.nii'])
    nifti[42:44] = struct.pack('<h', 0)
    assert malformed_files.outcome(tmp_path / 'a.nii', bytes(nifti)) == ''
    assert read_image(tmp_path / 'a.nii').image.shape == (0, 5, 6)


def test_names_of_several_lines(tmp_path):
    npz(tmp_path / 'a.npz', {'one\ntwo\r.npy': header((4, 5, 6)), 'b.npy': header((4, 5, 6))})
    with pytest.raises(FileError, match=r'holds several arrays \(b, one two \); name the image'):
        read_image(tmp_path / 'a.npz')


def test_zip_that_claims_more_than_it_holds(tmp_path):
    side = 1000
    npz(tmp_path / 'a.npz', {'image.npy': header((side,) * 3) + bytes(1000)})
    with_size(tmp_path / 'a.npz', 'image.npy', side**3 + 1000)
    with pytest.raises(FileError, match=r"a\.npz, key 'image', is damaged: it claims to unpack to"):
        read_image(tmp_path / 'a.npz')


def test_zip_bomb(tmp_path, monkeypatch):
    """An honest zip of zeros, larger than memory, is refused before it is unpacked."""
    shape = (300, 1000, 1000)
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED) as archive,
        archive.open('image.npy', 'w', force_zip64=True) as member,
    ):
        member.write(header(shape))
        for _ in range(shape[0]):
            member.write(bytes(10**6))
    (tmp_path / 'a.npz').write_bytes(file.getvalue())
    assert len(file.getvalue()) < 10**6
    monkeypatch.setattr('skanrs.files.read.source.free_memory', lambda: 10**8)
    tracemalloc.start()
    with pytest.raises(FileError, match=r'a\.npz takes 300 MB in memory, and 100 MB are free'):
        read_image(tmp_path / 'a.npz')
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()


def test_spacing_that_claims_too_much(tmp_path):
    image = VALID['plain.npy']
    npz(
        tmp_path / 'a.npz',
        {'image.npy': image, 'spacing.npy': header((10**7,), '<f8') + bytes(8 * 10**7)},
    )
    tracemalloc.start()
    with pytest.warns(FileWarning, match=r"a\.npz: the key 'spacing' holds no sizes"):
        assert read_image(tmp_path / 'a.npz').spacing is None
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()


@pytest.mark.parametrize('suffix', ['.npy', '.npz'])
def test_header_that_claims_too_much(tmp_path, suffix):
    content = bytearray(header((2, 2), version=(2, 0)))
    content[8:12] = struct.pack('<I', 10**8)
    content += b' ' * 10**8
    path = tmp_path / f'a{suffix}'
    if suffix == '.npz':
        npz(path, {'image.npy': bytes(content)})
    else:
        path.write_bytes(content)
    del content
    tracemalloc.start()
    with pytest.raises(FileError, match='is cut off or damaged'):
        read_image(path)
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()


@pytest.mark.parametrize('what', ['image', 'spacing'])
def test_pickles_in_npz(tmp_path, what):
    """Nothing is unpickled, whichever array holds it."""

    class Bomb:
        def __reduce__(self):
            return pytest.fail, ('unpickled',)

    content = header((1,), '|O') + pickle.dumps(Bomb())
    members = {'image.npy': VALID['plain.npy'], f'{what}.npy': content}
    npz(tmp_path / 'a.npz', members)
    with pytest.raises(FileError, match=f"key '{what}', holds Python objects, which are not read"):
        read_image(tmp_path / 'a.npz')


def sparse(path, shape, chunks):
    if path.suffix == '.h5':
        with h5py.File(path, 'w') as file:
            file.create_dataset('image', shape=shape, chunks=chunks, dtype='u1', compression='gzip')
    else:
        zarr.create_array(path, shape=shape, chunks=chunks, dtype='u1')


@pytest.mark.parametrize('name', ['a.h5', 'a.zarr'])
def test_shapes_that_no_file_fills(tmp_path, name):
    sparse(tmp_path / name, (10**6,) * 3, (100,) * 3)
    with pytest.raises(FileError, match=r'claims an image of shape \(1000000, 1000000, 1000000\)'):
        skanrs.open_image(tmp_path / name)
    with pytest.raises(FileError, match='in memory, and'):
        read_image(tmp_path / name)
    lazy = skanrs.open_image(tmp_path / name, chunks=(10**4,) * 3)
    assert lazy.image.shape == (10**6,) * 3


@pytest.mark.parametrize('name', ['a.h5', 'a.zarr'])
def test_pieces_larger_than_memory(tmp_path, name, monkeypatch):
    sparse(tmp_path / name, (2000,) * 3, (1000,) * 3)
    monkeypatch.setattr('skanrs.files.read.source.free_memory', lambda: 5 * 10**8)
    lazy = skanrs.open_image(tmp_path / name)
    with pytest.raises(FileError, match='is stored in pieces of which each takes 1.0 GB in memory'):
        lazy.image[0, 0, :10].compute(scheduler='sync')


@pytest.mark.parametrize(
    'inside', ['/', '//', '/nothing', '/image/more', '.', '..', ' ', '/image:0', 'é' * 300]
)
def test_names_in_hdf5(tmp_path, inside):
    (tmp_path / 'a.h5').write_bytes(VALID['plain.h5'])
    with pytest.raises(FileError, match=r'a\.h5'):
        skanrs.open_image(f'{tmp_path}/a.h5:{inside}')


@pytest.mark.parametrize('bigtiff', [False, True])
@pytest.mark.parametrize('last', [False, True])
def test_pages_in_a_circle(tmp_path, bigtiff, last):
    """The last of many pages is followed by itself, or by one before it."""
    path = tmp_path / 'a.tif'
    image = np.zeros((3, 4, 5), np.uint8)
    tifffile.imwrite(path, image, bigtiff=bigtiff, metadata=None, photometric='minisblack')
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        offsets = [page.offset for page in file.pages]
        tiff = file.tiff
        count = len(file.pages[-1].tags)
    at = offsets[-1] + tiff.tagnosize + count * tiff.tagsize
    content[at : at + tiff.offsetsize] = struct.pack(tiff.offsetformat, offsets[2 if last else 1])
    path.write_bytes(content)
    with pytest.raises(FileError, match='its pages follow each other in a circle'):
        skanrs.open_image(path)
