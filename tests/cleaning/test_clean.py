"""`skanrs.clean` against scipy and scikit-image, in memory and in chunks."""

from __future__ import annotations

import dask
import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage import morphology

import skanrs
from skanrs.cleaning.clean import clean_whole
from skanrs.cleaning.lazy import clean_blocks
from skanrs.cleaning.steps import Cleaning


def peer(mask, *, closing=0, fill_cavities=False, min_size=0, largest=None):
    """Do the same with scipy and scikit-image."""
    mask = mask != 0
    if closing >= 1:
        ball = morphology.ball(closing) if mask.ndim == 3 else morphology.disk(closing)
        mask = morphology.closing(mask, ball)
    if fill_cavities:
        mask = ndimage.binary_fill_holes(mask)
    if min_size > 1:
        mask = morphology.remove_small_objects(mask, max_size=min_size - 1, connectivity=mask.ndim)
    if largest is not None:
        labels, _ = ndimage.label(mask, np.ones((3,) * mask.ndim))
        sizes = np.bincount(labels.ravel())[1:]
        kept = np.argsort(-sizes, kind='stable')[:largest] + 1
        mask = np.isin(labels, kept)
    return mask


def random_mask(shape, density, seed, smooth=0.0):
    noise = np.random.default_rng(seed).random(shape)
    if smooth:
        noise = ndimage.gaussian_filter(noise, smooth)
    return noise < np.quantile(noise, density)


OPTIONS = [
    {'closing': 1},
    {'closing': 2},
    {'closing': 4},
    {'fill_cavities': True},
    {'min_size': 5},
    {'largest': 2},
    {'largest': 1, 'min_size': 30},
    {'closing': 1, 'fill_cavities': True, 'min_size': 4, 'largest': 3},
]


@pytest.mark.parametrize('options', OPTIONS, ids=str)
@pytest.mark.parametrize('shape', [(40, 57), (17, 23, 29), (1, 9, 9), (6, 1, 8)])
@pytest.mark.parametrize(('density', 'smooth'), [(0.2, 0), (0.6, 0), (0.8, 1.0)])
def test_equals_peers(options, shape, density, smooth):
    mask = random_mask(shape, density, 3, smooth)
    before = mask.copy()
    assert np.array_equal(skanrs.clean(mask, **options), peer(mask, **options))
    assert np.array_equal(mask, before)


@pytest.mark.lazy
@pytest.mark.parametrize('options', OPTIONS, ids=str)
@pytest.mark.parametrize(
    ('shape', 'chunks'),
    [
        ((40, 57), (7, 11)),
        ((40, 57), (1, 57)),
        ((17, 23, 29), (5, 6, 7)),
        ((17, 23, 29), (17, 23, 1)),
        ((9, 8, 7), ((4, 0, 5), (8,), (1, 6))),
    ],
)
@pytest.mark.parametrize(('density', 'smooth'), [(0.12, 0), (0.6, 0), (0.8, 1.0)])
def test_blocks_equal_whole(options, shape, chunks, density, smooth):
    mask = random_mask(shape, density, 4, smooth)
    lazy = da.from_array(mask.astype(np.uint8) * 7, chunks=chunks)
    clean = skanrs.clean(lazy, **options)
    assert clean.chunks == lazy.chunks
    assert clean.dtype == bool
    assert np.array_equal(clean.compute(), peer(mask, **options))


@pytest.mark.lazy
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_mask_and_chunks(data):
    shape = data.draw(st.lists(st.integers(1, 7), min_size=2, max_size=3))
    bits = data.draw(st.binary(min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    mask = (np.frombuffer(bits, np.uint8) % data.draw(st.integers(2, 4)) == 0).reshape(shape)
    options = {
        'closing': data.draw(st.sampled_from([0, 0, 1, 2])),
        'fill_cavities': data.draw(st.booleans()),
        'min_size': data.draw(st.integers(0, 6)),
        'largest': data.draw(st.sampled_from([None, 1, 2])),
    }
    expected = peer(mask, **options)
    assert np.array_equal(skanrs.clean(mask, **options), expected)
    chunks = [data.draw(st.integers(1, n)) for n in shape]
    assert np.array_equal(
        skanrs.clean(da.from_array(mask, chunks=chunks), **options).compute(), expected
    )


@pytest.mark.lazy
@pytest.mark.parametrize('options', OPTIONS, ids=str)
def test_changes_are_counted(options):
    mask = random_mask((17, 23, 29), 0.6, 4, 1.0)
    arguments = {'closing': 0, 'fill_cavities': False, 'min_size': 0, 'largest': None} | options
    cleaning = Cleaning.of(**arguments)
    clean, changes = clean_whole(mask, cleaning)
    lazy, delayed = clean_blocks(da.from_array(mask, chunks=(5, 6, 7)), cleaning)
    assert dask.compute(delayed, lazy.sum()) == (changes, clean.sum())
    if 'closing' in options and len(options) == 1:
        assert changes.closed_voxels == clean.sum() - mask.sum()


@pytest.mark.lazy
def test_each_block_is_read_once():
    reads = []

    def read(block, block_info=None):
        reads.append(block_info[0]['chunk-location'])
        return block

    mask = da.from_array(random_mask((20, 20, 20), 0.3, 1), chunks=6)
    mask = mask.map_blocks(read, dtype=bool, meta=np.empty((0, 0, 0), bool))
    clean = skanrs.clean(mask, closing=1, fill_cavities=True, min_size=3)
    assert reads == []
    with dask.config.set(scheduler='sync'):
        clean.compute()
    assert len(reads) == len(set(reads)) == 64


def test_a_radius_between_integers():
    mask = np.zeros((9, 9), bool)
    mask[4, [2, 4, 6]] = True
    offsets = np.stack(np.meshgrid(*[np.arange(-1, 2)] * 2, indexing='ij'))
    ball = (offsets**2).sum(axis=0) <= 1.5**2
    assert np.array_equal(skanrs.clean(mask, closing=1.5), morphology.closing(mask, ball))


@pytest.mark.parametrize('shape', [(0, 5), (3, 0, 4)])
def test_no_voxels(shape):
    mask = np.zeros(shape, bool)
    options = {'closing': 2, 'fill_cavities': True, 'largest': 1}
    assert skanrs.clean(mask, **options).shape == shape
    assert skanrs.clean(da.from_array(mask), **options).compute().shape == shape


@pytest.mark.parametrize(
    ('options', 'error', 'text'),
    [
        ({'closing': -1}, ValueError, 'closing: expected a radius in voxels from 0'),
        ({'closing': np.nan}, ValueError, 'closing: expected'),
        ({'closing': '2'}, ValueError, 'closing: expected'),
        ({'min_size': 2.5}, TypeError, 'min_size: expected an integer, got 2.5'),
        ({'min_size': -2}, ValueError, 'min_size: expected 0 or more, got -2'),
        ({'largest': 0}, ValueError, 'largest: expected 1 or more, got 0'),
        ({'fill_cavities': 1}, TypeError, 'fill_cavities: expected a bool, got 1'),
    ],
)
def test_bad_arguments(options, error, text):
    with pytest.raises(error, match=text):
        skanrs.clean(np.ones((3, 3)), **options)


def test_bad_masks():
    with pytest.raises(ValueError, match='mask: expected a mask'):
        skanrs.clean(np.arange(9).reshape(3, 3), min_size=2)
    with pytest.raises(ValueError, match='mask: expected a 2D or 3D array'):
        skanrs.clean(da.zeros(5), min_size=2)
