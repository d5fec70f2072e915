"""Connected components of one block: labels, sizes, borders, and the change of some of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .steps import Fill, Keep, Parts

__all__ = ['change', 'label', 'parts_of']

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[Any]

PIECE = 1 << 20
"""Labels that are converted to indices at a time; numpy would convert all of them."""


def label(block: Mask, step: Fill | Keep) -> tuple[Labels, int]:
    """Label the components that a step looks at, from 1."""
    from scipy import ndimage

    structure = ndimage.generate_binary_structure(block.ndim, step.connectivity(block.ndim))
    labels, count = ndimage.label(~block if step.of_background else block, structure)
    return labels, int(count)


def parts_of(
    labels: Labels, count: int, offset: tuple[int, ...], image_shape: tuple[int, ...]
) -> Parts:
    """Return sizes and positions of the components of a block at an offset in an image."""
    flat = labels.reshape(-1)
    sizes = np.zeros(count + 1, np.int64)
    first = np.zeros(count + 1, np.int64)
    # A piece longer than the counts, so that adding them costs no more than counting.
    length = max(PIECE, 4 * count)
    for start in reversed(range(0, flat.size, length)):
        piece = flat[start : start + length]
        sizes += np.bincount(piece, minlength=count + 1)
        # Of several values for an element, the last one stays: that of the first voxel.
        first[piece[::-1]] = np.arange(start, start + piece.size)[::-1]
    if labels.size:
        inside = np.unravel_index(first, labels.shape)
        first = np.ravel_multi_index(
            [at + begin for at, begin in zip(inside, offset, strict=True)], image_shape
        ).astype(np.int64)
    at_border = np.zeros(count + 1, np.bool_)
    for axis, (begin, whole) in enumerate(zip(offset, image_shape, strict=True)):
        if begin == 0:
            at_border[np.take(labels, 0, axis)] = True
        if begin + labels.shape[axis] == whole:
            at_border[np.take(labels, -1, axis)] = True
    return Parts(sizes[1:], at_border[1:], first[1:])


def change(block: Mask, labels: Labels, changed: npt.NDArray[np.bool_]) -> Mask:
    """Return a block in which the voxels of some components have the other value."""
    flips = np.concatenate([[False], changed])
    result = block.copy()
    flat, flat_labels = result.reshape(-1), labels.reshape(-1)
    for start in range(0, flat.size, PIECE):
        flat[start : start + PIECE] ^= flips[flat_labels[start : start + PIECE]]
    return result
