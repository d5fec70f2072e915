"""Kernels called without the checks of the package: a result or an exception, no panic."""

import copy
import tempfile

import numpy as np
import pytest
from images import blobs

from skanrs import _core

SHAPE = (5, 6, 70)
ONES = (1.0, 1.0, 1.0)
ORIGIN = (0, 0, 0)
BOX = [[0, 5], [0, 6], [0, 70]]
MASK = blobs(SHAPE, 1, 1.2).view(np.uint8)
NODES = np.flatnonzero(MASK)
GRAPH = _core.pixel_graph(NODES, SHAPE, ONES, 3)
TRACED = _core.trace_skeleton(NODES, SHAPE, ONES)
PATHS = _core.trace_paths(*GRAPH)[:2]
WORDS = _core.pack_chunk(MASK[:3], 1, ORIGIN, SHAPE)
RESIDUE = _core.thin_chunks([WORDS], [[[0, 3], [0, 6], [0, 70]]], SHAPE, 'lee')[1]
LABEL_WORDS = _core.pack_label_chunk(MASK[:3], None, ORIGIN, SHAPE)
LABEL_RESIDUE = _core.thin_label_chunks([LABEL_WORDS], [[[0, 3], [0, 6], [0, 70]]], SHAPE, 'lee')[1]
BLOCK = {'offset': ORIGIN, 'shape': SHAPE, 'spacing': ONES}
PART = _core.ChunkGraph.from_block(np.flatnonzero(MASK[:3]), (3, 6, 70), **BLOCK)
NETWORK = (4, np.uint32([0, 1, 2]), np.uint32([1, 2, 3]), np.array([1.0, 2.0, 3.0]))
RADII = np.ones(NODES.size)
ROWS = _core.MaskRows(SHAPE, (False, True, True))
ROWS.insert(MASK, 1, ORIGIN)
FOLDER = tempfile.TemporaryDirectory()
FILE = f'{FOLDER.name}/words'
ROWS.words().tofile(FILE)
MAPPED = _core.MaskRows.map(FILE, SHAPE, (False, True, True))
FOREGROUND = _core.MaskRows(SHAPE, (False, True, True))
BRANCHES = (NODES, RADII, PATHS[0].astype(np.int64), PATHS[1].astype(np.int64), ONES, 3)
LABELS = (NODES, np.ones(NODES.size, np.uint64), *BRANCHES[2:4], ONES, (False, True, False), 3)
NUMBERS = np.arange(NODES.size, dtype=np.int32) % 9
TERRITORIES = _core.Territories(ROWS, NODES, NUMBERS, ONES)
PLACES = np.arange(27).reshape(9, 3) % 5
WEIGHTS = ([0.25, 0.5, 0.25], [], [0.1, 0.2, 0.4, 0.2, 0.1])
GRAY = np.arange(MASK.size, dtype=np.float32).reshape(SHAPE) % 11

