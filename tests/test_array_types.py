"""Images of xarray, zarr, h5py and `skanrs.LazyImage` given to public functions."""

from __future__ import annotations

import subprocess
import sys

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray
from image_calls import (
    ARRAYS,
    CASES,
    HAVE_NO_SPACING,
    IMAGES,
    INTENSITY,
    MASK,
    REFUSE_DASK,
    SKELETON,
    SPACING,
    TABLE,
    TABLES,
    TERRITORIES,
    computed,
    name_of,
)  # fmt: skip

import skanrs
from skanrs import csr, draw, image_stats, pre, threshold

h5py = pytest.importorskip('h5py')
zarr = pytest.importorskip('zarr')

COORDS = {
    axis: 7 + step * np.arange(n) for axis, step, n in zip('zyx', SPACING, MASK.shape, strict=True)
}
LAZY_TABLES = TABLES.keys() - {'network_summary', 'counted_volume'}
KINDS = ('DataArray', 'DataArray over dask', 'zarr', 'h5py', 'LazyImage')


@pytest.fixture(scope='module')
def given(tmp_path_factory):
    """Return the images of each kind, by the name of the parameter."""
    folder = tmp_path_factory.mktemp('images')
    with h5py.File(folder / 'all.h5', 'w') as file:
        images = {kind: {} for kind in KINDS}
        for name, array in ARRAYS.items():
            # Other chunks for each, as files have.
            chunks = (13, 17, 19) if name == 'mask' else (10, 34, 16)
            stored = zarr.create_array(folder / f'{name}.zarr', data=array, chunks=chunks)
            np.savez(folder / f'{name}.npz', image=array, spacing=SPACING)
            images['DataArray'][name] = data_array(array)
            images['DataArray over dask'][name] = data_array(da.from_array(array, chunks=16))
            images['zarr'][name] = stored
            images['h5py'][name] = file.create_dataset(name, data=array, chunks=chunks)
            images['LazyImage'][name] = skanrs.open_image(folder / f'{name}.npz', chunks=chunks)
        yield images


def data_array(array, **coords):
    return xarray.DataArray(array, coords=COORDS | coords, dims=('z', 'y', 'x'), name='scan')


def options_of(case, kind):
    """Return the arguments that the function needs beside arrays to give the same result."""
    in_file = kind in ('zarr', 'h5py')
    return {} if in_file or case in HAVE_NO_SPACING else {'spacing': SPACING}


def test_no_function_is_missing():
    tested = {case.split()[0].rpartition('.')[2] for case in CASES}
    taking = set()
    for module in (skanrs, csr, image_stats, pre, threshold):
        for name in module.__all__:
            found = getattr(module, name)
            code = getattr(found.__init__ if isinstance(found, type) else found, '__code__', None)
            if code is not None and code.co_qualname.startswith('takes_images.'):
                taking.add(name)
    assert len(taking) > 20
    assert taking <= tested


# The skeleton has no meshes.
@pytest.mark.filterwarnings('ignore::RuntimeWarning:(numpy|skanrs.image_stats)')
@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('case', CASES)
def test_results_are_those_of_arrays(given, kind, case):
    function, *parameters = CASES[case]
    if kind == 'DataArray over dask' and case in REFUSE_DASK:
        with pytest.raises(TypeError, match='got .*dask arrays?; use skanrs'):
            function(**{name: given[kind][name_of(name)] for name in parameters})
        return
    result = function(**{name: given[kind][name_of(name)] for name in parameters})
    expected = function(
        **{name: ARRAYS[name_of(name)] for name in parameters}, **options_of(case, kind)
    )
    if case in IMAGES:
        if 'DataArray' in kind:
            lazy = isinstance(result.data, da.Array)
            assert lazy == (kind == 'DataArray over dask')
            xarray.testing.assert_identical(result.compute(), data_array(expected))
            return
        assert isinstance(result, da.Array)
    elif case in LAZY_TABLES:
        assert dask.is_dask_collection(result) == (kind != 'DataArray')
    got, expected = computed(result), computed(expected)
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(got, expected)
    elif isinstance(expected, pd.Series):
        pd.testing.assert_series_equal(got, expected)
    else:
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize('kind', KINDS)
def test_spacing_that_is_given_wins(given, kind):
    length = computed(skanrs.analyze(given[kind]['mask'], spacing=1))['length']
    pd.testing.assert_series_equal(length, skanrs.analyze(MASK)['length'])


