"""Thinning of label images against the loop over labels, and what it refuses."""

import itertools

import numpy as np
import pytest
from label_images import VALUES, in_any_memory, label_images, structured_labels
from skimage.morphology import skeletonize as skimage_skeletonize

import skanrs


def loop(labels, **options):
    """Each label alone, in an image of the whole shape, by this package's plain thinning."""
    skeleton = np.zeros_like(labels)
    for value in np.unique(labels[labels != 0]):
        skeleton[skanrs.skeletonize(labels == value, **options)] = value
    return skeleton


@pytest.mark.parametrize('method', [None, 'lee'])
@pytest.mark.parametrize('ndim', [2, 3])
def test_each_label_has_the_skeleton_of_scikit_image(ndim, method):
    for labels in label_images(ndim, count=80, seed=ndim):
        expected = np.zeros_like(labels)
        for value in np.unique(labels[labels != 0]):
            expected[skimage_skeletonize(labels == value, method=method)] = value
        found = skanrs.skeletonize(labels, method=method, labels=True)
        assert found.dtype == labels.dtype
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize('ndim', [2, 3])
def test_each_label_keeps_its_topology(ndim):
    for labels in label_images(ndim, count=60, seed=10 + ndim):
        found = skanrs.skeletonize(labels, preserve_topology=True, labels=True)
        np.testing.assert_array_equal(found, loop(labels, preserve_topology=True))


@pytest.mark.parametrize('name', structured_labels())
def test_structured_images(name):
    labels = structured_labels()[name]
    for method in [None, 'lee']:
        found = skanrs.skeletonize(labels, method=method, labels=True)
        np.testing.assert_array_equal(found, loop(labels, method=method), err_msg=name)


@pytest.mark.parametrize('dtype', VALUES)
def test_extreme_values_stay_exact(dtype):
    values = np.array([0, *VALUES[dtype]], dtype=dtype)
    numbers = np.arange(12 * 13 * 14).reshape(12, 13, 14) // 53 % len(values)
    labels = values[numbers]
    found = skanrs.skeletonize(labels, labels=True)
    np.testing.assert_array_equal(found, values[loop(numbers)])
    for value in VALUES[dtype]:
        one = skanrs.skeletonize(labels, labels=[value])
        np.testing.assert_array_equal(one, np.where(found == values.dtype.type(value), found, 0))


def test_any_memory(tmp_path):
    labels = next(label_images(3, count=1, seed=5, dtype='i2', shape=(9, 20, 30)))
    expected = loop(labels)
    for name, form in in_any_memory(labels, tmp_path).items():
        before = form.copy()
        found = skanrs.skeletonize(form, labels=True)
        assert found.dtype == form.dtype, name
        np.testing.assert_array_equal(found, expected, err_msg=name)
        np.testing.assert_array_equal(form, before, err_msg=name)


def test_booleans_are_one_label():
    mask = np.random.default_rng(0).random((8, 9, 10)) < 0.7
    np.testing.assert_array_equal(skanrs.skeletonize(mask, labels=True), skanrs.skeletonize(mask))


def test_values_and_other_labels_do_not_matter():
    for labels in label_images(3, count=10, seed=3, dtype='u1'):
        skeleton = skanrs.skeletonize(labels, labels=True)
        permuted = np.r_[0, 1 + np.random.default_rng(1).permutation(255)].astype('u1')
        np.testing.assert_array_equal(
            skanrs.skeletonize(permuted[labels], labels=True), permuted[skeleton]
        )
        for value in np.unique(labels[labels != 0]):
            without = skanrs.skeletonize(np.where(labels == value, 0, labels), labels=True)
            np.testing.assert_array_equal(without, np.where(skeleton == value, 0, skeleton))


@pytest.mark.parametrize('threads', [1, 2, 5])
def test_any_number_of_threads(threads):
    labels = next(label_images(3, count=1, seed=8, shape=(40, 45, 50)))
    skanrs.set_num_threads(threads)
    try:
        found = skanrs.skeletonize(labels, labels=True)
    finally:
        skanrs.set_num_threads(None)
    np.testing.assert_array_equal(found, loop(labels))


def test_large_labels_are_thinned_as_alone():
    labels = np.ones((180, 160, 200), 'u2')
    labels[:, 70:] = 9
    labels[60:70, 20:30] = 3
    np.testing.assert_array_equal(skanrs.skeletonize(labels, labels=True), loop(labels))


