"""Regions: against plain loops, sums over regions are those of the whole, equal in chunks."""

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
from blocks import assert_same_table, random_chunks
from images import blobs, random_spacing
from label_images import label_images

import skanrs


def some_regions(shape, random, dtype=np.int32):
    """A label image of cells, the labels of which are far apart, with 0 between some of them."""
    grid = np.stack(np.indices(shape), -1)
    centres = random.random((6, len(shape))) * shape
    cells = ((grid[..., np.newaxis, :] - centres) ** 2).sum(-1).argmin(-1)
    return np.array([0, 3, 3, 100, 7, 120], dtype)[cells]


def by_loops(table, nodes, lines, skeleton, regions, spacing):
    """What lies in each region, branch by branch and point by point."""
    names = np.unique(regions).tolist()
    size = 'area' if regions.ndim == 2 else 'volume'
    rows = {name: dict.fromkeys(('length', 'branches', 'size', 'radius'), 0.0) for name in names}
    graph = skanrs.Skeleton(skeleton, spacing=spacing)
    most = []
    for number, branch in table.iterrows():
        points = lines.points[lines.offsets[number] : lines.offsets[number + 1]]
        of_points = regions[tuple(graph.path_coordinates(number).T.astype(int))].tolist()
        parts = dict.fromkeys(names, 0.0)
        for one, other, a, b in zip(
            points[:-1], points[1:], of_points[:-1], of_points[1:], strict=True
        ):
            step = np.linalg.norm(other - one)
            parts[a] += step / 2
            parts[b] += step / 2
        total = sum(parts.values())
        most.append(max(parts.values()) - parts[branch['region']])
        for name, part in parts.items():
            share = part / total
            rows[name]['length'] += share * branch['length']
            rows[name]['branches'] += share * (not branch['in_junction'])
            rows[name]['size'] += share * branch[size]
            rows[name]['radius'] += share * branch['length'] * branch['mean_radius']
    assert max(most, default=0) < 1e-9
    voxel = np.prod(np.broadcast_to(spacing, regions.ndim))
    places = tuple(nodes[[f'image_coord_{axis}' for axis in range(regions.ndim)]].to_numpy().T)
    degrees, of_nodes = nodes['degree'].to_numpy(), regions[places]
    return pd.DataFrame(
        {
            'region': names,
            'n_voxels': [int((regions == name).sum()) for name in names],
            'total_length': [rows[name]['length'] for name in names],
            'n_branches': [rows[name]['branches'] for name in names],
            'n_endpoints': [int((degrees[of_nodes == name] == 1).sum()) for name in names],
            'n_junctions': [int((degrees[of_nodes == name] >= 3).sum()) for name in names],
            f'total_{size}': [rows[name]['size'] for name in names],
            'mean_radius': [
                rows[name]['radius'] / rows[name]['length'] if rows[name]['length'] else np.nan
                for name in names
            ],
        }
    ), voxel


@pytest.mark.parametrize('seed', range(8))
def test_against_loops_and_in_chunks(seed):
    random = np.random.default_rng(seed)
    ndim = 2 + seed % 2
    mask = blobs((50, 51) if ndim == 2 else (20, 21, 22), random, 1.5)
    dtype = [np.int32, np.uint8, np.uint64, np.int16][seed % 4]
    regions = some_regions(mask.shape, random, dtype)
    spacing = random_spacing(random, ndim)
    skeleton = skanrs.skeletonize(mask)
    whole = {'spacing': spacing, 'skeleton': skeleton}
    table, by_region = skanrs.analyze(mask, **whole, regions=regions)
    others = skanrs.analyze(mask, **whole)
    assert_same_table(table[list(others)], others)
    nodes = skanrs.nodes(mask, **whole)
    lines = skanrs.centrelines(mask, **whole)
    expected, voxel = by_loops(table, nodes, lines, skeleton, regions, spacing)
    pd.testing.assert_frame_equal(by_region[list(expected)], expected, check_dtype=False, rtol=1e-9)
    assert table['region'].dtype == by_region['region'].dtype == dtype
    size = 'area' if ndim == 2 else 'volume'
    volumes = by_region['n_voxels'] * voxel
    np.testing.assert_allclose(by_region['volume'], volumes)
    np.testing.assert_allclose(by_region['length_density'], by_region['total_length'] / volumes)
    np.testing.assert_allclose(by_region['branch_density'], by_region['n_branches'] / volumes)
    np.testing.assert_allclose(by_region['volume_fraction'], by_region[f'total_{size}'] / volumes)
    # The sums are those of the whole.
    for name, total in (
        ('n_voxels', mask.size),
        ('total_length', table['length'].sum()),
        (f'total_{size}', table[size].sum()),
        ('n_branches', (~table['in_junction']).sum()),
        ('n_endpoints', (nodes['degree'] == 1).sum()),
        ('n_junctions', (nodes['degree'] >= 3).sum()),
    ):
        assert by_region[name].sum() == pytest.approx(total), name
    chunks = random_chunks(random, mask.shape)
    of_dask = [da.from_array(array, chunks=chunks) for array in (mask, skeleton, regions)]
    lazy = skanrs.analyze(
        of_dask[0], skeleton=of_dask[1], spacing=spacing, regions=of_dask[2],
        npartitions=1 + seed % 3,
    )  # fmt: skip
    for computed, meta, ours in zip(
        dask.compute(*lazy), (one._meta for one in lazy), (table, by_region), strict=True
    ):
        assert_same_table(computed, ours)
        assert meta.dtypes.tolist() == ours.dtypes.tolist()


