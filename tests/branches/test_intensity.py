"""Intensities along branches and in territories: against numpy, and equal in chunks."""

import math

import dask.array as da
import numpy as np
import pytest
from blocks import assert_same_table, random_chunks
from images import blobs, random_spacing
from label_images import label_images

import skanrs
from skanrs.branches.exact_sums import add_sums, means_of, sums_of

OF_NUMPY = {
    'mean': np.nanmean,
    'median': np.nanmedian,
    'stdev': np.nanstd,
    'min': np.nanmin,
    'max': np.nanmax,
}


def values_like(mask, random, kind):
    """An image of small integers, of floats with NaN, or of floats of very different size."""
    if kind == 0:
        return random.integers(0, 65536, mask.shape).astype(np.uint16)
    values = random.normal(size=mask.shape).astype(np.float32 if kind == 1 else np.float64)
    if kind == 2:
        values *= 10.0 ** random.integers(-200, 200, mask.shape)
    values[random.random(mask.shape) < 0.3] = np.nan
    return values


def assert_columns(table, skeleton, territories, image):
    """Compare with numpy, branch by branch."""
    for row in range(len(table)):
        values = image[tuple(skeleton.path_coordinates(row).T.astype(int))].astype(float)
        some = not np.isnan(values).all()
        for name, function in OF_NUMPY.items():
            expected = function(values) if some else np.nan
            np.testing.assert_allclose(table[f'{name}_intensity'][row], expected, rtol=1e-12)
        own = image[territories == row + 1].astype(float)
        own = own[~np.isnan(own)]
        # Within the last bit.
        expected = math.fsum(own) / own.size if own.size else np.nan
        np.testing.assert_allclose(table['territory_intensity'][row], expected, rtol=3e-16)


@pytest.mark.parametrize('seed', range(9))
@pytest.mark.filterwarnings('ignore:overflow encountered')
def test_against_numpy_and_in_chunks(seed):
    random = np.random.default_rng(seed)
    ndim = 2 + seed % 2
    mask = blobs((50, 51) if ndim == 2 else (20, 21, 22), random, 1.5)
    image = values_like(mask, random, seed % 3)
    spacing = random_spacing(random, ndim)
    skeleton = skanrs.skeletonize(mask)
    before = image.copy()
    table = skanrs.analyze(mask, spacing=spacing, skeleton=skeleton, intensity=image)
    np.testing.assert_array_equal(image, before)
    drawn = skanrs.territories(mask, skeleton, spacing=spacing)
    assert_columns(table, skanrs.Skeleton(skeleton, spacing=spacing), drawn, image)
    others = skanrs.analyze(mask, spacing=spacing, skeleton=skeleton)
    assert_same_table(table[list(others)], others)
    fortran = skanrs.analyze(mask, spacing=spacing, intensity=np.asfortranarray(image))
    assert_same_table(fortran, table)
    chunks = random_chunks(random, mask.shape)
    of_dask = [da.from_array(array, chunks=chunks) for array in (mask, image)]
    lazy = skanrs.analyze(
        of_dask[0], spacing=spacing, intensity=of_dask[1], npartitions=1 + seed % 3
    )
    assert list(lazy.columns) == list(table)
    assert lazy.dtypes.tolist() == table.dtypes.tolist()
    assert_same_table(lazy.compute(), table)
    if seed == 0:
        in_processes = lazy.compute(scheduler='processes', num_workers=2)
        assert_same_table(in_processes, table)


def test_each_block_is_read_once():
    mask = blobs((30, 31, 32), 1)
    read = []

    def counted(block, block_id):
        read.append(block_id)
        return block * 2.5

    image = da.from_array(mask, chunks=13)
    values = image.map_blocks(counted, dtype=float, meta=np.empty((0, 0, 0)))
    skanrs.analyze(image, intensity=values).compute()
    assert len(read) == len(set(read)) == image.npartitions


