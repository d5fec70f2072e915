"""Use damaged pickles of the objects that processes exchange.

Run as a process of its own, with a limit on memory: a crash ends it. Wrong numbers and any Python
exception are allowed, for a pickle may hold anything; a panic of a kernel is not, and neither is a
crash. The damage is done to what pickle is given, not to its stream, by whose changes numpy itself
can be brought down.

Usage: python tests/support/malformed_pickles.py SEED COUNT
"""

from __future__ import annotations

import contextlib
import copyreg
import pickle
import resource
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from malformed_bytes import changed

import skanrs

LIMIT = 4 << 30
# Values in place of numbers.
NUMBERS = (0, 1, -1, 2, 3, 7, 64, 2**31, 2**32 + 1, 2**62, 2**63, -(2**63), 10**30, 1.5, None, '')


def damaged(thing: Any, random: np.random.Generator) -> Any:
    """Return a copy with some parts changed."""
    parts = sum(1 for _ in leaves(thing))
    chosen = set(random.integers(parts, size=random.integers(1, 3)).tolist())
    numbers = iter(range(parts))
    return rebuilt(thing, lambda leaf: other(leaf, random) if next(numbers) in chosen else leaf)


def leaves(thing: Any) -> Any:
    """Yield the parts that have no parts of their own."""
    found: list[Any] = []
    rebuilt(thing, lambda leaf: found.append(leaf) or leaf)
    return found


def rebuilt(thing: Any, leaf: Callable[[Any], Any]) -> Any:
    """Return a copy in which `leaf` has replaced each part."""
    if isinstance(thing, dict):
        return {key: rebuilt(value, leaf) for key, value in thing.items()}
    if isinstance(thing, (tuple, list)):
        parts = [rebuilt(part, leaf) for part in thing]
        return type(thing)(*parts) if hasattr(thing, '_fields') else type(thing)(parts)
    if not type(thing).__module__.startswith('skanrs'):
        return leaf(thing)
    make, arguments, *state = thing.__reduce_ex__(4)
    if make is not copyreg.__newobj__:
        return make(*rebuilt(arguments, leaf))
    made = make(*arguments)
    made.__dict__.update(rebuilt(state[0], leaf))
    return made


def other(leaf: Any, random: np.random.Generator) -> Any:
    """Return another value for a part."""
    if isinstance(leaf, bytes):
        return overwritten(leaf, random) if random.random() < 0.7 else changed(leaf, random)
    if not isinstance(leaf, np.ndarray):
        return NUMBERS[random.integers(len(NUMBERS))]
    match random.integers(8):
        case 0:
            return leaf[: random.integers(len(leaf) + 1)] if leaf.ndim else leaf
        case 1:
            return leaf[..., ::-1]
        case 2:
            return leaf.astype(random.choice(['i4', 'u8', 'f4', 'i8', 'bool']))
        case 3:
            return np.concatenate([leaf, leaf])
        case _:
            content = overwritten(leaf.tobytes(), random)
            return np.frombuffer(content, leaf.dtype).reshape(leaf.shape)


def overwritten(data: bytes, random: np.random.Generator) -> bytes:
    """Return the bytes after some were overwritten."""
    new = bytearray(data)
    for _ in range(random.integers(1, 4)):
        at = int(random.integers(len(new) + 1))
        match random.integers(4):
            case 0:
                new[at : at + 1] = random.bytes(1)
            case 1:
                new[at : at + 1] = bytes(
                    byte ^ 1 << int(random.integers(8)) for byte in new[at : at + 1]
                )
            case 2:
                width = int(random.choice([2, 4, 8]))
                new[at : at + width] = bytes(random.choice([b'\0', b'\xff', b'\x7f'])) * width
            case _:
                start = int(random.integers(len(new) + 1))
                new[at : at + 8] = new[start : start + 8]
    return bytes(new[: len(data)].ljust(len(data), b'\0'))


def use_graph(graph: Any, others: list[Any]) -> None:
    """Use a chunk graph."""
    repr(graph)
    pickle.dumps(graph)
    merged = skanrs.merge_chunks([graph, *others])
    skanrs.summarize(merged, separator='_')