CALLS = {
    'longest_shortest_paths': NETWORK,
    'graph_centres': NETWORK,
    'skeletonize': (MASK, 1, 'lee', np.zeros(SHAPE, np.uint8)),
    'thin_nodes': (NODES, SHAPE, 'lee'),
    'find_labels': (MASK,),
    'skeletonize_labels': (MASK, np.uint64([1]), 1, 'lee', np.zeros(SHAPE, np.uint8)),
    'pack_chunk': (MASK[:3], 1, ORIGIN, SHAPE),
    'thin_chunks': ([WORDS], [[[0, 3], [0, 6], [0, 70]]], SHAPE, 'lee'),
    'merge_residues': ([RESIDUE], SHAPE, 'lee'),
    'pack_label_chunk': (MASK[:3], np.uint64([1]), ORIGIN, SHAPE),
    'thin_label_chunks': ([LABEL_WORDS], [[[0, 3], [0, 6], [0, 70]]], SHAPE, 'lee'),
    'merge_label_residues': ([LABEL_RESIDUE], SHAPE, 'lee'),
    'unpack_label_chunk': ([LABEL_WORDS], ORIGIN, SHAPE, np.zeros(SHAPE, np.uint8)),
    'missing_box': ([BOX], SHAPE),
    'unpack_chunk': ([WORDS], ORIGIN, SHAPE, np.zeros(SHAPE, np.uint8)),
    'foreground_indices': (MASK, 1, ORIGIN, SHAPE),
    'pixel_graph': (NODES, SHAPE, ONES, 3),
    'trace_skeleton': (NODES, SHAPE, ONES),
    'graph_distances': (*TRACED[0], SHAPE, ONES),
    'prune_junction_edges': GRAPH,
    'trace_paths': (*GRAPH, RADII),
    'path_ends': (*PATHS, TRACED[0][2], NODES),
    'end_positions': (NODES[:50], NODES[-50:], SHAPE, np.array(ONES)),
    'path_lengths': (*GRAPH, *PATHS),
    'path_sums': (PATHS[0].astype(np.int64), np.ones(PATHS[1].size)),
    'components': GRAPH[:2],
    'csv_rows': ([RADII, NODES],),
    'label_paths': (np.zeros(MASK.size, np.int64), NODES, *PATHS),
    'unravel': (NODES, SHAPE),
    'block_radii': (MASK, 1, NODES, ORIGIN, SHAPE, ONES, (False, False, False)),
    'lower_radii': (RADII[:9].copy(), PLACES, 0, np.ones((6, 70), np.uint32), SHAPE, ONES),
    'prune_nodes': (NODES, SHAPE, ONES, 3.0, 0.5, 1.5, RADII, np.array([0, 9, NODES.size])),
    'topology': (NODES, SHAPE),
    'tunnels': (NODES, np.array([0, 9, NODES.size]), SHAPE),
    'label_radii': (MASK, LABELS),
    'label_measures': (MASK, LABELS),
    'label_nodes': (MASK, LABELS),
    'label_centrelines': (MASK, LABELS),
    'MaskRows': (SHAPE, (False, True, True)),
    'MaskRows.insert': (ROWS, MASK, 1, ORIGIN),
    'MaskRows.map': (FILE, SHAPE, (False, True, True)),
    'MaskRows.planes': (MAPPED, 1, 4),
    'MaskRows.release': (MAPPED,),
    'MaskRows.words': (MAPPED,),
    'MaskRows.set': (FOREGROUND, np.uint64([0, 1, 64])),
    'MaskRows.squared_radii': (ROWS, NODES, ONES),
    'centreline_measures': (ROWS, BRANCHES),
    'centrelines': (ROWS, BRANCHES),
    'cell_measures': (ROWS, BRANCHES, RADII[: len(PATHS[0]) - 1]),
    'cell_counts': (ROWS, BRANCHES),
    'cells_between': (MAPPED, NODES, RADII, ONES, 3, 1, 4),
    'strays_among': (MAPPED, NODES),
    'cell_surfaces': (np.arange(9, dtype=np.uint64), ONES, 3),
    'network_nodes': (ROWS, BRANCHES),
    'root_branches': (
        *NETWORK[1:3],
        np.uint32([0, 1, 1, 2]),
        NETWORK[3],
        np.array([False, True, False]),
        3,
        np.uint32([0]),
    ),
    'Territories': (ROWS, NODES, NUMBERS, ONES),
    'Territories.of_labels': (MASK, NODES, NUMBERS, ONES),
    'Territories.draw': (TERRITORIES, ORIGIN, SHAPE),
    'gaussian_filter': (GRAY, WEIGHTS, np.zeros(SHAPE, np.float32)),
    'value_range': (GRAY, WEIGHTS),
    'count_each': (MASK, 0, 3),
    'count_bins': (GRAY, 0.0, 10.0, list(np.linspace(0.0, 10.0, 9)), WEIGHTS),
    'count_and_pack': (
        GRAY,
        (0.0, 10.0, list(np.linspace(0.0, 10.0, 9))),
        (4.0, 6.0),
        50,
        FOREGROUND,
        0,
        WEIGHTS,
        (0, 5),
    ),
    'foreground': (GRAY, 5.0, np.zeros(SHAPE, np.uint8), WEIGHTS),
    'packed_foreground': (GRAY, 5.0, FOREGROUND, 0, WEIGHTS, (0, 5)),
    'MaskRows.skeletonize': (ROWS, 'lee', True),
    'MaskRows.unpack': (ROWS, np.zeros(SHAPE, np.uint8)),
    'rank_gains': (
        _core.ChunkGraph.merge_with_shifts([PART])[1][0],
        np.arange(5),
    ),
    'ChunkGraph.from_bytes': (PART.to_bytes(),),
    'ChunkGraph.merge': ([PART],),
}
WITHOUT_INPUT = {
    'get_num_threads',
    'on_progress',
    'return_freed_memory',
    'set_num_threads',
    'vectors',
}


def kernel(name):
    found = _core
    for part in name.split('.'):
        found = getattr(found, part)
    return found


