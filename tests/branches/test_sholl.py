"""Branch graph, centre and Sholl analysis, against skan where skan is correct."""

import numpy as np
import pytest
import skan
import skan.csr
from images import blobs, random_image
from scipy import ndimage
from scipy.sparse import csgraph

import skanrs
from skanrs import csr
from skanrs._testdata import skeleton0, skeleton1, tinycycle

pytestmark = [
    pytest.mark.filterwarnings('ignore:This implementation of Sholl:UserWarning'),
    # Used by skan.
    pytest.mark.filterwarnings(
        'ignore:`(distance_matrix|minkowski_distance(_p)?)` is deprecated:DeprecationWarning'
    ),
]

SHELLS = [None, 1, 3, 7, [0.5, 2.5, 6.0], np.arange(0, 9, 1.5), (3.0, 4.0)]


def connected_skeleton(seed):
    """A skeleton of one component, with or without loops."""
    random = np.random.default_rng(seed)
    shape = (40, 50) if seed % 2 else (12, 13, 14)
    image = blobs(shape, random, 1.2 + seed % 3 / 2)
    labels, _ = ndimage.label(image, np.ones((3,) * image.ndim))
    return skanrs.skeletonize(labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1)


def parallel_branches(skeleton):
    paths = skeleton.paths
    ends = np.sort([paths.indices[paths.indptr[:-1]], paths.indices[paths.indptr[1:] - 1]], axis=0)
    return len(np.unique(ends, axis=1).T) < skeleton.n_paths


def both(image, spacing=1):
    return skanrs.Skeleton(image, spacing=spacing), skan.Skeleton(image, spacing=spacing)


@pytest.mark.parametrize('seed', range(60))
def test_centre_and_counts_equal_skan(seed):
    image = connected_skeleton(seed)
    spacing = [1, 0.37, tuple(np.arange(1, image.ndim + 1) / 2)][seed % 3]
    ours, theirs = both(image, spacing)
    if not ours.n_paths:
        return
    graph, pixels = csr._simplify_graph(ours)
    same_centre = not parallel_branches(ours)
    if same_centre:
        expected, their_pixels = skan.csr._simplify_graph(theirs)
        assert type(graph) is type(expected)
        assert (graph != expected).nnz == 0
        np.testing.assert_array_equal(pixels, their_pixels)
        assert pixels.dtype == their_pixels.dtype
        assert csr._fast_graph_center_idx(ours) == skan.csr._fast_graph_center_idx(theirs)
    for shells in SHELLS:
        centers = [None] if same_centre else []
        for center in [*centers, np.array(image.shape) / 3, ours.coordinates[0] * ours.spacing]:
            mine = csr.sholl_analysis(ours, center, shells)
            their = skan.csr.sholl_analysis(theirs, center, shells)
            for one, other in zip(mine, their, strict=True):
                np.testing.assert_array_equal(one, other)
                assert one.dtype == other.dtype


@pytest.mark.parametrize('seed', range(60))
def test_centre_of_any_skeleton_is_that_of_all_pairs(seed):
    image = random_image(np.random.default_rng(seed), 'bool')
    skeleton = skanrs.Skeleton(image)
    if not image.any():
        return
    graph, pixels = csr._simplify_graph(skeleton)
    distances = csgraph.dijkstra(graph, directed=False)
    sizes = np.isfinite(distances).sum(axis=1)
    largest = np.isfinite(distances[np.argmax(sizes)])
    sums = np.where(largest, np.sum(distances, axis=1, where=np.isfinite(distances)), np.inf)
    chosen = np.flatnonzero(pixels == csr._fast_graph_center_idx(skeleton))[0]
    assert largest[chosen]
    assert sums[chosen] == pytest.approx(sums.min(), rel=1e-12)


def test_the_shortest_of_parallel_branches_counts():
    """skan adds their lengths."""
    graph, pixels = csr._simplify_graph(skanrs.Skeleton(skeleton1))
    between = np.searchsorted(pixels, [7, 12])
    assert graph[between[0], between[1]] == pytest.approx(1 + np.sqrt(2))
    theirs, _ = skan.csr._simplify_graph(skan.Skeleton(skeleton1))
    assert theirs[between[0], between[1]] == pytest.approx(6 * (1 + np.sqrt(2)))


def test_without_junctions_the_pixel_graph_is_the_branch_graph():
    skeleton = skanrs.Skeleton(tinycycle)
    graph, pixels = csr._simplify_graph(skeleton)
    assert graph is skeleton.graph
    assert pixels.tolist() == [0, 1, 2, 3]
    assert csr._fast_graph_center_idx(skeleton) == 0


def test_a_long_line_has_its_centre_in_the_middle():
    skeleton = skanrs.Skeleton(np.ones(10_001, dtype=bool))
    assert csr._fast_graph_center_idx(skeleton) == 5000


def test_debris_does_not_attract_the_centre():
    image = np.pad(skeleton0, ((3, 0), (0, 0)))
    image[0, 0:2] = True
    skeleton = skanrs.Skeleton(image)
    center, _, _ = csr.sholl_analysis(skeleton)
    assert center.tolist() == [6, 3]


def test_single_shell_and_single_pixel():
    """skan takes the differences of one radius, and fails."""
    skeleton = skanrs.Skeleton(skeleton0)
    _, radii, counts = csr.sholl_analysis(skeleton, shells=[1.5])
    assert (radii.tolist(), counts.tolist()) == ([1.5], [3])
    pixel = skanrs.Skeleton(np.ones((1, 1), dtype=bool))
    for shells in (None, 4):
        center, radii, counts = csr.sholl_analysis(pixel, shells=shells)
        assert (center.tolist(), radii.tolist(), counts.tolist()) == ([0, 0], [0], [0])


def test_a_skeleton_without_pixels():
    nothing = skanrs.Skeleton(np.zeros((3, 3), dtype=bool))
    for shells, expected in ((None, [0]), (4, [0]), ([1, 3], [1, 3])):
        _, radii, counts = csr.sholl_analysis(nothing, center=[1, 1], shells=shells)
        assert (radii.tolist(), counts.tolist()) == (expected, [0] * len(expected))


def test_wrong_centres():
    with pytest.raises(
        ValueError, match=r'center: expected shape \(2,\) as the axes of the skeleton, got\s+\(3,\)'
    ):
        csr.sholl_analysis(skanrs.Skeleton(skeleton0), center=[1, 2, 3])
    with pytest.raises(ValueError, match='at least one pixel'):
        csr.sholl_analysis(skanrs.Skeleton(np.zeros((3, 3), dtype=bool)))


@pytest.mark.parametrize('shells', [0, -1, float('nan'), 'many', {3}])
def test_wrong_shells(shells):
    with pytest.raises(ValueError, match='^shells: expected a positive number or a list of radii'):
        csr.sholl_analysis(skanrs.Skeleton(skeleton0), shells=shells)


@pytest.mark.filterwarnings('default')
def test_narrow_shells_warn():
    with pytest.warns(UserWarning, match='smallest shell spacing is 0.5'):
        csr.sholl_analysis(skanrs.Skeleton(skeleton0), shells=[0.5, 1, 2])