def test_infinite_values():
    mask = np.zeros((5, 9), dtype=bool)
    mask[2, 1:8] = True
    image = np.ones(mask.shape)
    image[2, 3] = np.inf
    columns = ['mean_intensity', 'max_intensity', 'min_intensity', 'territory_intensity']
    row = skanrs.analyze(mask, intensity=image)[columns].loc[0].tolist()
    assert row == [np.inf, np.inf, 1, np.inf]
    image[2, 4] = -np.inf
    row = skanrs.analyze(mask, intensity=image)[columns].loc[0].tolist()
    np.testing.assert_array_equal(row, [np.nan, np.inf, -np.inf, np.nan])


def test_labels_are_measured_in_their_own_voxels():
    random, found = np.random.default_rng(1), 0
    for ndim in (2, 3):
        for labels in label_images(ndim, count=6, seed=4, dtype='i2'):
            image = random.normal(size=labels.shape)
            table = skanrs.analyze(labels, labels=True, intensity=image)
            names = [name for name in table if 'intensity' in name]
            for label in np.unique(table['label']):
                alone = skanrs.analyze(labels == label, intensity=image)
                ours = table[table['label'] == label].reset_index(drop=True)
                assert_same_table(ours[names], alone[names])
                found += 1
    assert found > 10


@pytest.mark.parametrize('shape', [(0, 5), (3, 0, 4), (5, 5), (2, 2, 2)])
def test_without_branches_there_are_columns(shape):
    table = skanrs.analyze(np.zeros(shape, dtype=bool), intensity=np.ones(shape))
    assert (len(table), table['territory_intensity'].dtype) == (0, np.float64)


@pytest.mark.parametrize('seed', range(6))
def test_sums_do_not_depend_on_the_order(seed):
    random = np.random.default_rng(seed)
    groups = random.integers(0, 5, 3000).astype(np.int32)
    exponents = random.integers(-1070, 1000, 3000) if seed % 2 else random.integers(-30, 30, 3000)
    values = np.ldexp(random.normal(size=3000), exponents)
    # What cancels exactly leaves what is small.
    values[1::2] = -values[::2] * (random.random(1500) < 0.8)
    groups[1::2] = groups[::2]
    whole = means_of(sums_of(groups, values), 6)
    order = random.permutation(3000)
    cuts = np.sort(random.integers(0, 3000, 4))
    parts = [sums_of(groups[part], values[part]) for part in np.split(order, cuts)]
    assert means_of(add_sums(parts), 6).tobytes() == whole.tobytes()
    for group in range(1, 6):
        own = values[groups == group]
        expected = math.fsum(own) / own.size if own.size else np.nan
        np.testing.assert_allclose(whole[group - 1], expected, rtol=3e-16, atol=5e-324)


MASK = blobs((12, 13, 14), 5)


@pytest.mark.parametrize(
    ('error', 'words', 'intensity'),
    [
        (ValueError, r'intensity: expected shape \(12, 13, 14\) as the mask', np.ones((12, 13))),
        (TypeError, 'intensity: expected an array of booleans or real numbers', MASK * 1j),
        (TypeError, 'intensity, mask: expected dask arrays or', da.ones(MASK.shape)),
    ],
)
def test_bad_intensity(error, words, intensity):
    for labels in (False, True):
        with pytest.raises(error, match=words):
            skanrs.analyze(MASK.astype(int), intensity=intensity, labels=labels)


def test_bad_lazy_intensity():
    mask = da.from_array(MASK, chunks=7)
    for words, intensity in (
        ('intensity: expected the shape of the mask', da.ones((3, 3, 3))),
        ('intensity: expected the chunks of the mask', da.ones(MASK.shape, chunks=5)),
    ):
        with pytest.raises(ValueError, match=words):
            skanrs.analyze(mask, intensity=intensity)
    with pytest.raises(TypeError, match='intensity: expected an array of'):
        skanrs.analyze(mask, intensity=da.ones(MASK.shape, chunks=7, dtype=complex))
    with pytest.raises(TypeError, match='intensity, mask: expected dask arrays or'):
        skanrs.analyze(mask, intensity=np.ones(MASK.shape))