def test_one_region_is_the_network():
    mask = blobs((30, 31, 32), 3)
    regions = np.full(mask.shape, 5)
    table, by_region = skanrs.analyze(mask, regions=regions, spacing=0.5, separator='-')
    summary = skanrs.network_summary(table, shape=mask.shape, spacing=0.5)
    for ours, theirs in (
        ('total-length', 'total_length'),
        ('volume', 'volume'),
        ('length-density', 'length_density'),
        ('mean-radius', 'mean_radius'),
        ('total-volume', 'total_volume'),
    ):
        assert by_region.loc[0, ours] == pytest.approx(summary.loc[0, theirs])
    mixed = skanrs.analyze(mask, regions=regions, intensity=regions, separator='-')
    assert list(mixed[0])[-2:] == ['territory-intensity', 'region']
    assert mixed[1].loc[0, 'region'] == 5


def test_a_tube_across_a_boundary():
    mask = np.zeros((9, 9, 44), dtype=bool)
    mask[3:6, 3:6, 2:42] = True
    regions = np.ones(mask.shape, dtype=int)
    regions[:, :, 12:] = 2
    table, by_region = skanrs.analyze(mask, regions=regions)
    assert table['region'].tolist() == [2]
    shares = by_region['total_length'] / table['length'][0]
    first, last = table[['image_coord_src_2', 'image_coord_dst_2']].loc[0].sort_values()
    # The boundary lies between voxels 11 and 12.
    expected = [(11.5 - first) / (last - first), (last - 11.5) / (last - first)]
    np.testing.assert_allclose(shares, expected, atol=0.01)
    np.testing.assert_allclose(by_region['n_branches'], shares)


def test_labels_are_added_up():
    random = np.random.default_rng(2)
    for labels in label_images(3, count=4, seed=4, dtype='i2'):
        regions = some_regions(labels.shape, random)
        table, by_region = skanrs.analyze(labels, labels=True, regions=regions)
        own = skanrs.analyze(labels, labels=True)
        assert_same_table(table[list(own)], own)
        assert by_region['region'].tolist() == np.unique(regions).tolist()
        for ours, theirs in (('total_length', 'length'), ('total_volume', 'volume')):
            assert by_region[ours].sum() == pytest.approx(table[theirs].sum())


@pytest.mark.parametrize('shape', [(0, 5), (3, 0, 4), (5, 5), (2, 2, 2)])
def test_without_branches_regions_have_sizes(shape):
    mask = np.zeros(shape, dtype=bool)
    regions = np.full(shape, 4, dtype=np.uint16)
    table, by_region = skanrs.analyze(mask, regions=regions)
    assert (len(table), table['region'].dtype) == (0, np.uint16)
    assert by_region['n_voxels'].tolist() == [mask.size] * (mask.size > 0)
    assert not by_region['total_length'].any()
    lazy = skanrs.analyze(da.from_array(mask), regions=da.from_array(regions))
    for ours, theirs in zip(dask.compute(*lazy), (table, by_region), strict=True):
        assert_same_table(ours, theirs)


MASK = blobs((12, 13, 14), 5)


@pytest.mark.parametrize(
    ('error', 'words', 'regions'),
    [
        (ValueError, r'regions: expected shape \(12, 13, 14\) as the mask', np.ones((12, 13), int)),
        (TypeError, 'regions: expected a label image of integers, got one of float64', MASK * 1.0),
        (TypeError, 'regions: expected a label image of integers, got one of bool', MASK),
        (TypeError, 'regions, mask: expected dask arrays or', da.ones(MASK.shape, dtype=int)),
    ],
)
def test_bad_regions(error, words, regions):
    for labels in (False, True):
        with pytest.raises(error, match=words):
            skanrs.analyze(MASK.astype(int), regions=regions, labels=labels)


def test_bad_lazy_regions():
    mask = da.from_array(MASK, chunks=7)
    for error, words, regions in (
        (ValueError, 'regions: expected the shape of', da.ones((3, 3, 3), dtype=int)),
        (ValueError, 'regions: expected the chunks of', da.ones(MASK.shape, int, chunks=5)),
        (TypeError, 'regions: expected a label image', da.ones(MASK.shape, chunks=7)),
        (TypeError, 'regions, mask: expected dask arrays or', np.ones(MASK.shape, int)),
    ):
        with pytest.raises(error, match=words):
            skanrs.analyze(mask, regions=regions)
