"""Measure how mask-to-table of a zarr grows with the image: time, memory, residues, merges.

    python benchmarks/scaling.py --size 256 512 1000 2000 --output build/scaling

For each size a vessel tree is painted into a zarr, block by block (above `--tile`, tiles of one,
for painting takes longer than the table). Then a process of its own computes the branch table of
its skeleton from the zarr through dask's threads, and where the image is not larger than
`--in-memory`, another one does the same in memory; the table of a larger one is written in
partitions and is never in one place. Peak memory is that of the whole process. Writes scaling.json,
scaling.csv and scaling.png, and estimates from the last size what an image of `--paper` voxels
along each axis takes on a cluster (`merge_tree.py`). Its graph of tasks is built, too:

    python benchmarks/scaling.py --step build --paper 10000

The same table in memory, in chunks, from the zarr and by a cluster of processes, in turns:

    python benchmarks/scaling.py --step turns --folder build/scaling/mask_1000.zarr
"""

import argparse
import csv
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

import merge_tree
import numpy as np

import skanrs

STEPS = ('generate', 'chunks', 'memory', 'build', 'turns')


def generate(path, options):
    """Paint a tree block by block; the volume is nowhere as a whole."""
    import zarr

    from skanrs.datasets import VesselTree

    size, chunk = options.size[0], min(options.chunk, options.size[0])
    # Larger volumes are tiles of one; a tree of 2000³ is the same and takes minutes to paint.
    tile = options.tile if size > options.tile and options.tile % chunk == 0 else size
    shape, tree = (size,) * 3, VesselTree.grow((tile,) * 3)
    mask = zarr.create_array(path, shape=shape, chunks=(chunk,) * 3, dtype=bool, overwrite=True)
    foreground = 0
    for start in np.ndindex(*(-(-length // chunk) for length in shape)):
        offset = [chunk * at for at in start]
        extent = [min(chunk, length - at) for at, length in zip(offset, shape, strict=True)]
        inner = [at % tile for at in offset]
        place = tuple(slice(a, a + n) for a, n in zip(inner, extent, strict=True))
        block = tree.block(offset, extent) if inner == offset else mask[place]
        foreground += int(np.count_nonzero(block))
        mask[tuple(slice(a, a + n) for a, n in zip(offset, extent, strict=True))] = block
    return {'branches of the tree': len(tree), 'foreground': foreground}


def chunks(path, options):
    """Compute the table of the zarr lazily, and note what each kind of task took and gave."""
    import dask
    import dask.array as da
    from pyarrow.parquet import read_metadata

    begin = time.perf_counter()
    mask = da.from_zarr(path)
    # A table that should not sit in one place leaves for the disk in partitions.
    whole = options.size[0] <= options.in_memory
    npartitions = 1 if whole else options.partitions
    skeleton = skanrs.skeletonize(mask)
    lazy = skanrs.summarize(skeleton, separator='_', npartitions=npartitions)
    built = time.perf_counter() - begin
    with Notes() as notes, dask.config.set(scheduler='threads', num_workers=options.threads):
        if whole:
            found = contents(lazy.compute())
        else:
            with tempfile.TemporaryDirectory(dir=Path(path).parent) as folder:
                lazy.to_parquet(folder, write_index=False)
                files = Path(folder).glob('*.parquet')
                found = {'rows': sum(read_metadata(file).num_rows for file in files)}
    return {
        'seconds': time.perf_counter() - begin,
        'seconds to build': built,
        'chunk': mask.chunksize[0],
        'blocks': mask.npartitions,
        **found,
        'tasks': notes.summary(),
    }


def memory(path, options):
    """Compute the table of the zarr in memory."""
    import zarr

    begin = time.perf_counter()
    skeleton = skanrs.skeletonize(zarr.open_array(path, mode='r')[...])
    table = skanrs.summarize(skeleton, separator='_')
    return {'seconds': time.perf_counter() - begin, **contents(table)}


def build(path, options):
    """Build the graph of the table of an image of `--paper` voxels along each axis."""
    import dask.array as da

    # What is imported on first use.
    for size in (2, options.paper):
        begin, peak = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        mask = da.zeros((size,) * 3, chunks=options.chunk, dtype=bool)
        skeleton = skanrs.skeletonize(mask)
        skanrs.summarize(skeleton, separator='_', npartitions=options.partitions)
    return {
        'blocks': mask.npartitions,
        'seconds of CPU': time.process_time() - begin,
        'bytes': 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak),
    }


def turns(path, options):
    """Compute the table of the zarr in five ways, in turns, and note what the last one moves."""
    import dask
    import dask.array as da
    import zarr
    from dask.distributed import Client, LocalCluster

    mask = zarr.open_array(path, mode='r')[...]
    in_chunks = da.from_array(mask, chunks=options.chunk, name='mask')
    threaded = {'scheduler': 'threads', 'num_workers': options.threads}

    def table(mask):
        return skanrs.summarize(skanrs.skeletonize(mask), separator='_')

    def moved():
        logs = keeping.run(lambda dask_worker: list(dask_worker.transfer_incoming_log))
        return sum(entry['total'] for log in logs.values() for entry in log)

    def client(**environment):
        with dask.config.set({'distributed.nanny.pre-spawn-environ': environment}):
            cluster = LocalCluster(options.threads, threads_per_worker=1, dashboard_address=None)
        stack.enter_context(cluster)
        return stack.enter_context(Client(cluster, set_as_default=False))

    with ExitStack() as stack:
        usual = client(**dask.config.get('distributed.nanny.pre-spawn-environ'))
        keeping = client(MALLOC_TRIM_THRESHOLD_=2**28, MALLOC_MMAP_THRESHOLD_=2**30)
        ways = {
            'in memory': lambda: table(mask),
            'in chunks': lambda: table(in_chunks).compute(**threaded),
            'zarr, threads': lambda: table(da.from_zarr(path)).compute(**threaded),
            'zarr, cluster': lambda: usual.compute(table(da.from_zarr(path))).result(),
            'zarr, cluster, kept': lambda: keeping.compute(table(da.from_zarr(path))).result(),
        }
        digests = {contents(way())['digest'] for way in ways.values()}
        seconds, before = defaultdict(list), moved()
        for _ in range(options.repeats):
            for name, way in ways.items():
                begin = time.perf_counter()
                way()
                seconds[name].append(time.perf_counter() - begin)
        between = (moved() - before) / options.repeats
    medians = {name: sorted(of)[len(of) // 2] for name, of in seconds.items()}
    return {
        **medians,
        'in chunks / in memory': medians['in chunks'] / medians['in memory'],
        'cluster / threads': medians['zarr, cluster'] / medians['zarr, threads'],
        'cluster, kept / threads': medians['zarr, cluster, kept'] / medians['zarr, threads'],
        'bytes between workers': between,
        'equal': len(digests) == 1,
    }


def contents(table):
    digest = hashlib.sha256()
    for name in table:
        digest.update(table[name].to_numpy().tobytes())
    return {'rows': len(table), 'digest': digest.hexdigest()}


class Notes:
    """What tasks take and give, by kind and, for merges, by level."""

    def __init__(self):
        from dask.callbacks import Callback
        from dask.sizeof import sizeof

        self.sizeof = sizeof
        self.callback = Callback(pretask=self.before, posttask=self.after)
        self.sizes, self.starts = {}, {}
        self.seconds, self.taken, self.given = (defaultdict(list) for _ in range(3))

    def __enter__(self):
        self.callback.register()
        return self

    def __exit__(self, *exception):
        self.callback.unregister()

    def before(self, key, dsk, state):
        self.starts[key] = time.perf_counter()

    def after(self, key, result, dsk, state, worker):
        kind, *index = key if isinstance(key, tuple) else (key,)
        kind = kind.rpartition('-')[0]
        if kind.endswith(('merge', 'residue')):
            kind += f' {index[0]}'
        self.sizes[key] = self.sizeof(result)
        self.seconds[kind].append(time.perf_counter() - self.starts[key])
        self.given[kind].append(self.sizes[key])
        self.taken[kind].append(sum(self.sizes.get(need, 0) for need in state['dependencies'][key]))

    def summary(self):
        return {
            kind: {
                'count': len(seconds),
                'seconds': sum(seconds),
                'bytes in': sum(self.taken[kind]),
                'most bytes in': max(self.taken[kind]),
                'bytes out': sum(self.given[kind]),
            }
            for kind, seconds in sorted(self.seconds.items())
        }


def in_child(step, path, size, options):
    """Run a step in a process of its own; return what it says, and its peak memory."""
    command = [sys.executable, __file__, '--step', step, '--size', str(size), '--folder', path]
    command += ['--chunk', str(options.chunk), '--threads', str(options.threads)]
    command += ['--tile', str(options.tile), '--in-memory', str(options.in_memory)]
    command += ['--partitions', str(options.partitions)]
    environment = os.environ | {'SKANRS_NUM_THREADS': str(options.threads)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def child(options):
    result = globals()[options.step](options.folder, options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result['peak bytes'] = peak * (1 if sys.platform == 'darwin' else 1024)
    print(json.dumps(result))


def measure(size, options):
    path = options.output / f'mask_{size}.zarr'
    row = {'size': size}
    if not path.exists():
        unfinished = path.with_suffix('.unfinished')
        row['generate'] = in_child('generate', unfinished, size, options)
        unfinished.rename(path)
    row['chunks'] = in_child('chunks', path, size, options)
    if size <= options.in_memory:
        row['memory'] = in_child('memory', path, size, options)
        row['equal'] = row['memory']['digest'] == row['chunks']['digest']
        row['ratio'] = row['chunks']['seconds'] / row['memory']['seconds']
    if not options.keep:
        shutil.rmtree(path)
    return row


def flat(row):
    """A row of the table: what is read at a glance."""
    found, tasks = row['chunks'], row['chunks']['tasks']
    residues = tasks.get('skeletonize-residue 0', {'bytes out': 0})
    merges = {kind: notes for kind, notes in tasks.items() if ' ' in kind and 'merge' in kind}

    def most(start):
        sizes = [of['most bytes in'] for kind, of in merges.items() if kind.startswith(start)]
        return max(sizes, default=0) / 1e6

    return {
        'size': row['size'],
        'blocks': found['blocks'],
        'rows': found['rows'],
        'seconds': round(found['seconds'], 2),
        'peak MB': round(found['peak bytes'] / 1e6),
        'residues MB': round(residues['bytes out'] / 1e6, 2),
        'largest merge of residues MB': round(most('skeletonize'), 2),
        'chunk graphs MB': round(tasks['branches-graph']['bytes out'] / 1e6, 2),
        'largest merge of graphs MB': round(most('branches'), 2),
        'seconds in memory': round(row['memory']['seconds'], 2) if 'memory' in row else None,
        'peak MB in memory': round(row['memory']['peak bytes'] / 1e6) if 'memory' in row else None,
        'ratio': round(row['ratio'], 2) if 'ratio' in row else None,
        'equal': row.get('equal'),
    }


def plot(rows, path):
    import matplotlib as mpl

    mpl.use('agg')
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.9), layout='constrained')
    sizes = [row['size'] for row in rows]

    def draw(axes, names):
        for name, style in names.items():
            pairs = [(row['size'], row[name]) for row in rows if row[name]]
            if pairs:
                axes.loglog(*zip(*pairs, strict=True), style, label=name, markersize=4)
        axes.set_xticks(sizes, [f'{size}³' for size in sizes], minor=False)
        axes.minorticks_off()
        # Below: inside it would hide what it names.
        axes.legend(fontsize=7, loc='upper center', bbox_to_anchor=(0.5, -0.1), ncols=2)
        axes.grid(alpha=0.3)

    draw(left, {'seconds': 'o-', 'seconds in memory': 's--'})
    draw(
        right,
        {
            'peak MB': 'o-',
            'peak MB in memory': 's--',
            'residues MB': 'v-',
            'largest merge of residues MB': 'v:',
            'chunk graphs MB': '^-',
            'largest merge of graphs MB': '^:',
        },
    )
    left.set_title('time from mask to table', fontsize=9)
    right.set_title('memory', fontsize=9)
    figure.savefig(path, dpi=110)


def main(options):
    options.output.mkdir(parents=True, exist_ok=True)
    rows = []
    for size in options.size:
        rows.append(measure(size, options))
        found = flat(rows[-1])
        print('  '.join(f'{name}: {value}' for name, value in found.items()), flush=True)
    table = [flat(row) for row in rows]
    (options.output / 'scaling.json').write_text(json.dumps(rows, indent=1))
    with open(options.output / 'scaling.csv', 'w', newline='') as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    plot(table, options.output / 'scaling.png')
    print(merge_tree.estimate(rows[-1], options.paper, options.workers))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', type=int, nargs='+', default=[256, 512], help='edges in voxels')
    parser.add_argument('--chunk', type=int, default=250, help="edge of the zarr's chunks")
    parser.add_argument('--tile', type=int, default=1000, help='edge of the largest tree')
    parser.add_argument(
        '--partitions', type=int, default=16, help='of the table of what is larger than --in-memory'
    )
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=5, help='of --step turns')
    parser.add_argument('--output', type=Path, default=Path('build/scaling'))
    parser.add_argument('--in-memory', type=int, default=1000, help='the largest size to compare')
    parser.add_argument('--keep', action='store_true', help='keep the masks, to be used again')
    parser.add_argument('--paper', type=int, default=10_000, help='the size to estimate')
    parser.add_argument('--workers', type=int, default=64, help='how many workers it would have')
    parser.add_argument('--step', choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument('--folder', help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == '__main__':
    given = arguments()
    child(given) if given.step else main(given)
