"""Make a mask of any size from one vessel tree, whose chunks are stored once and linked.

    python benchmarks/linked_mask.py 4000 build/mask_4000.zarr

The zarr array consists of copies of a tree of `--tile` voxels along each axis. Its chunks are hard
links to those of the first copy, so that 10,000³ takes the disk space of one tree and the directory
entries of its chunks. Files that have too many links are copied once more.
"""

import argparse
import os
import shutil
from itertools import product
from pathlib import Path

import numpy as np
import zarr

from skanrs.datasets import VesselTree


def main(options):
    size, chunk, tile = options.size, options.chunk, options.tile
    if tile % chunk or size % chunk:
        raise SystemExit('--tile and the size have to be multiples of --chunk')
    tree = VesselTree.grow((tile,) * 3, foreground=options.foreground, distance=options.distance)
    array = zarr.create_array(
        options.path, shape=(size,) * 3, chunks=(chunk,) * 3, dtype=bool, overwrite=True
    )
    per_tile, count = tile // chunk, size // chunk
    stored = {}
    for index in product(range(per_tile), repeat=3):
        box = tuple(slice(chunk * at, chunk * (at + 1)) for at in index)
        array[box] = tree.block([part.start for part in box], (chunk,) * 3)
        file = options.path.joinpath('c', *map(str, index))
        if file.exists():
            stored[index] = file
    for index in product(range(count), repeat=3):
        source = stored.get(tuple(at % per_tile for at in index))
        file = options.path.joinpath('c', *map(str, index))
        if source is None or file.exists():
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, file)
        except OSError:
            shutil.copyfile(source, file)
            stored[tuple(at % per_tile for at in index)] = file
    first = np.count_nonzero(array[:chunk, :chunk, :chunk]) / chunk**3
    print(f'{size}³ voxels in {count**3:,} chunks; {first:.2%} of the first is foreground')


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('size', type=int, help='edge in voxels')
    parser.add_argument('path', type=Path, help='the zarr array to make')
    parser.add_argument('--tile', type=int, default=500, help='edge of the tree')
    parser.add_argument('--chunk', type=int, default=250, help="edge of the zarr's chunks")
    parser.add_argument('--foreground', type=float, default=0.05, help='its part of the tree')
    parser.add_argument('--distance', type=float, default=18, help='voxels between its tips')
    return parser.parse_args()


if __name__ == '__main__':
    main(arguments())
