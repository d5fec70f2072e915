"""Network summaries against networkx and the topology of the image; summaries of files."""

import io
import itertools

import dask.array as da
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from images import blobs, random_image
from scipy import ndimage
from shapes import SHAPES
from skimage.measure import euler_number
from volumes import read_volume

import skanrs
from skanrs.datasets import vessel_tree


def networkx_of(skeleton):
    """The pruned pixel graph as networkx, with a place for each pixel."""
    graph = nx.from_scipy_sparse_array(skanrs.csr.skeleton_to_csgraph(skeleton)[0])
    places = np.argwhere(skeleton)
    return graph, places


def junction_clusters(graph, places):
    junctions = [node for node, degree in graph.degree if degree > 2]
    touching = nx.Graph()
    touching.add_nodes_from(junctions)
    for one, other in itertools.combinations(junctions, 2):
        if abs(places[one] - places[other]).max() <= 1:
            touching.add_edge(one, other)
    return nx.number_connected_components(touching)


def assert_counts(summary, skeleton):
    graph, places = networkx_of(skeleton)
    degrees = dict(graph.degree)
    isolated = sum(degree == 0 for degree in degrees.values())
    row = summary.iloc[0]
    assert row['n_isolated'] == isolated
    assert row['n_networks'] == nx.number_connected_components(graph) - isolated
    assert row['n_endpoints'] == sum(degree == 1 for degree in degrees.values())
    assert row['n_junctions'] == junction_clusters(graph, places)
    loops = len(nx.cycle_basis(graph)) if skeleton.ndim > 3 else tunnels_of(skeleton)
    assert row['n_loops'] == loops


def tunnels_of(skeleton):
    """Count tunnels by scikit-image's Euler number."""
    if skeleton.ndim == 1:
        return 0
    image = np.pad(skeleton, 1)
    components = ndimage.label(image, np.ones((3,) * image.ndim))[1]
    cavities = ndimage.label(~image)[1] - 1 if image.ndim == 3 else 0
    return components + cavities - euler_number(image, connectivity=image.ndim)


@pytest.mark.parametrize('seed', range(60))
def test_counts_equal_networkx(seed):
    skeleton = random_image(np.random.default_rng(seed), 'bool')
    table = skanrs.summarize(skanrs.Skeleton(skeleton), separator='_-'[seed % 2])
    summary = skanrs.network_summary(table, skeleton=skeleton)
    assert len(summary) == 1
    assert_counts(summary, skeleton)
    kinds = summary.iloc[0][list(summary.columns[3:7])]
    assert kinds.sum() == summary['n_branches'].item() == len(table)


@pytest.mark.parametrize('name', SHAPES)
def test_every_shape(name):
    skeleton = SHAPES[name]
    table = skanrs.summarize(skeleton, separator='_')
    summary = skanrs.network_summary(table, skeleton=skanrs.Skeleton(skeleton))
    assert_counts(summary, skeleton)
    np.testing.assert_allclose(summary['total_length'], table['branch_distance'].sum())


VESSELS = ['tree', 'blobs', 'vessap_vessels', 'berea_pores_200', 'neuron_lm_rivulet']


@pytest.mark.parametrize('name', VESSELS)
def test_loops_are_tunnels_of_the_image(name):
    """Of a table alone: on smooth objects nearly all, never more, fewer where vessels are dense."""
    match name:
        case 'tree':
            mask = vessel_tree((96, 96, 96))
        case 'blobs':
            mask = blobs((40, 41, 42), 3, 2.5)
        case _:
            mask = read_volume(name)[:160, :160, :160]
    skeleton = skanrs.skeletonize(mask)
    table = skanrs.analyze(mask, skeleton=skeleton)
    row = skanrs.network_summary(table, skeleton=skeleton).iloc[0]
    tunnels = tunnels_of(skeleton)
    assert row['n_loops'] == tunnels
    assert row['n_networks'] + row['n_isolated'] == ndimage.label(skeleton, np.ones((3,) * 3))[1]
    lazy = da.from_array(skeleton, chunks=(30, 41, 64))
    pd.testing.assert_series_equal(skanrs.network_summary(table, skeleton=lazy).iloc[0], row)
    graph = nx.from_scipy_sparse_array(skanrs.csr.skeleton_to_csgraph(skeleton)[0])
    loops = skanrs.network_summary(table)['n_loops'].item()
    assert loops == len(graph.edges) - len(graph) + nx.number_connected_components(graph)
    assert (0.97 if name == 'blobs' else 0.8) * tunnels <= loops <= tunnels


def test_loops_of_what_is_not_thin():
    """Clumps, sheets and cavities: the Euler number is that of the voxels all the same."""
    for seed in range(40):
        random = np.random.default_rng(seed)
        shape = tuple(random.integers(1, 12, size=2 + seed % 2))
        image = random.random(shape) < random.choice([0.1, 0.3, 0.5, 0.7, 0.95])
        table = skanrs.summarize(image, separator='_')
        assert skanrs.network_summary(table, skeleton=image)['n_loops'].item() == tunnels_of(image)
    shell = np.linalg.norm(np.indices((21, 21, 21)) - 10, axis=0).round() == 8
    row = skanrs.network_summary(skanrs.summarize(shell, separator='_'), skeleton=shell)
    assert row['n_loops'].item() == 0


