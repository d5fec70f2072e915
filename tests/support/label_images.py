"""Label images to test with: random ones of several kinds, and structured ones by name."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import scipy.ndimage as ndi

VALUES = {
    'u1': [1, 2, 255],
    'i2': [1, -1, 2**15 - 1, -(2**15)],
    'u4': [1, 255, 2**16, 2**31, 2**32 - 1],
    'i8': [1, -1, 2**31, 2**53, 2**53 + 1, -(2**63), 2**63 - 1],
    'u8': [1, 255, 2**16, 2**53, 2**53 + 1, 2**63, 2**64 - 1],
}
"""By dtype, labels that a conversion to another type would change."""


def label_images(ndim, *, count, seed, dtype=None, shape=None) -> Iterator[np.ndarray]:
    """Give noise, blobs, cells of Voronoi diagrams and stripes, all of labels that touch."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        of_type = dtype or rng.choice(list(VALUES))
        lengths = shape or tuple(rng.integers(1, 40 if ndim == 2 else 14, ndim))
        values = rng.permutation(np.array(VALUES[of_type], of_type))
        n_labels = int(rng.integers(1, len(values) + 1))
        grid = np.stack(np.indices(lengths), -1)
        kind = number % 4
        if kind == 0:
            numbers = rng.integers(0, n_labels + 1, lengths)
        elif kind == 1:
            smooth = [ndi.gaussian_filter(rng.random(lengths), 1) for _ in range(n_labels + 1)]
            numbers = np.argmax(smooth, axis=0)
        else:
            centres = rng.random((n_labels, ndim)) * lengths
            numbers = ((grid[..., np.newaxis, :] - centres) ** 2).sum(-1).argmin(-1) + 1
            if kind == 3:
                numbers = grid @ rng.integers(-1, 2, ndim) // 2 % (n_labels + 1)
            numbers = numbers * (rng.random(lengths) < rng.choice([0.8, 0.95, 1]))
        yield np.array([0, *values[:n_labels]], of_type)[numbers]


@cache
def structured_labels() -> dict[str, np.ndarray]:
    """Return label images in which labels touch in all ways, by name."""
    z, y, x = np.indices((9, 10, 11))
    distance = np.maximum(np.maximum(abs(z - 4), abs(y - 4)), abs(x - 4))
    plane = np.zeros((7, 12, 12), int)
    plane[3, 2:10, 1:11] = 4
    flat = np.zeros((4, 12, 12), int)
    flat[0, 2:10, 1:11], flat[1, 1:11, 3:9] = 4, 5
    images = {
        'checkerboard of 2 labels': 1 + (z + y + x) % 2,
        'checkerboard of 2 labels in blocks': 1 + (z // 3 + y // 3 + x // 3) % 2,
        'checkerboard of 26 labels': 1 + (9 * z + 3 * y + x) % 26,
        'checkerboard of 26 labels in blocks': 1 + (9 * (z // 2) + 3 * (y // 2) + x // 2) % 26,
        'shells and a core': 1 + distance,
        'thick shells': 1 + distance // 2,
        'a label in one plane of a volume': plane,
        'labels in two planes of a volume': flat,
        'a label in one plane at a side': np.where(x == 10, 3, np.where(z == 0, 2, 1)),
        'one plane': (1 + (y // 4 + x // 4) % 3)[:1],
        'one row': (1 + x // 3)[:1, :1],
        'one column': (1 + z // 2)[:, :1, :1],
        'a flat image': (1 + (y // 4 + x // 4) % 3)[0],
    }
    for name, (dy, dx, dz) in {'face': (1, 0, 0), 'edge': (1, 1, 0), 'vertex': (1, 1, 1)}.items():
        lines = np.zeros((8, 12, 20), int)
        lines[3:5, 3:5, 1:19] = 1
        lines[3 + 2 * dz : 5 + 2 * dz, 3 + 2 * dy : 5 + 2 * dy, 1 + 2 * dx : 19] = 2
        images[f'lines that touch by a {name}'] = lines
    crossing = np.zeros((9, 12, 12), int)
    crossing[3:6, 5:8, :] = 1
    crossing[4:7, :, 4:7] = 2
    images['lines that cross'] = crossing
    return images


def in_any_memory(labels, folder) -> dict[str, np.ndarray]:
    """Return a 3D image in memory of other kinds, by name; a file is written to `folder`."""
    np.save(folder / 'labels.npy', labels)
    unaligned = np.frombuffer(b'x' + labels.tobytes(), np.uint8)[1:].view(labels.dtype)
    return {
        'Fortran order': np.asfortranarray(labels),
        'negative strides': labels[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
        'gaps': np.repeat(labels, 2, axis=2)[..., ::2],
        'big-endian': labels.astype(labels.dtype.newbyteorder('>')),
        'read-only memmap': np.load(folder / 'labels.npy', mmap_mode='r'),
        'unaligned': unaligned.reshape(labels.shape),
    }