@pytest.mark.parametrize('kind', ['zarr', 'h5py', 'LazyImage'])
def test_files_beside_arrays_in_memory_are_read_whole(given, kind):
    table = skanrs.analyze(MASK, skeleton=given[kind]['skeleton'], spacing=SPACING)
    pd.testing.assert_frame_equal(table, TABLE)
    skeleton = skanrs.Skeleton(SKELETON, spacing=SPACING)
    radii = skanrs.radii(skeleton, given[kind]['mask'])
    np.testing.assert_array_equal(radii, skanrs.radii(SKELETON, MASK, spacing=SPACING))
    pruned = skanrs.prune(skeleton, max_radius_ratio=1.5, mask=given[kind]['mask'])
    expected = skanrs.prune(skeleton, max_radius_ratio=1.5, mask=MASK)
    np.testing.assert_array_equal(pruned.skeleton_image, expected.skeleton_image)
    labels = skanrs.skeletonize(given[kind]['territories'], labels=True)
    np.testing.assert_array_equal(labels, skanrs.skeletonize(TERRITORIES, labels=True))


@pytest.mark.parametrize('kind', ['zarr', 'h5py', 'LazyImage'])
def test_label_images_in_files_beside_lazy_ones(given, kind):
    in_file = given[kind]['territories']
    skeleton = skanrs.skeletonize(TERRITORIES, labels=True)
    expected = skanrs.radius_image(skeleton, TERRITORIES, labels=True, spacing=SPACING)
    for lazy in (da.from_array(skeleton, chunks=16), data_array(skeleton).chunk(16)):
        radii = skanrs.radius_image(lazy, in_file, labels=True, spacing=SPACING)
        assert dask.is_dask_collection(radii)
        np.testing.assert_array_equal(computed(radii), expected)


def test_nothing_is_computed_before_it_is_asked_for():
    def fail(block):
        raise AssertionError('computed')

    unread = da.from_array(MASK, chunks=13).map_blocks(fail, dtype=bool, meta=np.empty((0,) * 3))
    mask = data_array(unread)
    for image in (
        skanrs.skeletonize(mask),
        skanrs.clean(mask, min_size=2),
        skanrs.prune(mask, min_length=2),
        skanrs.territories(mask, mask),
        skanrs.radius_image(mask, mask),
    ):
        assert isinstance(image.data, da.Array)
    for table in (skanrs.analyze(mask), skanrs.summarize(mask, separator='_'), skanrs.nodes(mask)):
        assert dask.is_dask_collection(table)


def test_files_are_read_in_whole_chunks(given):
    skeleton = skanrs.skeletonize(given['zarr']['mask'])
    starts = [set(np.cumsum((0, *along))) for along in skeleton.chunks]
    for along, chunk, length in zip(starts, (13, 17, 19), MASK.shape, strict=True):
        assert along <= {*range(0, length, chunk), length}


@pytest.mark.parametrize(
    ('coords', 'message'),
    [
        ({'y': np.arange(34) ** 2}, 'expected regular coordinates along y, got steps from 1 to 65'),
        ({'y': np.full(34, 3.0)}, 'expected regular coordinates along y, got steps from 0 to 0'),
        ({'x': np.full(38, np.nan)}, 'expected regular coordinates along x, got steps'),
        ({'z': [f's{n}' for n in range(30)]}, 'expected numbers as coordinates along z, got <U3'),
    ],
)
def test_coordinates_that_give_no_spacing(coords, message):
    mask = data_array(MASK, **coords)
    with pytest.raises(ValueError, match=f'mask: {message}.*; give a spacing'):
        skanrs.analyze(mask)
    pd.testing.assert_frame_equal(skanrs.analyze(mask, spacing=SPACING), TABLE)
    xarray.testing.assert_identical(skanrs.skeletonize(mask), data_array(SKELETON, **coords))


