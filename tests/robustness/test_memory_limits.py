"""Too little memory: MemoryError, and the interpreter continues. See `memory_limits.py`."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != 'linux', reason='the limit is that of Linux')
SCRIPT = Path(__file__).parents[1] / 'support' / 'memory_limits.py'
CALLS = [
    'skeletonize',
    'thin_chunk',
    'merge_thinned',
    'finish',
    'prune',
    'Skeleton',
    'chunk_graph',
    'merge_chunks',
]
SLOW_CALLS = [
    'preserve_topology',
    'zhang',
    'lee_2d',
    'prune_paths',
    'radius_image',
    'labels',
    'territories',
    'branch_image',
    'gaussian',
    'clean',
    # Where these make their columns, numpy and pandas themselves crash now and then without memory.
    'analyze',
    'analyze_labels',
    'nodes',
    'centrelines',
    'chunk_table',
    'summarize',
    'pixel_graph',
    'Skeleton_values',
    'main_branch',
    'path_label_image',
    'degree_image',
    'pickle',
    'unpickle',
]


def failures(factor, *calls):
    """Return how often each call raised MemoryError before the memory sufficed."""
    done = subprocess.run(
        [sys.executable, SCRIPT, str(factor), *calls],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: int(count) for name, count in map(str.split, done.stdout.splitlines())}


def test_too_little_memory_raises():
    counts = failures(1.5, *CALLS)
    assert list(counts) == CALLS
    assert all(counts.values())


@pytest.mark.slow
@pytest.mark.parametrize('call', [*CALLS, *SLOW_CALLS])
def test_every_limit_raises(call):
    assert failures(1.12, call)[call] > 0
