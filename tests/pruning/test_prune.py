"""`prune` against a slow model on networkx, and properties that hold for any image."""

import dask
import dask.array as da
import networkx as nx
import numpy as np
import pytest
from blocks import assert_same_table, random_chunks
from images import blobs, random_image, random_spacing
from scipy import ndimage
from skimage.measure import euler_number

import skanrs
from skanrs.datasets import vessel_tree


def neighbourhood(image, at):
    padded = np.pad(image, 1)
    return padded[tuple(slice(a, a + 3) for a in at)].copy()


def is_simple(image, at):
    """One component of neighbours, and one of background at a face, by labelling."""
    around = neighbourhood(image, at)
    centre = (1,) * image.ndim
    around[centre] = False
    if not around.any():
        return False
    if image.ndim == 2:
        around = np.pad(around[np.newaxis], ((1, 1), (0, 0), (0, 0)))
        centre = (1, 1, 1)
    _, foreground = ndimage.label(around, np.ones((3, 3, 3)))
    steps = np.abs(np.indices((3, 3, 3)) - 1).sum(axis=0)
    labels, _ = ndimage.label(~around & (steps > 0) & (steps < 3))
    at_faces = set(labels[(steps == 1) & ~around])
    return foreground == 1 and len(at_faces) == 1


def canonical_length(places, spacing):
    """Counts of steps times their distances, in one order."""
    steps = np.abs(np.diff(places, axis=0))
    total = 0.0
    for bits in range(1, 2 ** places.shape[1]):
        kind = [bits >> axis & 1 for axis in range(places.shape[1])]
        distance = np.sqrt(sum(float(spacing[axis]) ** 2 * kind[axis] for axis in range(len(kind))))
        total += (steps == kind).all(axis=1).sum() * distance
    return total


def twigs_of(graph, places, spacing):
    for tip in [node for node, degree in graph.degree if degree == 1]:
        path = [tip]
        while len(path) == 1 or graph.degree[path[-1]] == 2:
            path.append(next(node for node in graph[path[-1]] if node not in path[-2:]))
        if graph.degree[path[-1]] > 2:
            yield canonical_length(places[path], spacing), tip, path


def slow_prune(image, spacing, is_short):
    """Compute everything again after each removed branch."""
    image = image.copy()
    while True:
        places = np.argwhere(image)
        matrix = skanrs.csr.skeleton_to_csgraph(image, spacing=spacing)[0]
        graph = nx.from_scipy_sparse_array(matrix)
        kept_whole, removed = set(), []
        while True:
            short = [
                twig
                for twig in twigs_of(graph, places, spacing)
                if is_short(twig[0], places[twig[2]]) and tuple(twig[2]) not in kept_whole
            ]
            if not short:
                break
            path = min(short)[2]
            trial = image.copy()
            for node in path[:-1]:
                if not is_simple(trial, places[node]):
                    kept_whole.add(tuple(path))
                    break
                trial[tuple(places[node])] = False
            else:
                image = trial
                removed += [tuple(places[node]) for node in path[:-1]]
                graph.remove_nodes_from(path[:-1])
        if not removed:
            return image
        pending = around(image, removed)
        while pending:
            gone = []
            for at in pending:
                if neighbourhood(image, at).sum() > 2 and is_simple(image, at):
                    image[at] = False
                    gone.append(at)
            pending = around(image, gone)


def around(image, places):
    """The foreground next to places, in raster order."""
    near = np.zeros(image.shape, dtype=bool)
    for at in places:
        near[tuple(slice(max(a - 1, 0), a + 2) for a in at)] = True
    return [tuple(at) for at in np.argwhere(near & image)]


def random_skeleton(random):
    if random.random() < 0.3:
        while (image := random_image(random, 'bool')).ndim not in (2, 3):
            pass
        return image & (random.random(image.shape) < 0.7)
    shape = (26, 27) if random.random() < 0.5 else (12, 13, 14)
    return skanrs.skeletonize(blobs(shape, random, random.choice([0.8, 1.2])))


def tunnels_and_all(image):
    components = ndimage.label(image, np.ones((3,) * image.ndim))[1]
    cavities = ndimage.label(np.pad(~image, 1, constant_values=True))[1]
    return components, cavities, euler_number(image, connectivity=image.ndim)


