"""Call public functions under a memory limit that grows from too little to enough.

This runs in a separate process, since the limit is that of the address space, and an allocation
that cannot fail would end the process. It prints for each call how often it raised MemoryError
before it succeeded.

Usage: python tests/support/memory_limits.py FACTOR CALL...

FACTOR is the growth of the limit from one attempt to the next.
"""

from __future__ import annotations

import os
import pickle
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import skanrs

UNLIMITED = resource.getrlimit(resource.RLIMIT_AS)
MEBIBYTE = 2**20
# In addition to the memory in use: from too little for every call to enough for all.
SMALLEST_LIMIT, LARGEST_LIMIT = MEBIBYTE, 1500 * MEBIBYTE
# glibc returns freed memory, so that the limit is exact.
GIVE_BACK = {
    'MALLOC_MMAP_THRESHOLD_': '65536',
    'MALLOC_TRIM_THRESHOLD_': '65536',
    'MALLOC_ARENA_MAX': '1',
}


def in_use() -> int:
    """Return the size of the address space in bytes."""
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    return pages * resource.getpagesize()


def noise(shape: tuple[int, ...], density: float) -> np.ndarray:
    """Return random voxels: far more branches than a real image has."""
    return np.random.default_rng(0).random(shape) < density


def calls() -> dict[str, Callable[[], Any]]:
    """Return the calls by name; their arguments are made beforehand."""
    image = noise((96, 96, 96), 0.25)
    values = image * np.float32(1.5)
    thin = skanrs.skeletonize(noise((160, 160, 160), 0.5))
    skeleton = skanrs.Skeleton(thin)
    table = skanrs.summarize(skeleton, separator='_', find_main_branch=False)
    halves = [(image[:48], (0, 0, 0)), (image[48:], (48, 0, 0))]
    graphs = [skanrs.chunk_graph(part, offset=at, shape=image.shape) for part, at in halves]
    merged = skanrs.merge_chunks(graphs)
    pickled = pickle.dumps(graphs[0], 5)
    thick = noise((96, 96, 512), 0.5)
    chunks = [
        skanrs.thin_chunk(thick[:48], offset=(0, 0, 0), shape=thick.shape),
        skanrs.thin_chunk(thick[48:], offset=(48, 0, 0), shape=thick.shape),
    ]
    thinned = skanrs.merge_thinned(chunks)
    labels = image * (1 + np.indices(image.shape).sum(0) // 9 % 5).astype(np.uint8)
    solid = np.zeros((96, 96, 96), dtype=bool)
    solid[8:40, 8:80, 8:80] = solid[60:70, ::4] = True
    gray = np.random.default_rng(0).random((96, 96, 512), dtype=np.float32)
    assert len(table) > 1000
    return {
        'skeletonize': lambda: skanrs.skeletonize(thick),
        'preserve_topology': lambda: skanrs.skeletonize(thick, preserve_topology=True),
        'zhang': lambda: skanrs.skeletonize(thick.reshape(1536, -1)),
        'lee_2d': lambda: skanrs.skeletonize(thick.reshape(1536, -1), method='lee'),
        'thin_chunk': lambda: skanrs.thin_chunk(thick, offset=(0, 0, 0), shape=(96, 96, 4096)),
        'merge_thinned': lambda: skanrs.merge_thinned(chunks),
        'finish': lambda: chunks[0].finish(thinned),
        'prune': lambda: skanrs.prune(thin, min_length=3),
        'analyze': lambda: skanrs.analyze(image),
        'analyze_labels': lambda: skanrs.analyze(labels, labels=True),
        'radius_image': lambda: skanrs.radius_image(solid, solid),
        'nodes': lambda: skanrs.nodes(solid),
        'centrelines': lambda: skanrs.centrelines(solid),
        'territories': lambda: skanrs.territories(image, skanrs.skeletonize(image)),
        'branch_image': lambda: skanrs.branch_image(thin),
        'labels': lambda: skanrs.skeletonize(labels, labels=True),
        'gaussian': lambda: skanrs.gaussian(gray, 1.5),
        'clean': lambda: skanrs.clean(thick, min_size=20, closing=1),
        'Skeleton': lambda: skanrs.Skeleton(image),
        'Skeleton_values': lambda: skanrs.Skeleton(values, value_is_height=True),
        'summarize': lambda: skanrs.summarize(skeleton, separator='_'),
        'main_branch': lambda: skanrs.summarize(skeleton, separator='_', find_main_branch=True),
        'path_label_image': skeleton.path_label_image,
        'prune_paths': lambda: skeleton.prune_paths(range(0, skeleton.n_paths, 2)),
        'pixel_graph': lambda: skanrs.csr.pixel_graph(image, mask=image, connectivity=3),
        'degree_image': lambda: skanrs.csr.make_degree_image(image),
        'chunk_graph': lambda: skanrs.chunk_graph(image, offset=(0, 0, 0), shape=(99, 99, 99)),
        'merge_chunks': lambda: skanrs.merge_chunks(graphs),
        'chunk_table': lambda: skanrs.summarize(merged, separator='_'),
        'pickle': lambda: pickle.dumps(graphs[0], 5),
        'unpickle': lambda: pickle.loads(pickled),
    }


def failures(name: str, call: Callable[[], Any], factor: float) -> int:
    """Raise the limit until the call succeeds; return how often it raised MemoryError."""
    call()  # imports and other things that happen once
    failed, limit = 0, float(SMALLEST_LIMIT)
    while limit < LARGEST_LIMIT:
        resource.setrlimit(resource.RLIMIT_AS, (in_use() + int(limit), UNLIMITED[1]))
        try:
            call()
        except MemoryError:
            failed += 1
            limit *= factor
        else:
            break
        finally:
            resource.setrlimit(resource.RLIMIT_AS, UNLIMITED)
    else:
        sys.exit(f'{name}: not even {LARGEST_LIMIT // MEBIBYTE} MiB suffice')
    # The interpreter and the module still work.
    call()
    assert skanrs.summarize(np.eye(9, dtype=bool), separator='_')['branch_type'].tolist() == [0]
    return failed


def main() -> None:
    """Print how often each chosen call failed."""
    if not os.environ.keys() >= GIVE_BACK.keys():
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | GIVE_BACK)
    every = calls()
    for name in sys.argv[2:]:
        print(name, failures(name, every[name], float(sys.argv[1])), flush=True)


if __name__ == '__main__':
    main()
