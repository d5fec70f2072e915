"""What is measured of label images, against the loop over labels."""

import time

import numpy as np
import pandas as pd
import pytest
from label_images import in_any_memory, label_images, structured_labels

import skanrs

IDS = ['skeleton_id', 'node_id_src', 'node_id_dst', 'node_src', 'node_dst', 'node_id']


def cases():
    """Give label images with a spacing and whether the border is background."""
    rng = np.random.default_rng(4)
    for ndim in (2, 3):
        for labels in label_images(ndim, count=16, seed=30 + ndim):
            spacing = tuple(rng.choice([1, 0.5, 0.1, 2.5, 1 / 3], ndim))
            yield labels, spacing, bool(rng.integers(2))
    for name in ('thick shells', 'lines that cross', 'labels in two planes of a volume', 'one row'):
        yield structured_labels()[name], 1, False


def values_of(labels):
    return np.unique(labels[labels != 0]).tolist()


def same(found, expected):
    pd.testing.assert_frame_equal(found, expected, check_exact=True, check_dtype=False)


def joined(tables, labels):
    """The tables of labels, without the numbers that count through all of them."""
    for table, value in zip(tables, values_of(labels), strict=True):
        table.insert(0, 'label', np.full(len(table), value, labels.dtype))
    table = pd.concat(tables, ignore_index=True)
    return table.drop(columns=[name for name in IDS if name in table])


def without_ids(table):
    return table.drop(columns=[name for name in IDS if name in table])


@pytest.mark.parametrize('case', list(cases()))
def test_measures_are_those_of_each_label(case):
    labels, spacing, border = case
    options = {'spacing': spacing, 'border_is_background': border}
    table = skanrs.analyze(labels, labels=True, **options)
    nodes = skanrs.nodes(labels, labels=True, **options)
    lines = skanrs.centrelines(labels, labels=True, **options)
    masks = [labels == value for value in values_of(labels)]
    if not masks:
        assert not len(table) + len(nodes) + len(lines.points)
        return
    tables = [skanrs.analyze(mask, **options) for mask in masks]
    of_labels = [skanrs.nodes(mask, **options) for mask in masks]
    firsts = np.cumsum([0, *(len(one) for one in of_labels)])
    for end in ('src', 'dst'):
        moved = [one[f'node_{end}'] + at for one, at in zip(tables, firsts[:-1], strict=True)]
        np.testing.assert_array_equal(table[f'node_{end}'], np.concatenate(moved))
    same(without_ids(table), joined(tables, labels))
    np.testing.assert_array_equal(nodes['node_id'], np.arange(len(nodes)))
    same(without_ids(nodes), joined(of_labels, labels))
    ids = dict(zip(table['node_src'], table['skeleton_id'], strict=True))
    ids |= dict(zip(table['node_dst'], table['skeleton_id'], strict=True))
    assert nodes['skeleton_id'].tolist() == [ids[node] for node in nodes['node_id']]
    expected = [skanrs.centrelines(mask, **options) for mask in masks]
    for name in ('points', 'radii'):
        joint = np.concatenate([getattr(one, name) for one in expected])
        np.testing.assert_array_equal(getattr(lines, name), joint)
    sizes = np.concatenate([np.diff(one.offsets) for one in expected])
    np.testing.assert_array_equal(np.diff(lines.offsets), sizes)


@pytest.mark.parametrize('case', list(cases()))
def test_radii_and_pruning_are_those_of_each_label(case):
    labels, spacing, border = case
    skeleton = skanrs.skeletonize(labels, labels=True)
    options = {'spacing': spacing, 'border_is_background': border}
    found = skanrs.radius_image(skeleton, labels, labels=True, **options)
    pruned = skanrs.prune(skeleton, min_length=4, spacing=spacing, labels=True)
    by_radius = skanrs.prune(
        skeleton, max_radius_ratio=1.5, mask=labels, spacing=spacing, labels=True
    )
    for value in values_of(labels):
        alone, mask = skeleton == value, labels == value
        expected = skanrs.radius_image(alone, mask, **options)
        np.testing.assert_array_equal(np.where(alone, found, 0), expected)
        left = skanrs.prune(alone, min_length=4, spacing=spacing)
        np.testing.assert_array_equal(pruned == value, left)
        left = skanrs.prune(alone, max_radius_ratio=1.5, mask=mask, spacing=spacing)
        np.testing.assert_array_equal(by_radius == value, left)


