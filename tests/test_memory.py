"""Free memory and amounts of memory as text."""

import pytest

from skanrs._support import memory


@pytest.mark.parametrize(
    ('text', 'size'),
    [('4GB', 4e9), ('4g', 4e9), ('512MiB', 2**29), ('1.5 GB', 1.5e9), ('2e9', 2e9), ('70000', 7e4)],
)
def test_amounts_of_memory(text, size):
    assert memory.parse_size(text) == size


@pytest.mark.parametrize('text', ['', 'GB', '-1GB', '0', 'many', '4 XB', 'nan'])
def test_invalid_amounts_of_memory(text):
    with pytest.raises(ValueError, match='memory: expected an amount'):
        memory.parse_size(text)


def test_free_memory():
    assert 0 < memory.free_memory() < 2**50


def test_limits_of_control_groups(tmp_path):
    (tmp_path / 'proc/self').mkdir(parents=True)
    (tmp_path / 'proc/self/cgroup').write_text('0::/jobs/one\n')
    group = tmp_path / 'sys/fs/cgroup/jobs/one'
    group.mkdir(parents=True)
    (group / 'memory.max').write_text('max\n')
    (group / 'memory.current').write_text('500\n')
    (group.parent / 'memory.max').write_text('4000\n')
    (group.parent / 'memory.current').write_text('1500\n')
    (group.parent / 'memory.stat').write_text('anon 900\ninactive_file 400\n')
    assert memory._limits_left(tmp_path) == [2900]
    (tmp_path / 'proc/self/cgroup').write_text('5:cpu:/x\n4:memory:/there\n0::/\n')
    old = tmp_path / 'sys/fs/cgroup/memory'
    old.mkdir()
    (old / 'memory.limit_in_bytes').write_text('9000\n')
    (old / 'memory.usage_in_bytes').write_text('1000\n')
    assert memory._limits_left(tmp_path) == [8000]