@pytest.mark.parametrize('seed', range(60))
def test_random_skeletons_against_the_slow_model(seed):
    random = np.random.default_rng(seed)
    image = random_skeleton(random)
    spacing = np.broadcast_to(random_spacing(random, image.ndim), image.ndim)
    limit = float(random.uniform(1, 8) * np.mean(spacing))
    options = {'spacing': spacing}
    if seed % 2:
        radii = random.uniform(0, 2, image.shape)
        expected = slow_prune(
            image, spacing, lambda length, path: length < limit * radii[tuple(path[-1])]
        )
        pruned = skanrs.prune(image, max_radius_ratio=limit, radii=radii[image], **options)
    else:
        expected = slow_prune(image, spacing, lambda length, path: length < limit)
        pruned = skanrs.prune(image, min_length=limit, **options)
    np.testing.assert_array_equal(pruned, expected)
    assert tunnels_and_all(pruned) == tunnels_and_all(image)
    assert not (pruned & ~image).any()


def bulge(path, radii, spacing):
    """The length outside the ball around the junction, with the tip, in mean radii."""
    away = np.linalg.norm((path[:-1] - path[-1]) * spacing, axis=1)
    inside = np.flatnonzero(away <= radii[tuple(path[-1])])
    outer = path[: inside[0]] if inside.size else path[:-1]
    if not len(outer):
        return 0
    own = radii[tuple(outer.T)]
    return (canonical_length(outer, spacing) + own[0]) / own.mean()


@pytest.mark.parametrize('seed', range(30))
def test_bulges_against_the_slow_model(seed):
    random = np.random.default_rng(seed)
    image = random_skeleton(random)
    spacing = np.broadcast_to(random_spacing(random, image.ndim), image.ndim)
    radii = random.uniform(0.5, 2.5, image.shape) * np.mean(spacing)
    limit = float(random.uniform(0.5, 6))
    expected = slow_prune(image, spacing, lambda _, path: bulge(path, radii, spacing) < limit)
    pruned = skanrs.prune(image, max_bulge=limit, radii=radii[image], spacing=spacing)
    np.testing.assert_array_equal(pruned, expected)
    assert tunnels_and_all(pruned) == tunnels_and_all(image)
    lazy = da.from_array(image, chunks=random_chunks(random, image.shape))
    in_blocks = skanrs.prune(lazy, max_bulge=limit, radii=radii[image], spacing=spacing)
    np.testing.assert_array_equal(in_blocks.compute(), expected)


@pytest.mark.parametrize('size', [2, 3, 5])
def test_a_bulge_has_no_unit(size):
    """A tube with a bump of half its radius, and a branch of six of its own radii."""
    mask = np.zeros((24 * size, 40 * size), dtype=bool)
    y, x = np.indices(mask.shape) / size
    mask |= (np.abs(y - 18) <= 2) & (np.abs(x - 20) <= 18)
    mask |= (np.abs(x - 12) <= 1) & (y > 8) & (y < 18)
    mask |= np.hypot(y - 15.5, x - 28) <= 1.5
    skeleton = np.zeros_like(mask)
    skeleton[18 * size, 3 * size : 37 * size] = True
    skeleton[9 * size : 18 * size, 12 * size] = True
    skeleton[15 * size : 18 * size, 28 * size] = True
    pruned = skanrs.prune(skeleton, max_bulge=1.5, mask=mask)
    assert pruned[9 * size : 18 * size, 12 * size].all()
    assert not pruned[: 17 * size, 28 * size].any()
    assert not skanrs.prune(skeleton, max_bulge=15, mask=mask)[: 17 * size].any()


