"""Write the synthetic image of a benchmark into this folder and print its name.

`gray_files.py KIND SIZE`: zarr, TIFF (uint16, a page per plane), HDF5, NIfTI, npy, npz or mask
zarr. A file that is there is kept.
"""

import sys
from pathlib import Path

import numpy as np

from skanrs.datasets import lung, vessel_tree

EDGE = 128


NAMES = {
    'zarr': 'gray-{}.zarr', 'TIFF': 'gray-{}.tif', 'HDF5': 'gray-{}.h5', 'NIfTI': 'gray-{}.nii',
    'npy': 'gray-{}.npy', 'npz': 'gray-{}.npz', 'mask zarr': 'mask-{}.zarr',
}  # fmt: skip


def main():
    kind, size = sys.argv[1], int(sys.argv[2])
    name = NAMES[kind].format(size)
    if not Path(name).exists():
        write(kind, name, vessel_tree((size,) * 3) if kind == 'mask zarr' else gray_image(size))
    print(name)


def gray_image(size):
    """Return lungs of 256³ side by side, cut to the size."""
    edge = min(size, 256)
    tile = lung('healthy', shape=(edge,) * 3, seed=1).image
    # Mirrored, so that vessels go on from tile to tile.
    for axis in range(3):
        pair = np.concatenate([tile, np.flip(tile, axis)], axis)
        times = -(-size // pair.shape[axis])
        tile = np.concatenate([pair] * times, axis).take(range(size), axis)
    return np.ascontiguousarray(tile)


def write(kind, name, image):
    chunks = tuple(min(EDGE, n) for n in image.shape)
    if kind in ('zarr', 'mask zarr'):
        import zarr

        zarr.create_array(name, shape=image.shape, chunks=chunks, dtype=image.dtype)[:] = image
    elif kind == 'npy':
        np.save(name, image)
    elif kind == 'npz':
        np.savez_compressed(name, image=image)
    elif kind == 'TIFF':
        import tifffile

        tifffile.imwrite(
            name, image.astype(np.uint16), photometric='minisblack', compression='zlib'
        )
    elif kind == 'HDF5':
        import h5py

        with h5py.File(name, 'w') as file:
            file.create_dataset('image', data=image, chunks=chunks, compression='gzip')
    else:
        import nibabel

        nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), name)


if __name__ == '__main__':
    main()