def use_thinned(chunk: Any, others: list[Any]) -> None:
    """Use a thinned chunk."""
    repr(chunk)
    merged = skanrs.merge_thinned([chunk, *others])
    if np.prod(chunk.chunk_shape) < 1 << 24:
        chunk.finish(merged)
    for other in others:
        other.finish(merged)


def use_merged(merged: Any, others: list[Any]) -> None:
    """Use merged chunks."""
    repr(merged)
    skanrs.merge_thinned([merged])
    for other in others:
        other.finish(merged)


def use_skeleton(skeleton: Any, others: list[Any]) -> None:
    """Use a skeleton."""
    for use in (
        repr,
        lambda skeleton: skanrs.summarize(skeleton, separator='_'),
        lambda skeleton: skanrs.summarize(skeleton, separator='_', find_main_branch=True),
        lambda skeleton: skeleton.path_lengths(),
        lambda skeleton: skeleton.path_coordinates(0),
        lambda skeleton: skeleton.graph,
        lambda skeleton: skeleton.degrees,
        lambda skeleton: skeleton.coordinates,
        lambda skeleton: skeleton.path_label_image(),
        lambda skeleton: skeleton.prune_paths([0]),
    ):
        with contextlib.suppress(Exception):
            use(skeleton)


def cases() -> dict[str, tuple[list[Any], Callable[[Any, list[Any]], None], list[Any]]]:
    """Return by name valid objects, what uses them, and the objects they are used with."""
    random = np.random.default_rng(0)
    image = random.random((6, 7, 9)) < 0.4
    values = image * random.random(image.shape)
    halves = [(slice(0, 3), (0, 0, 0)), (slice(3, 6), (3, 0, 0))]
    graphs = [skanrs.chunk_graph(image[z], offset=at, shape=image.shape) for z, at in halves]
    numbers = [skanrs.chunk_graph(values[z], offset=at, shape=image.shape) for z, at in halves]
    thick = random.random((6, 7, 70)) < 0.7
    thinned = [skanrs.thin_chunk(thick[z], offset=at, shape=thick.shape) for z, at in halves]
    merged = skanrs.merge_thinned(thinned)
    skeletons = [skanrs.Skeleton(image), skanrs.Skeleton(values, spacing=[1, 2, 0.5])]
    read = skanrs.Skeleton(values)
    _ = read.graph, read.paths, read.distances, read.coordinates
    return {
        'ChunkGraph': ([graphs[0]], use_graph, [graphs[1]]),
        'ChunkGraph of numbers': ([numbers[0]], use_graph, [numbers[1]]),
        'whole ChunkGraph': ([skanrs.merge_chunks(graphs)], use_graph, []),
        'ThinnedChunk': ([thinned[0]], use_thinned, [thinned[1]]),
        'MergedThinning': ([merged], use_merged, thinned),
        'Skeleton': ([*skeletons, read], use_skeleton, []),
    }


def main() -> None:
    """Damage every object `count` times and print the outcomes."""
    seed, count = map(int, sys.argv[1:])
    warnings.simplefilter('ignore')
    every = cases()
    for valid, use, others in every.values():
        for thing in valid:
            use(pickle.loads(pickle.dumps(thing)), others)
            use(rebuilt(thing, lambda leaf: leaf), others)
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, resource.getrlimit(resource.RLIMIT_AS)[1]))
    for number, (name, (valid, use, others)) in enumerate(every.items()):
        random = np.random.default_rng([seed, number])
        outcomes: Counter[str] = Counter()
        for _ in range(count):
            thing = valid[random.integers(len(valid))]
            try:
                with np.errstate(all='ignore'):
                    made = damaged(thing, random)
                    outcomes['made'] += 1
                    use(made, others)
                outcomes['used'] += 1
            except Exception as error:
                outcomes[type(error).__name__] += 1
        print(f'{name}: {dict(outcomes)}')
        # The changes are of consequence, and not all of them are seen at once.
        assert outcomes['made'] > count // 20
        assert name == 'Skeleton' or outcomes['used'] < count


if __name__ == '__main__':
    main()
