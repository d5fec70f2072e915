"""Arguments in other forms than the usual: numpy scalars, 0-d arrays, text, sparse matrices."""

import numpy as np
import pytest
from scipy import sparse

import skanrs
from skanrs.csr import PathGraph

IMAGE = np.zeros((9, 12), dtype=bool)
IMAGE[4, 1:11] = IMAGE[1:5, 5] = True


@pytest.mark.parametrize('spacing', [np.array(2.0), np.float32(2), np.array([2.0, 2.0])])
def test_a_spacing_may_be_any_number_or_array(spacing):
    expected = skanrs.analyze(IMAGE, spacing=2.0)
    assert skanrs.analyze(IMAGE, spacing=spacing).equals(expected)
    skeleton = skanrs.Skeleton(IMAGE, spacing=spacing)
    assert np.asarray(skeleton.spacing).tolist() == [2.0, 2.0]
    graph = skanrs.chunk_graph(IMAGE, offset=(0, 0), shape=IMAGE.shape, spacing=spacing)
    assert graph.spacing.tolist() == [2.0, 2.0]
    table = skanrs.network_summary(expected, shape=IMAGE.shape, spacing=spacing)
    assert table.equals(skanrs.network_summary(expected, shape=IMAGE.shape, spacing=2.0))


@pytest.mark.parametrize('spacing', ['2', ['1', '2'], np.array(['1', '2']), 1j, None, object()])
def test_a_spacing_must_be_numbers(spacing):
    calls = [
        lambda: skanrs.Skeleton(IMAGE, spacing=spacing),
        lambda: skanrs.analyze(IMAGE, spacing=spacing),
        lambda: skanrs.chunk_graph(IMAGE, offset=(0, 0), shape=IMAGE.shape, spacing=spacing),
        lambda: skanrs.network_summary(skanrs.analyze(IMAGE), spacing=spacing),
    ]
    for call in calls:
        with pytest.raises(ValueError, match='spacing: expected a number or one for each'):
            call()


@pytest.mark.parametrize('count', [np.int64(4), np.uint8(4), np.array(4)])
def test_counts_may_be_of_numpy(count):
    table = skanrs.analyze(IMAGE)
    summary = skanrs.network_summary(table, bins=count)
    assert summary.equals(skanrs.network_summary(table, bins=4))
    skeleton = skanrs.Skeleton(IMAGE)
    with pytest.warns(UserWarning, match='Sholl'):
        radii = skanrs.sholl_analysis(skeleton, shells=count)[1]
    with pytest.warns(UserWarning, match='Sholl'):
        assert np.array_equal(radii, skanrs.sholl_analysis(skeleton, shells=4)[1])


def test_sigma_that_is_far_too_large_is_refused():
    calls = [
        lambda sigma: skanrs.gaussian(IMAGE, sigma),
        lambda sigma: skanrs.threshold.smooth(IMAGE, sigma),
        lambda sigma: skanrs.pre.threshold(IMAGE, sigma=sigma),
    ]
    for call in calls:
        with pytest.raises(ValueError, match='sigma: expected at most 1000 voxels, got 1e'):
            call(1e6)


@pytest.mark.parametrize('kind', [sparse.csr_array, sparse.coo_matrix])
def test_sparse_matrices_are_refused_by_name(kind):
    image = kind(IMAGE)
    calls = {
        'image': lambda: skanrs.skeletonize(image),
        'skeleton_image': lambda: skanrs.Skeleton(image),
        'mask': lambda: skanrs.analyze(image),
        'block': lambda: skanrs.chunk_graph(image, offset=(0, 0), shape=IMAGE.shape),
        'source_image': lambda: skanrs.Skeleton(IMAGE, source_image=image),
    }
    for name, call in calls.items():
        with pytest.raises(
            TypeError, match=rf'{name}: expected a dense array, got a {kind.__name__}'
        ):
            call()
    for function in (skanrs.threshold.mask_of, skanrs.threshold.otsu_threshold):
        with pytest.raises(TypeError, match='image: expected a dense array'):
            function(image)


def test_paths_may_be_chosen_by_booleans():
    skeleton = skanrs.Skeleton(IMAGE)
    table = skanrs.summarize(skeleton, separator='_')
    is_short = table['branch_distance'] < 4.5
    assert 0 < is_short.sum() < len(table)
    expected = skeleton.prune_paths(np.flatnonzero(is_short)).skeleton_image
    for mask in (is_short, is_short.to_numpy(), is_short.tolist(), is_short.astype(object)):
        assert np.array_equal(skeleton.prune_paths(mask).skeleton_image, expected)
    with pytest.raises(ValueError, match='indices: expected a bool for each of'):
        skeleton.prune_paths(is_short.to_numpy()[:-1])


def test_graphs_with_wide_indices_have_the_usual_types():
    graph = PathGraph.from_image(IMAGE)
    wide = (graph.adj.data, graph.adj.indices.astype(np.int64), graph.adj.indptr.astype(np.int64))
    adj = sparse.csr_array(wide, graph.adj.shape)
    made = PathGraph.from_graph(adj=adj, node_coordinates=graph.node_coordinates)
    table = skanrs.summarize(made, separator='_')
    assert table.dtypes.equals(skanrs.summarize(graph, separator='_').dtypes)
