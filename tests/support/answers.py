"""Print digests of the results of every kernel on random images, to compare builds.

The lines depend on no assertion, vector width or number of threads. Images are large enough for
several threads and small enough for hundreds of images.

Usage: python tests/support/answers.py [COUNT]
"""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Iterator
from unittest.mock import patch

import numpy as np
import pandas as pd
from blocks import chunk_graphs, merge_at_random, random_chunks
from images import blobs, random_image, random_spacing

import skanrs
from skanrs import _core, smoothing
from skanrs._gray.parts import Smoothed
from skanrs._image.packed import PackedImage
from skanrs.files.write.csv import write_csv
from skanrs.threshold import pack_by_otsu


def answers(seed: int) -> Iterator[tuple[str, np.ndarray | pd.DataFrame]]:
    """Yield the results of the kernels on the images of one seed, with names."""
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 80, 3))
    mask = blobs(shape, random, random.uniform(0.7, 3))
    if seed % 2:
        mask = random.random(shape) < random.choice([0.2, 0.5, 0.8, 0.95])
    spacing = random_spacing(random, 3)
    skeleton = skanrs.skeletonize(mask)
    yield 'lee', skeleton
    yield 'preserving', skanrs.skeletonize(mask, preserve_topology=True)
    labels = mask * (1 + np.indices(mask.shape).sum(0) // 9 % 5)
    yield 'labels', skanrs.skeletonize(labels, labels=True)
    yield 'measures of labels', skanrs.analyze(labels, labels=True)
    for method in ('zhang', 'lee'):
        yield method, skanrs.skeletonize(mask[0], method=method)

    for preserving in (False, True):
        thinned = [
            skanrs.thin_chunk(block, offset=offset, shape=shape, preserve_topology=preserving)
            for block, offset in skanrs.iter_blocks(mask, chunks=random_chunks(random, shape))
        ]
        merged = skanrs.merge_thinned(thinned)
        for part in thinned:
            yield 'chunk', part.finish(merged)
    of_labels = [
        skanrs.thin_chunk(block, offset=offset, shape=shape, labels=True)
        for block, offset in skanrs.iter_blocks(labels, chunks=random_chunks(random, shape))
    ]
    merged = skanrs.merge_thinned(of_labels)
    for part in of_labels:
        yield 'chunk of labels', part.finish(merged)

    yield 'radii', skanrs.radius_image(skeleton, mask, spacing=spacing)
    yield 'pruned', skanrs.prune(skeleton, min_length=4 * float(np.max(spacing)), spacing=spacing)
    branches = skanrs.analyze(mask, spacing=spacing)
    yield 'measures', branches
    listed, rows, steps = np.flatnonzero(skeleton), PackedImage(shape), np.broadcast_to(spacing, 3)
    rows.insert(mask, (0, 0, 0))
    radii = np.sqrt(rows.rows.squared_radii(listed, steps))
    planes = (shape[0] // 3, shape[0] - shape[0] // 4)
    owned, farthest, loose = _core.cells_between(rows.rows, listed, radii, steps, 3, *planes)
    yield 'cells between planes', owned
    yield 'bound of the cells', np.array(farthest)
    yield 'loose voxels', loose
    yield 'strays', _core.strays_among(rows.rows, loose)
    text = io.BytesIO()
    write_csv(text, branches, header=True)
    yield 'csv', np.frombuffer(text.getvalue(), np.uint8)
    for name, column in skanrs.centrelines(mask, spacing=spacing)._asdict().items():
        yield f'{name} of centrelines', column
    yield 'cleaned', skanrs.clean(mask, closing=1.5, fill_cavities=True, min_size=5)
    gray = random.normal(100, 30, shape) + 60 * mask
    gray = gray.astype(random.choice(['u1', 'i2', 'f4', 'f8']))
    sigma = random.choice([0, 0.6, 1.4], 3)
    yield from zip(('gaussian', 'otsu', 'mask by otsu'), of_gray(gray, sigma), strict=True)
    nodes = skanrs.nodes(mask, spacing=spacing)
    yield 'nodes', nodes
    yield 'trees', skanrs.root(branches, nodes, at='thickest')
    yield 'territories', skanrs.territories(mask, skeleton, spacing=spacing)
    for image in (skeleton, random_image(random)):
        spacing = random_spacing(random, image.ndim)
        whole = skanrs.Skeleton(image, spacing=spacing)
        yield 'table', skanrs.summarize(whole, separator='_', find_main_branch=True)
        graphs = chunk_graphs(image, random_chunks(random, image.shape), spacing=spacing)
        yield 'merged', skanrs.summarize(merge_at_random(random, graphs), separator='_')


def of_gray(gray: np.ndarray, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a smoothed image, thresholds, and the mask by Otsu's.

    Weights are rounded, since numpy's exponential depends on the processor.
    """
    exact, packed = smoothing._weights, PackedImage(gray.shape)
    parts = [(Smoothed(gray, tuple(sigma)), 0)]
    with patch.object(smoothing, '_weights', lambda width: np.round(exact(width), 12).tolist()):
        smoothed = skanrs.gaussian(gray, sigma)
        pack_by_otsu(parts, np.result_type(gray, np.float32), packed, 1 << 20)
    return smoothed, np.array([skanrs.otsu(gray), skanrs.otsu(smoothed)]), packed.unpack()


def digest(answer: np.ndarray | pd.DataFrame) -> str:
    """Return a digest of the type and every bit, of all columns for a table."""
    columns = {'': answer} if isinstance(answer, np.ndarray) else dict(answer.items())
    made = hashlib.sha256()
    for name, column in columns.items():
        values = np.asarray(column)
        made.update(f'{name} {values.dtype} {values.shape} '.encode())
        made.update(values.tobytes())
    return made.hexdigest()[:16]


def main() -> None:
    """Print a line for each answer."""
    for seed in range(int(sys.argv[1]) if len(sys.argv) > 1 else 200):
        for name, answer in answers(seed):
            print(seed, name, digest(answer))


if __name__ == '__main__':
    main()
