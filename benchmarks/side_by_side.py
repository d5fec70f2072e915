"""Print how long skanrs and its peers take for the same work, on the same machine, in turns.

Each side is a process of its own that keeps running (`worker.py`), the peers' in their own
environment. Inputs are loaded and code is compiled before anything is timed, and a first call is
not counted; then the sides are asked in turn, A B A B, so that whatever else the machine does meets
them alike (a turn of short calls lasts half a second). Before each turn memory of eight bytes a
voxel is touched and freed, for a system may take twenty times as long to give memory that was not
used for some seconds (a virtual machine has to ask its host). A side whose call takes more than
half a minute is called once only. Medians are printed, how many times longer a peer takes, and the
peak memory of the whole process. "equal" means equal to the last bit; a side that computes another
kind of skeleton is marked as such. `--write` writes table and plot to docs/.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import calls
import numpy as np
from machine import machine
from report import write_report
from rows import ROWS, THINNING, Row, volume

import skanrs

HERE = Path(__file__).parent
SAME = ('skanrs', 'loop with skanrs', 'scipy', 'scikit-image', 'skan', 'scikit-image + skan')
FIRST = ('first-call', 'first-table')
LONG = 30
"""Seconds from which on one call is enough."""
TOUCHED = 8
"""Bytes a voxel that are touched before a turn."""


class Worker:
    """A side at work on one input."""

    def __init__(self, python, side, work, path, threads):
        self.side, self.threads = side, threads
        self.seconds = []
        self.process = subprocess.Popen(
            [python, HERE / 'worker.py', side, work, path, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        answer = self._read()
        self.versions = answer['versions'] if answer else {}

    def _read(self):
        """Return an answer; none if the worker has stopped, which it says on standard error."""
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def time(self, voxels, *, counts=True, long=LONG):
        """Time a call, unless a long one was timed before; return whether there was an answer."""
        if self.seconds and self.seconds[-1] > long:
            return True
        touch_memory(TOUCHED * voxels)
        try:
            self.process.stdin.write('go\n')
            self.process.stdin.flush()
        except BrokenPipeError:
            return False
        last = self._read()
        if last is None:
            return False
        self.last = last
        if counts or last['seconds'] > long:
            self.seconds.append(last['seconds'])
        return True

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    options = arguments()
    present = {side for side in calls.SIDES if 'skanrs' in side or has(options.peers, side)}
    for side in sorted(calls.SIDES.keys() - present):
        print(f'{side} is not installed in the environment of the peers: its lines are missing')
    print(machine(options.threads))
    results, versions = [], {}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for row, path, share in of_files(options.file, folder):
            sides = [side for side in row.sides if side in present]
            results.append(
                {'name': row.title, **compare(row, sides, path, share, options, versions)}
            )
        made = {}
        for name in (name for name in options.rows if name not in FIRST):
            row = ROWS[name]
            size = options.size or row.size
            path, share = source(made, row, size, folder)
            sides = [side for side in row.sides if side in present]
            result = compare(row, sides, path, share, options, versions)
            results.append({'name': name, **result})
    results += [first_calls(name, options, present) for name in options.rows if name in FIRST]
    compare_rows(results)
    if versions:
        print('\n' + ', '.join(f'{name} {version}' for name, version in sorted(versions.items())))
    if options.write:
        write_report(results, machine(options.threads), versions, options.said)


def touch_memory(size):
    """Touch so many bytes, or half of those that are free, and give them back."""
    free = os.sysconf('SC_AVPHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')
    np.ones(min(size, free // 2), np.uint8)


def source(made, row, size, folder):
    """Return the file of a row's input, made once, and the share of its mask that is foreground."""
    kind = (row.volume, size)
    if kind not in made:
        for old, _ in made.values():
            for path in (old, f'{old}.skeleton.npy'):
                Path(path).unlink(missing_ok=True)
        made.clear()
        mask = volume(row.volume, size)
        path = f'{folder}/{row.volume.replace(" ", "-")}-{size}.npy'
        np.save(path, mask)
        made[kind] = path, np.count_nonzero(mask) / mask.size
    path, share = made[kind]
    if not row.skeleton:
        return path, share
    skeleton = f'{path}.skeleton.npy'
    if not Path(skeleton).exists():
        np.save(skeleton, skanrs.skeletonize(np.load(path)))
    return skeleton, share