@pytest.mark.parametrize('seed', range(4))
def test_properties_on_thin_skeletons(seed):
    mask = vessel_tree((80, 80, 80), seed=seed) if seed < 2 else blobs((50, 51, 52), seed, 2)
    image = skanrs.skeletonize(mask)
    pruned = skanrs.prune(image, min_length=8)
    before, after = skanrs.Skeleton(image), skanrs.Skeleton(pruned)
    summaries = [
        skanrs.network_summary(skanrs.summarize(each, separator='_')).iloc[0]
        for each in (before, after)
    ]
    assert tunnels_and_all(pruned) == tunnels_and_all(image)
    assert summaries[1]['n_networks'] == summaries[0]['n_networks']
    assert summaries[1]['n_endpoints'] < summaries[0]['n_endpoints']
    # What is short and stays has a voxel that is not simple: no twig of the image ends there.
    table = skanrs.summarize(after, separator='_')
    left = table.index[(table['branch_type'] == 1) & (table['branch_distance'] < 8 - 1e-9)]
    for path in left:
        nodes = after.path(path)
        nodes = nodes if after.degrees[nodes[0]] == 1 else nodes[::-1]
        trial = pruned.copy()
        simple = []
        for at in map(tuple, after.coordinates[nodes[:-1]]):
            simple.append(is_simple(trial, at))
            trial[at] = False
        assert not all(simple)
    np.testing.assert_array_equal(skanrs.prune(pruned, min_length=8), pruned)


def test_the_radius_at_the_junction():
    mask = np.zeros((60, 60), dtype=bool)
    mask[20:35, 2:58] = True
    mask[10:20, 30] = True
    skeleton = np.zeros_like(mask)
    skeleton[27, 9:51] = skeleton[10:27, 30] = True
    kept = skanrs.prune(skeleton, max_radius_ratio=1.5, mask=mask)
    np.testing.assert_array_equal(kept, skeleton)
    gone = skanrs.prune(skeleton, max_radius_ratio=2.5, mask=mask)
    assert not gone[:27].any()
    assert gone[27, 9:51].all()
    by_radii = skanrs.prune(skeleton, max_radius_ratio=2.5, radii=skanrs.radii(skeleton, mask))
    np.testing.assert_array_equal(by_radii, gone)


def test_longer_of_two_branches_at_an_end_stays():
    image = np.zeros((12, 20), dtype=bool)
    image[6, 1:12] = True
    for step in range(1, 5):
        image[6 - step, 11 + step] = True
    for step in range(1, 4):
        image[6 + step, 11 + step] = True
    table = skanrs.summarize(skanrs.prune(image, min_length=9), separator='_')
    assert table['branch_distance'].tolist() == [10 + 4 * np.sqrt(2)]


def test_dtype_and_values_stay():
    mask = blobs((20, 21, 22), 3)
    image = skanrs.skeletonize(mask)
    values = image * np.random.default_rng(0).integers(1, 99, image.shape).astype('i2')
    values.flags.writeable = False
    pruned = skanrs.prune(values, min_length=4, spacing=[1, 2, 1])
    assert pruned.dtype == values.dtype
    assert (pruned[pruned != 0] == values[pruned != 0]).all()
    skeleton = skanrs.Skeleton(values, spacing=[1, 2, 1], source_image=mask)
    made = skanrs.prune(skeleton, min_length=4)
    assert isinstance(made, skanrs.Skeleton)
    np.testing.assert_array_equal(made.skeleton_image, pruned)
    assert made.source_image is mask
    assert made.spacing.tolist() == [1, 2, 1]
    by_ratio = skanrs.prune(skeleton, max_radius_ratio=3, mask=mask)
    assert by_ratio.n_paths < skeleton.n_paths
    assert len(skanrs.analyze(mask, skeleton=pruned)) == made.n_paths


def test_nothing_to_prune():
    for shape in [(0, 3), (4, 5), (2, 3, 4)]:
        empty = np.zeros(shape, dtype=bool)
        np.testing.assert_array_equal(skanrs.prune(empty, min_length=3), empty)
    line = np.zeros((5, 9), dtype=bool)
    line[2, 2:5] = line[0, 0] = True
    np.testing.assert_array_equal(skanrs.prune(line, min_length=100), line)


LINE = np.zeros((5, 9), dtype=bool)
LINE[2, 1:8] = True


