"""Nodes of networks: against plain loops, in chunks, at borders, and as a networkx graph."""

import re

import dask.array as da
import naive
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from forks import tube
from images import blobs, random_spacing
from scipy import ndimage

import skanrs


def plain_nodes(skeleton, spacing):
    """Voxels of each node, nodes and degree by paths, and paths inside junctions."""
    points, rows = naive.pixel_graph(skeleton, spacing)
    is_junction = [len(row) > 2 for row in rows]
    rows = naive.prune_junctions(rows)
    graph = nx.Graph()
    paths = naive.trace(rows)
    graph.add_nodes_from({end for path in paths for end in (path[0], path[-1])})
    within = nx.Graph()
    within.add_edges_from(
        (node, other)
        for node, row in enumerate(rows)
        for other in row
        if is_junction[node] and is_junction[other]
    )
    for cluster in nx.connected_components(within):
        if any(len(rows[node]) > 2 for node in cluster):
            nx.add_path(graph, sorted(cluster))
    members = sorted(map(sorted, nx.connected_components(graph)))
    node_of = {voxel: node for node, voxels in enumerate(members) for voxel in voxels}
    inside = [
        all(node_of.get(voxel) == node_of[path[0]] for voxel in path) and path[0] != path[-1]
        for path in paths
    ]
    ends = [(node_of[path[0]], node_of[path[-1]]) for path in paths]
    outside = [end for pair, is_in in zip(ends, inside, strict=True) if not is_in for end in pair]
    degrees = np.bincount(outside, minlength=len(members))
    return [[points[voxel] for voxel in voxels] for voxels in members], ends, degrees, inside


@pytest.mark.parametrize('seed', range(12))
def test_against_plain_loops(seed):
    random = np.random.default_rng(seed)
    ndim = 2 + seed % 2
    mask = blobs((40, 41) if ndim == 2 else (16, 17, 18), random, 1.2)
    if seed % 3 == 0:
        # Clusters of junctions as thinning does not leave them.
        skeleton = mask & (random.random(mask.shape) < 0.35)
    else:
        skeleton = skanrs.skeletonize(mask)
    spacing = random_spacing(random, ndim)
    floats = np.broadcast_to(spacing, ndim)
    branches = skanrs.analyze(mask, skeleton=skeleton, spacing=spacing)
    nodes = skanrs.nodes(mask, skeleton=skeleton, spacing=spacing)
    members, ends, degrees, inside = plain_nodes(skeleton, spacing)
    assert branches[['node_src', 'node_dst']].to_numpy().tolist() == list(map(list, ends))
    assert branches['in_junction'].tolist() == inside
    assert nodes['node_id'].tolist() == list(range(len(members)))
    assert nodes['degree'].tolist() == degrees.tolist()
    radii = ndimage.distance_transform_edt(mask, floats)
    coordinates = nodes[[f'coord_{axis}' for axis in range(ndim)]].to_numpy()
    voxels = nodes[[f'image_coord_{axis}' for axis in range(ndim)]].to_numpy()
    for node, places in enumerate(members):
        np.testing.assert_allclose(coordinates[node], np.mean(places, axis=0) * floats)
        away = np.linalg.norm((np.array(places) - np.mean(places, axis=0)) * floats, axis=1)
        assert tuple(voxels[node]) in places
        assert away[places.index(tuple(voxels[node]))] == pytest.approx(away.min())
        assert nodes['radius'][node] == pytest.approx(radii[tuple(voxels[node])])
    for end in ('node_src', 'node_dst'):
        of_ends = nodes.set_index('node_id')['skeleton_id'][branches[end]]
        assert of_ends.tolist() == branches['skeleton_id'].tolist()


@pytest.mark.parametrize('seed', range(8))
def test_loops_are_those_of_the_table(seed):
    mask = blobs((60, 61) if seed % 2 else (22, 23, 24), seed, 1.3)
    skeleton = skanrs.skeletonize(mask) if seed % 4 < 2 else mask & (blobs(mask.shape, 1, 0.6))
    branches = skanrs.analyze(mask, skeleton=skeleton)
    graph = skanrs.to_networkx(branches, skanrs.nodes(mask, skeleton=skeleton))
    pieces = nx.number_connected_components(graph)
    loops = graph.number_of_edges() - graph.number_of_nodes() + pieces
    summary = skanrs.network_summary(branches)
    assert loops == summary['n_loops'].item()
    assert pieces == summary['n_networks'].item()


