"""Radii, measures, pruning and summaries of label images against the loop over labels."""

import numpy as np
import pandas as pd
import pytest
from label_images import label_images, structured_labels

import skanrs

SETTINGS = [(2, False), (2, True), (3, False), (3, True)]


def images(ndim, seed):
    """Random images, and structured ones, with a spacing each."""
    rng = np.random.default_rng(seed)
    structured = [image for image in structured_labels().values() if image.ndim == ndim]
    for labels in [*label_images(ndim, count=4, seed=seed), *structured]:
        yield labels, tuple(rng.choice([1, 0.5, 0.1, 2.5, 1 / 3], ndim))


def present(labels):
    return np.unique(labels[labels != 0])


@pytest.mark.parametrize(('ndim', 'border'), SETTINGS)
def test_radii_are_those_of_each_label(ndim, border):
    for labels, spacing in images(ndim, 1):
        skeleton = skanrs.skeletonize(labels, labels=True)
        options = {'spacing': spacing, 'border_is_background': border}
        expected = np.zeros(labels.shape)
        for value in present(skeleton):
            expected += skanrs.radius_image(skeleton == value, labels == value, **options)
        found = skanrs.radius_image(skeleton, labels, labels=True, **options)
        np.testing.assert_array_equal(found, expected)
        along = skanrs.radii(skeleton, labels, labels=True, **options)
        np.testing.assert_array_equal(along, expected[skeleton != 0])
        of_skeleton = skanrs.Skeleton(skeleton, spacing=spacing, labels=True)
        along = skanrs.radii(of_skeleton, labels, border_is_background=border)
        np.testing.assert_array_equal(along, expected[skeleton != 0])


@pytest.mark.parametrize(('ndim', 'border'), SETTINGS)
def test_measures_are_those_of_each_label(ndim, border):
    for labels, spacing in images(ndim, 2):
        options = {'spacing': spacing, 'border_is_background': border, 'method': 'lee'}
        tables = [skanrs.analyze(np.zeros(labels.shape, bool), **options)]
        tables += [skanrs.analyze(labels == value, **options) for value in present(labels)]
        expected = pd.concat(tables, ignore_index=True)
        found = skanrs.analyze(labels, labels=True, **options)
        assert found.columns[0] == 'label'
        assert found['label'].is_monotonic_increasing
        ids = ['skeleton_id', 'node_id_src', 'node_id_dst', 'node_src', 'node_dst']
        pd.testing.assert_frame_equal(
            found.drop(columns=['label', *ids]), expected.drop(columns=ids), check_exact=True
        )
        skeleton = skanrs.skeletonize(labels, method='lee', labels=True)
        del options['method']
        again = skanrs.analyze(labels, skeleton=skeleton, labels=True, **options)
        pd.testing.assert_frame_equal(found, again, check_exact=True)


@pytest.mark.parametrize('ndim', [2, 3])
def test_centrelines_are_those_of_each_label(ndim):
    for labels, spacing in images(ndim, 3):
        found = skanrs.centrelines(labels, spacing=spacing, labels=True)
        expected = [
            skanrs.centrelines(labels == value, spacing=spacing) for value in present(labels)
        ]
        for name in ('points', 'radii'):
            of_labels = [getattr(lines, name) for lines in expected]
            shape = getattr(found, name).shape
            np.testing.assert_array_equal(
                getattr(found, name), np.concatenate([np.empty((0, *shape[1:])), *of_labels])
            )
        lengths = [np.diff(lines.offsets) for lines in expected]
        np.testing.assert_array_equal(
            np.diff(found.offsets), np.concatenate([np.empty(0, int), *lengths])
        )


@pytest.mark.parametrize('ndim', [2, 3])
def test_each_label_is_pruned_alone(ndim):
    for labels, spacing in images(ndim, 4):
        skeleton = skanrs.skeletonize(labels, labels=True)
        for limits in [{'min_length': 2.5}, {'max_radius_ratio': 1.5}]:
            expected = np.zeros_like(skeleton)
            for value in present(skeleton):
                mask = {'mask': labels == value} if 'max_radius_ratio' in limits else {}
                alone = skanrs.prune(skeleton == value, spacing=spacing, **limits, **mask)
                expected[alone] = value
            mask = {'mask': labels} if 'max_radius_ratio' in limits else {}
            found = skanrs.prune(skeleton, spacing=spacing, labels=True, **limits, **mask)
            assert found.dtype == labels.dtype
            np.testing.assert_array_equal(found, expected)
            of_skeleton = skanrs.Skeleton(skeleton, spacing=spacing, labels=True)
            pruned = skanrs.prune(of_skeleton, **limits, **mask)
            np.testing.assert_array_equal(pruned.skeleton_image, expected)
            assert pruned.pixel_labels is not None


