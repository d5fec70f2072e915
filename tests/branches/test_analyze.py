"""The table of `analyze`: skan's columns against skan, measures against plain loops."""

import warnings

import numpy as np
import pandas as pd
import pytest
import skan
from images import blobs, random_spacing
from scipy import ndimage
from shapes import SHAPES

import skanrs

MEASURES = ['mean_radius', 'min_radius', 'max_radius', 'stdev_radius', 'tortuosity']
BODY = {2: ['perimeter', 'area'], 3: ['surface_area', 'volume']}


def by_plain_loops(mask, skeleton, spacing):
    """The measures, path by path, from skan's paths and scipy's distances."""
    skel = skan.Skeleton(skeleton, spacing=spacing)
    sampling = np.broadcast_to(spacing, mask.ndim)
    distances = ndimage.distance_transform_edt(mask, sampling)
    rows = []
    for path in range(skel.n_paths):
        at = skel.path_coordinates(path)
        radii = distances[tuple(at.T)]
        steps = np.sqrt(((np.diff(at, axis=0) * sampling) ** 2).sum(axis=1))
        sides = np.hypot(steps, np.diff(radii))
        one, other = radii[:-1], radii[1:]
        if mask.ndim == 2:
            body = (2 * sides.sum(), (steps * (one + other)).sum())
        else:
            volumes = np.pi / 3 * steps * (one**2 + one * other + other**2)
            body = ((np.pi * (one + other) * sides).sum(), volumes.sum())
        rows.append((radii.mean(), radii.min(), radii.max(), radii.std(), *body))
    return skel, pd.DataFrame(rows, columns=[*MEASURES[:4], *BODY[mask.ndim]])


@pytest.mark.parametrize('seed', range(8))
def test_against_skan_scipy_and_plain_loops(seed):
    random = np.random.default_rng(seed)
    ndim = 2 + seed % 2
    mask = blobs((60, 61) if ndim == 2 else (24, 25, 26), random, 1.8)
    spacing = random_spacing(random, ndim)
    table = skanrs.analyze(mask, spacing=spacing)
    skeleton = skanrs.skeletonize(mask)
    skel, loops = by_plain_loops(mask, skeleton, spacing)
    columns = skan.summarize(skel, separator='_')
    assert list(table) == [*columns, *MEASURES, *BODY[ndim]]
    pd.testing.assert_frame_equal(table[list(columns)], columns, check_exact=True)
    for name in loops:
        np.testing.assert_allclose(table[name], loops[name], rtol=1e-12, atol=1e-7, err_msg=name)
    with np.errstate(divide='ignore'):
        ratio = columns['branch_distance'] / columns['euclidean_distance']
    cycles = columns['euclidean_distance'] == 0
    np.testing.assert_array_equal(table['tortuosity'], np.where(cycles, np.nan, ratio))
    pd.testing.assert_frame_equal(skanrs.analyze(mask, spacing=spacing, skeleton=skeleton), table)
    as_numbers = skeleton * random.random(mask.shape)
    again = skanrs.analyze(mask.astype(np.uint8) * 255, spacing=spacing, skeleton=as_numbers)
    pd.testing.assert_frame_equal(again, table)


def test_means_and_deviations_equal_skan_in_every_bit():
    mask = blobs((30, 31, 32), 8)
    radii = ndimage.distance_transform_edt(mask) * skanrs.skeletonize(mask)
    skans = skan.summarize(skan.Skeleton(radii), separator='_')
    table = skanrs.analyze(mask)
    np.testing.assert_array_equal(table['mean_radius'], skans['mean_pixel_value'])
    np.testing.assert_array_equal(table['stdev_radius'], skans['stdev_pixel_value'])


@pytest.mark.parametrize('name', [name for name, image in SHAPES.items() if image.ndim in (2, 3)])
def test_every_shape(name):
    mask = SHAPES[name]
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        table = skanrs.analyze(mask)
        whole = skanrs.analyze(mask, skeleton=mask, border_is_background=True)
    skeleton = skanrs.Skeleton(skanrs.skeletonize(mask))
    assert len(table) == skeleton.n_paths
    assert (whole['min_radius'] >= 1).all()
    assert (whole['min_radius'] <= whole['mean_radius'] * (1 + 1e-15)).all()
    assert all(table[column].dtype == float for column in table.columns[-7:])


def test_without_background_radii_are_infinite():
    skeleton = np.zeros((5, 5), dtype=bool)
    skeleton[2] = True
    table = skanrs.analyze(np.ones((5, 5), dtype=bool), skeleton=skeleton)
    assert table['mean_radius'].tolist() == table['area'].tolist() == [np.inf]
    assert np.isnan(table['stdev_radius']).all()
    bounded = skanrs.analyze(
        np.ones((5, 5), dtype=bool), skeleton=skeleton, border_is_background=True
    )
    assert bounded['max_radius'].tolist() == [3.0]


def test_main_branches_are_a_column():
    mask = blobs((24, 25, 26), 3)
    table = skanrs.analyze(mask, find_main_branch=True, separator='-')
    skeleton = skanrs.Skeleton(skanrs.skeletonize(mask))
    plain = skanrs.summarize(skeleton, find_main_branch=True, separator='-')
    pd.testing.assert_frame_equal(table[list(plain)], plain)
    assert list(table)[list(table).index('main') + 1] == 'mean-radius'
    assert list(table)[-1] == 'volume'


def test_methods():
    mask = blobs((40, 41), 6)
    lee = skanrs.analyze(mask, method='lee')
    skeleton = skanrs.skeletonize(mask, method='lee')
    pd.testing.assert_frame_equal(lee, skanrs.analyze(mask, skeleton=skeleton))
    assert len(lee) != len(skanrs.analyze(mask))


MASK = blobs((12, 13, 14), 5)


@pytest.mark.parametrize(
    ('error', 'words', 'arguments'),
    [
        (ValueError, 'mask: expected a mask', {'mask': np.arange(9).reshape(3, 3)}),
        (ValueError, 'mask: .*0.25', {'mask': np.array([[0, 0.25], [np.nan, 1]])}),
        (ValueError, 'mask: expected a 2D or 3D', {'mask': np.ones(3, dtype=bool)}),
        (TypeError, 'mask: expected an array of booleans', {'mask': MASK * 1j}),
        (ValueError, 'skeleton: expected shape', {'skeleton': MASK[1:]}),
        (ValueError, 'skeleton: expected voxels of the mask', {'skeleton': ~MASK}),
        (ValueError, 'spacing: expected', {'spacing': [1, 2]}),
        (ValueError, 'spacing: expected positive', {'spacing': -1}),
        (ValueError, 'method: expected', {'method': 'fast'}),
        (ValueError, 'method: expected the default', {'method': 'lee', 'skeleton': MASK}),
        (TypeError, 'skeleton: expected an array of booleans', {'skeleton': MASK * 1j}),
        (ValueError, 'npartitions: expected None for an array', {'npartitions': 2}),
    ],
)
def test_errors(error, words, arguments):
    with pytest.raises(error, match=words):
        skanrs.analyze(**{'mask': MASK, **arguments})