def of_files(files, folder):
    """Yield two rows for each file, thinning and the table of the skeleton, with their input."""
    for file in files:
        mask = np.asarray(skanrs.open_image(file).image) != 0
        path, name = f'{folder}/file.npy', Path(file).name
        np.save(path, mask)
        share = np.count_nonzero(mask) / mask.size
        yield Row(f'skeletonize, {name}', 'lee', THINNING[:4], name, 0), path, share
        np.save(path, skanrs.skeletonize(mask, method='lee'))
        yield (
            Row(f'Skeleton + summarize, {name}', 'table', ('skanrs', 'skan'), name, 0),
            path,
            share,
        )


def compare(row, sides, path, share, options, versions):
    shape = np.load(path, mmap_mode='r').shape
    voxels = int(np.prod(shape))
    repeats = options.repeats or row.repeats
    title = f'{row.title}, {" x ".join(map(str, shape))}'
    print(f'\n{title}, {share:.2%} foreground, {repeats} runs of sides that take up to {LONG} s')
    # Those with several thread counts are sides of their own.
    wanted = [
        (side, threads)
        for side in sides
        for threads in (row.threads if row.threads and side == 'skanrs' else (options.threads,))
    ]
    workers = [
        Worker(python_of(side, options), side, row.work, path, threads) for side, threads in wanted
    ]
    alive = [worker for worker in workers if worker.versions]
    alive = [worker for worker in alive if worker.time(voxels, counts=False)]
    for _ in range(repeats):
        alive = [worker for worker in alive if worker.time(voxels)]
    lines = []
    ours = workers[0]
    if ours not in alive:
        sys.exit('benchmark: skanrs has stopped, see above')
    for worker in workers:
        name = worker.side + (f', {worker.threads} threads' if row.threads else '')
        if worker not in alive:
            print(f'  {name:22}{"failed":>10}')
            worker.close()
            continue
        versions.update(worker.versions)
        median = statistics.median(worker.seconds)
        ratio = median / statistics.median(ours.seconds)
        same = worker.last['content'] == ours.last['content']
        verdict = 'equal' if same else 'DIFFERS' if worker.side in SAME else 'another result'
        line = {
            'side': name,
            'seconds': median,
            'ratio': ratio,
            'runs': len(worker.seconds),
            'peak': worker.last['peak'],
            'added': worker.last['added'],
            'verdict': '' if worker is ours else verdict,
            'words': worker.last['words'],
        }
        lines.append(line)
        print(
            f'  {name:22}{median:10.4f} s{ratio:8.1f}x{line["peak"]:9,.0f} MB'
            f'   {line["words"]}{", " + line["verdict"] if line["verdict"] else ""}',
            flush=True,
        )
        worker.close()
    notes = [f'{voxels / lines[0]["seconds"] / 1e9:.2f} Gvoxel/s']
    if row.work in ('lee', 'zhang') and not row.threads:
        # The result is one byte a voxel, too.
        beyond = lines[0]['added'] * 2**20 / voxels - 1
        notes.append(f'{beyond:.2f} bytes a voxel beyond input and output')
    if row.work == 'table':
        skeleton = int(np.count_nonzero(np.load(path, mmap_mode='r')))
        notes.append(f'{lines[0]["added"] * 2**20 / skeleton:.0f} bytes a skeleton voxel')
    if row.threads and len(lines) > 1:
        notes.append(f'second thread {1 / lines[1]["ratio"]:.2f}x')
    print('  ' + ', '.join(notes))
    return {
        'title': title,
        'foreground': share * voxels,
        'lines': lines,
        'notes': notes,
    }


