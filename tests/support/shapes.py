"""Degenerate images that every kernel must survive, by name."""

import numpy as np


def _image(shape, *points):
    image = np.zeros(shape, dtype=bool)
    for point in points:
        image[point] = True
    return image


def _ring(shape, plane=()):
    image = np.zeros(shape, dtype=bool)
    image[(*plane, slice(1, 6), slice(1, 6))] = True
    image[(*plane, slice(2, 5), slice(2, 5))] = False
    return image


def _plus(ndim, size=7):
    image = np.zeros((size,) * ndim, dtype=bool)
    for axis in range(ndim):
        line = [size // 2] * ndim
        line[axis] = slice(None)
        image[tuple(line)] = True
    return image


def _checkerboard(shape):
    return np.indices(shape).sum(axis=0) % 2 == 0


def _pillars(shape):
    """Every second line along the last axis: voids and touching diagonals."""
    image = np.zeros(shape, dtype=bool)
    image[..., ::2, :] = True
    return image


SHAPES = {
    'empty-1d': np.zeros(5, dtype=bool),
    'empty-2d': np.zeros((4, 5), dtype=bool),
    'empty-3d': np.zeros((3, 4, 5), dtype=bool),
    'no-elements-1d': np.zeros(0, dtype=bool),
    'no-elements-2d': np.zeros((0, 5), dtype=bool),
    'no-elements-3d': np.zeros((3, 0, 5), dtype=bool),
    'one-voxel-image': np.ones((1, 1, 1), dtype=bool),
    'single-1d': _image(5, 2),
    'single-2d': _image((5, 5), (2, 2)),
    'single-3d': _image((5, 5, 5), (2, 2, 2)),
    'single-in-corner': _image((4, 4, 4), (3, 3, 3)),
    'isolated': _image((9, 9), (0, 0), (4, 4), (8, 8), (0, 8)),
    'pair': _image((4, 4), (1, 1), (2, 2)),
    'pair-and-isolated': _image((6, 6), (0, 0), (3, 3), (3, 4)),
    'triangle': _image((4, 4), (1, 1), (1, 2), (2, 1)),
    'triangle-3d': _image((4, 4, 4), (1, 1, 1), (1, 2, 1), (2, 1, 1)),
    'triangle-and-pair': _image((4, 8), (1, 1), (1, 2), (2, 1), (1, 6), (2, 6)),
    'two-triangles': _image((4, 8), (1, 1), (1, 2), (2, 1), (1, 5), (1, 6), (2, 5)),
    'square': _image((4, 4), (slice(1, 3), slice(1, 3))),
    'diamond': _image((5, 5), (0, 1), (1, 0), (1, 2), (2, 1)),
    'line-1d': np.ones(7, dtype=bool),
    'line-2d': _image((5, 7), (2, slice(1, 6))),
    'line-to-border': _image((3, 6), (1, slice(None))),
    'diagonal': np.eye(6, dtype=bool),
    'ring': _ring((7, 7)),
    'ring-3d': _ring((3, 7, 7), (1,)),
    'ring-on-border': _ring((7, 7))[1:6, 1:6],
    'ring-with-tail': _ring((7, 9)) | _image((7, 9), (3, slice(5, 9))),
    'two-rings': np.concatenate([_ring((7, 7)), _ring((7, 7))], axis=1),
    'plus-2d': _plus(2),
    'plus-3d': _plus(3),
    'plus-4d': _plus(4, 5),
    'theta': _ring((7, 7)) | _image((7, 7), (3, slice(1, 6))),
    'one-plane': _plus(2)[np.newaxis],
    'one-column': np.ones((6, 1), dtype=bool),
    'one-wide': _plus(2)[:, np.newaxis, :],
    'one-wide-last': _plus(2)[:, :, np.newaxis],
    'solid-2d': np.ones((4, 5), dtype=bool),
    'solid-3d': np.ones((3, 4, 5), dtype=bool),
    'solid-even': np.ones((2, 2, 2), dtype=bool),
    'checkerboard-2d': _checkerboard((6, 7)),
    'checkerboard-3d': _checkerboard((4, 5, 6)),
    'pillars': _pillars((3, 6, 5)),
    'rows-of-64': np.tile(np.arange(130) % 64 == 0, (3, 1)),
}
