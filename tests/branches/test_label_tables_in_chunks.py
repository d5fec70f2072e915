"""Branch tables of label images from chunks, against that of the whole image."""

import pickle

import dask.array as da
import numpy as np
import pytest
from blocks import assert_same_table, chunk_graphs, merge_at_random, random_chunks
from label_images import VALUES, label_images, structured_labels

import skanrs


def images():
    """Give skeletons of labels, and label images that are none, with a spacing."""
    random = np.random.default_rng(8)
    for ndim in (2, 3):
        for labels in label_images(ndim, count=40, seed=80 + ndim):
            spacing = tuple(random.choice([1, 0.5, 0.1, 2.5, 1 / 3], ndim))
            if random.integers(2):
                labels = skanrs.skeletonize(labels, labels=True)
            yield labels, spacing
    for labels in structured_labels().values():
        yield skanrs.skeletonize(labels, labels=True), 1


def test_merged_graphs_give_the_table_of_the_whole():
    random = np.random.default_rng(9)
    rows = 0
    for labels, spacing in images():
        expected = skanrs.summarize(labels, spacing=spacing, labels=True, separator='_')
        chunks = random_chunks(random, labels.shape)
        graphs = chunk_graphs(labels, chunks, spacing=spacing, labels=True)
        graphs = [pickle.loads(pickle.dumps(graph)) for graph in graphs]
        found = skanrs.summarize(merge_at_random(random, graphs), separator='_')
        assert_same_table(found, expected)
        rows += len(found)
    assert rows > 1000


def test_lazy_tables_and_partitions():
    random = np.random.default_rng(10)
    for labels, spacing in list(images())[::4]:
        lazy = da.from_array(labels, chunks=random_chunks(random, labels.shape))
        options = {'spacing': spacing, 'labels': True, 'separator': '-', 'find_main_branch': True}
        expected = skanrs.summarize(labels, **options)
        for npartitions in (1, 3):
            table = skanrs.summarize(lazy, npartitions=npartitions, **options)
            assert table.npartitions == npartitions
            assert list(table.columns) == list(expected)
            assert table.dtypes.to_dict() == expected.dtypes.to_dict()
            assert_same_table(table.compute(), expected)
            parts = [
                set(table.get_partition(part).compute()['label']) for part in range(npartitions)
            ]
            # No label is in two partitions.
            assert sum(map(len, parts)) == len(set().union(*parts))


@pytest.mark.parametrize('dtype', VALUES)
def test_values_stay_exact(dtype):
    values = np.array(VALUES[dtype], dtype)
    skeleton = np.repeat(values[:, np.newaxis], 5, axis=1)
    for form in [skeleton, skeleton.astype(skeleton.dtype.newbyteorder('>'))]:
        graphs = chunk_graphs(form, ((1,) * len(values), (2, 3)), labels=True)
        table = skanrs.summarize(merge_at_random(np.random.default_rng(0), graphs), separator='_')
        assert_same_table(table, skanrs.summarize(skeleton, labels=True, separator='_'))


def test_chosen_labels():
    labels = next(label_images(3, count=1, seed=3, dtype='i8', shape=(9, 9, 20)))
    some = np.unique(labels[labels != 0])[::2]
    graphs = chunk_graphs(labels, ((4, 5), (9,), (3, 17)), labels=some)
    found = skanrs.summarize(skanrs.merge_chunks(graphs), separator='_')
    assert_same_table(found, skanrs.summarize(labels, labels=some, separator='_'))


