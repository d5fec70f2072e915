"""TIFF and NIfTI files that claim more than they hold or unpack to too much: one clear line."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
import zlib

import nibabel
import numpy as np
import pytest
import tifffile

import skanrs
from skanrs.files import FileError, FileWarning, read_image
from skanrs.files.read import size_checks


@pytest.fixture(autouse=True)
def little_memory():
    """Whatever a test opens, it takes little of it."""
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 10**7


def refused(path, said):
    """Both ways of reading refuse the file in these words."""
    with pytest.raises(FileError, match=said) as caught:
        skanrs.open_image(path).image[..., :1, :1].compute(scheduler='sync')
    assert str(path) in str(caught.value)
    assert '\n' not in str(caught.value)
    with pytest.raises(FileError, match=said):
        read_image(path)


def tiff(height, width, data, compression=8, pages=1, more=()):
    """A TIFF of pages that all claim to be stored in the same strip."""
    file = bytearray(b'II*\0' + struct.pack('<I', 8 + len(data)) + data)
    for page in range(pages):
        tags = [
            (256, 4, width),
            (257, 4, height),
            (258, 3, 8),
            (259, 3, compression),
            (262, 3, 1),
            (273, 4, 8),
            (277, 3, 1),
            (278, 4, height),
            (279, 4, len(data)),
            *more,
        ]
        file += struct.pack('<H', len(tags))
        for tag, kind, value in sorted({tag[0]: tag for tag in tags}.values()):
            file += struct.pack('<HHII', tag, kind, 1, value)
        file += struct.pack('<I', len(file) + 4 if page < pages - 1 else 0)
    return bytes(file)


SMALL_STRIP = zlib.compress(bytes(1000))


def test_the_maker_of_tiffs(tmp_path):
    (tmp_path / 'a.tif').write_bytes(tiff(20, 50, SMALL_STRIP, pages=3))
    assert read_image(tmp_path / 'a.tif').image.shape == (3, 20, 50)


@pytest.mark.parametrize('pages', [1, 40])
@pytest.mark.parametrize('compression', size_checks.TIFF_RATIOS)
@pytest.mark.parametrize('side', [10**4, 2**32 - 1])
def test_pages_that_their_bytes_cannot_hold(tmp_path, pages, compression, side):
    (tmp_path / 'a.tif').write_bytes(tiff(side, side, SMALL_STRIP, compression, pages))
    refused(tmp_path / 'a.tif', 'claims to unpack to .* which 17 bytes cannot hold|is cut off')


@pytest.mark.parametrize('compression', [8, 32946])
def test_pages_of_background_that_compress_well(tmp_path, compression):
    """As far as deflate can go."""
    strip = zlib.compress(bytes(2000 * 2000), 9)
    assert len(strip) * 1000 < 2000 * 2000
    (tmp_path / 'a.tif').write_bytes(tiff(2000, 2000, strip, compression, pages=2))
    assert not read_image(tmp_path / 'a.tif').image.any()


def test_tiles_that_are_not_stored(tmp_path):
    """A sparse TIFF says so by offsets of zero; it has to tell of each tile all the same."""
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((64, 64), 'u1'), tile=(16, 16), compression='zlib')
    (tmp_path / 'a.tif').write_bytes(file.getvalue())
    with tifffile.TiffFile(tmp_path / 'a.tif') as read:
        counts = read.pages[0].tags['TileByteCounts']
        content = bytearray(file.getvalue())
        size = read.pages[0].tags['TileByteCounts'].valuebytecount
        content[counts.valueoffset : counts.valueoffset + size] = bytes(size)
    (tmp_path / 'a.tif').write_bytes(content)
    with pytest.warns(FileWarning, match=r'a\.tif: strips or tiles that are not stored \(16\)'):
        assert not read_image(tmp_path / 'a.tif').image.any()
    tiles = [(322, 4, 16), (323, 4, 16), (324, 4, 8), (325, 4, 17)]
    (tmp_path / 'b.tif').write_bytes(tiff(10**5, 10**5, SMALL_STRIP, more=tiles))
    refused(tmp_path / 'b.tif', 'claims 39,062,500 strips or tiles in a page and lists 1')


def test_pages_larger_than_memory(tmp_path, monkeypatch):
    """LZMA has no useful limit of its ratio; the limit is the free memory."""
    (tmp_path / 'a.tif').write_bytes(tiff(2000, 2000, b'x' * 99, 34925, pages=3))
    monkeypatch.setattr('skanrs.files.read.source.free_memory', lambda: 3 * 10**6)
    monkeypatch.setattr('skanrs.files.read.source.SURELY_THERE', 0)
    refused(tmp_path / 'a.tif', r'takes (4\.2|12\.0) MB in memory, and 3\.0 MB are free')


@pytest.mark.parametrize('compression', [8, 34925])
def test_strips_that_unpack_to_more_than_their_page(tmp_path, monkeypatch, compression):
    import lzma

    monkeypatch.setattr(size_checks, 'UNPACKED', 1 << 22)
    for size, said in [(10**6, None), (5 * 10**7, r'a strip or tile unpacks to more than 4\.2 MB')]:
        data = bytes(size)
        strip = zlib.compress(data) if compression == 8 else lzma.compress(data, preset=0)
        del data
        tracemalloc.reset_peak()
        (tmp_path / 'a.tif').write_bytes(tiff(10, 10, strip, compression))
        if said:
            refused(tmp_path / 'a.tif', f'{said}|corrupted|Error')
        else:
            # Some writers fill up the last strip.
            assert read_image(tmp_path / 'a.tif').image.shape == (10, 10)


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        ('SizeZ="2"', 'SizeZ="1000000000"'),
        ('SizeX="5"', 'SizeX="100000000000"'),
        ('SizeT="1"', 'SizeT="1000000000"'),
        ('PlaneCount="2"', 'PlaneCount="1000000000"'),
        ('</OME>', '<a:ModuloAlongZ xmlns:a="a" Type="lifetime" Start="0" End="1e10"/></OME>'),
        ('</OME>', '<a:ModuloAlongZ xmlns:a="a" Type="lifetime" Start="0" End="1e999"/></OME>'),
    ],
)
def test_planes_that_only_metadata_know(tmp_path, old, new):
    file = io.BytesIO()
    image = np.zeros((2, 4, 5), 'u1')
    tifffile.imwrite(file, image, ome=True, metadata={'axes': 'ZYX'})
    file.seek(0)
    with tifffile.TiffFile(file) as read:
        xml = read.ome_metadata
    assert old in xml
    path = tmp_path / 'a.ome.tif'
    tifffile.imwrite(path, image, description=xml.replace(old, new).encode(), metadata=None)
    refused(path, 'its metadata claim .* planes; up to 1,048,576 are read')
    tifffile.imwrite(path, image, description=xml.encode(), metadata=None)
    assert read_image(path).image.shape == image.shape


@pytest.mark.parametrize('shape', ['1000000000, 4, 5', '3000, 4, 5', '1, 1000000, 1000000, 4, 5'])
@pytest.mark.parametrize('compression', [None, 'zlib'])
def test_shapes_in_descriptions(tmp_path, shape, compression):
    text = f'{{"shape": [{shape}]}}'
    image = np.zeros((2, 4, 5), 'u1')
    options = {'compression': compression, 'description': text, 'metadata': None}
    tifffile.imwrite(tmp_path / 'a.tif', image, photometric='minisblack', **options)
    refused(tmp_path / 'a.tif', 'is cut off|claims to be of shape|is damaged|is needed')


def nifti(shape, offset=None, kind=nibabel.Nifti1Header, extension=None):
    """A header, and perhaps an extension that claims so many bytes."""
    header = kind()
    header.set_data_dtype('u1')
    header.set_data_shape(shape)
    header['vox_offset'] = offset or header.sizeof_hdr + 4
    header['magic'] = b'n+1' if kind is nibabel.Nifti1Header else b'n+2'
    content = bytes(header.binaryblock)
    if extension is None:
        return content + bytes(4)
    return content + b'\1\0\0\0' + struct.pack('<ii', extension, 6)


@pytest.mark.parametrize('kind', [nibabel.Nifti1Header, nibabel.Nifti2Header])
@pytest.mark.parametrize('shape', [(32767,) * 3, (1000, 1000, 300), (32767, 32767)])
def test_shapes_that_no_nifti_fills(tmp_path, kind, shape):
    content = nifti(shape, kind=kind) + bytes(1000)
    (tmp_path / 'a.nii').write_bytes(content)
    refused(tmp_path / 'a.nii', r'a\.nii is cut off or damaged')
    (tmp_path / 'a.nii.gz').write_bytes(gzip.compress(content))
    refused(tmp_path / 'a.nii.gz', 'claims to unpack to .* which .* bytes cannot hold')


def packed(path, head, zeros):
    with gzip.open(path, 'wb', 1) as file:
        file.write(head)
        for _ in range(zeros // 10**6):
            file.write(bytes(10**6))


def test_gzip_bomb(tmp_path, monkeypatch):
    """An honest image of zeros, larger than memory."""
    packed(tmp_path / 'a.nii.gz', nifti((1000, 1000, 300)), 3 * 10**8)
    assert (tmp_path / 'a.nii.gz').stat().st_size < 2 * 10**6
    monkeypatch.setattr('skanrs.files.read.source.free_memory', lambda: 10**8)
    with pytest.raises(FileError, match=r'a\.nii\.gz takes 300 MB in memory, and 100 MB are free'):
        read_image(tmp_path / 'a.nii.gz')
    lazy = skanrs.open_image(tmp_path / 'a.nii.gz')
    assert not lazy.image[:9, :9, 0].compute(scheduler='sync').any()


def test_more_in_the_gzip_than_the_image(tmp_path):
    """What lies behind the image is left alone, and an extension before it is not kept."""
    packed(tmp_path / 'a.nii.gz', nifti((4, 5, 6)), 4 * 10**7)
    assert read_image(tmp_path / 'a.nii.gz').image.shape == (4, 5, 6)
    for claimed in (4 * 10**7 - 352, 2**31 - 1, -1):
        head = nifti((4, 5, 6), 4 * 10**7, extension=claimed)
        packed(tmp_path / 'b.nii.gz', head, 41 * 10**6)
        assert not read_image(tmp_path / 'b.nii.gz').image.any()
    (tmp_path / 'c.nii.gz').write_bytes(gzip.compress(nifti((4, 5, 6), 10**9) + bytes(1000)))
    refused(tmp_path / 'c.nii.gz', 'claims to unpack to 1.0 GB')


def test_extensions_do_not_matter(tmp_path):
    image = nibabel.Nifti1Image(np.arange(120, dtype='u1').reshape(4, 5, 6), np.eye(4))
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension('comment', b'of a kind'))
    for name in ('a.nii', 'a.nii.gz'):
        nibabel.save(image, tmp_path / name)
        read = read_image(tmp_path / name)
        np.testing.assert_array_equal(read.image, np.asarray(image.dataobj))


@pytest.mark.parametrize('offset', [1, 100, 347])
def test_nifti_without_an_image(tmp_path, offset):
    (tmp_path / 'a.nii').write_bytes(nifti((2, 2), offset) + bytes(1000))
    refused(tmp_path / 'a.nii', 'is a header only|damaged')
