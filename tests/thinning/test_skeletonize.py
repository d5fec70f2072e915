"""Thinning against scikit-image, for every kind of array."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from images import blobs
from skimage.morphology import skeletonize as reference
from volumes import each_volume, read_volume

import skanrs
from skanrs import _core


@each_volume
def test_real_volumes(volume):
    image = read_volume(volume)
    np.testing.assert_array_equal(skanrs.skeletonize(image), reference(image))


def test_fiji():
    """The reference skeleton of another implementation that scikit-image keeps."""
    skimage_data = pytest.importorskip('skimage.data')
    image = skimage_data.binary_blobs(32, blob_size_fraction=0.05, n_dim=3, rng=1234)[:-2]
    expected = read_volume('skimage_blobs_fiji_skel')
    np.testing.assert_array_equal(skanrs.skeletonize(image), expected)


@pytest.mark.parametrize('seed', range(40))
def test_random_3d(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 40, 2)) + (int(rng.integers(1, 150)),)
    image = rng.random(shape) < rng.choice([0.2, 0.5, 0.8, 0.95])
    if seed % 2:
        image = blobs(shape, seed, rng.uniform(0.7, 3))
    np.testing.assert_array_equal(skanrs.skeletonize(image), reference(image))


@pytest.mark.parametrize('method', ['lee', 'zhang', None])
@pytest.mark.parametrize('seed', range(20))
def test_random_2d(seed, method):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 200, 2))
    image = rng.random(shape) < rng.choice([0.3, 0.6, 0.9])
    if seed % 2:
        image = blobs(shape, seed, rng.uniform(0.7, 4))
    expected = reference(image, method=method)
    np.testing.assert_array_equal(skanrs.skeletonize(image, method=method), expected)


def test_all_neighbourhoods_of_zhang():
    """Every 3 x 3 pattern in its own field, so that each entry of the table is used."""
    image = np.zeros((16 * 6, 32 * 6), dtype=bool)
    for index in range(512):
        y, x = 6 * (index // 32) + 1, 6 * (index % 32) + 1
        image[y : y + 3, x : x + 3] = np.reshape([index >> bit & 1 for bit in range(9)], (3, 3))
    np.testing.assert_array_equal(skanrs.skeletonize(image), reference(image))


def test_all_images_of_2x3x3():
    """All 2**18 images of this shape, each in a field of its own."""
    images = (np.arange(2**18)[:, np.newaxis] >> np.arange(18) & 1).astype(bool)
    images = images.reshape(64, 64, 64, 2, 3, 3)
    field = np.zeros((64, 64, 64, 4, 4, 4), dtype=bool)
    field[..., :2, :3, :3] = images
    volume = field.transpose(0, 3, 1, 4, 2, 5).reshape(256, 256, 256)
    np.testing.assert_array_equal(skanrs.skeletonize(volume), reference(volume))


@pytest.mark.parametrize('threads', [1, 2, 3, 7, 16])
def test_threads_do_not_matter(threads):
    image = blobs((70, 80, 130), 3, 2)
    try:
        skanrs.set_num_threads(threads)
        found = skanrs.skeletonize(image)
    finally:
        skanrs.set_num_threads(None)
    np.testing.assert_array_equal(found, reference(image))


DTYPES = [
    'bool', 'i1', 'u1', 'i2', '<u2', '>u2', '<i4', '>i4', '>u8', 'i8',
    'f2', '>f2', 'f4', '>f4', 'f8', '>f8', 'longdouble',
]  # fmt: skip


@pytest.mark.parametrize('dtype', DTYPES)
def test_dtypes(dtype):
    rng = np.random.default_rng(1)
    image = rng.integers(-3, 4, (9, 20, 70)) * (rng.random((9, 20, 70)) < 0.7)
    image = image.astype(dtype)
    if image.dtype.kind == 'f':
        image.flat[::7] = np.nan
        image.flat[1::7] = -0.0
        image.flat[2::7] = np.inf
        image.flat[3::7] = np.finfo(dtype).smallest_subnormal
    before = image.copy()
    np.testing.assert_array_equal(skanrs.skeletonize(image), reference(image != 0))
    np.testing.assert_array_equal(image, before)


def test_booleans_with_bytes_other_than_0_and_1():
    image = np.random.default_rng(2).integers(0, 3, (9, 20, 70)).astype('u1') * 100
    expected = reference(image != 0)
    np.testing.assert_array_equal(skanrs.skeletonize(image.view(bool)), expected)


@pytest.mark.parametrize('axes', [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_memory_orders(axes):
    image = blobs((20, 30, 40), 7)
    view = image.transpose(axes)
    expected = reference(np.ascontiguousarray(view))
    np.testing.assert_array_equal(skanrs.skeletonize(view), expected)
    steps = view[::-1, ::2, ::-3]
    expected = reference(np.ascontiguousarray(steps))
    np.testing.assert_array_equal(skanrs.skeletonize(steps), expected)


def test_unaligned_and_broadcast_and_read_only():
    raw = np.zeros(8 * 6 * 7 * 9 + 1, dtype='u1')
    image = raw[1:].view('f8').reshape(6, 7, 9)
    image[1:5, 1:6, 2:8] = 1
    assert not image.flags.aligned
    np.testing.assert_array_equal(skanrs.skeletonize(image), reference(image))
    plane = np.broadcast_to(blobs((30, 40), 1), (5, 30, 40))
    np.testing.assert_array_equal(skanrs.skeletonize(plane), reference(plane.copy()))
    frozen = blobs((8, 9, 10), 2)
    frozen.flags.writeable = False
    np.testing.assert_array_equal(skanrs.skeletonize(frozen), reference(frozen.copy()))


def test_the_result_is_new_and_writable():
    image = np.zeros((3, 4, 5), dtype=bool)
    skeleton = skanrs.skeletonize(image)
    assert skeleton.dtype == bool
    assert not np.shares_memory(image, skeleton)
    skeleton[0] = True


def test_array_likes():
    nested = [[0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1]]
    np.testing.assert_array_equal(skanrs.skeletonize(nested), reference(np.array(nested)))


@pytest.mark.parametrize('shape', [(0, 3), (3, 0), (0, 0), (0, 3, 4), (3, 0, 4), (3, 4, 0)])
def test_no_voxels(shape):
    for method in ('lee', None):
        skeleton = skanrs.skeletonize(np.zeros(shape), method=method)
        assert skeleton.shape == shape
        assert skeleton.dtype == bool


@pytest.mark.parametrize(
    'shape', [(1, 1), (1, 9), (9, 1), (1, 1, 1), (1, 9, 8), (9, 1, 8), (9, 8, 1)]
)
def test_thin_images(shape):
    for image in (np.ones(shape, dtype=bool), blobs(shape, 4, 0.5)):
        np.testing.assert_array_equal(skanrs.skeletonize(image), reference(image))


@given(
    hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=3, max_side=9)),
    st.sampled_from(['lee', None]),
)
@settings(max_examples=150, deadline=None)
def test_properties(image, method):
    skeleton = skanrs.skeletonize(image, method=method)
    assert not (skeleton & ~image).any()
    np.testing.assert_array_equal(skeleton, reference(image, method=method))


@pytest.mark.parametrize('ndim', [0, 1, 4, 5])
def test_wrong_dimensions(ndim):
    with pytest.raises(ValueError, match=rf'^image: expected a 2D or 3D array, got {ndim}D$'):
        skanrs.skeletonize(np.ones((3,) * ndim))


def test_wrong_methods():
    with pytest.raises(ValueError, match='^method: .*3D'):
        skanrs.skeletonize(np.ones((3, 3, 3)), method='zhang')
    for method in ('Lee', 'thin', 3, ''):
        with pytest.raises(ValueError, match="^method: expected 'lee', 'zhang' or None, got"):
            skanrs.skeletonize(np.ones((3, 3)), method=method)


@pytest.mark.parametrize(
    'dtype', ['c8', 'c16', object, 'U3', 'S2', 'M8[s]', 'm8[s]', [('a', 'f4')]]
)
def test_wrong_elements(dtype):
    with pytest.raises(
        TypeError, match='^image: expected an array of booleans or real numbers, got'
    ):
        skanrs.skeletonize(np.zeros((3, 3), dtype=dtype))


def test_the_kernel_refuses_other_arrays():
    with pytest.raises(TypeError, match='^image: '):
        _core.skeletonize(np.ones((2, 2)), 1, 'lee', np.zeros((1, 2, 2), dtype='u1'))


def test_passes_are_logged(caplog):
    image = np.ones((9, 9, 9), dtype=bool)
    with caplog.at_level(logging.DEBUG, logger='skanrs'):
        skanrs.skeletonize(image)
    messages = [record.message for record in caplog.records if record.name == 'skanrs.thinning']
    assert messages[0].startswith('pass 1: ')
    assert messages[-1] == f'pass {len(messages)}: 0 voxels deleted'
    caplog.clear()
    with caplog.at_level(logging.INFO, logger='skanrs'):
        skanrs.skeletonize(image)
    assert not caplog.records


def test_the_gil_is_released():
    image = np.ones((220, 220, 220), dtype=bool)
    ticks = 0
    thread = threading.Thread(target=skanrs.skeletonize, args=(image,))
    thread.start()
    while thread.is_alive():
        ticks += 1
        time.sleep(0.001)
    assert ticks > 3


@pytest.mark.usefixtures('listens_to_ctrl_c')
def test_interrupt_is_answered_within_a_second():
    image = np.ones((400, 400, 400), dtype=bool)
    sent = []

    def interrupt():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.1, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        skanrs.skeletonize(image)
    assert time.monotonic() - sent[0] < 1
    assert image.all()
    assert skanrs.skeletonize(image[:9, :9, :9]).sum() == reference(image[:9, :9, :9]).sum()


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork here')
@pytest.mark.filterwarnings('ignore:.*fork.*:DeprecationWarning')
def test_after_a_fork():
    image = blobs((70, 80, 130), 3, 2)
    expected = skanrs.skeletonize(image)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(skanrs.skeletonize(image), expected) else 1)
    deadline = time.monotonic() + 30
    while (done := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.01)
    if done == (0, 0):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert done == (child, 0)
