"""Free memory, also in a container, and the memory of this process."""

import ctypes
import os
import re
import sys
from pathlib import Path

__all__ = [
    'free_memory',
    'held_memory',
    'parse_size',
    'peak_memory',
    'reuse_memory',
    'size_in_words',
]

# From malloc.h of glibc.
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
# Larger arrays go back to the system as soon as they are freed.
SMALLEST_APART = 1 << 25
# Bytes of freed memory that smaller ones keep.
MOST_KEPT = 1 << 26

UNITS = {'': 1, 'k': 10**3, 'm': 10**6, 'g': 10**9, 't': 10**12}
BINARY_UNITS = {'ki': 2**10, 'mi': 2**20, 'gi': 2**30, 'ti': 2**40}


def parse_size(text: str) -> int:
    """Return the bytes that a text such as 4GB, 512MiB or 2e9 means.

    Parameters
    ----------
    text : str
        A number and, perhaps, a unit.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it means no positive number of bytes.

    Examples
    --------
    >>> parse_size('4GB'), parse_size('1.5 GiB')
    (4000000000, 1610612736)
    """
    match = re.fullmatch(r'\s*(\d+\.?\d*(?:e\d+)?)\s*([kmgt]i?)?b?\s*', text.lower())
    size = float(match[1]) * (UNITS | BINARY_UNITS)[match[2] or ''] if match else 0
    if not 1 <= size < 2**63:
        raise ValueError(f'memory: expected an amount such as 4GB, got {text!r}')
    return int(size)


def size_in_words(size: float) -> str:
    """Return a number of bytes as text with a unit.

    Examples
    --------
    >>> size_in_words(3_210_000_000), size_in_words(820)
    ('3.2 GB', '820 bytes')
    """
    if size < 1000:
        return f'{size:.0f} byte{"" if round(size) == 1 else "s"}'
    names = ((10**12, 'TB'), (10**9, 'GB'), (10**6, 'MB'), (10**3, 'kB'))
    unit, name = next((unit, name) for unit, name in names if size >= unit)
    return f'{size / unit:,.1f} {name}' if size / unit < 100 else f'{size / unit:,.0f} {name}'


def free_memory() -> int | None:
    """Return how many bytes are available to this process.

    Returns
    -------
    int or None
        The memory that the system reports as available, at most the remainder of the limits of
        the control groups of this process. None if the system does not report it.
    """
    known = [*_limits_left()]
    meminfo = Path('/proc/meminfo')
    if meminfo.exists():
        match = re.search(r'^MemAvailable:\s*(\d+) kB', meminfo.read_text(), re.MULTILINE)
        if match:
            known.append(int(match[1]) * 1024)
    elif hasattr(os, 'sysconf') and 'SC_PHYS_PAGES' in os.sysconf_names:
        known.append(os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') // 2)
    return min(known, default=None)


def _limits_left(root: Path = Path('/')) -> list[int]:
    """Return the remainder of each memory limit of this control group and its parents."""
    left: list[int] = []
    membership = root / 'proc/self/cgroup'
    if not membership.exists():
        return left
    for line in membership.read_text().splitlines():
        _, controllers, path = line.split(':', 2)
        if controllers == '':
            top, limit, usage = root / 'sys/fs/cgroup', 'memory.max', 'memory.current'
        elif 'memory' in controllers.split(','):
            top = root / 'sys/fs/cgroup/memory'
            limit, usage = 'memory.limit_in_bytes', 'memory.usage_in_bytes'
        else:
            continue
        group = top / path.lstrip('/')
        # In a container the path may be that of the host, and the group the top itself.
        for folder in (group, *group.parents):
            try:
                most, used = (folder / limit).read_text(), (folder / usage).read_text()
            except OSError:
                most = 'max'
            if most.strip().isdecimal():
                left.append(max(0, int(most) - int(used) + _reclaimable(folder)))
            if folder == top:
                break
    return left


def _reclaimable(folder: Path) -> int:
    """Return the bytes of cached files in a group that the system can reclaim."""
    try:
        text = (folder / 'memory.stat').read_text()
    except OSError:
        return 0
    match = re.search(r'^(?:total_)?inactive_file (\d+)', text, re.MULTILINE)
    return int(match[1]) if match else 0


def held_memory() -> int:
    """Return the resident memory of this process in bytes, 0 if the system does not report it."""
    return _status('VmRSS') or 0


def peak_memory() -> int | None:
    """Return the peak resident memory of this process, in bytes.

    Returns
    -------
    int or None
        None if the system does not report it.
    """
    # getrusage on Linux also counts what the parent held before this program was started.
    peak = _status('VmHWM')
    if peak is not None:
        return peak
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == 'darwin' else most * 1024


def reuse_memory() -> None:
    """Let memory that is freed be used again by any thread that starts from now on, with glibc.

    In an arena of its own a thread holds memory that its last block needed, and that no other
    thread can use. And what goes back to the system comes again page by page, each filled with
    zeros: for the buffers of a zarr that takes longer than unpacking its chunks.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(M_ARENA_MAX, 1)
    mallopt(M_MMAP_THRESHOLD, SMALLEST_APART)
    mallopt(M_TRIM_THRESHOLD, MOST_KEPT)


def _status(name: str) -> int | None:
    status = Path('/proc/self/status')
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith(f'{name}:'):
                return int(line.split()[1]) * 1024
    return None
