"""Write the synthetic image of a benchmark into this folder and print its name.

`gray_files.py KIND SIZE`: zarr, TIFF (uint16, a page per plane), HDF5, NIfTI or mask zarr.
"""

import sys

import numpy as np

from skanrs.datasets import lung, vessel_tree

EDGE = 128


def main():
    kind, size = sys.argv[1], int(sys.argv[2])
    if kind == 'mask zarr':
        import zarr

        name = f'mask-{size}.zarr'
        mask = vessel_tree((size,) * 3)
        zarr.create_array(name, shape=mask.shape, chunks=(min(EDGE, size),) * 3, dtype=bool)[:] = (
            mask
        )
    else:
        gray = gray_image(size)
        name = {'zarr': 'gray-{}.zarr', 'TIFF': 'gray-{}.tif', 'HDF5': 'gray-{}.h5'}.get(
            kind, 'gray-{}.nii'
        )
        name = name.format(size)
        write(kind, name, gray)
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


def write(kind, name, gray):
    chunks = tuple(min(EDGE, n) for n in gray.shape)
    if kind == 'zarr':
        import zarr

        zarr.create_array(name, shape=gray.shape, chunks=chunks, dtype=gray.dtype)[:] = gray
    elif kind == 'TIFF':
        import tifffile

        tifffile.imwrite(name, gray.astype(np.uint16), photometric='minisblack', compression='zlib')
    elif kind == 'HDF5':
        import h5py

        with h5py.File(name, 'w') as file:
            file.create_dataset('image', data=gray, chunks=chunks, compression='gzip')
    else:
        import nibabel

        nibabel.save(nibabel.Nifti1Image(gray, np.eye(4)), name)


if __name__ == '__main__':
    main()
