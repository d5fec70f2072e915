"""Radii equal scipy's distance transform at the skeleton; errors."""

import os
import subprocess
import sys

import dask.array as da
import numpy as np
import pytest
from images import blobs, random_spacing
from scipy import ndimage
from shapes import SHAPES

import skanrs
from skanrs import _core


def scipys(mask, spacing, border_is_background):
    ndim = mask.ndim
    sampling = np.broadcast_to(spacing, ndim)
    if border_is_background:
        return ndimage.distance_transform_edt(np.pad(mask, 1), sampling)[(slice(1, -1),) * ndim]
    if mask.all():
        return np.full(mask.shape, np.inf)
    return ndimage.distance_transform_edt(mask, sampling)


def random_mask(random):
    ndim = int(random.integers(2, 4))
    shape = tuple(random.integers(1, 60 if ndim == 2 else 22, ndim))
    if random.random() < 0.3:
        return blobs(shape, random, 2.5)
    return random.random(shape) < random.choice([0.3, 0.8, 0.97, 0.999, 1])


@pytest.mark.parametrize('border', [False, True])
def test_equals_distance_transform_of_scipy(border):
    random = np.random.default_rng(3)
    for _ in range(250):
        mask = random_mask(random)
        spacing = random_spacing(random, mask.ndim)
        options = {'spacing': spacing, 'border_is_background': border}
        expected = scipys(mask, spacing, border)
        for skeleton in (mask, skanrs.skeletonize(mask)):
            radii = skanrs.radii(skeleton, mask, **options)
            # Where squares are rounded, scipy compares other roundings than it returns.
            exact = np.asarray(spacing).dtype.kind == 'i'
            tolerance = 0 if exact else 4e-16
            np.testing.assert_allclose(radii, expected[skeleton], rtol=tolerance, atol=0)
            image = skanrs.radius_image(skeleton, mask, **options)
            assert image.dtype == float
            np.testing.assert_array_equal(image[skeleton], radii)
            assert not image[~skeleton].any()


@pytest.mark.parametrize('name', [name for name, image in SHAPES.items() if image.ndim in (2, 3)])
def test_every_shape(name):
    mask = SHAPES[name]
    for border in (False, True):
        radii = skanrs.radii(mask, mask, border_is_background=border)
        expected = scipys(mask, 1, border)[mask] if mask.size else np.empty(0)
        np.testing.assert_array_equal(radii, expected)


@pytest.mark.parametrize('dtype', ['?', 'u1', 'i2', 'f4', '>f8'])
def test_memory_orders_and_types(dtype):
    mask = blobs((20, 21, 70), 4).astype(dtype)
    expected = skanrs.radii(mask, mask)
    for axes in [(0, 2, 1), (1, 0, 2), (2, 1, 0)]:
        turned = np.ascontiguousarray(mask.transpose(axes)).transpose(np.argsort(axes))
        np.testing.assert_array_equal(skanrs.radii(turned, turned), expected)
    doubled = np.repeat(mask, 2, axis=2)[:, :, ::2]
    np.testing.assert_array_equal(skanrs.radii(mask, doubled), expected)


def test_a_ball_of_radius_70():
    """Beyond the rows that the table lists."""
    z, y, x = np.ogrid[-72:73, -72:73, -72:73]
    mask = z * z + y * y + x * x <= 70**2
    skeleton = np.zeros_like(mask)
    skeleton[72, 72, 40:90] = skeleton[30:100, 70, 75] = True
    expected = ndimage.distance_transform_edt(mask)[skeleton]
    radii = skanrs.radii(skeleton, mask)
    np.testing.assert_array_equal(radii, expected)
    assert radii.max() > 70


