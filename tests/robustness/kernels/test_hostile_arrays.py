"""Arrays that change during a call, inconsistent array objects, NaN and infinity, random graphs."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from skimage.morphology import skeletonize as reference

import skanrs
from skanrs import _core


def calls():
    """Return functions of an image, by name."""
    return {
        'skeletonize': skanrs.skeletonize,
        'Skeleton': skanrs.Skeleton,
        'summarize': lambda image: skanrs.summarize(image, separator='_'),
        'thin_chunk': lambda image: skanrs.thin_chunk(
            image, offset=(0,) * np.ndim(image), shape=(500,) * np.ndim(image)
        ),
        'chunk_graph': lambda image: skanrs.chunk_graph(
            image, offset=(0,) * np.ndim(image), shape=(500,) * np.ndim(image)
        ),
    }


@pytest.fixture(params=calls())
def call(request):
    return calls()[request.param]


@pytest.mark.parametrize('layout', ['C', 'F', 'steps'])
@pytest.mark.parametrize('dtype', ['bool', 'u2', 'f4', 'f8'])
def test_array_changed_by_another_thread(call, dtype, layout):
    """The result is some mixture of its states; nothing may break."""
    random = np.random.default_rng(0)
    states = [random.random((40, 50, 60)) < density for density in (0.02, 0.3, 0.9)]
    array = np.zeros((40, 50, 60), dtype=dtype, order='F' if layout == 'F' else 'C')
    if layout == 'steps':
        array = np.zeros((40, 100, 120), dtype=dtype)[:, ::2, ::-2]
    done = threading.Event()

    def change():
        while not done.is_set():
            for state in states:
                array[...] = state

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(4):
            call(array)
    finally:
        done.set()
        changer.join()
    array[...] = states[0]
    np.testing.assert_array_equal(skanrs.skeletonize(array), reference(states[0]))


class Inconsistent:
    """Has the shape and dtype that a test gives it, and any array."""

    def __init__(self, answer, shape=(4, 5, 6), dtype='bool'):
        self.answer = answer
        self.shape = shape
        self.ndim = len(shape)
        self.dtype = np.dtype(dtype)

    def __array__(self, dtype=None, copy=None):
        return self.answer(self)


class Changing(Inconsistent):
    """Has another shape at each access."""

    def __init__(self):
        self.asked = 0

    @property
    def shape(self):
        self.asked += 1
        return (self.asked % 3 + 1,) * 3

    ndim = 3
    dtype = np.dtype(bool)

    def __array__(self, dtype=None, copy=None):
        return np.ones(self.shape, dtype=bool)


def fails(array_like):
    raise RuntimeError('cannot read')


def test_inconsistent_array_objects(call):
    with pytest.raises((RuntimeError, TypeError), match='cannot read|got Inconsistent'):
        call(Inconsistent(fails))
    with pytest.raises((TypeError, ValueError)):
        call(Inconsistent(lambda array_like: array_like))
    with pytest.raises((TypeError, ValueError)):
        call(Inconsistent(lambda array_like: 'text'))
    with pytest.raises(TypeError, match='complex|got Inconsistent'):
        call(Inconsistent(lambda array_like: np.ones((4, 5, 6), dtype=complex)))
    # An array of another shape or type than the attributes: it is used, or it is refused.
    for array_like in (Inconsistent(lambda array_like: np.ones((2, 3, 4), dtype='f4')), Changing()):
        try:
            call(array_like)
        except TypeError as error:
            assert 'got ' in str(error)  # noqa: PT017
        except ValueError as error:
            assert 'offset' in str(error)  # noqa: PT017


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_nan_and_infinity(value):
    image = np.zeros((6, 7, 8))
    image[2, 3, 1:7] = 1
    image[2, 3, 4] = value
    np.testing.assert_array_equal(skanrs.skeletonize(image), image != 0)
    with np.errstate(invalid='ignore'):
        table = skanrs.summarize(skanrs.Skeleton(image), separator='_')
    assert table['branch_distance'].tolist() == [5.0]
    assert not np.isfinite(table['mean_pixel_value'][0])
    with pytest.raises(ValueError, match='finite heights'):
        skanrs.Skeleton(image, value_is_height=True)
    with pytest.raises(ValueError, match='finite heights'):
        skanrs.chunk_graph(image, offset=(0, 0, 0), shape=image.shape, value_is_height=True)


@pytest.mark.parametrize('spacing', [np.nan, np.inf, -1, 0, [1, 2, np.nan], [1, -np.inf, 1]])
def test_invalid_spacings_are_refused(spacing):
    image = np.ones((3, 3, 3), dtype=bool)
    with pytest.raises(ValueError, match='spacing'):
        skanrs.Skeleton(image, spacing=spacing)
    with pytest.raises(ValueError, match='spacing'):
        skanrs.chunk_graph(image, offset=(0, 0, 0), shape=image.shape, spacing=spacing)


@pytest.mark.parametrize('seed', range(3))
def test_graphs_of_random_numbers(seed):
    """What the kernels are given by `skanrs.csr` may be anything that scipy holds."""
    random = np.random.default_rng(seed)
    refused = 0
    for _ in range(400):
        nodes, entries = int(random.integers(0, 7)), int(random.integers(0, 15))
        dtype = random.choice(['i4', 'i8'])
        indptr = np.sort(random.integers(-1, entries + 2, nodes + 1)).astype(dtype)
        if random.random() < 0.8:
            indptr[[0, -1]] = 0, entries
        indices = random.integers(-1 if random.random() < 0.2 else 0, nodes + 1, entries)
        weights = random.random(entries + int(random.random() < 0.1))
        indices = indices.astype(dtype)
        for kernel in (
            lambda: _core.trace_paths(indptr, indices, weights),  # noqa: B023
            lambda: _core.prune_junction_edges(indptr, indices, weights),  # noqa: B023
            lambda: _core.components(indptr, indices),  # noqa: B023
            lambda: _core.path_lengths(indptr, indices, weights, indptr, indices),  # noqa: B023
            lambda: _core.path_sums(indptr.astype('i8'), weights),  # noqa: B023
        ):
            try:
                kernel()
            except ValueError:
                refused += 1
    assert refused > 400