@pytest.mark.parametrize('ndim', [2, 3])
def test_summaries_are_those_of_each_label(ndim):
    for labels in label_images(ndim, count=8, seed=50 + ndim):
        if not labels.any():
            continue
        skeleton = skanrs.Skeleton(skanrs.skeletonize(labels, labels=True), labels=True)
        table = skanrs.analyze(labels, labels=True)
        found = skanrs.network_summary(
            table, skeleton=skeleton, labels=True, mask=labels, bins=[0, 1, 2, 1e9]
        )
        for row, value in enumerate(values_of(labels)):
            mask = labels == value
            alone = skanrs.Skeleton(skanrs.skeletonize(mask))
            expected = skanrs.network_summary(
                skanrs.analyze(mask), skeleton=alone, bins=[0, 1, 2, 1e9]
            )
            assert list(found) == ['label', 'n_voxels', *expected]
            assert found['label'][row] == value
            assert found['n_voxels'][row] == mask.sum()
            for name in expected:
                np.testing.assert_allclose(
                    found[name][row], expected[name][0], rtol=1e-12, atol=1e-12, err_msg=name
                )


@pytest.mark.parametrize('ndim', [2, 3])
def test_what_belongs_to_no_branch_is_that_of_each_label(ndim):
    name = 'area' if ndim == 2 else 'volume'
    for labels in label_images(ndim, count=8, seed=70 + ndim):
        spacing = (0.5, 2, 0.25)[:ndim]
        of_labels = {
            value: skanrs.analyze(labels == value, spacing=spacing).attrs[f'{name}_without_branch']
            for value in values_of(labels)
        }
        table = skanrs.analyze(labels, spacing=spacing, labels=True)
        voxel = float(np.prod(spacing))
        expected = {f'{name}_without_branch': sum(of_labels.values()), f'voxel_{name}': voxel}
        assert table.attrs == expected
        summary = skanrs.network_summary(table, labels=True, mask=labels)
        assert summary[f'{name}_without_branch'].tolist() == list(of_labels.values())
        assert f'{name}_without_branch' not in skanrs.network_summary(table, labels=True)
        some = values_of(labels)[::2]
        table = skanrs.analyze(labels, spacing=spacing, labels=some)
        expected = sum(of_labels[value] for value in some)
        assert table.attrs[f'{name}_without_branch'] == expected
        least = int(np.median([(labels == value).sum() for value in of_labels] or [1]))
        table = skanrs.analyze(labels, spacing=spacing, labels=True, min_voxels=least)
        large = [value for value in of_labels if (labels == value).sum() >= least]
        expected = sum(of_labels[value] for value in large)
        assert table.attrs[f'{name}_without_branch'] == expected


def test_intensities_are_those_of_each_label():
    rng = np.random.default_rng(11)
    for labels, spacing, border in cases():
        intensity = np.where(rng.random(labels.shape) < 0.02, np.nan, rng.normal(size=labels.shape))
        options = {'spacing': spacing, 'border_is_background': border, 'intensity': intensity}
        table = skanrs.analyze(labels, labels=True, **options)
        tables = [skanrs.analyze(labels == value, **options) for value in values_of(labels)]
        if tables:
            same(without_ids(table), joined(tables, labels))
        some = values_of(labels)[1:]
        found = skanrs.analyze(labels, labels=some, **options)
        rows = table[table['label'].isin(some)].reset_index(drop=True)
        same(without_ids(found), without_ids(rows))


