"""Compare random images with scikit-image, with skan and with themselves in chunks.

At the first failure it prints the seed and the command that repeats it, and exits with 1. Growing
memory is a failure.

Usage: python tests/support/soak.py SECONDS [--seed N] [--once]
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
import traceback
import warnings
from pathlib import Path

import dask.array as da
import numpy as np
import skan
from blocks import assert_same_table, chunk_graphs, merge_at_random, random_chunks
from images import blobs, random_image, random_spacing
from skimage.morphology import skeletonize as reference

import skanrs

WARM_UP = 200
MOST_GROWTH = 64 * 2**20


def check(seed: int) -> None:
    """Compare everything on the images of one seed."""
    random = np.random.default_rng(seed)
    skanrs.set_num_threads(int(random.integers(1, 9)))
    shape = tuple(random.integers(1, 40, int(random.integers(2, 4))))
    mask = blobs(shape, random, random.uniform(0.7, 3))
    if random.random() < 0.5:
        mask = random.random(shape) < random.choice([0.2, 0.5, 0.8])
    method = str(random.choice(['lee', 'zhang'])) if mask.ndim == 2 else 'lee'
    skeleton = skanrs.skeletonize(mask, method=method)
    np.testing.assert_array_equal(skeleton, reference(mask, method=method))

    chunks = random_chunks(random, shape)
    thinned = [
        skanrs.thin_chunk(block, offset=offset, shape=shape, method=method)
        for block, offset in skanrs.iter_blocks(mask, chunks=chunks)
    ]
    merged = skanrs.merge_thinned(thinned)
    for part in thinned:
        inside = zip(part.offset, part.chunk_shape, strict=True)
        box = tuple(slice(at, at + length) for at, length in inside)
        np.testing.assert_array_equal(part.finish(merged), skeleton[box])

    image = random_image(random) if random.random() < 0.5 else skeleton
    spacing = random_spacing(random, image.ndim)
    table = skanrs.summarize(skanrs.Skeleton(image, spacing=spacing), separator='_')
    graphs = chunk_graphs(image, random_chunks(random, image.shape), spacing=spacing)
    graph = merge_at_random(random, graphs)
    assert_same_table(skanrs.summarize(graph, separator='_'), table)
    # Without an edge skan raises; for a few lone triangles it writes out of bounds.
    if (table['branch_type'] < 3).any():
        theirs = skan.summarize(skan.Skeleton(image, spacing=spacing), separator='_')
        assert_same_table(table, theirs)

    check_labels(mask * (1 + np.indices(shape).sum(axis=0) // 9 % 5), method, random)


def check_labels(labels: np.ndarray, method: str, random: np.random.Generator) -> None:
    """Compare a label image with each of its labels alone, and with its chunks."""
    skeleton = skanrs.skeletonize(labels, labels=True, method=method)
    for label in range(1, 6):
        alone = skanrs.skeletonize(labels == label, method=method)
        np.testing.assert_array_equal(skeleton == label, alone)
    chunks = random_chunks(random, labels.shape)
    lazy = da.from_array(labels, chunks=chunks)
    found = skanrs.skeletonize(lazy, labels=True, method=method).compute()
    np.testing.assert_array_equal(found, skeleton)
    graph = merge_at_random(random, chunk_graphs(skeleton, chunks, labels=True))
    table = skanrs.summarize(skeleton, labels=True, separator='_')
    assert_same_table(skanrs.summarize(graph, separator='_'), table)


def memory() -> int:
    """Return the resident memory in bytes."""
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * resource.getpagesize()


def main() -> int:
    """Check seed after seed until the time is over."""
    parser = argparse.ArgumentParser()
    parser.add_argument('seconds', type=float)
    parser.add_argument('--seed', type=int, default=int(time.time()) % 10**9)
    parser.add_argument('--once', action='store_true')
    arguments = parser.parse_args()
    warnings.simplefilter('ignore')
    end = time.monotonic() + arguments.seconds
    before, checked = 0, 0
    while checked == 0 or (not arguments.once and time.monotonic() < end):
        seed = arguments.seed + checked
        try:
            check(seed)
        except Exception:
            traceback.print_exc()
            print(f'failed: python tests/support/soak.py 1 --once --seed {seed}')
            return 1
        checked += 1
        if checked == WARM_UP:
            before = memory()
        if before and memory() - before > MOST_GROWTH:
            print(f'memory grew from {before:,} to {memory():,} bytes in {checked} seeds')
            return 1
    grown = f', memory {before:,} to {memory():,} bytes' if before else ''
    print(f'{checked} seeds from {arguments.seed} on, all equal{grown}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