def compare_rows(results):
    """Print what a large image takes beside a small one, and chunks beside the whole."""
    by_name = {result['name']: result for result in results}
    for small, large in (('thinning-256', 'thinning-1000'), ('table-256', 'table-1000')):
        if small in by_name and large in by_name:
            each = [
                by_name[name]['lines'][0]['seconds'] / by_name[name]['foreground']
                for name in (small, large)
            ]
            note = f'{each[1] / each[0]:.2f}x the time per voxel of foreground of {small}'
            by_name[large]['notes'].append(note)
            print(f'\n{large}: {note}')
    whole, chunks = 'mask-to-table-1000', 'chunks-1000'
    if whole in by_name and chunks in by_name:
        times = [by_name[name]['lines'][0]['seconds'] for name in (whole, chunks)]
        note = f'{times[1] / times[0]:.2f}x the time of the whole in memory'
        by_name[chunks]['notes'].append(note)
        print(f'\n{chunks}: {note}')


def first_calls(name, options, present):
    work, sides = {
        'first-call': ('skeletonize', ['skanrs']),
        'first-table': ('table', ['skanrs', 'skan']),
    }[name]
    title = {
        'first-call': 'first skeletonize in a new process, tree of 64³',
        'first-table': 'first Skeleton + summarize in a new process, the large imports apart',
    }[name]
    repeats = options.repeats or 5
    print(f'\n{title}, {repeats} runs')
    times = {side: [] for side in sides if side in present}
    for _ in range(repeats):
        for side, runs in times.items():
            command = [python_of(side, options), HERE / 'first_call.py', side, work]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            runs.append([float(number) for number in done.stdout.split()])
    medians = {side: [statistics.median(run) for run in zip(*runs, strict=True)]
               for side, runs in times.items()}  # fmt: skip
    lines = []
    for side, (imports, first, later) in medians.items():
        ratio = first / medians['skanrs'][1]
        words = f'later calls {later * 1000:.2f} ms, numpy, scipy and pandas {imports:.3f} s'
        line = {
            'side': side, 'seconds': first, 'ratio': ratio, 'runs': repeats, 'words': words,
        }  # fmt: skip
        lines.append({**line, 'verdict': '', 'peak': None, 'added': None})
        print(f'  {side:22}{first:10.4f} s{ratio:8.1f}x   {words}')
    _, first, later = medians['skanrs']
    notes = [f'first call {(first - later) * 1000:.1f} ms longer than a later one']
    return {'name': name, 'title': title, 'lines': lines, 'notes': notes}


def python_of(side, options):
    return sys.executable if 'skanrs' in side else options.peers


def has(python, side):
    code = f'import sys; sys.path.insert(0, {str(HERE)!r}); import calls; '
    code += f'sys.exit(not calls.installed({side!r}))'
    return subprocess.run([python, '-c', code], check=False).returncode == 0


def arguments():
    names = [*ROWS, *FIRST]
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog='rows: ' + ', '.join(names),
    )
    parser.add_argument('--peers', required=True, help='the Python that has the peers')
    parser.add_argument(
        '--rows',
        nargs='*',
        choices=names,
        metavar='ROW',
        help='all if none is named; with --file only if given',
    )
    parser.add_argument(
        '--file', nargs='+', default=[], help='masks to thin and to measure, in any format'
    )
    parser.add_argument('--size', type=int, help='edge in voxels, instead of those of the rows')
    parser.add_argument('--repeats', type=int, help='runs, instead of those of the rows')
    parser.add_argument('--threads', type=int, default=skanrs.get_num_threads())
    parser.add_argument('--folder', help='where volumes are kept while it runs')
    parser.add_argument(
        '--write', action='store_true', help='write docs/benchmarks.md and its plot'
    )
    options = parser.parse_args()
    if options.rows is None:
        options.rows = [] if options.file else names
    elif not options.rows:
        options.rows = names
    given = [part for part in sys.argv[1:] if part not in ('--peers', options.peers)]
    options.said = f'make bench ARGS="{" ".join(given)}"' if given else 'make bench'
    return options


if __name__ == '__main__':
    main()
