"""Malformed zarr: small valid stores of each kind, and changes of their metadata and chunks."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from malformed_bytes import changed
from malformed_files import outcome_of

IMAGE = (np.arange(4 * 5 * 6, dtype=np.uint16) % 7).reshape(4, 5, 6)
METADATA = ('.zarray', '.zattrs', '.zgroup', 'zarr.json')
# Values in place of valid ones.
VALUES: list[Any] = [
    *(None, True, 0, -1, 1, 3, 10**9, 2**63, -(2**31), 1.5, 1e308, float('nan')),
    *('', 'x', 'é', '\ud800', 'pickle', 'bytes', '|O', '<U8', 'float64', 'c8'),
    *([], {}, [[]], [None], [1, 2, 3], [0, 0, 0], [10**6] * 3, [10**18] * 3, [-1, 2, 2]),
    *({'name': 'x'}, {'id': 'zlib'}, {'name': 'gzip', 'configuration': {'level': 99}}),
]


def make(path: Path, kind: str) -> None:
    """Write a store of a kind of `KINDS`."""
    KINDS[kind](path)


def _array(path: Path, **options: Any) -> None:
    array = zarr.create_array(path, data=IMAGE, **options)
    array.attrs.update(spacing=[2, 1.5, 1], unit='mm')


def _ome(path: Path, version: str) -> None:
    group = zarr.create_group(path, zarr_format=2 if version == '0.4' else 3)
    group.create_array('0', data=IMAGE, chunks=(2, 3, 3))
    axes = [{'name': name, 'type': 'space', 'unit': 'micrometer'} for name in 'zyx']
    scale = {'type': 'scale', 'scale': [2, 0.5, 0.25]}
    image = {
        'axes': axes,
        'datasets': [{'path': '0', 'coordinateTransformations': [scale]}],
        'coordinateTransformations': [{'type': 'scale', 'scale': [1, 2, 2]}],
    }
    if version == '0.4':
        group.attrs['multiscales'] = [{'version': version, **image}]
    else:
        group.attrs['ome'] = {'version': version, 'multiscales': [image]}


KINDS = {
    'zarr2': lambda path: _array(path, chunks=(2, 3, 3), zarr_format=2),
    'zarr3': lambda path: _array(path, chunks=(2, 3, 3), zarr_format=3),
    'sharded': lambda path: _array(path, chunks=(1, 5, 3), shards=(2, 5, 6)),
    'ome-0.4': lambda path: _ome(path, '0.4'),
    'ome-0.5': lambda path: _ome(path, '0.5'),
}


def changed_json(content: bytes, random: np.random.Generator) -> bytes:
    """Return the same JSON with one or two entries renamed, removed or changed."""
    node = json.loads(content)
    for _ in range(random.integers(1, 3)):
        places = list(_places(node))
        if not places:
            break
        holder, key = places[random.integers(len(places))]
        match random.integers(4):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[f'x{key}'] = holder.pop(key)
            case _:
                holder[key] = copy.deepcopy(VALUES[random.integers(len(VALUES))])
    return json.dumps(node).encode()


def _places(node: Any) -> Any:
    entries = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(entries):
        yield node, key
        if isinstance(value, (dict, list)):
            yield from _places(value)


def outcomes(path: Path, random: np.random.Generator, count: int) -> set[str]:
    """Change a valid store, read it and restore it, `count` times; return the outcomes.

    Raises any error except a `FileError` of one line that names the store.
    """
    valid = {file: file.read_bytes() for file in sorted(path.rglob('*')) if file.is_file()}
    metadata = [file for file in valid if file.name in METADATA]
    chunks = [file for file in valid if file.name not in METADATA]
    said = set()
    for _ in range(count):
        files = metadata if random.random() < 0.75 else chunks
        file = files[random.integers(len(files))]
        if file in metadata and random.random() < 0.7:
            file.write_bytes(changed_json(valid[file], random))
        elif random.random() < 0.05:
            file.unlink()
        else:
            file.write_bytes(changed(valid[file], random))
        said.add(outcome_of(path))
        file.write_bytes(valid[file])
    return said
