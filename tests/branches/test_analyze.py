"""The table of `analyze`: skan's columns against skan, measures against plain loops."""

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import skan
from images import blobs, random_spacing
from scipy import ndimage
from shapes import SHAPES

import skanrs

MEASURES = ['length', 'tortuosity', 'mean_radius', 'min_radius', 'max_radius', 'stdev_radius']
OF_NODES = ['node_src', 'node_dst', 'in_junction', 'touches_border']
BODY = {2: ['area', 'perimeter'], 3: ['volume', 'surface_area']}


def columns_of(ndim):
    return [*MEASURES, *BODY[ndim], 'tip_length', *OF_NODES]


def smooth(points, stiffness, held):
    """The smoothing of `analyze` by dense matrices; `held` are the rows that stay."""
    count = len(points)
    second = np.diff(np.eye(count), 2, axis=0)
    matrix = np.eye(count) + stiffness * second.T @ second
    matrix[held] = np.eye(count)[held]
    once = np.linalg.solve(matrix, points)
    return once + np.linalg.solve(matrix, points - once)


def paths_of(skel):
    return [skel.path(path) for path in range(skel.n_paths)]


def lengths_by_dense_matrices(skel, spacing):
    """Length and tortuosity of each path; None for a cycle."""
    spacing = np.broadcast_to(spacing, skel.coordinates.shape[1])
    ends = np.bincount([end for path in paths_of(skel) for end in (path[0], path[-1])])
    for path in paths_of(skel):
        voxels = skel.coordinates[path] * spacing
        if path[0] == path[-1] and ends[path[0]] == 2:
            yield None
            continue
        held = [at for at in (0, -1) if ends[path[at]] > 2]
        stiffness = 15 * (spacing.max() / spacing.min()) ** 2
        if len(held) == 2 and path[0] == path[-1]:
            bend = 2 - 2 * np.cos(2 * np.pi / (len(path) - 1))
            stiffness = min(stiffness, 1 / (9 * bend**2))
        points = smooth(voxels, stiffness, held) if len(path) > 2 else voxels
        away = np.linalg.norm(points - voxels, axis=1, keepdims=True)
        bound = np.linalg.norm(spacing) / np.maximum(away, 1e-12)
        points = voxels + (points - voxels) * np.minimum(1, bound)
        of_both = [np.linalg.norm(np.diff(line, axis=0), axis=1).sum() for line in (points, voxels)]
        if of_both[0] > of_both[1] * (1 + 1e-12):
            points = voxels
        chord = np.linalg.norm(points[-1] - points[0])
        yield min(of_both), min(of_both) / chord if chord else np.nan


def volumes_by_asking_all(skel, mask, spacing, mean_radii):
    """The volume of each path, each voxel of the mask given to the voxel of least power.

    Paths share a junction by the areas of their sections.
    """
    spacing = np.broadcast_to(spacing, mask.ndim)
    places = np.argwhere(mask) * spacing
    # skan has no coordinates of isolated voxels in paths, but they own voxels too.
    sites = skel.coordinates * spacing
    radii = ndimage.distance_transform_edt(mask, spacing)[tuple(skel.coordinates.astype(int).T)]
    squares = radii**2
    if (spacing == spacing[0]).all():
        # Whole numbers of voxels, so that equals are equal.
        squares = np.rint(squares / spacing[0] ** 2) * spacing[0] ** 2
    power = ((places[:, np.newaxis] - sites) ** 2).sum(axis=2) - squares
    owned = np.bincount(power.argmin(axis=1), minlength=len(sites)) * np.prod(spacing)
    paths = paths_of(skel)
    areas = np.asarray(mean_radii) ** (mask.ndim - 1)
    ends = [[path[0], path[-1]] for path in paths]
    wholes = np.bincount(np.ravel(ends), np.repeat(areas, 2), minlength=len(sites))
    for path, shared, area in zip(paths, ends, areas, strict=True):
        if path[0] == path[-1] and np.sum(np.equal(ends, path[0])) == 2:
            yield owned[path[:-1]].sum()
        else:
            yield owned[path[1:-1]].sum() + (owned[shared] * area / wholes[shared]).sum()