@pytest.mark.parametrize(
    ('error', 'words', 'arguments'),
    [
        (ValueError, 'min_length, max_radius_ratio, max_bulge: expected at least one', {}),
        (ValueError, 'max_bulge: expected a finite', {'max_bulge': -1, 'mask': LINE}),
        (ValueError, 'max_bulge: expected either mask or radii with it', {'max_bulge': 1}),
        (ValueError, 'min_length: .*non-negative number, got -1', {'min_length': -1}),
        (TypeError, "max_bulge: expected a number, got '2'", {'max_bulge': '2'}),
        (ValueError, 'min_length: expected a finite', {'min_length': np.nan}),
        (ValueError, 'max_radius_ratio: expected a finite',
         {'max_radius_ratio': np.inf, 'mask': LINE}),
        (ValueError, 'max_radius_ratio: .*got neither', {'max_radius_ratio': 1}),
        (ValueError, 'max_radius_ratio: .*got mask and radii',
         {'max_radius_ratio': 1, 'mask': LINE, 'radii': np.ones(7)}),
        (ValueError, 'mask: expected None without max_radius',
         {'min_length': 1, 'mask': LINE}),
        (ValueError, 'radii: expected one for each of the 7',
         {'max_radius_ratio': 1, 'radii': np.ones(6)}),
        (ValueError, 'radii: .*non-negative', {'max_radius_ratio': 1, 'radii': -np.ones(7)}),
        (ValueError, 'mask: expected shape', {'max_radius_ratio': 1, 'mask': LINE[1:]}),
        (ValueError, 'skeleton: expected voxels of the mask',
         {'max_radius_ratio': 1, 'mask': LINE & False}),
        (ValueError, 'spacing: expected', {'min_length': 1, 'spacing': 0}),
        (ValueError, 'skeleton: expected a 2D or 3D array', {'min_length': 1, 'skeleton': LINE[2]}),
        (TypeError, 'skeleton: expected a Skeleton or an array, got list',
         {'min_length': 1, 'skeleton': [1]}),
        (ValueError, 'spacing: expected None, since a Skeleton has its own',
         {'min_length': 1, 'skeleton': skanrs.Skeleton(LINE), 'spacing': 1}),
        (ValueError, 'skeleton: expected one made with keep_images',
         {'min_length': 1, 'skeleton': skanrs.Skeleton(LINE, keep_images=False)}),
        (ValueError, 'skeleton: .*of heights',
         {'min_length': 1, 'skeleton': skanrs.Skeleton(LINE * 1.0, value_is_height=True)}),
    ],
)  # fmt: skip
def test_errors(error, words, arguments):
    with pytest.raises(error, match=words):
        skanrs.prune(**{'skeleton': LINE, **arguments})


def whole_and_lazy(random):
    """A random skeleton with values, and the same in random chunks."""
    image = random_skeleton(random)
    if random.random() < 0.5:
        image = image * random.choice([-1.5, np.nan, 3], image.shape)
    return image, da.from_array(image, chunks=random_chunks(random, image.shape))


@pytest.mark.parametrize('seed', range(40))
def test_dask_arrays_equal_whole_arrays(seed):
    random = np.random.default_rng(seed)
    image, lazy = whole_and_lazy(random)
    spacing = np.broadcast_to(random_spacing(random, image.ndim), image.ndim)
    limits = {'min_length': float(random.uniform(1, 8) * np.mean(spacing)), 'spacing': spacing}
    whole, of_blocks = dict(limits), dict(limits)
    if seed % 3:
        mask = ndimage.binary_dilation(image != 0, iterations=2)
        if seed % 2:
            del whole['min_length'], of_blocks['min_length']
        ratio = float(random.uniform(0.5, 3))
        whole |= {'max_radius_ratio': ratio, 'mask': mask}
        of_blocks |= {'max_radius_ratio': ratio, 'mask': da.from_array(mask, chunks=lazy.chunks)}
    expected = skanrs.prune(image, **whole)
    pruned = skanrs.prune(lazy, **of_blocks)
    assert isinstance(pruned, da.Array)
    assert (pruned.chunks, pruned.dtype) == (lazy.chunks, image.dtype)
    np.testing.assert_array_equal(pruned.compute(), expected, strict=True)
    block = tuple(0 for _ in lazy.numblocks)
    np.testing.assert_array_equal(
        pruned.blocks[block].compute(), expected[tuple(slice(c[0]) for c in lazy.chunks)]
    )


