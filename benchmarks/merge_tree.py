"""What a larger image takes on a cluster, by walking through its trees of merges on paper.

What is left of a region after a merge lies at those of its faces behind which the image goes on. So
bytes are taken to grow with the area of these faces, and seconds of a merge with the bytes that it
is given; both rates come from a measured run (`scaling.py`). Branches grow with the volume.
"""

from itertools import pairwise

import numpy as np


def estimate(row, size, workers):
    """Return in words what an image of `size` voxels along each axis takes."""
    chunk, measured = row['chunks']['chunk'], row['size']
    tasks = row['chunks']['tasks']
    levels = walk(-(-size // chunk), chunk, size)
    small = walk(-(-measured // chunk), chunk, measured)
    rates = [
        tasks[f'skeletonize-residue {level}']['bytes out'] / max(area.sum(), 1)
        for level, area in enumerate(small)
        if area.sum()
    ]
    lines = [
        f'{size}³ voxels in blocks of {chunk}³, from what {measured}³ took:',
        '  bytes of residue for each voxel of an inner face, by level: '
        + ' '.join(f'{rate:.3f}' for rate in rates),
    ]
    merges = [tasks[kind] for kind in tasks if kind.startswith('skeletonize-merge')]
    taken = sum(of['bytes in'] for of in merges)
    speed = sum(of['seconds'] for of in merges) / max(taken, 1)
    blocks = levels[0].size
    per_block = {
        kind: tasks[kind]['seconds'] / tasks[kind]['count']
        for kind in ('skeletonize-pack', 'skeletonize-thin', 'skeletonize', 'branches-graph')
        if kind in tasks
    }
    seconds = blocks * sum(per_block.values()) / workers
    lines.append(
        f'  {blocks} blocks, {sum(per_block.values()):.2f} s each for pack, thin, finish, graph:'
        f' {seconds / 60:.0f} min on {workers} workers'
    )
    for level, area in enumerate(levels[1:], 1):
        rate = rates[min(level - 1, len(rates) - 1)]
        given = children(levels[level - 1]) * rate
        each = given.ravel() * speed
        rounds = max(each.sum() / workers, each.max())
        seconds += rounds
        lines.append(
            f'  merges of level {level}: {area.size:6} tasks, {given.sum() / 1e9:8.2f} GB in all,'
            f' {given.max() / 1e6:9.1f} MB the largest, {rounds:8.1f} s'
        )
    rows = row['chunks']['rows'] * (size / measured) ** 3
    graphs = tasks['branches-graph']['bytes out'] / row['chunks']['blocks'] * blocks
    lines.append(
        f'  {rows / 1e6:.0f} million branches, {graphs / 1e9:.1f} GB of chunk graphs;'
        f' {seconds / 3600:.2f} hours in all, without reading the image'
    )
    return '\n'.join(lines)


def walk(blocks, chunk, size):
    """For each level of the tree, the area of the inner faces of its regions, in voxels."""
    levels = []
    cuts = [min(at * chunk, size) for at in range(blocks + 1)]
    while True:
        lengths = np.diff(cuts)
        inner = np.array([(low > 0) + (high < size) for low, high in pairwise(cuts)])
        along = np.ones(len(lengths))
        area = sum(
            np.einsum('i,j,k->ijk', *[inner * along if at == axis else lengths for at in range(3)])
            for axis in range(3)
        )
        levels.append(area)
        if len(lengths) == 1:
            return levels
        cuts = [*cuts[:-1:2], cuts[-1]]


def children(area):
    """Sum of the areas of the regions that each merge joins."""
    padded = np.pad(area, [(0, length % 2) for length in area.shape])
    half = [length // 2 for length in padded.shape]
    return padded.reshape(half[0], 2, half[1], 2, half[2], 2).sum(axis=(1, 3, 5))