@pytest.mark.parametrize('seed', range(8))
def test_against_skan_and_plain_loops(seed):
    random = np.random.default_rng(seed)
    ndim = 2 + seed % 2
    mask = blobs((60, 61) if ndim == 2 else (24, 25, 26), random, 1.8)
    # Spacings whose squares are exact, so that no rounding decides who owns a voxel.
    spacing = [1, [0.5, 2, 1][:ndim], [2, 1, 1][:ndim], 0.25][seed // 2]
    table = skanrs.analyze(mask, spacing=spacing)
    skeleton = skanrs.skeletonize(mask)
    skel = skan.Skeleton(skeleton, spacing=spacing)
    columns = skan.summarize(skel, separator='_')
    assert list(table) == [*columns, *columns_of(ndim)]
    pd.testing.assert_frame_equal(table[list(columns)], columns, check_exact=True)
    for row, expected in enumerate(lengths_by_dense_matrices(skel, spacing)):
        if expected is not None:
            found = table['length'][row], table['tortuosity'][row]
            np.testing.assert_allclose(found, expected, rtol=1e-9)
    volumes = list(volumes_by_asking_all(skel, mask, spacing, table['mean_radius']))
    np.testing.assert_allclose(table[BODY[ndim][0]], volumes, rtol=1e-9)
    assert (table['length'] <= table['branch_distance'] * (1 + 1e-12)).all()
    pd.testing.assert_frame_equal(skanrs.analyze(mask, spacing=spacing, skeleton=skeleton), table)
    as_numbers = skeleton * random.random(mask.shape)
    again = skanrs.analyze(mask.astype(np.uint8) * 255, spacing=spacing, skeleton=as_numbers)
    pd.testing.assert_frame_equal(again, table)


def cuts(length, random):
    at = np.sort(random.choice(np.arange(1, length), random.integers(0, 4), replace=False))
    return tuple(np.diff([0, *at, length]).tolist())


@pytest.mark.parametrize('seed', range(12))
def test_chunks_give_the_measures_of_the_whole(seed):
    random = np.random.default_rng(seed)
    ndim = 2 + seed % 2
    shape = (40, 47) if ndim == 2 else (20, 23, 27)
    mask = blobs(shape, random, [1.2, 2.5, 4][seed % 3])
    options = {
        'spacing': random_spacing(random, ndim),
        'border_is_background': bool(seed // 2 % 2),
        'preserve_topology': bool(seed % 5 == 0),
    }
    whole = skanrs.analyze(mask, **options)
    chunks = da.from_array(mask, chunks=tuple(cuts(length, random) for length in shape))
    lazy = skanrs.analyze(chunks, **options, npartitions=1 + seed % 3).compute()
    pd.testing.assert_frame_equal(lazy.reset_index(drop=True), whole, check_exact=True)
    assert lazy.attrs == whole.attrs
    del options['preserve_topology']
    found, expected = (skanrs.centrelines(image, **options) for image in (chunks, mask))
    for name, of_chunks, of_whole in zip(expected._fields, found, expected, strict=True):
        np.testing.assert_array_equal(of_chunks, of_whole, err_msg=name)


@pytest.mark.parametrize('threads', [1, 3])
def test_threads_change_no_bit(threads):
    mask = blobs((70, 71, 72), 4, 2.5)
    table = skanrs.analyze(mask)
    before = skanrs.get_num_threads()
    try:
        skanrs.set_num_threads(threads)
        pd.testing.assert_frame_equal(skanrs.analyze(mask), table, check_exact=True)
    finally:
        skanrs.set_num_threads(before)


def test_centrelines_are_those_of_the_table():
    mask = blobs((30, 31, 32), 8)
    table = skanrs.analyze(mask, spacing=0.5)
    lines = skanrs.centrelines(mask, spacing=0.5)
    assert lines.points.shape == (lines.offsets[-1], 3) == (lines.radii.size, 3)
    assert len(lines.offsets) == len(table) + 1
    for row, (start, stop) in enumerate(zip(lines.offsets, lines.offsets[1:], strict=False)):
        steps = np.linalg.norm(np.diff(lines.points[start:stop], axis=0), axis=1)
        assert steps.sum() == pytest.approx(table['length'][row])
        radii = lines.radii[start:stop]
        assert radii.min() == pytest.approx(table['min_radius'][row])
        assert radii.max() == pytest.approx(table['max_radius'][row])
    ends = table[[f'coord_src_{axis}' for axis in range(3)]].to_numpy()
    away = np.linalg.norm(lines.points[lines.offsets[:-1]] - ends, axis=1)
    assert (away <= 0.5 * np.sqrt(3) * (1 + 1e-12)).all()
    at_junction = table['branch_type'].to_numpy() == 2
    assert (away[at_junction] == 0).all()


@pytest.mark.parametrize('name', [name for name, image in SHAPES.items() if image.ndim in (2, 3)])
def test_every_shape(name):
    mask = SHAPES[name]
    table = skanrs.analyze(mask)
    whole = skanrs.analyze(mask, skeleton=mask, border_is_background=True)
    lines = skanrs.centrelines(mask)
    skeleton = skanrs.Skeleton(skanrs.skeletonize(mask))
    assert len(table) == skeleton.n_paths == len(lines.offsets) - 1
    names = columns_of(mask.ndim)
    assert list(table)[-len(names) :] == names
    for each in (table, whole):
        assert (each['min_radius'] <= each['mean_radius'] * (1 + 1e-12)).all()
        assert (each['mean_radius'] <= each['max_radius'] * (1 + 1e-12)).all()
        assert (each['length'] <= each['branch_distance'] * (1 + 1e-12)).all()
        assert (each['length'] > 0).all()
        assert not (each['tortuosity'] < 1 - 1e-12).any()
        assert (each['tip_length'] >= 0).all()
    assert (whole['min_radius'] > 0).all()
    types = [float] * (len(names) - 4) + [np.int64, np.int64, bool, bool]
    assert table.dtypes[names].tolist() == types
    isolated = mask.sum() - whole[BODY[mask.ndim][0]].sum()
    assert isolated == pytest.approx((skanrs.Skeleton(mask).degrees == 0).sum())
    assert list(whole.attrs.values()) == pytest.approx([isolated])


def test_without_background_radii_are_infinite():
    skeleton = np.zeros((5, 5), dtype=bool)
    skeleton[2] = True
    table = skanrs.analyze(np.ones((5, 5), dtype=bool), skeleton=skeleton)
    assert table['mean_radius'].tolist() == [np.inf]
    assert np.isnan(table['stdev_radius']).all()
    assert (table['area'].tolist(), table['perimeter'].tolist()) == ([25.0], [0.0])
    bounded = skanrs.analyze(
        np.ones((5, 5), dtype=bool), skeleton=skeleton, border_is_background=True
    )
    assert bounded['max_radius'].item() == pytest.approx(2.5)
    assert bounded['perimeter'].item() == pytest.approx(20, rel=0.15)


def test_objects_without_a_branch_own_their_voxels():
    mask = np.zeros((9, 40), dtype=bool)
    mask[3:6, 2:20] = mask[3:6, 30:33] = True
    skeleton = np.zeros_like(mask)
    skeleton[4, 3:19] = skeleton[4, 31] = True
    table = skanrs.analyze(mask, skeleton=skeleton)
    assert table['area'].tolist() == [3 * 18]
    assert table.attrs == {'area_without_branch': 9}
    half = skanrs.analyze(mask, skeleton=skeleton, spacing=0.5)
    assert half.attrs == {'area_without_branch': 9 / 4}
    summary = skanrs.network_summary(half)
    assert summary['area_without_branch'].tolist() == [9 / 4]


def test_main_branches_are_a_column():
    mask = blobs((24, 25, 26), 3)
    table = skanrs.analyze(mask, find_main_branch=True, separator='-')
    skeleton = skanrs.Skeleton(skanrs.skeletonize(mask))
    plain = skanrs.summarize(skeleton, find_main_branch=True, separator='-')
    pd.testing.assert_frame_equal(table[list(plain)], plain)
    assert list(table)[list(table).index('main') + 1] == 'length'
    assert list(table)[-1] == 'touches-border'


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
        (ValueError, 'method: expected None', {'method': 'lee', 'skeleton': MASK}),
        (TypeError, 'skeleton: expected an array of booleans', {'skeleton': MASK * 1j}),
        (ValueError, 'npartitions: expected None for an array', {'npartitions': 2}),
    ],
)
def test_errors(error, words, arguments):
    with pytest.raises(error, match=words):
        skanrs.analyze(**{'mask': MASK, **arguments})


