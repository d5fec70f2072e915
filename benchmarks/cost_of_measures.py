"""Print the processor time of `skanrs.analyze` with a given skeleton, beside `skanrs.summarize`.

On a vessel tree, in memory and in chunks of half its edge, and on thick objects. Medians of three.
"""

import argparse
import statistics
import time

import dask.array as da
import numpy as np

import skanrs
from skanrs.datasets import balls, vessel_tree


def seconds(function):
    times = []
    for _ in range(3):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', type=int, default=512, help='edge in voxels')
    size = parser.parse_args().size
    mask = vessel_tree((size,) * 3)
    skeleton = skanrs.skeletonize(mask)
    lazy, lazy_skeleton = (da.from_array(array, chunks=size // 2) for array in (mask, skeleton))
    table = seconds(lambda: skanrs.summarize(skeleton, separator='_'))
    whole = seconds(lambda: skanrs.analyze(mask, skeleton=skeleton))
    chunks = seconds(lambda: skanrs.analyze(lazy, skeleton=lazy_skeleton).compute())
    print(f'tree, {np.count_nonzero(mask):,} voxels: summarize {table:.2f} s', end='')
    print(f', analyze {whole:.2f} s, {whole / table:.1f} times, in chunks {chunks:.2f} s')
    thick = {
        'block': np.pad(np.ones((size - 8,) * 3, dtype=bool), 4),
        'balls': balls((size,) * 3, radius=(60 * size / 512, 100 * size / 512)),
    }
    for name, solid in thick.items():
        inner = skanrs.skeletonize(solid)
        took = seconds(lambda solid=solid, inner=inner: skanrs.analyze(solid, skeleton=inner))
        count = np.count_nonzero(solid)
        each = took / count * 1e9
        print(f'{name}, {count:,} voxels: analyze {took:.2f} s, {each:.1f} ns a voxel')


if __name__ == '__main__':
    main()
