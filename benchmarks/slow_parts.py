"""Print how long the parts of skan take that people wait for, and how long they take here.

On the skeleton of a vessel tree; both sides run in this process, one after the other. Medians of
three are printed (once where skan takes long). Where skan runs Dijkstra's algorithm from every
node, it is timed on some and its time is multiplied: those are marked as estimated.
Most of the time of `path_label_image` goes into the first touch of its 8 bytes a voxel.
"""

import argparse
import statistics
import time

import networkx as nx
import numpy as np
import skan.csr
from scipy.sparse import csgraph

import skanrs.csr
from skanrs.datasets import VesselTree

SOURCES = 20
SHORT = 8.0


def seconds(function, repeats=3):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return statistics.median(times), result


def row(title, ours, theirs, verdict):
    print(f'  {title:24}{ours:9.3f} s{theirs:11.2f} s{theirs / ours:9.0f}x   {verdict}', flush=True)


def equal(same):
    return 'equal' if same else 'DIFFERS'


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', type=int, default=512, help='edge in voxels')
    size = parser.parse_args().size
    image = skanrs.skeletonize(VesselTree.grow((size,) * 3).image())
    ours, theirs = skanrs.Skeleton(image), skan.csr.Skeleton(image)
    table = skanrs.summarize(ours, separator='_')
    print(f'\nskeleton of a vessel tree in {size}³: {len(table):,} branches')
    print(f'  {"":24}{"skanrs":>11}{"skan":>13}')

    short = table.index[(table['branch_type'] == 1) & (table['branch_distance'] < SHORT)]
    mine, pruned = seconds(lambda: ours.prune_paths(short))
    their, expected = seconds(lambda: theirs.prune_paths(short), 1)
    same = np.array_equal(pruned.skeleton_image, expected.skeleton_image)
    row(f'prune_paths, {len(short):,} twigs', mine, their, equal(same))
    del pruned, expected

    their, expected = seconds(theirs.path_label_image)
    mine, labels = seconds(ours.path_label_image)
    row('path_label_image', mine, their, equal(np.array_equal(labels, expected)))
    del labels, expected

    graph, _ = skan.csr.pixel_graph(image, connectivity=3)
    mine, pruned = seconds(lambda: skanrs.csr._mst_junctions(graph))
    their, expected = seconds(lambda: skan.csr._mst_junctions(graph))
    row('_mst_junctions', mine, their, equal((pruned != expected).nnz == 0))

    mine, _ = seconds(lambda: skanrs.csr._fast_graph_center_idx(ours), 1)
    branches, nodes = skan.csr._simplify_graph(theirs)
    sources = np.linspace(0, len(nodes) - 1, SOURCES).astype(int)
    their, _ = seconds(
        lambda: csgraph.shortest_path(branches, directed=False, indices=sources).sum(axis=1), 1
    )
    estimated = f'estimated from {SOURCES} of {len(nodes):,} sources'
    row('Sholl centre', mine, their * len(nodes) / SOURCES, estimated)

    mine, _ = seconds(lambda: skanrs.summary_utils.find_main_branches(table), 1)
    columns = table[['node_id_src', 'node_id_dst', 'branch_distance']].to_numpy()
    g = nx.Graph()
    g.add_weighted_edges_from(columns.tolist())
    their, _ = seconds(
        lambda: [nx.single_source_dijkstra_path_length(g, source) for source in list(g)[:SOURCES]],
        1,
    )
    row('find_main_branch', mine, their * len(g) / SOURCES, estimated)


main()
