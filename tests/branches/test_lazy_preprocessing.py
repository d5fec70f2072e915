"""A gray volume on disk to a table, lazily: smooth, threshold, rechunk, thin, summarize."""

import collections
import threading

import dask
import dask.array as da
import numpy as np
import pytest
import tifffile
from blocks import assert_chords_are_no_longer_than_paths, assert_same_table
from dask_image.imread import imread
from dask_image.ndfilters import gaussian_filter

import skanrs
from skanrs.datasets import lung

# The reader of `dask_image.imread` looks at what scikit-image can read.
pytestmark = [
    pytest.mark.lazy,
    pytest.mark.filterwarnings('ignore:The plugin infrastructure in `skimage.io`'),
]

SIGMA = 0.7
THRESHOLD = 80
SPACING = (2.0, 1.0, 1.0)
CHUNKS = [(64, 64, 64), (20, 33, 70), (7, 96, 50), ((1, 62, 1), 48, (5, 75))]


@pytest.fixture(scope='module')
def gray():
    return lung('healthy', shape=(64, 96, 80), seed=3).image


def write_zarr(gray, folder):
    da.from_array(gray, chunks=(16, 96, 40)).to_zarr(folder / 'lung.zarr')
    return da.from_zarr(folder / 'lung.zarr')


def write_slices(gray, folder):
    for z, plane in enumerate(gray):
        tifffile.imwrite(folder / f'slice_{z:03}.tif', plane)
    return imread(str(folder / 'slice_*.tif'))


@pytest.fixture(scope='module', params=[write_zarr, write_slices], ids=['zarr', 'tiff slices'])
def source(request, gray, tmp_path_factory):
    """The gray volume on disk, as a dask array."""
    lazy = request.param(gray, tmp_path_factory.mktemp('gray'))
    assert (lazy.shape, lazy.dtype) == (gray.shape, gray.dtype)
    assert lazy.npartitions > 1
    return lazy


def smoothed(source):
    return gaussian_filter(source.astype('float32'), sigma=SIGMA)


def summarize(skeleton, **options):
    return skanrs.summarize(skeleton, separator='_', spacing=SPACING, **options)


@pytest.mark.parametrize('chunks', CHUNKS, ids=str)
def test_lazy_chain_equals_the_whole_image(source, chunks):
    smooth = smoothed(source)
    mask = (smooth > THRESHOLD).rechunk(chunks)
    skeleton = skanrs.skeletonize(mask)
    filtered, thinned = dask.compute(smooth, skeleton)
    table = summarize(skeleton).compute()
    expected = skanrs.skeletonize(filtered > THRESHOLD)
    assert skeleton.chunks == mask.chunks
    assert np.array_equal(thinned, expected)
    assert len(table) > 100
    assert_same_table(table, summarize(expected))
    assert_chords_are_no_longer_than_paths(table)


@pytest.mark.parametrize('chunks', CHUNKS[1:], ids=str)
@pytest.mark.parametrize('of', ['gray', 'smooth'])
def test_intensities_along_branches(source, gray, chunks, of):
    smooth = smoothed(source)
    intensities = {'gray': source, 'smooth': smooth}[of].rechunk(chunks)
    mask = (smooth > THRESHOLD).rechunk(chunks)
    table = summarize(skanrs.skeletonize(mask) * intensities).compute()
    filtered = smooth.compute()
    skeleton = skanrs.skeletonize(filtered > THRESHOLD)
    expected = summarize(skeleton * {'gray': gray, 'smooth': filtered}[of])
    assert_same_table(table, expected)
    # Every voxel of the mask is brighter than the threshold after smoothing.
    assert (table['mean_pixel_value'] > (THRESHOLD if of == 'smooth' else 40)).all()
    assert table['stdev_pixel_value'].max() > 0


def test_both_lungs_in_one_computation():
    tables, expected = [], []
    for kind in ('healthy', 'hernia'):
        gray = lung(kind, shape=(48, 64, 64)).image
        smooth = smoothed(da.from_array(gray, chunks=(12, 64, 64)))
        skeleton = skanrs.skeletonize((smooth > THRESHOLD).rechunk((30, 30, 30)))
        tables.append(summarize(skeleton))
        expected.append(summarize(skanrs.skeletonize(smooth.compute() > THRESHOLD)))
    for table, whole in zip(dask.compute(*tables), expected, strict=True):
        assert_same_table(table, whole)


def test_nothing_is_read_before_the_table_is_asked_for_and_then_once(gray):
    read, lock = collections.Counter(), threading.Lock()

    def counted(block, block_info=None):
        with lock:
            read[tuple(block_info[0]['chunk-location'])] += 1
        return block

    blocks = da.from_array(gray, chunks=(16, 96, 40))
    source = blocks.map_blocks(counted, dtype=gray.dtype, meta=np.empty((0, 0, 0), gray.dtype))
    smooth = smoothed(source)
    skeleton = skanrs.skeletonize((smooth > THRESHOLD).rechunk((30, 30, 30)))
    lazy = summarize(skeleton)
    assert not read
    assert len(lazy.compute()) > 100
    assert read == dict.fromkeys(np.ndindex(*blocks.numblocks), 1)
