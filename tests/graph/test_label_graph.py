"""Skeletons and tables of label images against the loop over labels."""

import numpy as np
import pandas as pd
import pytest
from label_images import VALUES, label_images, structured_labels

import skanrs


def loop(skeleton, spacing=1):
    """The tables of all labels, each made alone, with the numbers of the whole image."""
    ids = np.cumsum(skeleton.ravel() != 0) - 1
    empty = np.zeros_like(skeleton, dtype=bool)
    tables = [skanrs.summarize(empty, spacing=spacing, separator='_')]
    tables[0].insert(0, 'label', np.empty(0, skeleton.dtype))
    first_voxels = {}
    for value in np.unique(skeleton[skeleton != 0]):
        alone = skanrs.Skeleton(skeleton == value, spacing=spacing)
        table = skanrs.summarize(alone, separator='_')
        table.insert(0, 'label', np.full(len(table), value))
        whole = np.ravel_multi_index(tuple(alone.coordinates.T), skeleton.shape)
        for end in ('src', 'dst'):
            table[f'node_id_{end}'] = ids[whole[table[f'node_id_{end}']]].astype(np.int32)
        components, first = np.unique(components_of(alone), return_index=True)
        first_voxels |= {
            (value, number): whole[at] for number, at in zip(components, first, strict=True)
        }
        tables.append(table)
    table = pd.concat(tables, ignore_index=True)
    numbers = {key: at for at, key in enumerate(sorted(first_voxels, key=first_voxels.get))}
    keys = zip(table['label'], table['skeleton_id'], strict=True)
    table['skeleton_id'] = np.array([numbers[key] for key in keys], np.int32)
    return table.astype({'label': skeleton.dtype})


def components_of(skeleton):
    from scipy.sparse import csgraph

    labels = csgraph.connected_components(skeleton.graph, directed=False)[1]
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def same(found, expected):
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.parametrize('ndim', [2, 3])
@pytest.mark.parametrize('thinned', [True, False])
def test_tables_are_those_of_each_label(ndim, thinned):
    rng = np.random.default_rng(0)
    for labels in label_images(ndim, count=40, seed=20 + ndim):
        spacing = tuple(rng.choice([1, 0.5, 0.1, 2.5, 1 / 3], ndim))
        skeleton = skanrs.skeletonize(labels, labels=True) if thinned else labels
        found = skanrs.summarize(skeleton, spacing=spacing, labels=True, separator='_')
        assert found.columns[0] == 'label'
        same(found, loop(skeleton, spacing))
        assert (found['mean_pixel_value'] == 1).all()


@pytest.mark.parametrize('name', structured_labels())
def test_tables_of_structured_images(name):
    skeleton = skanrs.skeletonize(structured_labels()[name], labels=True)
    found = skanrs.summarize(skeleton, labels=True, separator='_')
    same(found, loop(skeleton))


@pytest.mark.parametrize('dtype', VALUES)
def test_labels_keep_their_dtype_and_value(dtype):
    values = np.array(VALUES[dtype], dtype)
    skeleton = np.repeat(values[:, np.newaxis], 5, axis=1)
    for form in [skeleton, skeleton.astype(skeleton.dtype.newbyteorder('>'))]:
        table = skanrs.summarize(form, labels=True, separator='_')
        assert table['label'].dtype == dtype
        assert table['label'].tolist() == sorted(values.tolist())


def test_chosen_labels_do_not_depend_on_others():
    ids = ['skeleton_id', 'node_id_src', 'node_id_dst']
    for labels in label_images(3, count=10, seed=2, dtype='i8'):
        skeleton = skanrs.skeletonize(labels, labels=True)
        table = skanrs.summarize(skeleton, labels=True, separator='_')
        some = np.unique(skeleton[skeleton != 0])[::2]
        found = skanrs.summarize(skeleton, labels=some, separator='_')
        alone = skanrs.summarize(
            np.where(np.isin(skeleton, some), skeleton, 0), labels=True, separator='_'
        )
        same(found, alone)
        part = table[table['label'].isin(some)].reset_index(drop=True)
        same(found.drop(columns=ids), part.drop(columns=ids))


def test_paths_are_in_the_order_of_labels():
    labels = next(label_images(3, count=1, seed=6, dtype='i8', shape=(12, 12, 12)))
    skeleton = skanrs.Skeleton(skanrs.skeletonize(labels, labels=True), labels=True)
    table = skanrs.summarize(skeleton, separator='_')
    np.testing.assert_array_equal(skeleton.path_labels, table['label'])
    for index in range(skeleton.n_paths):
        pixels = skeleton.path(index)
        assert (skeleton.pixel_labels[pixels] == skeleton.path_labels[index]).all()
        assert pixels[0] == table['node_id_src'][index]
        assert pixels[-1] == table['node_id_dst'][index]
    np.testing.assert_array_equal(skeleton.path_lengths(), table['branch_distance'])


def test_a_label_loses_paths_alone():
    image = np.zeros((9, 30), int)
    image[4, 1:29] = 1
    image[1:4, 10] = 1
    image[5:8, 10:20] = 2
    labels = skanrs.skeletonize(image, labels=True)
    skeleton = skanrs.Skeleton(labels, labels=True)
    shortest = int(np.argmin(skeleton.path_lengths()))
    pruned = skeleton.prune_paths([shortest])
    value = skeleton.path_labels[shortest]
    other = 3 - value
    np.testing.assert_array_equal(pruned.skeleton_image == other, labels == other)
    alone = skanrs.Skeleton(labels == value)
    numbers = np.flatnonzero(skeleton.path_labels == value)
    expected = alone.prune_paths([int(np.flatnonzero(numbers == shortest)[0])])
    np.testing.assert_array_equal(pruned.skeleton_image == value, expected.skeleton_image)


def test_refuses_heights_and_other_arguments():
    image = np.eye(5, dtype=int)
    with pytest.raises(ValueError, match='value_is_height: expected False with labels'):
        skanrs.Skeleton(image, labels=True, value_is_height=True)
    with pytest.raises(ValueError, match='labels: expected True for a Skeleton made with labels'):
        skanrs.summarize(skanrs.Skeleton(image), labels=True, separator='_')
    with pytest.raises(ValueError, match='labels: expected True for a Skeleton made with labels'):
        skanrs.summarize(skanrs.Skeleton(image, labels=True), labels=[1], separator='_')
    with pytest.raises(TypeError, match='skeleton_image: expected integers with labels, got float'):
        skanrs.Skeleton(image * 0.5, labels=True)
    with pytest.raises(TypeError, match='labels: expected a bool or a sequence of integers, got 5'):
        skanrs.summarize(image, labels=5, separator='_')
