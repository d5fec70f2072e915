"""Zarr and OME-Zarr with damaged metadata or chunks: an image or one clear line."""

from __future__ import annotations

import json
import zlib

import malformed_zarr
import numpy as np
import pytest
import zarr

import skanrs
from skanrs.files import FileError, FileWarning, read_image

pytestmark = pytest.mark.filterwarnings('ignore::zarr.errors.ZarrUserWarning')


@pytest.mark.parametrize('kind', malformed_zarr.KINDS)
def test_small_changes(tmp_path, kind):
    path = tmp_path / f'{kind}.zarr'
    malformed_zarr.make(path, kind)
    np.testing.assert_array_equal(read_image(path).image, malformed_zarr.IMAGE)
    random = np.random.default_rng(zlib.crc32(kind.encode()))
    said = malformed_zarr.outcomes(path, random, 150)
    # The changes are of consequence.
    assert len(said) > 20
    np.testing.assert_array_equal(read_image(path).image, malformed_zarr.IMAGE)


@pytest.mark.parametrize('kind', ['zarr2', 'zarr3', 'ome-0.4', 'ome-0.5'])
@pytest.mark.parametrize('content', ['[' * 10**5, '{"a":' * 10**5, '9' * 5000, '', '1', '[]'])
def test_invalid_metadata(tmp_path, kind, content):
    path = tmp_path / 'a.zarr'
    malformed_zarr.make(path, kind)
    name = next(n for n in ('zarr.json', '.zarray', '.zattrs') if (path / n).exists())
    (path / name).write_text(content)
    with pytest.raises(FileError, match=r'a\.zarr is damaged or no zarr') as caught:
        skanrs.open_image(path)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('depth', [100, 10**4])
def test_deeply_nested_attributes(tmp_path, depth):
    path = tmp_path / 'a.zarr'
    malformed_zarr.make(path, 'zarr2')
    (path / '.zattrs').write_text('{"a": ' + '[' * depth + ']' * depth + '}')
    if depth == 100:
        assert read_image(path).image.shape == malformed_zarr.IMAGE.shape
    else:
        with pytest.raises(FileError, match=r'a\.zarr is damaged or no zarr'):
            skanrs.open_image(path)


def test_units_that_differ(tmp_path):
    path = tmp_path / 'a.zarr'
    malformed_zarr.make(path, 'ome-0.4')
    attributes = json.loads((path / '.zattrs').read_text())
    attributes['multiscales'][0]['axes'][1]['unit'] = 'furlong'
    (path / '.zattrs').write_text(json.dumps(attributes))
    said = r'a\.zarr: units of the axes are µm, furlong, µm; the spacing is unknown'
    with pytest.warns(FileWarning, match=said):
        assert skanrs.open_image(path).spacing is None


@pytest.mark.parametrize('shape', [(10**9, 5, 6), (5, 10**9, 6), (5, 6, 10**9), (10**10, 6)])
def test_long_and_thin(tmp_path, shape):
    """Blocks are as large as those of other images, so that they are few."""
    zarr.create_array(tmp_path / 'a.zarr', shape=shape, chunks=(64,) * len(shape), dtype='u1')
    image = skanrs.open_image(tmp_path / 'a.zarr').image
    assert image.shape == shape
    assert image.npartitions < 20_000


def test_two_parts_gone(tmp_path):
    """A chunk that is not there is background; an array that is not there is an error."""
    path = tmp_path / 'a.zarr'
    malformed_zarr.make(path, 'ome-0.5')
    for chunk in (path / '0/c').rglob('*'):
        if chunk.is_file():
            chunk.unlink()
    assert not read_image(path).image.any()
    (path / '0/zarr.json').unlink()
    with pytest.raises(FileError, match=r'a\.zarr is damaged or no zarr'):
        read_image(path)
