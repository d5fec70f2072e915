"""Read a mask from a zarr and thin it, and nothing else: `read_and_thin.py MASK`."""

import json
import sys
import time

import zarr

import skanrs

begin = time.perf_counter()
mask = zarr.open(sys.argv[1], mode='r')[:]
read = time.perf_counter()
skanrs.skeletonize(mask)
print(json.dumps({'seconds': {'reading': read - begin, 'thinning': time.perf_counter() - read}}))