def damaged(value, random):
    """Something else of the same kind, mostly."""
    if isinstance(value, np.ndarray):
        value = value.copy()
        if value.size and random.random() < 0.5:
            whole = [1, -1, value.size, 2**31, -(2**31), 2**63 - 1]
            wrong = random.choice([np.nan, np.inf, -1.0, 1e308, -1e308])
            if value.dtype.kind != 'f':
                wrong = np.int64(whole[random.integers(len(whole))])
            with np.errstate(over='ignore'):
                value.reshape(-1)[random.integers(value.size)] = wrong.astype(value.dtype)
            return value
        return [
            lambda: value[: value.shape[0] // 2],
            lambda: value[:0],
            lambda: value[::-1],
            lambda: np.concatenate([value, value]),
            lambda: value[np.newaxis],
            lambda: np.zeros(value.shape, random.choice(['int64', 'int32', 'uint32', 'float64'])),
            lambda: np.asfortranarray(value),
        ][random.integers(7)]()
    if isinstance(value, (list, tuple)):
        value = list(value)
        which = random.integers(4)
        if which == 0 or not value:
            return value[:-1]
        if which == 1:
            return value * 2
        at = random.integers(len(value))
        value[at] = damaged(value[at], random)
        return value
    if isinstance(value, str):
        return random.choice(['zhang', 'lee-preserving', 'none'])
    if isinstance(value, (bool, int)):
        return [-1, 0, 1, 2, 7, 1000, 2**62, 2**63, 2**64 - 1][random.integers(9)]
    if isinstance(value, float):
        return [-1.0, 0.0, np.nan, np.inf, 1e308, 5e-324][random.integers(6)]
    return None


def refused(call, *arguments, **options):
    """Whether an error comes of a call; a panic is no Exception, and not caught."""
    try:
        call(*arguments, **options)
    except Exception:
        return True
    return False


def test_all_kernels_are_tested():
    functions = {
        name for name in _core.__all__ if callable(getattr(_core, name)) and name != 'ChunkGraph'
    }
    assert functions - WITHOUT_INPUT == {name for name in CALLS if '.' not in name}


@pytest.mark.parametrize('name', CALLS)
def test_kernel_returns_or_raises(name):
    random = np.random.default_rng(list(CALLS).index(name))
    call, arguments = kernel(name), CALLS[name]
    shared = (ROWS, FOREGROUND, MAPPED, TERRITORIES)
    is_shared = 'merge' in name or any(each is one for each in arguments for one in shared)
    call(*(arguments if is_shared else copy.deepcopy(arguments)))
    raised = 0
    for _ in range(400):
        tried = list(arguments)
        for _ in range(random.integers(1, 3)):
            at = random.integers(len(tried))
            tried[at] = damaged(tried[at], random)
        raised += refused(call, *tried)
    assert raised


def block_table(nodes, block_shape, **options):
    graph = _core.ChunkGraph.from_block(nodes, block_shape, **options)
    return graph.table(0, graph.finished)


def test_block_returns_or_raises():
    random = np.random.default_rng(1)
    assert block_table(NODES, SHAPE, **BLOCK)['lengths'].size
    raised = 0
    for _ in range(400):
        nodes, block_shape, options = NODES, SHAPE, dict(BLOCK)
        which = random.choice(['nodes', 'block_shape', *BLOCK])
        if which == 'nodes':
            nodes = damaged(nodes, random)
        elif which == 'block_shape':
            block_shape = damaged(block_shape, random)
        else:
            options[which] = damaged(options[which], random)
        raised += refused(block_table, nodes, block_shape, **options)
    assert 0 < raised < 400


@pytest.mark.parametrize(
    'shape', [(0, 2**62, 2**62), (1, 1, 2**62), (2**40, 2**40, 0), (2**21, 2**21, 2**21)]
)
def test_shapes_that_63_bits_cannot_number(shape):
    one = np.array([0])
    calls = [
        lambda: _core.pixel_graph(one[:0], shape, ONES, 3),
        lambda: _core.trace_skeleton(one, shape, ONES),
        lambda: _core.end_positions(one, one, shape, np.array(ONES)),
        lambda: _core.thin_nodes(one, shape, 'lee'),
        lambda: _core.prune_nodes(one, shape, ONES, 1.0, 0.0, 0.0),
        lambda: _core.foreground_indices(np.zeros((0, 0, 0), np.uint8), 1, ORIGIN, shape),
        lambda: _core.ChunkGraph.from_block(
            one[:0], (0, 0, 0), offset=ORIGIN, shape=shape, spacing=ONES
        ),
    ]
    for call in calls:
        with pytest.raises(ValueError, match='shape: .* 63 bits'):
            call()
