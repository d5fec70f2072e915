"""Too little memory: MemoryError, and the interpreter continues. See `memory_limits.py`."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / 'support' / 'memory_limits.py'
CALLS = [
    'skeletonize',
    pytest.param('preserve_topology', marks=pytest.mark.slow),
    pytest.param('zhang', marks=pytest.mark.slow),
    pytest.param('lee_2d', marks=pytest.mark.slow),
    'thin_chunk',
    'merge_thinned',
    'finish',
    'prune',
    pytest.param('prune_paths', marks=pytest.mark.slow),
    'Skeleton',
    'chunk_graph',
    'merge_chunks',
    # Where these make their columns, numpy and pandas themselves crash now and then without memory.
    pytest.param('chunk_table', marks=pytest.mark.slow),
    pytest.param('summarize', marks=pytest.mark.slow),
    pytest.param('pixel_graph', marks=pytest.mark.slow),
    pytest.param('Skeleton_values', marks=pytest.mark.slow),
    pytest.param('main_branch', marks=pytest.mark.slow),
    pytest.param('path_label_image', marks=pytest.mark.slow),
    pytest.param('degree_image', marks=pytest.mark.slow),
    pytest.param('pickle', marks=pytest.mark.slow),
    pytest.param('unpickle', marks=pytest.mark.slow),
]


@pytest.mark.skipif(sys.platform != 'linux', reason='the limit is that of Linux')
@pytest.mark.parametrize('call', CALLS)
def test_too_little_memory_raises(call):
    done = subprocess.run(
        [sys.executable, SCRIPT, call], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[1]) > 0
