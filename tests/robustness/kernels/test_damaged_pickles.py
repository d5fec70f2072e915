"""Damaged pickles of chunk graphs, thinned chunks and skeletons: an error or wrong numbers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from images import blobs

import skanrs

# Bytes of objects


def broken(data, random):
    """Some bytes of them changed, cut, doubled or swapped."""
    data = bytearray(data)
    for _ in range(int(random.integers(1, 4))):
        at = int(random.integers(len(data)))
        kind = random.integers(4)
        if kind == 0:
            data[at] = int(random.integers(256))
        elif kind == 1:
            del data[at : at + int(random.integers(1, 9))]
        elif kind == 2:
            data[at:at] = data[at : at + int(random.integers(1, 9))]
        else:
            data[at] ^= 1 << int(random.integers(8))
        if not data:
            break
    return bytes(data)


def test_changed_bytes_of_a_chunk_graph():
    random = np.random.default_rng(2)
    refused = 0
    for seed in range(6):
        image = blobs((9, 9, 9), seed, 0.7) * random.random((9, 9, 9))
        parts = [
            skanrs.chunk_graph(block, offset=offset, shape=image.shape)
            for block, offset in skanrs.iter_blocks(image, chunks=(5, 9, 9))
        ]
        restore, (data, *rest) = parts[0].__reduce_ex__(4)
        for _ in range(300):
            try:
                graph = restore(broken(data, random), *rest)
                repr(graph)
                # Its numbers may be wrong, and any.
                with np.errstate(all='ignore'):
                    skanrs.summarize(skanrs.merge_chunks([graph, parts[1]]), separator='_')
            except ValueError:
                refused += 1
    assert refused > 1000


def test_changed_arrays_of_a_thinned_chunk():
    from skanrs.thinning import chunks

    random = np.random.default_rng(3)
    image = blobs((16, 16, 80), 1)
    whole = [(image[:7], (0, 0, 0)), (image[7:], (7, 0, 0))]
    parts = [skanrs.thin_chunk(part, offset=at, shape=image.shape) for part, at in whole]
    other = parts[1]
    refused = 0
    for _ in range(600):
        part = parts[0]
        arrays = [*part.kept, *part.residue.undecided, *part.residue.script]
        chosen = int(random.integers(len(arrays)))
        array = arrays[chosen].copy()
        if len(array):
            at = int(random.integers(len(array)))
            kind = random.integers(4)
            if kind == 0:
                array[at] = random.integers(0, 2**32, dtype='u4')
            elif kind == 1:
                array[at] ^= np.array(1 << int(random.integers(32)), dtype=array.dtype)
            elif kind == 2:
                array = array[:at]
            else:
                array = array[::-1].copy()
        arrays[chosen] = array
        residue = chunks.Residue(
            part.residue.boxes, chunks.Words(*arrays[2:4]), chunks.Script(*arrays[4:])
        )
        made = chunks.ThinnedChunk(
            part.image, part.offset, part.chunk_shape, chunks.Words(*arrays[:2]), residue
        )
        try:
            merged = skanrs.merge_thinned([made, other])
            made.finish(merged)
            other.finish(merged)
        except ValueError:
            refused += 1
    assert refused > 100


def test_changed_objects_in_pickles():
    """In a process of its own: a crash ends it, and so does a panic."""
    script = Path(__file__).parents[2] / 'support' / 'malformed_pickles.py'
    command = [sys.executable, str(script), '0', '150']
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("'made'") == 6


def test_truncated_bytes_of_a_chunk_graph():
    """At every length, and with every number in front changed to extremes."""
    image = blobs((9, 9, 9), 1, 0.7)
    graph = skanrs.chunk_graph(image[:5], offset=(0, 0, 0), shape=image.shape)
    restore, (data, *rest) = graph.__reduce_ex__(4)
    for length in range(len(data)):
        with pytest.raises(ValueError, match='damaged|chunk graph'):
            restore(data[:length], *rest)
    for at in range(min(len(data), 200)):
        for byte in (0, 0x7F, 0x80, 0xFF):
            try:
                made = restore(data[:at] + bytes([byte] * 8) + data[at + 8 :], *rest)
                repr(made)
            except ValueError:
                continue