@pytest.mark.parametrize('ndim', [2, 3])
@pytest.mark.parametrize('with_skeleton', [True, False])
def test_a_row_for_each_label(ndim, with_skeleton):
    for labels, spacing in images(ndim, 5):
        skeleton = skanrs.skeletonize(labels, labels=True)
        table = skanrs.analyze(labels, spacing=spacing, skeleton=skeleton, labels=True)
        of_skeleton = skanrs.Skeleton(skeleton, spacing=spacing, labels=True)
        bins = [0, 0.5, 1, 2, 1000]
        found = skanrs.network_summary(
            table,
            skeleton=of_skeleton if with_skeleton else None,
            volume=7.0,
            bins=bins,
            labels=True,
            mask=labels,
        )
        values, counts = np.unique(labels[labels != 0], return_counts=True)
        np.testing.assert_array_equal(found['label'], values)
        np.testing.assert_array_equal(found['n_voxels'], counts)
        rows = []
        for value in values:
            alone = skanrs.Skeleton(skeleton == value, spacing=spacing) if with_skeleton else None
            of_label = table[table['label'] == value]
            rows.append(skanrs.network_summary(of_label, skeleton=alone, volume=7.0, bins=bins))
        if rows:
            expected = pd.concat(rows, ignore_index=True)
            # That of parts of a table is the attribute of the whole table.
            size = 'area' if ndim == 2 else 'volume'
            own = found.drop(columns=['label', 'n_voxels', f'{size}_without_branch'])
            pd.testing.assert_frame_equal(own, expected[list(own)], check_dtype=False, rtol=1e-12)


def test_labels_that_vanish_have_a_row():
    labels = np.zeros((9, 9, 30), int)
    labels[1:5, 1:5, 1:5] = 8
    labels[4:7, 4:7, 8:28] = 3
    labels[8, 8, 0] = -2
    skeleton = skanrs.skeletonize(labels, labels=True)
    assert set(present(skeleton)) == {-2, 3}
    table = skanrs.summarize(skeleton, labels=True, separator='_')
    found = skanrs.network_summary(table, skeleton=skeleton, labels=True, mask=labels)
    assert found['label'].tolist() == [-2, 3, 8]
    assert found['n_voxels'].tolist() == [1, 180, 64]
    assert found['n_branches'].tolist() == [0, 1, 0]
    assert found['n_isolated'].tolist() == [1, 0, 0]
    large = skanrs.network_summary(table, labels=True, mask=labels, min_voxels=64)
    assert large['label'].tolist() == [3, 8]
    some = skanrs.network_summary(table, labels=[8, -2], mask=labels)
    assert some['label'].tolist() == [-2, 8]
    known = skanrs.network_summary(table, labels=True)
    assert known['label'].tolist() == [3]


def test_small_labels_are_not_measured():
    labels = np.zeros((20, 40), int)
    labels[2:5, 2:38] = 1
    labels[8:11, 2:12] = 2
    table = skanrs.analyze(labels, labels=True, min_voxels=50)
    assert set(table['label']) == {1}


def test_false_and_true_of_numpy():
    labels = np.zeros((9, 20), 'u1')
    labels[3:6, 2:18] = 1
    for call in [skanrs.analyze, skanrs.nodes, skanrs.skeletonize]:
        for given in (False, True):
            found, expected = (call(labels, labels=one) for one in (np.bool_(given), given))
            assert np.array_equal(found, expected)
    lazy = pytest.importorskip('dask.array').from_array(labels, chunks=9)
    table = skanrs.summarize(lazy, labels=np.False_, separator='_', npartitions=2)
    assert 'label' not in table
    for form, given in ((labels, np.False_), (labels, np.True_), (lazy, np.False_)):
        skeleton = skanrs.Skeleton(form, labels=given)
        assert (skeleton.pixel_labels is not None) == given
        skanrs.summarize(skeleton, labels=given, separator='_')


def test_refuses_what_does_not_fit():
    labels = np.zeros((9, 20), 'u1')
    labels[3:6, 2:18] = 4
    skeleton = skanrs.skeletonize(labels, labels=True)
    other = np.where(skeleton, 5, 0).astype('u1')
    message = 'skeleton: expected the labels of the mask, but .* voxels differ, the first at '
    for call in [skanrs.radii, skanrs.radius_image]:
        with pytest.raises(ValueError, match=message):
            call(other, labels, labels=True)
    with pytest.raises(ValueError, match=message):
        skanrs.analyze(labels, skeleton=other, labels=True)
    for call in [skanrs.analyze, skanrs.nodes, skanrs.centrelines]:
        with pytest.raises(ValueError, match='min_voxels: expected 1, got 3; the skeleton'):
            call(labels, skeleton=skeleton, labels=True, min_voxels=3)
    with pytest.raises(ValueError, match='min_voxels: expected labels with it'):
        skanrs.analyze(labels, min_voxels=3)
    table = skanrs.summarize(skeleton, separator='_')
    with pytest.raises(ValueError, match="table: expected the column 'label' with labels"):
        skanrs.network_summary(table, labels=True)
    with pytest.raises(ValueError, match='mask: expected None without labels'):
        skanrs.network_summary(table, mask=labels)
    lazy = pytest.importorskip('dask.array').from_array(labels)
    with pytest.raises(TypeError, match='expected an array in memory with labels, got a dask arr'):
        skanrs.Skeleton(lazy, labels=True)
    table = skanrs.analyze(labels, labels=True)
    with pytest.raises(TypeError, match='skeleton: expected an array in memory with labels'):
        skanrs.network_summary(table, skeleton=lazy, labels=True)