@pytest.mark.parametrize('dtype', VALUES)
@pytest.mark.parametrize('shape', [(40, 150), (12, 30, 150)])
def test_a_single_label_is_thinned_as_a_mask(dtype, shape, tmp_path):
    mask = np.random.default_rng(1).random(shape) < 0.9
    value = VALUES[dtype][-1]
    expected = skanrs.skeletonize(mask, method='lee') * np.array(value, dtype)
    labels = mask * np.array(value, dtype)
    forms = [labels, np.asfortranarray(labels)]
    if labels.ndim == 3:
        forms += in_any_memory(labels, tmp_path).values()
    for form in forms:
        found = skanrs.skeletonize(form, labels=True, method='lee')
        assert found.dtype == form.dtype
        np.testing.assert_array_equal(found, expected)
    options = {'labels': True, 'method': 'lee'}
    count = np.count_nonzero(mask)
    np.testing.assert_array_equal(skanrs.skeletonize(labels, **options, min_voxels=count), expected)
    assert not skanrs.skeletonize(labels, **options, min_voxels=count + 1).any()
    assert not skanrs.skeletonize(labels, method='lee', labels=[]).any()
    # Another label, in the last voxel only.
    other = VALUES[dtype][0]
    if other != value:
        labels[(-1,) * labels.ndim] = other
        found = skanrs.skeletonize(labels, **options)
        np.testing.assert_array_equal(found, loop(labels, method='lee'))


def test_many_small_labels_beside_large_ones():
    z, y, x = np.indices((30, 40, 100))
    labels = 2 + z // 3 + 10 * (y // 5) + 80 * (x // 8)
    labels[np.random.default_rng(2).random(labels.shape) < 0.1] = 0
    labels[5:25, 10:30, 5:60] = -1
    labels[12:, 12:18, 20:] = 1
    np.testing.assert_array_equal(skanrs.skeletonize(labels, labels=True), loop(labels))


def test_chosen_labels():
    labels = next(label_images(2, count=1, seed=4, dtype='i8', shape=(30, 30)))
    present = np.unique(labels[labels != 0])
    skeleton = skanrs.skeletonize(labels, labels=True)
    for count in range(len(present) + 1):
        for some in itertools.islice(itertools.combinations(present.tolist(), count), 4):
            found = skanrs.skeletonize(labels, labels=some)
            expected = np.where(np.isin(skeleton, np.array(some, labels.dtype)), skeleton, 0)
            np.testing.assert_array_equal(found, expected)
    absent = int(max(present)) - 1
    assert absent not in present
    assert not skanrs.skeletonize(labels, labels=[absent]).any()


def test_small_labels_are_left_out():
    labels = np.array([[1, 1, 1, 2, 2, 3, 0, 1]])
    for least, left in [
        (0, {1, 2, 3}),
        (1, {1, 2, 3}),
        (2, {1, 2}),
        (3, {1}),
        (4, {1}),
        (5, set()),
    ]:
        found = skanrs.skeletonize(labels, labels=True, min_voxels=least, method='lee')
        assert set(found[found != 0]) == left


@pytest.mark.parametrize('shape', [(0, 5), (3, 0, 4), (1, 1), (1, 1, 1), (1, 9, 9), (9, 1, 9)])
def test_flat_shapes(shape):
    labels = np.random.default_rng(0).integers(0, 3, shape)
    np.testing.assert_array_equal(skanrs.skeletonize(labels, labels=True), loop(labels))


@pytest.mark.parametrize(
    ('labels', 'error', 'message'),
    [
        (5, TypeError, 'labels: expected a bool or a sequence of integers, got 5'),
        ([1.5], TypeError, 'labels: expected a bool or a sequence of integers, got'),
        ('3', TypeError, 'labels: expected a bool or a sequence of integers, got'),
        (None, TypeError, 'labels: expected a bool or a sequence of integers, got None'),
        ([256], ValueError, 'labels: expected nonzero values of uint8, got 256'),
        ([1, -1], ValueError, 'labels: expected nonzero values of uint8, got -1'),
        ([0], ValueError, 'labels: expected nonzero values of uint8, got 0'),
    ],
)
def test_refuses_what_is_no_labels(labels, error, message):
    with pytest.raises(error, match=message):
        skanrs.skeletonize(np.ones((4, 4), 'u1'), labels=labels)


@pytest.mark.parametrize('dtype', ['f4', 'f8', 'c16', 'O', 'M8[s]'])
def test_refuses_images_of_other_types(dtype):
    with pytest.raises(TypeError, match='image: expected integers with labels, got') as raised:
        skanrs.skeletonize(np.zeros((4, 4), dtype), labels=True)
    # For numbers that may be whole, the error says what to write.
    assert str(raised.value).endswith('with astype(np.int64)') == dtype.startswith('f')


def test_refuses_other_arguments():
    image = np.ones((4, 4), int)
    with pytest.raises(ValueError, match='min_voxels: expected labels with it'):
        skanrs.skeletonize(image, min_voxels=3)
    for least in [-1, 1.5, 2**64]:
        with pytest.raises(ValueError, match='min_voxels: expected a non-negative integer'):
            skanrs.skeletonize(image, labels=True, min_voxels=least)
    with pytest.raises(ValueError, match='expected a 2D or 3D array, got 1D'):
        skanrs.skeletonize(image[0], labels=True)
    with pytest.raises(ValueError, match="expected 'lee' or None for a 3D image"):
        skanrs.skeletonize(image[np.newaxis], labels=True, method='zhang')