def test_coordinates_of_some_axes_only():
    mask = xarray.DataArray(MASK, coords={'z': COORDS['z']}, dims=('z', 'y', 'x'))
    with pytest.raises(ValueError, match='along all axes or none, got none along y, x; give'):
        skanrs.analyze(mask)
    bare = xarray.DataArray(MASK, dims=('z', 'y', 'x'))
    pd.testing.assert_frame_equal(skanrs.analyze(bare), skanrs.analyze(MASK))
    with pytest.raises(ValueError, match='two coordinates or more along z, got 1; give'):
        skanrs.analyze(data_array(MASK)[:1])


@pytest.mark.parametrize('dtype', ['f4', 'f8', 'i2', 'u1'])
def test_regular_coordinates_of_any_type(dtype):
    coords = {axis: values[::-1] for axis, values in COORDS.items()}
    if dtype[0] != 'f':
        coords = {axis: 3 * np.arange(n) for axis, n in zip('zyx', MASK.shape, strict=True)}
    mask = data_array(MASK, **{axis: values.astype(dtype) for axis, values in coords.items()})
    spacing = SPACING if dtype[0] == 'f' else 3.0
    pd.testing.assert_frame_equal(skanrs.analyze(mask), skanrs.analyze(MASK, spacing=spacing))


def test_images_of_different_spacing():
    with pytest.raises(ValueError, match='spacing: expected images of the same spacing, got .*for'):
        skanrs.analyze(data_array(MASK), skeleton=data_array(SKELETON, z=np.arange(30)))


@pytest.mark.parametrize('kind', KINDS)
def test_pictures(tmp_path, kind):
    pytest.importorskip('matplotlib')
    from matplotlib.figure import Figure

    flat = INTENSITY.max(axis=0)
    plane = skanrs.skeletonize(flat > 200)
    np.savez(tmp_path / 'p.npz', image=plane)
    with h5py.File(tmp_path / 'p.h5', 'w') as file:
        image = {
            'DataArray': xarray.DataArray(plane),
            'DataArray over dask': xarray.DataArray(da.from_array(plane, chunks=8)),
            'zarr': zarr.create_array(tmp_path / 'p.zarr', data=plane),
            'h5py': file.create_dataset('p', data=plane),
            'LazyImage': skanrs.open_image(tmp_path / 'p.npz'),
        }[kind]
        table = skanrs.summarize(plane, separator='_')
        drawn = []
        for each in (image, plane):
            axes = draw.overlay_skeleton_2d(flat, each, axes=Figure().add_subplot())
            lines = draw.overlay_euclidean_skeleton_2d(each, table, axes=Figure().add_subplot())
            _, many = draw.pipeline_plot(flat, each, each, table, figure=Figure())
            drawn.append([each.images[0].get_array() for each in (axes, lines, *many)])
    for one, other in zip(*drawn, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize('kind', ['zarr', 'h5py', 'LazyImage'])
def test_blocks_of_files(given, kind):
    whole = np.zeros(MASK.shape, bool)
    for block, offset in skanrs.iter_blocks(given[kind]['mask'], chunks=12):
        block = np.asarray(dask.compute(block)[0])
        whole[tuple(slice(at, at + n) for at, n in zip(offset, block.shape, strict=True))] = block
    np.testing.assert_array_equal(whole, MASK)


def test_libraries_are_not_imported():
    code = (
        'import sys, numpy, skanrs; skanrs.analyze(numpy.eye(5, dtype=bool));'
        "print([name for name in ('xarray', 'zarr', 'h5py', 'dask') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert run.stdout == '[]\n'