def test_radii_count_by_length():
    mask = vessel_tree((64, 64, 64))
    table = skanrs.analyze(mask, spacing=2)
    row = skanrs.network_summary(table, quantiles=(0, 0.5, 1), bins=[0, 2, 3, 100]).iloc[0]
    radii, lengths = table['mean_radius'], table['length']
    assert row['radius_q0'] == radii.min()
    assert row['radius_q100'] == radii.max()
    half = lengths[radii <= row['radius_q50']].sum()
    assert half >= lengths.sum() / 2 > half - lengths[radii == row['radius_q50']].sum()
    assert row['mean_radius'] == pytest.approx(np.average(radii, weights=lengths))
    assert row['radius_length_1'] == pytest.approx(lengths[(radii >= 2) & (radii < 3)].sum())
    shares = [row[f'radius_length_{at}'] for at in range(3)]
    assert sum(shares) == pytest.approx(row['total_length'])
    assert row['total_volume'] == table['volume'].sum()
    plain = skanrs.network_summary(skanrs.summarize(skanrs.skeletonize(mask), separator='-'))
    assert not [name for name in plain if 'radius' in name]


def test_densities():
    mask = blobs((30, 40), 2)
    spacing = [0.5, 2]
    table = skanrs.analyze(mask, spacing=spacing, separator='-')
    skeleton = skanrs.Skeleton(skanrs.skeletonize(mask), spacing=spacing)
    by_shape = skanrs.network_summary(table, shape=mask.shape, spacing=spacing)
    pd.testing.assert_frame_equal(by_shape, skanrs.network_summary(table, volume=1200.0))
    pd.testing.assert_series_equal(
        skanrs.network_summary(table, skeleton=skeleton)['length_density'],
        by_shape['length_density'],
    )
    assert by_shape['length_density'].item() == table['length'].sum() / 1200
    assert by_shape['branch_density'].item() == len(table) / 1200
    of_mask = skanrs.network_summary(table, volume=float(mask.sum()))
    assert of_mask['volume'].item() == mask.sum()
    assert 'total_area' in of_mask
    assert 'volume' not in skanrs.network_summary(table)


def test_files_and_stacks():
    tables = [skanrs.analyze(blobs((20, 21, 22), seed)) for seed in range(2)]
    rows = pd.concat([skanrs.network_summary(table) for table in tables], ignore_index=True)
    assert len(rows) == 2
    assert not rows.isna().any(axis=None)
    back = pd.read_csv(io.StringIO(rows.to_csv(index=False)))
    pd.testing.assert_frame_equal(back, rows, check_dtype=False)
    back = pd.read_json(io.StringIO(rows.to_json(orient='records', double_precision=15)))
    pd.testing.assert_frame_equal(back, rows, check_dtype=False)


def test_an_empty_network():
    nothing = np.zeros((4, 5, 6), dtype=bool)
    row = skanrs.network_summary(skanrs.analyze(nothing), skeleton=nothing, volume=1).iloc[0]
    assert row['n_branches'] == row['n_loops'] == row['n_isolated'] == row['total_length'] == 0
    assert np.isnan(row['radius_q50'])


TABLE = skanrs.analyze(blobs((20, 21), 1))


@pytest.mark.parametrize(
    ('error', 'words', 'arguments'),
    [
        (TypeError, 'table: expected a pandas.DataFrame, got dict', {'table': {}}),
        (ValueError, "table: .*'node_id_src' is missing",
         {'table': TABLE.drop(columns='node_id_src')}),
        (ValueError, "table: .*'skeleton_id' is missing", {'table': pd.DataFrame()}),
        (ValueError, 'table: expected branch types', {'table': TABLE.assign(branch_type=7)}),
        (ValueError, 'volume, shape: expected one', {'volume': 1, 'shape': (2, 2)}),
        (ValueError, 'volume: expected a positive', {'volume': 0}),
        (ValueError, 'shape: expected 2 positive', {'shape': (2, 2, 2)}),
        (ValueError, 'spacing: expected', {'shape': (2, 2), 'spacing': -1}),
        (ValueError, 'quantiles: expected', {'quantiles': [2]}),
        (ValueError, 'bins: expected a positive integer or edges', {'bins': 0}),
        (ValueError, 'bins: expected at least two ascending edges', {'bins': [3, 2]}),
        (ValueError, 'skeleton: expected 2 axes', {'skeleton': np.zeros((2, 2, 2), dtype=bool)}),
    ],
)  # fmt: skip
def test_errors(error, words, arguments):
    with pytest.raises(error, match=words):
        skanrs.network_summary(**{'table': TABLE, **arguments})


def test_lazy_table_is_refused():
    import dask.dataframe as dd

    with pytest.raises(TypeError, match=r'table: .*call \.compute\(\) first'):
        skanrs.network_summary(dd.from_pandas(TABLE, npartitions=1))
