"""Properties of skeletons, paths and tables that hold for every image."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
from blocks import assert_chords_are_no_longer_than_paths, random_walks
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from images import blobs, random_image, random_spacing
from scipy.spatial import cKDTree

import skanrs

IMAGES = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=3, max_side=9))
METHODS = st.sampled_from(['lee', None])
SEEDS = st.integers(0, 2**32)


# Skeletons


@given(IMAGES, METHODS)
@settings(max_examples=100, deadline=None)
def test_a_skeleton_is_a_part_of_the_image_and_its_own_skeleton(image, method):
    skeleton = skanrs.skeletonize(image, method=method)
    assert not (skeleton & ~image).any()
    np.testing.assert_array_equal(skanrs.skeletonize(skeleton, method=method), skeleton)


@given(SEEDS, METHODS, st.integers(2, 3), st.data())
@settings(max_examples=60, deadline=None)
def test_background_around_the_image_does_not_matter(seed, method, ndim, data):
    random = np.random.default_rng(seed)
    image = blobs(tuple(random.integers(2, 20, ndim)), random, random.uniform(0.7, 2))
    margins = [data.draw(st.tuples(st.integers(0, 70), st.integers(0, 70))) for _ in range(ndim)]
    # One plane is thinned as a 2D image is, and no longer if planes are added.
    assume(image.shape[0] > 1)
    padded = skanrs.skeletonize(np.pad(image, margins), method=method)
    inside = tuple(
        slice(before, before + length)
        for (before, _), length in zip(margins, image.shape, strict=True)
    )
    np.testing.assert_array_equal(padded[inside], skanrs.skeletonize(image, method=method))
    assert padded.sum() == padded[inside].sum()


@given(SEEDS, METHODS, st.integers(2, 3), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_objects_apart_are_thinned_apart(seed, method, ndim, axis):
    random = np.random.default_rng(seed)
    axis %= ndim
    shape = tuple(random.integers(3, 18, ndim))
    parts = [np.pad(blobs(shape, random, random.uniform(0.7, 2)), 1) for _ in range(2)]
    together = skanrs.skeletonize(np.concatenate(parts, axis), method=method)
    apart = [skanrs.skeletonize(part, method=method) for part in parts]
    np.testing.assert_array_equal(together, np.concatenate(apart, axis))


# Paths


def voxels_that_touch(image, spacing):
    """The pixel graph by a search tree and networkx."""
    points = np.argwhere(image)
    graph = nx.Graph()
    graph.add_nodes_from(range(len(points)))
    if len(points):
        for one, other in cKDTree(points).query_pairs(np.sqrt(image.ndim) + 1e-9):
            step = (points[one] - points[other]) * spacing
            if np.abs(points[one] - points[other]).max() == 1:
                graph.add_edge(one, other, weight=float(np.sqrt((step**2).sum())))
    return graph


def without_needless_edges(graph):
    """The graph with a minimum spanning forest in place of each junction cluster."""
    junctions = graph.subgraph([node for node, degree in graph.degree if degree > 2])
    forest = nx.minimum_spanning_tree(junctions, algorithm='kruskal')
    pruned = graph.copy()
    pruned.remove_edges_from([edge for edge in junctions.edges if not forest.has_edge(*edge)])
    return pruned


@given(SEEDS)
@settings(max_examples=80, deadline=None)
def test_paths_against_networkx(seed):
    random = np.random.default_rng(seed)
    image = random_image(random, 'bool')
    spacing = np.ones(image.ndim) * random_spacing(random, image.ndim)
    skeleton = skanrs.Skeleton(image, spacing=spacing)
    table = skanrs.summarize(skeleton, separator='_')
    graph = voxels_that_touch(image, spacing)
    pruned = without_needless_edges(graph)

    # Each path is one of the pixel graph, and as long as its edges.
    paths = [skeleton.path(number).tolist() for number in range(skeleton.n_paths)]
    for path, length in zip(paths, skeleton.path_lengths(), strict=True):
        assert nx.is_path(graph, path)
        np.testing.assert_allclose(nx.path_weight(graph, path, 'weight'), length, rtol=1e-12)
    # Every edge that is left belongs to one path; the forest's weight is unique, its edges are not.
    edges = [frozenset(step) for path in paths for step in itertools.pairwise(path)]
    assert len(edges) == len(set(edges)) == pruned.number_of_edges()
    np.testing.assert_allclose(
        table['branch_distance'].sum(), pruned.size('weight'), rtol=1e-9, atol=1e-12
    )
    # Components, counted by their smallest voxel.
    components = sorted(nx.connected_components(graph), key=min)
    numbers = {node: number for number, nodes in enumerate(components) for node in nodes}
    expected = [numbers[path[0]] for path in paths]
    assert table['skeleton_id'].tolist() == expected


@given(SEEDS)
@settings(max_examples=80, deadline=None)
def test_every_voxel_is_passed_once(seed):
    random = np.random.default_rng(seed)
    image = random_image(random, 'bool')
    skeleton = skanrs.Skeleton(image)
    degrees = skeleton.degrees
    inner, ends = [], []
    for number in range(skeleton.n_paths):
        path = skeleton.path(number)
        inner.extend(path[1:-1].tolist())
        ends.extend(path[[0, -1]].tolist())
        if degrees[path[0]] == 2:
            assert path[0] == path[-1] == path.min()
            assert degrees[path].tolist() == [2] * len(path)
        else:
            assert (degrees[path[[0, -1]]] != 2).all()
            assert (degrees[path[1:-1]] == 2).all()
    assert len(set(inner)) == len(inner)
    counted = np.bincount([*inner, *inner, *ends], minlength=len(degrees))
    # A voxel inside a path has two neighbours, an end as many as it has paths.
    np.testing.assert_array_equal(counted, degrees)


# Tables


@given(SEEDS)
@settings(max_examples=80, deadline=None)
def test_no_chord_is_longer_than_its_path(seed):
    random = np.random.default_rng(seed)
    image = random_image(random)
    spacing = random_spacing(random, image.ndim)
    assert_chords_are_no_longer_than_paths(
        skanrs.summarize(skanrs.Skeleton(image, spacing=spacing), separator='_')
    )


@given(SEEDS, st.booleans())
@settings(max_examples=60, deadline=None)
def test_tables_of_images_apart_are_joined(seed, thick):
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(3, 10, int(random.integers(1, 4))))
    parts = [
        random.random(shape) < 0.4 if thick else random_walks(random, shape, 2, 12)
        for _ in range(2)
    ]
    parts = [np.concatenate([part, np.zeros_like(part[:1])]) * random.random() for part in parts]
    tables = [skanrs.summarize(skanrs.Skeleton(part), separator='_') for part in parts]
    together = skanrs.summarize(skanrs.Skeleton(np.concatenate(parts)), separator='_')

    second = tables[1].copy()
    nodes = np.count_nonzero(parts[0])
    second['skeleton_id'] += len(list(nx.connected_components(voxels_that_touch(parts[0], 1))))
    second[['node_id_src', 'node_id_dst']] += nodes
    along = ['image_coord_src_0', 'image_coord_dst_0', 'coord_src_0', 'coord_dst_0']
    second[along] += len(parts[0])
    joined = [
        part[(part['branch_type'] == 3) & is_cycle(part) == cycles]
        for cycles, part in itertools.product((False, True), (tables[0], second))
    ]
    assert len(together) == sum(map(len, joined))
    for name in together:
        ours = together[name].to_numpy()
        theirs = np.concatenate([part[name].to_numpy() for part in joined])
        np.testing.assert_array_equal(ours, theirs, err_msg=name)


def is_cycle(table):
    """Rows of cycles without a junction, which come last: none before them starts as late."""
    starts = table['node_id_src'].to_numpy()
    loops = (table['branch_type'] == 3).to_numpy()
    cycles = np.zeros(len(table), dtype=bool)
    # A loop on a junction has company there; a cycle is alone with its start.
    for row in np.flatnonzero(loops):
        ends = np.concatenate([starts, table['node_id_dst'].to_numpy()])
        cycles[row] = np.count_nonzero(ends == starts[row]) == 2
    return cycles


@pytest.mark.parametrize('spacing', [1, 0.5, (3, 2, 1)])
def test_moving_an_object_moves_its_coordinates_only(spacing):
    random = np.random.default_rng(1)
    image = random_walks(random, (12, 12, 12), 4, 60)
    first = skanrs.summarize(skanrs.Skeleton(np.pad(image, 1), spacing=spacing), separator='_')
    moved = np.pad(image, ((5, 1), (9, 0), (2, 70)))
    second = skanrs.summarize(skanrs.Skeleton(moved, spacing=spacing), separator='_')
    for name in first:
        if 'coord' not in name and name != 'euclidean_distance':
            np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    np.testing.assert_allclose(first['euclidean_distance'], second['euclidean_distance'])
