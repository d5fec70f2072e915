"""The whole job as people write it today: `usual_job.py IMAGE TABLE`; prints seconds as JSON."""

import json
import sys
import time

import numpy as np
import skan
from scipy.ndimage import gaussian_filter
from skimage.filters import threshold_otsu
from skimage.morphology import skeletonize


def read(name):
    if name.endswith('.zarr'):
        import zarr

        return zarr.open(name, mode='r')[:]
    if name.endswith('.tif'):
        import tifffile

        return tifffile.imread(name)
    if name.endswith('.h5'):
        import h5py

        with h5py.File(name) as file:
            return file['image'][:]
    import nibabel

    return np.asarray(nibabel.load(name).dataobj)


def main():
    source, target = sys.argv[1:]
    seconds, begin = {}, time.perf_counter()

    def done(stage):
        nonlocal begin
        seconds[stage], begin = time.perf_counter() - begin, time.perf_counter()

    image = read(source)
    done('reading')
    image = gaussian_filter(image.astype(np.float32), 1)
    done('smoothing')
    mask = image > threshold_otsu(image)
    done('threshold')
    skeleton = skeletonize(mask)
    done('thinning')
    table = skan.summarize(skan.Skeleton(skeleton), separator='_')
    done('table')
    table.to_csv(target, index=False)
    done('writing')
    print(json.dumps({'seconds': seconds}))


main()