@pytest.mark.parametrize('seed', range(8))
def test_chunks_give_the_nodes_of_the_whole(seed):
    random = np.random.default_rng(seed)
    ndim = 2 + seed % 2
    mask = blobs((40, 47) if ndim == 2 else (20, 23, 27), random, 1.5)
    options = {
        'spacing': random_spacing(random, ndim),
        'border_is_background': bool(seed // 2 % 2),
    }
    whole = skanrs.nodes(mask, **options)
    chunks = tuple(int(length) for length in random.integers(5, 30, ndim))
    lazy = skanrs.nodes(da.from_array(mask, chunks=chunks), **options)
    pd.testing.assert_frame_equal(lazy._meta, whole.iloc[:0].reset_index(drop=True))
    pd.testing.assert_frame_equal(lazy.compute(), whole, check_exact=True)


@pytest.mark.parametrize('ndim', [2, 3])
def test_without_branches_the_table_has_its_columns(ndim):
    mask = np.zeros((9,) * ndim, dtype=bool)
    nodes = skanrs.nodes(mask)
    full = skanrs.nodes(blobs((9,) * ndim, 0))
    pd.testing.assert_frame_equal(nodes, full.iloc[:0].reset_index(drop=True))
    lazy = skanrs.nodes(da.from_array(mask, chunks=4)).compute()
    pd.testing.assert_frame_equal(lazy, nodes)
    assert skanrs.to_networkx(skanrs.analyze(mask), nodes).number_of_nodes() == 0


@pytest.mark.parametrize('radius', [2, 4, 6.5])
@pytest.mark.parametrize('seed', range(5))
def test_tubes_through_the_border_are_cut_off(radius, seed):
    random = np.random.default_rng(seed)
    shape = (60, 64, 68)
    inner = np.array([30, 32, 34.0])
    direction = random.normal(size=3) * [0.5, 1, 0.5]
    # One end of the tube lies far outside, the other one well inside.
    mask = tube(shape, inner, inner + 200 * direction / np.linalg.norm(direction), radius)
    branches, nodes = skanrs.analyze(mask), skanrs.nodes(mask)
    assert branches['touches_border'].tolist() == [True]
    inner_tip = nodes[[f'coord_{axis}' for axis in range(3)]].sub(inner).pow(2).sum(axis=1)
    assert nodes['touches_border'].tolist() == (inner_tip > inner_tip.min()).tolist()
    summary = skanrs.network_summary(branches)
    assert summary['n_cut'].item() == 1
    assert np.isnan(summary['median_uncut_length'].item())
    assert summary['median_length'].item() == branches['length'].item()


def test_faces_are_bits_of_the_axes():
    mask = np.zeros((41, 61), dtype=bool)
    mask[19:22] = mask[:20, 29:32] = True
    nodes = skanrs.nodes(mask)
    places = nodes[['image_coord_0', 'image_coord_1']].to_numpy()
    faces = dict(zip(map(tuple, places), nodes['border_faces'], strict=True))
    assert sorted(faces.values()) == [0, 1, 4, 8]
    assert nodes['touches_border'].tolist() == (nodes['border_faces'] > 0).tolist()
    assert min(faces, key=lambda place: place[1]) == next(at for at in faces if faces[at] == 4)
    assert max(faces, key=lambda place: place[1]) == next(at for at in faces if faces[at] == 8)
    branches = skanrs.analyze(mask)
    assert branches['touches_border'].sum() == 3


def test_graph_has_all_columns():
    mask = blobs((24, 25, 26), 3)
    branches, nodes = skanrs.analyze(mask, spacing=0.5), skanrs.nodes(mask, spacing=0.5)
    graph = skanrs.to_networkx(branches, nodes)
    rows = nodes.set_index('node_id')
    for node, attributes in graph.nodes(data=True):
        assert attributes == rows.loc[node].to_dict()
    outside = branches[~branches['in_junction']]
    assert sorted(key for *_, key in graph.edges(keys=True)) == outside.index.tolist()
    for source, destination, key, attributes in graph.edges(keys=True, data=True):
        assert attributes == branches.loc[key].to_dict()
        assert {source, destination} == {branches['node_src'][key], branches['node_dst'][key]}
    degrees = dict(graph.degree)
    assert [degrees[node] for node in nodes['node_id']] == nodes['degree'].tolist()


MASK = blobs((12, 13, 14), 5)


@pytest.mark.parametrize(
    ('error', 'words', 'arguments'),
    [
        (ValueError, 'mask: expected a mask', {'mask': np.arange(9).reshape(3, 3)}),
        (ValueError, 'skeleton: expected shape', {'skeleton': MASK[1:]}),
        (ValueError, 'skeleton: expected voxels of the mask', {'skeleton': ~MASK}),
        (ValueError, 'spacing: expected', {'spacing': [1, 2]}),
        (TypeError, 'skeleton', {'skeleton': da.from_array(MASK)}),
    ],
)
def test_errors(error, words, arguments):
    with pytest.raises(error, match=words):
        skanrs.nodes(**{'mask': MASK, **arguments})


def test_tables_of_other_images_are_refused():
    branches, nodes = skanrs.analyze(MASK), skanrs.nodes(MASK)
    with pytest.raises(ValueError, match='nodes: expected all nodes of the branches'):
        skanrs.to_networkx(branches, nodes[:3])
    skeleton = skanrs.Skeleton(skanrs.skeletonize(MASK))
    with pytest.raises(ValueError, match="branches: expected the columns .* 'node_src'"):
        skanrs.to_networkx(skanrs.summarize(skeleton, separator='_'), nodes)
    with pytest.raises(TypeError, match=r'nodes: expected a pandas.DataFrame, got ndarray'):
        skanrs.to_networkx(branches, nodes.to_numpy())


def test_graphml_of_both_tables(tmp_path):
    mask = blobs((40, 41), 3)
    nodes = skanrs.nodes(mask)
    tree = skanrs.root(skanrs.analyze(mask), nodes, at='thickest')
    graph = skanrs.to_networkx(tree, nodes)
    skeleton = skanrs.Skeleton(skanrs.skeletonize(mask))
    skanrs.save_skeleton(skeleton, tmp_path / 'tree.graphml', table=tree, nodes=nodes)
    again = nx.read_graphml(tmp_path / 'tree.graphml', node_type=int, force_multigraph=True)
    assert sorted(again.nodes) == sorted(graph.nodes)
    for node, values in graph.nodes(data=True):
        places = {'y': values['coord_0'], 'x': values['coord_1']}
        assert again.nodes[node] == values | places
    of_edges = [
        sorted((min(ends), max(ends), data['length'], data['strahler']) for *ends, data in edges)
        for edges in (graph.edges(data=True), again.edges(data=True))
    ]
    assert of_edges[0] == of_edges[1]


def test_graphml_has_every_value(tmp_path):
    mask = blobs((40, 41), 3)
    nodes = skanrs.nodes(mask)
    table = skanrs.analyze(mask).assign(
        of=1.5, file='<a & b>', even=lambda rows: rows.index % 2 == 0
    )
    table.loc[3, 'of'] = np.nan
    graph = skanrs.to_networkx(table, nodes)
    path = tmp_path / 'tree.graphml'
    skanrs.save_skeleton(skanrs.Skeleton(skanrs.skeletonize(mask)), path, table=table, nodes=nodes)
    again = nx.read_graphml(path, node_type=int, force_multigraph=True)
    assert again.number_of_edges() == graph.number_of_edges() > 5
    for *ends, key, values in graph.edges(keys=True, data=True):
        read = {name: value for name, value in again.edges[(*ends, key)].items() if name != 'id'}
        assert list(read) == list(values)
        assert repr([*read.values()]) == repr([*values.values()])
    keys = re.findall('<key id="([^"]+)"', path.read_text(encoding='utf-8'))
    assert len(set(keys)) == len(keys)
