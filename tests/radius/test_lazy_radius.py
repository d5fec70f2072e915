"""Radii and tables of dask arrays equal those of whole arrays in every bit, for any chunks."""

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pytest
from blocks import assert_same_table, random_chunks
from dask.callbacks import Callback
from images import blobs, random_spacing
from scipy import ndimage
from shapes import SHAPES

import skanrs
from skanrs.datasets import vessel_tree


@pytest.fixture(autouse=True)
def _one_thread():
    with dask.config.set(scheduler='sync'):
        yield


def random_mask(random):
    ndim = int(random.integers(2, 4))
    shape = tuple(random.integers(1, 30 if ndim == 2 else 13, ndim))
    if random.random() < 0.5:
        return blobs(shape, random, 1.5)
    return random.random(shape) < random.choice([0.5, 0.9, 0.99, 1])


@pytest.mark.parametrize('seed', range(10))
def test_random_masks_and_chunks(seed):
    random = np.random.default_rng(seed)
    for at in range(12):
        mask = random_mask(random)
        chunks = random_chunks(random, mask.shape)
        lazy = da.from_array(mask, chunks=chunks)
        options = {
            'spacing': random_spacing(random, mask.ndim),
            'border_is_background': bool(random.random() < 0.3),
        }
        image = skanrs.radius_image(lazy, lazy, **options)
        assert image.chunks == chunks
        assert image.dtype == float
        np.testing.assert_array_equal(image.compute(), skanrs.radius_image(mask, mask, **options))
        options |= {'find_main_branch': at % 3 == 0, 'separator': '_-'[at % 2]}
        whole = skanrs.analyze(mask, **options)
        table = skanrs.analyze(lazy, npartitions=[None, 1, 3][at % 3], **options)
        assert isinstance(table, dd.DataFrame)
        assert list(table) == list(whole)
        assert table.dtypes.tolist() == whole.dtypes.tolist()
        assert_same_table(table.compute(), whole)


@pytest.mark.parametrize('name', [name for name, image in SHAPES.items() if image.ndim in (2, 3)])
@pytest.mark.parametrize('chunks', [1, 2])
def test_every_shape(name, chunks):
    mask = SHAPES[name]
    lazy = da.from_array(mask, chunks=chunks)
    expected = skanrs.radius_image(mask, mask)
    np.testing.assert_array_equal(skanrs.radius_image(lazy, lazy).compute(), expected)
    table = skanrs.analyze(lazy, skeleton=lazy)
    assert_same_table(table.compute(), skanrs.analyze(mask, skeleton=mask))


def test_chunks_thinner_than_the_object():
    """A ball whose nearest background lies many blocks away, off every axis."""
    z, y, x = np.ogrid[-12:13, -12:13, -12:13]
    mask = z * z + y * y + x * x <= 11**2
    skeleton = np.zeros_like(mask)
    skeleton[9:16, 12, 12] = skeleton[12, 8:12, 14] = True
    expected = ndimage.distance_transform_edt(mask) * skeleton
    for chunks in (3, 7, (25, 1, 25), (1, 25, 5)):
        lazy = [da.from_array(array, chunks=chunks) for array in (skeleton, mask)]
        np.testing.assert_array_equal(skanrs.radius_image(*lazy).compute(), expected)


def test_a_vessel_tree_under_every_scheduler():
    mask = vessel_tree((64, 65, 66))
    lazy = da.from_array(mask, chunks=(20, 33, 66))
    whole = skanrs.analyze(mask, spacing=[2, 1, 1])
    for scheduler in ('sync', 'threads'):
        table = skanrs.analyze(lazy, spacing=[2, 1, 1], npartitions=2)
        assert_same_table(table.compute(scheduler=scheduler), whole)


def test_blocks_are_read_once_and_only_when_computed():
    mask = blobs((24, 25, 26), 2)
    reads = []

    def read(block_info=None):
        place = block_info[None]['array-location']
        reads.append(tuple(place))
        return mask[tuple(slice(*axis) for axis in place)]

    lazy = da.map_blocks(read, chunks=da.core.normalize_chunks(9, mask.shape), dtype=bool)
    table = skanrs.analyze(lazy)
    assert not reads
    assert_same_table(table.compute(), skanrs.analyze(mask))
    assert len(reads) == len(set(reads)) == lazy.npartitions


def test_numbers_of_two_values_are_masks():
    mask = blobs((20, 21, 22), 1)
    lazy = da.from_array(mask.astype('u1') * 255, chunks=9)
    assert_same_table(skanrs.analyze(lazy).compute(), skanrs.analyze(mask))
    gray = da.from_array(np.arange(60).reshape(3, 4, 5), chunks=2)
    with pytest.raises(ValueError, match='mask: expected a mask'):
        skanrs.analyze(gray).compute()


def test_radii_of_blocks_stay_sparse():
    """No task of a lazy table makes a dense block of floats."""
    mask = vessel_tree((48, 48, 48))
    lazy = da.from_array(mask, chunks=24)
    sizes = []

    class Sizes(Callback):
        def _posttask(self, key, result, dsk, state, worker_id):
            if isinstance(result, np.ndarray) and result.dtype == np.float64:
                sizes.append(result.size)

    with Sizes():
        table = skanrs.analyze(lazy).compute(scheduler='sync')
    assert_same_table(table, skanrs.analyze(mask))
    assert max(sizes, default=0) < 24**3 / 10


MASK = blobs((8, 9, 10), 5)
LAZY = da.from_array(MASK, chunks=4)


@pytest.mark.parametrize(
    ('error', 'words', 'arguments'),
    [
        (ValueError, r'skeleton: expected the chunks of the mask.*rechunk\(mask.chunks\)',
         {'skeleton': LAZY.rechunk(3)}),
        (ValueError, 'skeleton: expected the shape of the mask', {'skeleton': LAZY[1:]}),
        (TypeError, 'skeleton, mask: .*mask is a dask array and skeleton is not',
         {'skeleton': MASK}),
        (TypeError, 'skeleton, mask: .*skeleton is a dask array and mask is not',
         {'mask': MASK, 'skeleton': LAZY}),
        (ValueError, 'spacing: expected', {'spacing': 0}),
        (ValueError, 'mask: expected a 2D or 3D', {'mask': LAZY[0, 0]}),
        (ValueError, 'npartitions: expected at least 1', {'npartitions': 0}),
        (ValueError, 'preserve_topology: expected False',
         {'skeleton': LAZY, 'preserve_topology': True}),
    ],
)  # fmt: skip
def test_errors(error, words, arguments):
    with pytest.raises(error, match=words):
        skanrs.analyze(**{'mask': LAZY, **arguments})


def test_skeletons_outside_the_mask_are_named_when_computed():
    outside = MASK.copy()
    outside[~MASK] = True
    with pytest.raises(ValueError, match='skeleton: expected voxels of the mask only'):
        skanrs.radius_image(da.from_array(outside, chunks=4), LAZY).compute()
    with pytest.raises(TypeError, match='skanrs.radius_image, which is lazy'):
        skanrs.radii(LAZY, LAZY)
