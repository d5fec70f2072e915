"""Main branches, against shortest paths of networkx and against skan where skan is correct."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import skan.summary_utils
from images import blobs, random_image

import skanrs
from skanrs import summary_utils
from skanrs._testdata import skeleton1, tinycycle


def branch_graph(table):
    graph = nx.MultiGraph()
    for row in table.itertuples():
        graph.add_edge(row.node_id_src, row.node_id_dst, row=row.Index, d=row.branch_distance)
    return graph


def assert_one_longest_shortest_path_each(table):
    graph = branch_graph(table)
    main = table.index[table['main']]
    for component in nx.connected_components(graph):
        part = graph.subgraph(component)
        rows = {row for _, _, row in part.edges(data='row')}
        chosen = [row for row in main if row in rows]
        lengths = dict(nx.all_pairs_dijkstra_path_length(part, weight='d'))
        longest = max(max(row.values()) for row in lengths.values())
        if len(component) == 1:
            (row,) = chosen
            assert table['branch_distance'][row] == table.loc[sorted(rows), 'branch_distance'].max()
            continue
        path = nx.Graph(table.loc[chosen, ['node_id_src', 'node_id_dst']].to_numpy().tolist())
        ends = [node for node, degree in path.degree if degree == 1]
        assert len(ends) == 2
        assert path.number_of_edges() == len(chosen)
        assert nx.is_connected(path)
        total = table.loc[chosen, 'branch_distance'].sum()
        assert total == pytest.approx(longest, rel=1e-12)
        assert total == pytest.approx(lengths[ends[0]][ends[1]], rel=1e-12)


def random_skeleton(seed):
    random = np.random.default_rng(seed)
    if seed % 3:
        return random_image(random, 'bool')
    shape = (40, 50) if seed % 2 else (14, 15, 16)
    return skanrs.skeletonize(blobs(shape, random))


@pytest.mark.parametrize('seed', range(120))
def test_main_branches_of_random_skeletons(seed):
    image = random_skeleton(seed)
    spacing = [1, 0.3, 2.5][seed % 3]
    skeleton = skanrs.Skeleton(image, spacing=spacing)
    table = skanrs.summarize(skeleton, find_main_branch=True, separator='_')
    assert table['main'].dtype == bool
    assert_one_longest_shortest_path_each(table)


@pytest.mark.parametrize('separator', ['_', '-', '.', ' '])
def test_any_separator(separator):
    skeleton = skanrs.Skeleton(skeleton1)
    table = skanrs.summarize(skeleton, find_main_branch=True, separator=separator)
    assert summary_utils.find_main_branches(table).tolist() == [False, True, True, True]
    assert table['main'].tolist() == [False, True, True, True]


def test_other_index_and_no_rows():
    table = skanrs.summarize(skanrs.Skeleton(skeleton1), separator='_').set_index([[5, 5, 1, 9]])
    assert summary_utils.find_main_branches(table).tolist() == [False, True, True, True]
    assert summary_utils.find_main_branches(table[:0]).shape == (0,)


def test_a_cycle_alone_is_its_main_branch():
    image = np.pad(tinycycle, 2)
    image = np.concatenate([image, np.pad(np.ones((1, 3), dtype=bool), ((3, 3), (2, 2)))], axis=1)
    table = skanrs.summarize(skanrs.Skeleton(image), find_main_branch=True, separator='_')
    assert table['main'].tolist() == [True, True]


def test_a_missing_column_is_named():
    with pytest.raises(KeyError, match='branch_distance'):
        summary_utils.find_main_branches(pd.DataFrame({'node_id_src': [0], 'node_id_dst': [1]}))


@pytest.mark.parametrize('seed', range(40))
@pytest.mark.parametrize('weight', ['branch-distance', 'd', None, lambda u, v, data: data['d']])
def test_networkx_graphs(seed, weight):
    random = np.random.default_rng(seed)
    graph = nx.gnm_random_graph(int(random.integers(1, 20)), int(random.integers(0, 30)), seed=seed)
    for _, _, data in graph.edges(data=True):
        data['d'] = float(random.integers(1, 5))
    ours = summary_utils.find_main_branch_nx(graph, weight, in_place=False)
    assert not nx.get_edge_attributes(graph, 'main')
    theirs = skan.summary_utils.find_main_branch_nx(graph, weight, in_place=False)
    for component in nx.connected_components(graph):
        totals = []
        for marked in (ours, theirs):
            part = marked.subgraph(component)
            edges = [data for _, _, data in part.edges(data=True) if data.get('main')]
            counts_one = weight in (None, 'branch-distance')
            totals.append(sum(1 if counts_one else data['d'] for data in edges))
        assert totals[0] == totals[1]
    assert summary_utils.find_main_branch_nx(graph, weight) is graph
    assert nx.get_edge_attributes(graph, 'main') == nx.get_edge_attributes(ours, 'main')


def test_multigraphs_and_hidden_edges():
    graph = nx.MultiGraph()
    graph.add_edge('a', 'b', d=3.0)
    graph.add_edge('a', 'b', d=1.0)
    graph.add_edge('b', 'c', d=None)
    summary_utils.find_main_branch_nx(graph, lambda u, v, data: data['d'])
    assert [data.get('main') for _, _, data in graph.edges(data=True)] == [None, True, None]


def test_wrong_graphs():
    with pytest.raises(ValueError, match='directed'):
        summary_utils.find_main_branch_nx(nx.DiGraph([(1, 2)]))
    graph = nx.Graph()
    # The sum of distances from a node would not be finite.
    for length in (-1.0, 1e308):
        graph.add_edge(1, 2, d=length)
        with pytest.raises(ValueError, match='lengths'):
            summary_utils.find_main_branch_nx(graph, 'd')
