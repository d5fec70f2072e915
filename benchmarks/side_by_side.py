"""Print how long skanrs and its peers take for the same work, on the same machine, in turns.

Each side is a process of its own that keeps running (`worker.py`), the peers' in their own
environment. Inputs are loaded and code is compiled before anything is timed; then the sides are
asked in turn, A B A B, so that whatever else the machine does meets them alike. Medians are
printed, how many times longer a peer takes, and the peak memory of the whole process. "equal"
means equal to the last bit; who computes another kind of skeleton is marked as such.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import calls
import numpy as np

import skanrs
from skanrs.datasets import VesselTree

HERE = Path(__file__).parent
ROWS = ('skeletonize', 'table', 'first')


class Worker:
    """A side at work on one input."""

    def __init__(self, python, side, work, path, threads):
        self.side = side
        self.seconds = []
        self.process = subprocess.Popen(
            [python, HERE / 'worker.py', side, work, path, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.versions = self._read()['versions']

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f'benchmark: the worker for {self.side} has stopped, see above')
        return json.loads(line)

    def time(self):
        self.process.stdin.write('go\n')
        self.process.stdin.flush()
        self.last = self._read()
        self.seconds.append(self.last['seconds'])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    options = arguments()
    print(machine(options.threads))
    with tempfile.TemporaryDirectory() as folder:
        versions = {}
        for size in options.size if {'skeletonize', 'table'} & set(options.rows) else ():
            tree = VesselTree.grow((size,) * 3)
            image = tree.image()
            print(f'\n{size}³: {tree!r}, {image.mean():.1%} foreground')
            np.save(f'{folder}/mask.npy', image)
            np.save(f'{folder}/skeleton.npy', skanrs.skeletonize(image))
            del tree, image
            if 'skeletonize' in options.rows:
                sides = ['skanrs', 'scikit-image', *options.others]
                compare('skeletonize', sides, f'{folder}/mask.npy', options, versions)
            if 'table' in options.rows:
                compare('table', ['skanrs', 'skan'], f'{folder}/skeleton.npy', options, versions)
    if 'first' in options.rows:
        first_calls(options)
    if versions:
        print('\n' + ', '.join(f'{name} {version}' for name, version in sorted(versions.items())))


def compare(work, sides, path, options, versions):
    titles = {'skeletonize': 'skeletonize', 'table': 'Skeleton + summarize, of the skeleton'}
    print(f'\n{titles[work]}')
    present = [side for side in sides if side == 'skanrs' or has(options.peers, side)]
    workers = [
        Worker(python_of(side, options), side, work, path, options.threads) for side in present
    ]
    for _ in range(options.repeats):
        for worker in workers:
            worker.time()
    ours = workers[0]
    for worker in workers:
        versions.update(worker.versions)
        median = statistics.median(worker.seconds)
        ratio = median / statistics.median(ours.seconds)
        same = worker.last['content'] == ours.last['content']
        verdict = 'equal' if same else 'another skeleton' if worker.side in others() else 'DIFFERS'
        print(
            f'  {worker.side:16}{median:10.3f} s{ratio:8.1f}x{worker.last["megabytes"]:9,.0f} MB'
            f'   {worker.last["words"]}{"" if worker is ours else ", " + verdict}',
            flush=True,
        )
        worker.close()


def first_calls(options):
    print('\nfirst Skeleton + summarize in a new process, beyond importing numpy, scipy and pandas')
    seconds = {'skanrs': [], 'skan': []}
    for _ in range(options.repeats):
        for side, times in seconds.items():
            command = [python_of(side, options), HERE / 'first_call.py', side]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            times.append(float(done.stdout))
    ours = statistics.median(seconds['skanrs'])
    for side, times in seconds.items():
        median = statistics.median(times)
        print(f'  {side:16}{median:10.3f} s{median / ours:8.1f}x')


def python_of(side, options):
    return sys.executable if side == 'skanrs' else options.peers


def has(python, side):
    code = f'import sys; sys.path.insert(0, {str(HERE)!r}); import calls; '
    code += f'sys.exit(not calls.installed({side!r}))'
    return subprocess.run([python, '-c', code], check=False).returncode == 0


def others():
    return [side for side in calls.SIDES if side not in ('skanrs', 'scikit-image', 'skan')]


def machine(threads):
    model = platform.processor() or platform.machine()
    for line in Path('/proc/cpuinfo').read_text().splitlines():
        if line.startswith('model name'):
            model = line.split(':')[1].strip()
            break
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
    return (
        f'{model}, {len(os.sched_getaffinity(0))} processors, {threads} threads, '
        f'{memory:.0f} GiB, {platform.system()} {platform.release()}, '
        f'Python {platform.python_version()}'
    )


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--peers', required=True, help='the Python that has the peers')
    parser.add_argument('--size', type=int, nargs='+', default=[256, 512], help='edges in voxels')
    parser.add_argument('--rows', nargs='+', choices=ROWS, default=ROWS)
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--threads', type=int, default=skanrs.get_num_threads())
    parser.add_argument(
        '--others', nargs='*', choices=others(), default=[],
        help='also compare with these, which compute other skeletons',
    )  # fmt: skip
    return parser.parse_args()


main()