def test_radius_of_a_slab():
    mask = np.zeros((150, 150, 20), dtype=bool)
    mask[:, :, 5:14] = True
    skeleton = np.zeros_like(mask)
    skeleton[75, 75, 9] = skeleton[75, 70:80, 7] = True
    assert set(skanrs.radii(skeleton, mask)) == {5.0, 3.0}
    assert set(skanrs.radii(skeleton.T, mask.T)) == {5.0, 3.0}


def test_a_skeleton_object_has_its_spacing_and_its_order():
    mask = blobs((25, 26, 27), 1)
    image = skanrs.skeletonize(mask)
    skeleton = skanrs.Skeleton(image, spacing=[2, 1, 0.5])
    radii = skanrs.radii(skeleton, mask)
    expected = ndimage.distance_transform_edt(mask, sampling=[2, 1, 0.5])
    np.testing.assert_array_equal(radii, expected[tuple(skeleton.coordinates.T)])
    with pytest.raises(ValueError, match='spacing: expected None, since a Skeleton has its own'):
        skanrs.radii(skeleton, mask, spacing=1)
    graph = skanrs.csr.PathGraph.from_image(image)
    with pytest.raises(ValueError, match='skeleton: expected one made from an image'):
        skanrs.radii(skanrs.Skeleton.from_path_graph(graph), mask)


def test_nothing_is_changed():
    mask = blobs((12, 13, 14), 2).astype(np.uint8)
    mask.flags.writeable = False
    before = mask.copy()
    skanrs.radii(mask, mask)
    np.testing.assert_array_equal(mask, before)


LINE = np.zeros((4, 6), dtype=bool)
LINE[1, 1:5] = True


@pytest.mark.parametrize(
    ('error', 'words', 'arguments'),
    [
        (ValueError, r'mask: expected shape \(4, 6\) as the skeleton', (LINE, LINE[:, 1:])),
        (ValueError, r'skeleton: .*3 are background there, the first at \(0, 3\)',
         (np.eye(4, 6, 3) > 0, np.eye(4, 6) + np.eye(4, 6, 4) > 0)),
        (ValueError, 'mask: expected a mask.*got the values 1, 2.*threshold it first',
         (LINE, np.arange(24).reshape(4, 6))),
        (ValueError, 'mask: expected a 2D or 3D array, got 1D', (LINE[1], LINE[1])),
        (TypeError, 'mask: expected an array of booleans', (LINE, LINE + 0j)),
        (TypeError, 'skeleton: expected an array of booleans', (LINE + 0j, LINE)),
    ],
)  # fmt: skip
def test_errors(error, words, arguments):
    with pytest.raises(error, match=words):
        skanrs.radii(*arguments)
    with pytest.raises(error, match=words):
        skanrs.radius_image(*arguments)


@pytest.mark.parametrize('spacing', [0, -1, np.nan, [1, 2, 3], 'wide'])
def test_invalid_spacings(spacing):
    for call in (skanrs.radii, skanrs.radius_image):
        with pytest.raises(ValueError, match='spacing: expected'):
            call(LINE, LINE, spacing=spacing)


@pytest.mark.parametrize('spacing', [(1, 1, 1), (1, 2, 0.5), (3, 1, 1)])
def test_thick_objects_equal_scipy(spacing):
    """Deep voxels share their search: one by one, in lines, in clumps and all of them."""
    random = np.random.default_rng(0)
    places = (
        np.indices((96, 80, 100)) - np.array([48, 40, 50])[:, np.newaxis, np.newaxis, np.newaxis]
    )
    rough = ndimage.gaussian_filter(random.normal(size=places.shape[1:]), 2)
    mask = np.linalg.norm(places, axis=0) + 30 * rough < 40
    mask[20:30, 40, 50] = False
    distances = ndimage.distance_transform_edt(mask, sampling=spacing)
    drawn = np.zeros((4, *mask.shape), dtype=bool)
    drawn[0].reshape(-1)[random.choice(mask.size, 500)] = True
    drawn[1, :, 44, 50] = drawn[1, 48, 40] = True
    drawn[2, 40:56, 33:45, 42:60] = True
    drawn[3] = True
    for skeleton in drawn & mask:
        radii = skanrs.radii(skeleton, mask, spacing=spacing)
        np.testing.assert_array_equal(radii, distances[skeleton])
    lazy = [da.from_array(each, chunks=(50, 80, 37)) for each in (skeleton, mask)]
    image = skanrs.radius_image(*lazy, spacing=spacing)
    np.testing.assert_array_equal(image.compute(), distances)
    with_border = skanrs.radii(mask[20:70, 20:60], mask[20:70, 20:60], border_is_background=True)
    padded = ndimage.distance_transform_edt(np.pad(mask[20:70, 20:60], 1))[1:-1, 1:-1, 1:-1]
    np.testing.assert_array_equal(with_border, padded[mask[20:70, 20:60]])