def test_radii_of_dask_arrays():
    mask = vessel_tree((64, 64, 64))
    image = skanrs.skeletonize(mask)
    lazy, lazy_mask = (da.from_array(each, chunks=(13, 40, 17)) for each in (image, mask))
    expected = skanrs.prune(image, max_radius_ratio=4, mask=mask)
    assert 0 < expected.sum() < image.sum()
    for radii in (skanrs.radii(image, mask), skanrs.radius_image(lazy, lazy_mask)):
        pruned = skanrs.prune(lazy, max_radius_ratio=4, radii=radii)
        np.testing.assert_array_equal(pruned.compute(), expected)
    skeleton = skanrs.prune(skanrs.Skeleton(lazy), max_radius_ratio=4, mask=lazy_mask)
    assert isinstance(skeleton, skanrs.Skeleton)
    np.testing.assert_array_equal(skeleton.skeleton_image.compute(), expected)


def test_prune_and_summarize_are_one_lazy_graph():
    """From the mask to the table of the pruned skeleton; each block of the mask is read once."""
    mask = vessel_tree((40, 40, 40))
    reads = []

    def read(block, block_info=None):
        reads.append(block_info[0]['chunk-location'])
        return block

    blocks = da.from_array(mask, chunks=20)
    lazy = blocks.map_blocks(read, dtype=bool, meta=np.empty((0, 0, 0), bool))
    reads.clear()
    skeleton = skanrs.prune(skanrs.skeletonize(lazy), max_radius_ratio=1.5, mask=lazy, spacing=2)
    table = skanrs.analyze(lazy, skeleton=skeleton, spacing=2)
    assert not reads
    left = skanrs.prune(skanrs.skeletonize(mask), max_radius_ratio=1.5, mask=mask, spacing=2)
    with dask.config.set(scheduler='sync'):
        assert_same_table(table.compute(), skanrs.analyze(mask, skeleton=left, spacing=2))
    assert len(reads) == len(set(reads)) == 8


LAZY = da.from_array(LINE, chunks=4)


@pytest.mark.parametrize(
    ('error', 'words', 'arguments'),
    [
        (TypeError, 'skeleton, mask: expected dask arrays or arrays in memory', {'mask': LINE}),
        (TypeError, 'skeleton, mask: expected dask arrays or arrays in memory',
         {'skeleton': LINE, 'mask': LAZY}),
        (ValueError, r'skeleton: expected the chunks of the mask.*rechunk\(mask.chunks\)',
         {'mask': LAZY.rechunk(3)}),
        (ValueError, 'skeleton: expected the shape of the radii', {'radii': LAZY[1:]}),
        (ValueError, 'radii: expected one for each of the 7', {'radii': np.ones(6)}),
        (ValueError, 'radii: .*non-negative', {'radii': -1.0 * LAZY}),
        (ValueError, 'skeleton: expected voxels of the mask', {'mask': LAZY & False}),
        (ValueError, 'skeleton: expected a 2D or 3D array', {'skeleton': LAZY[2], 'mask': LAZY[2]}),
    ],
)  # fmt: skip
def test_errors_of_dask_arrays(error, words, arguments):
    with pytest.raises(error, match=words):
        np.asarray(skanrs.prune(**{'skeleton': LAZY, 'max_radius_ratio': 1, **arguments}))


def test_branches_are_pruned_by_their_true_length_by_name():
    """What the notes of `prune` recommend, for a skeleton whose twig is longer in steps."""
    mask = vessel_tree((64, 64, 64), distance=24, seed=3)
    skeleton = skanrs.skeletonize(mask)
    table = skanrs.analyze(mask, skeleton=skeleton)
    is_twig = table['branch_type'] == 1
    limit = table['length'][is_twig].median()
    is_short = is_twig & (table['length'] < limit)
    assert (table['branch_distance'][is_short] > limit).any()
    pruned = skanrs.Skeleton(skeleton).prune_paths(is_short)
    kept = pruned.skeleton_image > 0
    assert (kept <= (skeleton > 0)).all()
    removed = np.unravel_index(np.flatnonzero((skeleton > 0) & ~kept), mask.shape)
    graph = skanrs.Skeleton(skeleton)
    of_short = {
        tuple(voxel)
        for path in np.flatnonzero(is_short)
        for voxel in graph.path_coordinates(path).astype(int).tolist()
    }
    gone = set(zip(*(at.tolist() for at in removed), strict=True))
    assert len(of_short & gone) > 0.9 * len(gone) > 0