@pytest.mark.parametrize('ndim', [2, 3])
def test_lazy_measures_are_those_of_the_whole(ndim):
    rng = np.random.default_rng(ndim)
    for labels in label_images(ndim, count=4, seed=60 + ndim):
        chunks = tuple(max(1, length // 2) for length in labels.shape)
        lazy = da.from_array(labels, chunks=chunks)
        intensity, regions = rng.random(labels.shape), rng.integers(0, 3, labels.shape)
        beside = {'intensity': intensity, 'regions': regions}
        lazy_beside = {name: da.from_array(of, chunks=chunks) for name, of in beside.items()}
        options = {'labels': True, 'spacing': (2, 1, 0.5)[:ndim]}
        found = skanrs.analyze(lazy, npartitions=2, **lazy_beside, **options)
        expected = skanrs.analyze(labels, **beside, **options)
        for table, of_whole in zip(found, expected, strict=True):
            assert table._meta.dtypes.equals(of_whole.dtypes)
            assert_same_table(table.compute().reset_index(drop=True), of_whole)
        nodes = skanrs.nodes(lazy, **options)
        assert nodes._meta.dtypes.equals(skanrs.nodes(labels, **options).dtypes)
        assert_same_table(nodes.compute(), skanrs.nodes(labels, **options))
        lines = skanrs.centrelines(lazy, **options), skanrs.centrelines(labels, **options)
        for one, other in zip(*lines, strict=True):
            np.testing.assert_array_equal(one, other)
        skeleton = skanrs.skeletonize(lazy, labels=True)
        radii = skanrs.radius_image(skeleton, lazy, **options)
        assert radii.chunks == lazy.chunks
        expected = skanrs.radius_image(skeleton.compute(), labels, **options)
        np.testing.assert_array_equal(radii.compute(), expected)


@pytest.mark.parametrize('ndim', [2, 3])
def test_lazy_labels_are_pruned_as_in_memory(ndim):
    random = np.random.default_rng(20 + ndim)
    removed = 0
    for labels in label_images(ndim, count=12, seed=90 + ndim):
        skeleton = skanrs.skeletonize(labels, labels=True)
        chunks = random_chunks(random, labels.shape)
        lazy, mask = (da.from_array(image, chunks=chunks) for image in (skeleton, labels))
        some = np.unique(labels[labels != 0])[::2]
        by_radius = {'max_radius_ratio': 1.5, 'spacing': (2, 1, 0.5)[:ndim]}
        for chosen in (True, some):
            options = {'labels': chosen, 'min_length': 3}
            found = skanrs.prune(lazy, **options)
            assert (found.chunks, found.dtype) == (lazy.chunks, labels.dtype)
            np.testing.assert_array_equal(found.compute(), skanrs.prune(skeleton, **options))
            options = {'labels': chosen, **by_radius}
            expected = skanrs.prune(skeleton, mask=labels, **options)
            removed += np.count_nonzero(skeleton) - np.count_nonzero(expected)
            found = skanrs.prune(lazy, mask=mask, **options)
            np.testing.assert_array_equal(found.compute(), expected)
            radii = skanrs.radii(skeleton, labels, spacing=by_radius['spacing'], labels=chosen)
            for form in (radii, skanrs.radius_image(lazy, mask, **by_radius_options(options))):
                found = skanrs.prune(lazy, radii=form, **options)
                np.testing.assert_array_equal(found.compute(), expected)
    assert removed > 0


def by_radius_options(options):
    """Those of `options` that `radius_image` takes."""
    return {name: options[name] for name in ('labels', 'spacing')}


def test_lazy_measures_refuse_what_does_not_fit_before_work():
    lazy = da.from_array(np.eye(4, dtype=np.int32), chunks=2)
    for call in (skanrs.analyze, skanrs.nodes, skanrs.centrelines):
        with pytest.raises(TypeError, match='mask: expected integers with labels, got float64'):
            call(lazy / 2, labels=True)
        with pytest.raises(ValueError, match='skeleton: expected the chunks of the mask'):
            call(lazy, skeleton=lazy.rechunk(4), labels=True)
    with pytest.raises(ValueError, match='skeleton: expected the shape of the mask'):
        skanrs.radius_image(lazy[1:], lazy, labels=True)
    with pytest.raises(ValueError, match='npartitions: expected at least 1, got 0'):
        skanrs.analyze(lazy, labels=True, npartitions=0)
    with pytest.raises(TypeError, match='skel: expected integers with labels, got float64'):
        skanrs.summarize(lazy / 2, labels=True, separator='_')
    with pytest.raises(TypeError, match='skeleton: expected integers with labels, got float64'):
        skanrs.prune(lazy / 2, labels=True, min_length=3)
    with pytest.raises(ValueError, match='labels: expected nonzero values of int32, got 0'):
        skanrs.prune(lazy, labels=[0], min_length=3)


def test_refuses_mixtures():
    image = np.eye(4, dtype=np.int32)
    place = {'offset': (0, 0), 'shape': (8, 4)}
    plain = skanrs.chunk_graph(image, **place)
    labelled = skanrs.chunk_graph(image, offset=(4, 0), shape=(8, 4), labels=True)
    with pytest.raises(ValueError, match='chunk_graphs: expected parts of one image, but item 1'):
        skanrs.merge_chunks([plain, labelled])
    chosen = [skanrs.chunk_graph(image, **place, labels=values) for values in (True, [1], [1, 2])]
    assert [graph.labels for graph in chosen] == [True, (1,), (1, 2)]
    for graph in chosen[1:]:
        with pytest.raises(ValueError, match=r'has labels True and item 0, .* labels \(1,'):
            skanrs.merge_chunks([pickle.loads(pickle.dumps(graph)), labelled])
    other = skanrs.chunk_graph(image, offset=(4, 0), shape=(8, 4), labels=[2, 1, 1])
    assert skanrs.merge_chunks([chosen[2], other]).labels == (1, 2)
    with pytest.raises(ValueError, match='value_is_height: expected False with labels'):
        skanrs.chunk_graph(image, **place, labels=True, value_is_height=True)
    with pytest.raises(TypeError, match='block: expected integers with labels'):
        skanrs.chunk_graph(image * 0.5, **place, labels=True)
