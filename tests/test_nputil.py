"""Offsets to neighbours equal those of skan; errors."""

import numpy as np
import pytest
import skan.nputil

from skanrs import nputil


@pytest.mark.parametrize('signed', [False, True])
def test_smallest_int_dtype(signed):
    for power in range(64):
        for number in (2**power - 1, 2**power, -(2**power)):
            for least in (np.int8, np.uint8, np.int32, np.uint64):
                options = {'signed': signed, 'min_dtype': least}
                ours = nputil.smallest_int_dtype(number, **options)
                assert ours is skan.nputil.smallest_int_dtype(number, **options)


@pytest.mark.parametrize('shape', [(5,), (2, 3), (3, 4, 5), (1, 2, 3), (2, 3, 4, 5)])
@pytest.mark.parametrize('order', ['C', 'F'])
def test_steps(shape, order):
    for connectivity in range(1, len(shape) + 1):
        for spacing in (1, 0.3, tuple(range(1, len(shape) + 1))):
            options = {'order': order, 'spacing': spacing}
            for name in ('raveled_steps_to_neighbors', '_raveled_offsets_and_distances'):
                arguments = (shape, connectivity) if name[0] == 'r' else (shape,)
                more = {} if name[0] == 'r' else {'connectivity': connectivity}
                ours = getattr(nputil, name)(*arguments, **options, **more)
                theirs = getattr(skan.nputil, name)(*arguments, **options, **more)
                for one, other in zip(ours, theirs, strict=True):
                    assert one.dtype == other.dtype
                    np.testing.assert_array_equal(one, other)
    steps = nputil.raveled_steps_to_neighbors(shape, return_distances=False)
    np.testing.assert_array_equal(
        steps, skan.nputil.raveled_steps_to_neighbors(shape, return_distances=False)
    )


def test_footprint():
    options = {'footprint': np.ones((4, 3)), 'center': (1, 1)}
    ours = nputil._raveled_offsets_and_distances((4, 5), **options)
    theirs = skan.nputil._raveled_offsets_and_distances((4, 5), **options)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match='axes'):
        nputil._raveled_offsets_and_distances((4, 5, 6), **options)
    with pytest.raises(ValueError, match='order'):
        nputil._raveled_offsets_and_distances((4, 5), order='K')


@pytest.mark.parametrize('connectivity', [None, 1, 2, 3, np.ones((3, 3, 3)), [[[1]]]])
def test_connectivity(connectivity):
    ours = nputil._validate_connectivity(3, connectivity, None)
    theirs = skan.nputil._validate_connectivity(3, connectivity, None)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_invalid_connectivity():
    with pytest.raises(ValueError, match='axes'):
        nputil._validate_connectivity(3, np.ones((3, 3)), None)
    with pytest.raises(ValueError, match='odd lengths'):
        nputil._validate_connectivity(2, np.ones((2, 3)), None)
    footprint, offset = nputil._validate_connectivity(2, np.ones((2, 3)), (0, 1))
    assert offset == (0, 1)
    assert footprint.shape == (2, 3)
