"""Print the processor time of `skanrs.analyze` with a given skeleton, beside `skanrs.summarize`.

On a vessel tree, in memory and in chunks of half its edge, and on thick objects. Medians of three.
With `--memory`, print how much memory the tree takes in a process of its own instead.
"""

import argparse
import multiprocessing
import statistics
import tempfile
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


def status(field):
    with open('/proc/self/status') as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def memory_of(folder):
    mask, skeleton = (np.load(f'{folder}/{name}.npy') for name in ('mask', 'skeleton'))
    # Modules are imported and threads started before it counts.
    corner = (slice(64),) * 3
    skanrs.analyze(mask[corner], skeleton=skeleton[corner])
    before = status('VmRSS')
    skanrs.analyze(mask, skeleton=skeleton)
    return status('VmHWM') - before


def print_memory(mask, skeleton):
    with tempfile.TemporaryDirectory() as folder:
        np.save(f'{folder}/mask.npy', mask)
        np.save(f'{folder}/skeleton.npy', skeleton)
        with multiprocessing.get_context('spawn').Pool(1) as pool:
            added = pool.apply(memory_of, [folder])
    share, each = np.count_nonzero(mask) / mask.size, added / mask.size
    print(f'tree, {share:.1%} foreground: analyze {each:.2f} bytes a voxel beyond its input')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', type=int, default=512, help='edge in voxels')
    parser.add_argument('--memory', action='store_true', help='print memory instead of time')
    arguments = parser.parse_args()
    size = arguments.size
    mask = vessel_tree((size,) * 3)
    skeleton = skanrs.skeletonize(mask)
    if arguments.memory:
        print_memory(mask, skeleton)
        return
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