@pytest.mark.parametrize('threads', [1, 2, 8])
def test_solid_images_are_measured_in_whole_rows(threads):
    """Where a skeleton is a volume or a surface, all rows are measured at once."""
    code = """
import numpy as np
from scipy import ndimage
import skanrs
from skanrs import _core

solid = np.zeros((70, 66, 130), dtype=bool)
solid[1:-2, 3:-1, 2:-5] = True
solid[30, 20:23, 70] = False
flat = np.zeros((150, 260), dtype=bool)
flat[3:-4, 2:-6] = True
for mask in (solid, solid[:, :, 40:41], solid[:, 30:31], flat, solid.T, np.asfortranarray(solid)):
    for spacing in (1, 0.3, (2, 1, 1)[: mask.ndim], (0.7, 1.1, 3.3)[: mask.ndim]):
        expected = ndimage.distance_transform_edt(mask, np.broadcast_to(spacing, mask.ndim))[mask]
        radii = skanrs.radii(mask, mask, spacing=spacing)
        tolerance = 0 if np.asarray(spacing).dtype.kind == 'i' else 4e-16
        np.testing.assert_allclose(radii, expected, rtol=tolerance, atol=0)
    padded = ndimage.distance_transform_edt(np.pad(mask, 1))[(slice(1, -1),) * mask.ndim][mask]
    np.testing.assert_array_equal(skanrs.radii(mask, mask, border_is_background=True), padded)
assert np.isinf(skanrs.radii(np.ones((9, 40, 70)), np.ones((9, 40, 70)))).all()
"""
    environment = os.environ | {'RAYON_NUM_THREADS': str(threads)}
    subprocess.run([sys.executable, '-c', code], check=True, env=environment)


@pytest.mark.parametrize('spacing', [1, (2, 1, 1), (0.7, 1.1, 3.3)])
def test_solid_blocks_equal_the_whole_image(spacing):
    mask = np.zeros((60, 70, 80), dtype=bool)
    mask[2:-1, 1:-3, 3:] = True
    mask[30, 40, 50] = False
    whole = skanrs.radius_image(mask, mask, spacing=spacing)
    for chunks in (40, (60, 35, 27)):
        lazy = da.from_array(mask, chunks=chunks)
        image = skanrs.radius_image(lazy, lazy, spacing=spacing)
        np.testing.assert_array_equal(image.compute(), whole)


def test_kernel_refuses_voxels_in_disorder():
    solid = np.ones((40, 40, 40), np.uint8)
    solid[0] = 0
    nodes = np.flatnonzero(solid)
    options = (0, 0, 0), solid.shape, (1.0, 1.0, 1.0), (False, False, False)
    assert len(_core.block_radii(solid, 1, nodes, *options)[0]) == len(nodes)
    for wrong in (
        nodes[::-1].copy(),
        np.repeat(nodes, 2),
        nodes - nodes[0] - 1,
        nodes + solid.size,
    ):
        with pytest.raises(ValueError, match='nodes: expected ascending linear indices'):
            _core.block_radii(solid, 1, wrong, *options)