def test_objects_without_skeleton_belong_to_no_branch():
    mask = np.zeros((30, 40, 50), dtype=bool)
    mask[10:15, 10:15, 5:45] = True
    skeleton = skanrs.skeletonize(mask)
    alone = skanrs.analyze(mask, skeleton=skeleton)
    # One of them next to the object, one far away.
    mask[17:19, 10:15, 5:45] = mask[25:, 35:, 40:] = True
    pd.testing.assert_frame_equal(skanrs.analyze(mask, skeleton=skeleton), alone, rtol=0.05)
    table = skanrs.analyze(mask, skeleton=skeleton)
    assert table['volume'].tolist() == [1000]
    assert table.attrs == {'volume_without_branch': mask.sum() - 1000}


@pytest.mark.parametrize('size', [96, pytest.param(512, marks=pytest.mark.slow)])
def test_solid_blocks_take_no_longer_than_their_voxels(size):
    mask = np.ones((size,) * 3, dtype=bool)
    mask[:2] = mask[-2:] = False
    skeleton = np.zeros_like(mask)
    skeleton[size // 2, size // 2] = True
    table = skanrs.analyze(mask, skeleton=skeleton)
    assert table['volume'].tolist() == [mask.sum()]
    # Nothing is known of the sides.
    assert table['surface_area'].item() == pytest.approx(2 * size**2, rel=0.15)


def test_a_voxel_outside_the_mask_is_named():
    mask = np.zeros((5, 6, 7), dtype=bool)
    mask[2, 2] = True
    skeleton = mask.copy()
    skeleton[4, 5, 6] = True
    with pytest.raises(ValueError, match=r'skeleton: expected voxels of the mask only.*4, 5, 6'):
        skanrs.analyze(mask, skeleton=skeleton)


@pytest.mark.parametrize('how', ['whole', 'chunks', 'labels'])
def test_lengths_include_tips(how):
    mask = blobs((30, 31, 32), 8)
    options = {'labels': True} if how == 'labels' else {}
    image = {'whole': mask, 'chunks': da.from_array(mask, chunks=16), 'labels': mask.astype(int)}
    table = skanrs.analyze(image[how], **options)
    found = skanrs.analyze(image[how], include_tips=True, **options)
    if how == 'chunks':
        table, found = table.compute(), found.compute()
    assert (found['length'] == table['length'] + table['tip_length']).all()
    pd.testing.assert_frame_equal(found.drop(columns='length'), table.drop(columns='length'))
    assert table['tip_length'].sum() > 0
