"""Rooted trees: closed forms, networkx on random graphs, and the ways to name a root."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from images import blobs

import skanrs

ADDED = [
    'root', 'parent', 'generation', 'strahler', 'distance_to_root',
    'n_tips_downstream', 'length_downstream', 'is_loop', 'is_reversed',
]  # fmt: skip


def tables(edges, lengths=None, radii=None):
    """The tables of a graph whose nodes are single voxels."""
    edges = np.array(edges).reshape(-1, 2)
    graph = nx.MultiGraph()
    graph.add_nodes_from(range(edges.max(initial=-1) + 1))
    graph.add_edges_from(edges.tolist())
    network = np.empty(len(graph), dtype=int)
    for number, members in enumerate(nx.connected_components(graph)):
        network[list(members)] = number
    branches = pd.DataFrame(
        {
            'skeleton_id': network[edges[:, 0]],
            'node_id_src': edges[:, 0],
            'node_id_dst': edges[:, 1],
            'length': np.ones(len(edges)) if lengths is None else lengths,
            'node_src': edges[:, 0],
            'node_dst': edges[:, 1],
            'in_junction': False,
        }
    )
    nodes = pd.DataFrame(
        {
            'node_id': np.arange(len(graph)),
            'skeleton_id': network,
            'degree': [degree for _, degree in graph.degree],
            'radius': np.ones(len(graph)) if radii is None else radii,
            'coord_0': np.arange(len(graph), dtype=float),
            'coord_1': 0.0,
            'border_faces': np.uint8(0),
        }
    )
    return branches, nodes


def binary_tree(depth):
    """Edges of a full binary tree below a stem, from node 0 on."""
    return [(0, 1), *((node, 2 * node + side) for node in range(1, 2**depth) for side in (0, 1))]


@pytest.mark.parametrize('depth', [1, 2, 5])
def test_full_binary_trees(depth):
    edges = binary_tree(depth)
    rooted = skanrs.root(*tables(edges), at=0)
    of_end = np.array([0, *(int(np.log2(end)) for _, end in edges[1:])])
    assert list(rooted)[-len(ADDED) :] == ADDED
    assert rooted['generation'].tolist() == of_end.tolist()
    assert rooted['strahler'].tolist() == (depth + 1 - of_end).tolist()
    assert rooted['distance_to_root'].tolist() == of_end.tolist()
    assert rooted['n_tips_downstream'].tolist() == (2 ** (depth - of_end)).tolist()
    assert rooted['length_downstream'].tolist() == (2 ** (depth - of_end + 1.0) - 2).tolist()
    assert not rooted['is_loop'].any()
    assert (rooted['root'] == 0).all()
    ends = {end: row for row, (_, end) in enumerate(edges)}
    assert rooted['parent'].tolist() == [ends.get(begin, -1) for begin, _ in edges]
    # Orders of a full binary tree halve in number: the bifurcation ratio is 2.
    counts = np.bincount(rooted['strahler'])[1:]
    assert counts.tolist() == [2**depth // 2**order for order in range(depth)] + [1]


def test_a_caterpillar_has_order_two():
    # A spine with single side branches.
    edges = [(0, 1), (1, 2), (1, 3), (3, 4), (3, 5), (5, 6), (5, 7)]
    rooted = skanrs.root(*tables(edges), at=0)
    assert rooted['strahler'].tolist() == [2, 1, 2, 1, 2, 1, 1]
    assert rooted['generation'].tolist() == [0, 1, 1, 2, 2, 3, 3]


def random_graph(random):
    """Edges of several random networks, with loops, parallel edges and lengths."""
    edges, start = [], 0
    for _ in range(3):
        count = int(random.integers(2, 25))
        edges += [(start + node, start + int(random.integers(node))) for node in range(1, count)]
        extra = random.integers(count, size=(int(random.integers(8)), 2)) + start
        edges += extra.tolist()
        start += count
    order = random.permutation(len(edges))
    return [edges[at] for at in order], random.random(len(edges)) + 0.01


@pytest.mark.parametrize('seed', range(40))
def test_against_networkx(seed):
    random = np.random.default_rng(seed)
    edges, lengths = random_graph(random)
    branches, nodes = tables(edges, lengths, random.random(max(map(max, edges)) + 1))
    branches.index = random.permutation(len(branches)) + 7
    root = int(random.integers(len(nodes)))
    rooted = skanrs.root(branches, nodes, at=root)
    pd.testing.assert_frame_equal(rooted[list(branches)], branches)
    graph = nx.MultiGraph()
    for row, ends in zip(branches.index, edges, strict=True):
        graph.add_edge(*ends, key=row, weight=branches['length'][row])
    reached = nx.node_connected_component(graph, root)
    distances = nx.single_source_dijkstra_path_length(graph, root)
    is_rooted = np.array([one in reached for one, _ in edges])
    others = rooted[~is_rooted]
    assert (others[['root', 'parent', 'generation']] == -1).all(axis=None)
    assert others[['distance_to_root', 'length_downstream']].isna().all(axis=None)
    assert not others[['strahler', 'n_tips_downstream', 'is_loop']].any(axis=None)
    tree = rooted[is_rooted]
    assert (tree['root'] == root).all()
    assert tree['is_loop'].sum() == len(tree) - len(reached) + 1
    begin = tree['node_src'].where(~tree['is_reversed'], tree['node_dst'])
    end = tree['node_dst'].where(~tree['is_reversed'], tree['node_src'])
    np.testing.assert_allclose(tree['distance_to_root'], begin.map(distances))
    of_tree = tree[~tree['is_loop']]
    np.testing.assert_allclose(
        of_tree['distance_to_root'] + of_tree['length'], end[of_tree.index].map(distances)
    )
    digraph = nx.DiGraph()
    digraph.add_node(root)
    degrees = dict(graph.degree)
    for row in of_tree.index:
        digraph.add_edge(begin[row], end[row], row=row)
    assert nx.is_arborescence(digraph)
    entered = {
        node: digraph.edges[edge]['row'] for node in digraph for edge in digraph.in_edges(node)
    }
    expected = [entered.get(node, -1) for node in begin]
    assert tree['parent'].tolist() == expected
    orders = {}
    for node in reversed(list(nx.topological_sort(digraph))):
        children = [orders[child] for child in digraph[node]]
        order = max(children, default=1)
        orders[node] = order + (children.count(order) > 1)
    for row in tree.index:
        path = nx.shortest_path(digraph, root, begin[row])
        crossed = [node for node in path[1:] if degrees[node] >= 3]
        assert tree['generation'][row] == len(crossed)
        if tree['is_loop'][row]:
            assert tree['strahler'][row] == tree['n_tips_downstream'][row] == 0
            continue
        below = {end[row]} | nx.descendants(digraph, end[row])
        assert tree['strahler'][row] == orders[end[row]]
        assert tree['n_tips_downstream'][row] == sum(degrees[node] == 1 for node in below)
        behind = tree.loc[begin.isin(below), 'length'].sum()
        assert tree['length_downstream'][row] == pytest.approx(behind)
    at_root = tree[begin == root]
    total = at_root['length'].sum() + at_root['length_downstream'].sum()
    assert total == pytest.approx(tree['length'].sum())


@pytest.mark.parametrize('seed', range(6))
def test_images(seed):
    mask = blobs((60, 61) if seed % 2 else (24, 25, 26), seed, 1.5)
    branches, nodes = skanrs.analyze(mask, spacing=0.5), skanrs.nodes(mask, spacing=0.5)
    rooted = skanrs.root(branches, nodes, at='thickest')
    tips = nodes[nodes['degree'] == 1]
    thickest = tips.loc[tips.groupby('skeleton_id')['radius'].idxmax()]
    assert set(rooted['root']) - {-1} == set(thickest['node_id'])
    with_tips = branches['skeleton_id'].isin(tips['skeleton_id'])
    assert (rooted['root'] >= 0).tolist() == with_tips.tolist()
    loops = skanrs.network_summary(branches[with_tips.to_numpy()])['n_loops'].item()
    assert rooted['is_loop'].sum() == loops
    # Distances are those of the graph of all voxels at which branches end.
    graph = nx.Graph()
    for row in branches.itertuples():
        known = graph.get_edge_data(row.node_id_src, row.node_id_dst, {'weight': np.inf})
        weight = min(row.length, known['weight'])
        graph.add_edge(row.node_id_src, row.node_id_dst, weight=weight)
    roots = branches.melt(value_vars=['node_src', 'node_dst'], value_name='node')
    roots['voxel'] = np.concatenate([branches['node_id_src'], branches['node_id_dst']])
    sources = set(roots['voxel'][roots['node'].isin(thickest['node_id'])])
    distances = nx.multi_source_dijkstra_path_length(graph, sources)
    near = rooted[['node_id_src', 'node_id_dst']].apply(lambda end: end.map(distances)).min(axis=1)
    np.testing.assert_allclose(rooted['distance_to_root'], near, equal_nan=True)
    inside = rooted[rooted['in_junction']]
    assert not inside[['strahler', 'n_tips_downstream', 'is_loop']].any(axis=None)


def cross():
    mask = np.zeros((61, 81), dtype=bool)
    mask[29:32] = mask[:40, 39:42] = True
    mask[50:59, 5:20] = True
    return skanrs.analyze(mask), skanrs.nodes(mask)


def test_roots_at_points_and_faces():
    branches, nodes = cross()
    at = {
        side: skanrs.root(branches, nodes, at=side)['root'].max() for side in ('y=0', 'x=0', 'x=-1')
    }
    coordinates = nodes.set_index('node_id')[['coord_0', 'coord_1']]
    assert coordinates.loc[at['y=0'], 'coord_0'] < 4
    assert coordinates.loc[at['x=0'], 'coord_1'] < 4
    assert coordinates.loc[at['x=-1'], 'coord_1'] > 76
    for side, point in (('y=0', (0, 40)), ('x=0', [30.5, 0.0]), ('x=-1', np.array([30, 80]))):
        of_point = skanrs.root(branches, nodes, at=point)
        pd.testing.assert_frame_equal(of_point, skanrs.root(branches, nodes, at=side))
    # The rectangle is no part of the cross, and its network has no root.
    assert set(of_point['root'][branches['skeleton_id'] > 0]) == {-1}
    rooted_twice = skanrs.root(of_point, nodes, at='y=0')
    pd.testing.assert_frame_equal(rooted_twice, skanrs.root(branches, nodes, at='y=0'))


def test_networks_without_tips_have_no_root():
    branches, nodes = tables([(0, 1), (0, 1), (1, 0), (2, 2)])
    rooted = skanrs.root(branches, nodes, at='thickest')
    assert rooted['root'].tolist() == [-1] * 4
    rooted = skanrs.root(branches, nodes, at=2)
    assert rooted['root'].tolist() == [-1, -1, -1, 2]
    assert rooted['is_loop'].tolist() == [False, False, False, True]
    with pytest.raises(ValueError, match='at: expected a node, since no network has a tip'):
        skanrs.root(branches, nodes, at=(0, 0))


@pytest.mark.parametrize('at', ['thickest', (1.0, 2.0), 'y=0'])
def test_empty_tables_have_all_columns(at):
    mask = np.zeros((9, 9), dtype=bool)
    rooted = skanrs.root(skanrs.analyze(mask), skanrs.nodes(mask), at=at)
    full = skanrs.root(*cross(), at='thickest')
    pd.testing.assert_series_equal(rooted.dtypes, full.dtypes)
    assert not len(rooted)


@pytest.mark.parametrize(
    ('error', 'words', 'arguments'),
    [
        (ValueError, 'at: expected one of the [0-9]+ nodes, got 99', {'at': 99}),
        (ValueError, 'at: expected a point of 2 finite numbers', {'at': (1, 2, 3)}),
        (ValueError, 'at: expected a point of 2 finite numbers', {'at': (1, np.nan)}),
        (ValueError, 'at: expected a point at most .* from a tip', {'at': (-500, 40)}),
        (ValueError, 'at: expected a point at most 1 ', {'at': (10, 40), 'max_distance': 1}),
        (ValueError, 'max_distance: expected', {'at': (0, 40), 'max_distance': -1}),
        (ValueError, r"at: .*a face \(y=0, y=-1, x=0, x=-1\), got 'z=0'", {'at': 'z=0'}),
        (ValueError, 'at: expected a face that an object reaches', {'at': 'y=-1'}),
        (ValueError, 'at: expected a node, a point', {'at': 'thick'}),
        (TypeError, 'at: expected a node, a point', {'at': {}}),
        (ValueError, 'at: expected a point of 2', {'at': None}),
    ],
)
def test_wrong_roots(error, words, arguments):
    with pytest.raises(error, match=words):
        skanrs.root(*cross(), **arguments)


def test_wrong_tables():
    branches, nodes = cross()
    for index in (branches.index - 1, [0] * len(branches), list('abcdefghij')[: len(branches)]):
        with pytest.raises(ValueError, match='branches: expected an index of distinct'):
            skanrs.root(branches.set_axis(index), nodes, at=0)
    with pytest.raises(ValueError, match="branches: .* 'in_junction' is missing"):
        skanrs.root(branches.drop(columns='in_junction'), nodes, at=0)
    for length in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match='branches: expected positive, finite lengths'):
            skanrs.root(branches.assign(length=length), nodes, at=0)
