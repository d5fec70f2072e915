"""Compare `skanrs.radii` with the distance transform of the whole mask by the package edt.

Both run in turns in this process; medians are printed, and the ratio of skanrs to edt. The objects
are thin and thick, and some are their own skeleton, where every voxel's radius is asked for.
"""

import argparse
import os
import statistics
import time

import numpy as np

import skanrs
from skanrs.datasets import vessel_tree

# Voxels around blocks.
MARGIN = 1


def objects(size):
    """Yield names, masks and what makes their skeletons, one after the other."""
    mask = vessel_tree((size,) * 3)
    yield f'vessel tree {size}³', mask, skanrs.skeletonize(mask)
    z, y, x = np.ogrid[:size, :size, :size]
    middle, radius = size // 2, min(100, size // 2 - 2)
    mask = (z - middle) ** 2 + (y - middle) ** 2 + (x - middle) ** 2 <= radius**2
    yield f'ball of radius {radius}', mask, skanrs.skeletonize(mask)
    mask = block(size)
    yield f'block {size}³', mask, skanrs.skeletonize(mask)
    for thickness in (5, 25, 51):
        for axis in range(3):
            mask, plane = np.zeros((2, size, size, size), dtype=bool)
            first = middle - thickness // 2
            slab = [slice(None)] * 3
            slab[axis] = slice(first, first + thickness)
            mask[tuple(slab)] = True
            slab[axis] = middle
            plane[tuple(slab)] = True
            yield f'plate of {thickness} across axis {axis}, middle plane', mask, plane
    for edge in (size // 2, size):
        mask = block(edge)
        yield f'block {edge}³, its own skeleton', mask, mask
    mask = np.random.default_rng(0).random((size // 2,) * 3) < 0.3
    yield f'noise {size // 2}³, its own skeleton', mask, mask


def block(edge):
    mask = np.zeros((edge,) * 3, dtype=bool)
    mask[(slice(MARGIN, -MARGIN),) * 3] = True
    return mask


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', type=int, default=512, help='edge in voxels')
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--threads', type=int, default=1, help='RAYON_NUM_THREADS too')
    arguments = parser.parse_args()
    os.environ['RAYON_NUM_THREADS'] = str(arguments.threads)
    import edt

    print(f'{"":42}{"skanrs":>10}{"edt":>10}{"ratio":>8}')
    for name, mask, skeleton in objects(arguments.size):
        ours, theirs = [], []
        for _ in range(arguments.repeats):
            ours.append(seconds(lambda: skanrs.radii(skeleton, mask)))  # noqa: B023
            theirs.append(seconds(lambda: edt.edt(mask, parallel=arguments.threads)))  # noqa: B023
        mine, their = statistics.median(ours), statistics.median(theirs)
        print(f'{name:42}{mine:8.3f} s{their:8.3f} s{mine / their:8.2f}', flush=True)


main()