def test_other_values_of_labels_permute_rows():
    values = np.r_[0, 1 + np.random.default_rng(1).permutation(255)].astype('u1')
    for labels in label_images(3, count=6, seed=12, dtype='u1'):
        permuted = values[labels]
        tables = [skanrs.analyze(image, labels=True) for image in (labels, permuted)]
        tables[0]['label'] = values[tables[0]['label']]
        moved = tables[0].sort_values('label', kind='stable', ignore_index=True)
        same(without_ids(tables[1]), without_ids(moved))
        same(*(skanrs.network_summary(one, labels=True, mask=permuted) for one in tables))


def test_any_memory_is_measured(tmp_path):
    labels = next(label_images(3, count=1, seed=5, dtype='i2', shape=(9, 14, 20)))
    expected = answers(labels)
    for form in in_any_memory(labels, tmp_path).values():
        for found, one in zip(answers(form), expected, strict=True):
            if isinstance(one, pd.DataFrame):
                same(found, one)
            else:
                np.testing.assert_array_equal(found, one)


def answers(labels):
    """What is measured of a label image, by every function that takes one."""
    skeleton = skanrs.skeletonize(labels, labels=True)
    table = skanrs.analyze(labels, labels=True, intensity=labels, regions=abs(labels))[0]
    return (
        table,
        skanrs.summarize(skeleton, labels=True, separator='_'),
        skanrs.network_summary(table, skeleton=skeleton, labels=True, mask=labels),
        skanrs.nodes(labels, labels=True),
        skanrs.centrelines(labels, labels=True).points,
        skanrs.radii(skeleton, labels, labels=True),
        skanrs.prune(skeleton, max_radius_ratio=1.5, mask=labels, labels=True),
    )


def test_small_and_chosen_labels_have_no_nodes():
    labels = np.zeros((20, 30), int)
    labels[2:5, 2:28], labels[10:13, 2:28], labels[17, 3:6] = 4, 9, 7
    nodes = skanrs.nodes(labels, labels=True, min_voxels=10)
    assert nodes['label'].tolist() == [4, 4, 9, 9]
    same(
        skanrs.nodes(labels, labels=[9]),
        nodes[nodes['label'] == 9].reset_index(drop=True).assign(node_id=[0, 1], skeleton_id=0),
    )
    with pytest.raises(ValueError, match='min_voxels: expected labels with it'):
        skanrs.nodes(labels > 0, min_voxels=3)
    with pytest.raises(TypeError, match='mask: expected integers with labels'):
        skanrs.nodes(labels / 2, labels=True)


@pytest.mark.slow
def test_a_hundred_thousand_labels_take_less_than_their_table():
    grid = np.indices((47, 47, 47)).reshape(3, -1).T * 5 + 2
    labels = np.zeros((235, 235, 235), np.int32)
    numbers = np.arange(1, len(grid) + 1)
    for step in (-1, 0, 1):
        for axis in range(3):
            places = grid + step * (np.arange(3) == axis)
            labels[tuple(places.T)] = numbers
    # Processor time, about a tenth; a loop over labels takes a hundred times as long.
    start = time.process_time()
    skeleton = skanrs.Skeleton(skanrs.skeletonize(labels, labels=True), labels=True)
    table = skanrs.summarize(skeleton, separator='_')
    middle = time.process_time()
    summary = skanrs.network_summary(table, skeleton=skeleton, labels=True, mask=labels)
    assert time.process_time() - middle < middle - start
    assert len(summary) == len(grid)
    start = time.process_time()
    plain = skanrs.analyze(labels > 0, intensity=labels)
    middle = time.process_time()
    table = skanrs.analyze(labels, labels=True, intensity=labels)
    assert time.process_time() - middle < 5 * (middle - start)
    assert len(table) == len(plain)
