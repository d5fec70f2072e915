"""The machine that a benchmark runs on."""

import os
import platform
from pathlib import Path


def machine(threads):
    model = platform.processor() or platform.machine()
    for line in Path('/proc/cpuinfo').read_text().splitlines():
        if line.startswith('model name'):
            model = line.split(':')[1].strip()
            break
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
    return (
        f'{model}, {len(os.sched_getaffinity(0))} processors, {threads} threads, '
        f'{memory:.0f} GiB, {platform.system()} {platform.release().partition("-")[0]}, '
        f'Python {platform.python_version()}'
    )
