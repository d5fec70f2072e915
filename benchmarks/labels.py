"""Print the figures of label images beside their targets.

Each side is a process of its own (`worker.py`), asked in turn. Sides that take more than some
seconds are asked once, the others several times, after a call that is not counted; figures are
those of medians. `--write` keeps the rows in docs/, beside those of other targets that stand there.
"""

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from machine import machine
from report import DOCS, LABELS, WHOLE_JOB
from rows import volume
from side_by_side import Worker, has, python_of

LONG = 5
"""Seconds from which on one call is enough."""
RUNS = 3


class Side(NamedTuple):
    """A side: who does which work by how many threads."""

    name: str
    work: str
    threads: int = 1

    def __str__(self):
        return f'{self.name}, {self.work}, {self.threads} thread{"s" * (self.threads > 1)}'


TABLE = 'labels to table'
ALONE, PLAIN = Side('skanrs', 'labels'), Side('skanrs', 'lee')
TWO, CHUNKS = ALONE._replace(threads=2), Side('skanrs', 'labels in chunks')


class Target(NamedTuple):
    """A figure and its target."""

    limit: float
    of: Side
    over: Side | None = None
    """The side whose seconds are divided by; else the figure is of one side."""
    unit: str = 'times'
    is_least: bool = False
    """Whether the figure is to be at least the limit; else at most."""

    def figure(self, lines, image):
        """Return the figure from what the sides took."""
        seconds, added = lines[self.of]['seconds'], lines[self.of]['added']
        if self.over is not None:
            return seconds / lines[self.over]['seconds']
        if self.unit == 'ns a voxel':
            return seconds * 1e9 / np.count_nonzero(image)
        if self.unit == 'bytes a voxel':
            # The result has the type of the input.
            return added * 2**20 / image.size - image.itemsize
        return seconds


class Comparison(NamedTuple):
    """Sides on a volume, and the targets for them."""

    volume: str
    size: int
    sides: tuple[Side, ...]
    targets: tuple[Target, ...]


def _against(volume, ours, theirs, limit):
    target = Target(limit, theirs, ours, is_least=True)
    return Comparison(volume, 256, (ours, theirs), (target,))


def _kernel(volume):
    targets = Target(40, ALONE, unit='ns a voxel'), Target(1.5, ALONE, PLAIN)
    return Comparison(volume, 512, (ALONE, PLAIN), targets)


def _threads(volume):
    targets = Target(1.7, ALONE, TWO, is_least=True), Target(2, TWO, unit='bytes a voxel')
    return Comparison(volume, 512, (ALONE, TWO), targets)


def _chunks(volume):
    return Comparison(volume, 512, (ALONE, CHUNKS), (Target(2.5, CHUNKS, ALONE),))


COMPARISONS = {
    'table': _against('neurites', Side('skanrs', TABLE), Side('scikit-image + skan', TABLE), 40),
    'kimimaro': _against('neurites', ALONE, Side('kimimaro', 'labels'), 50),
    'loop': _against('cells', ALONE, Side('loop with skanrs', 'labels'), 25),
    'neurites': _kernel('neurites'),
    'cells': _kernel('cells'),
    'threads-neurites': _threads('neurites'),
    'threads-cells': _threads('cells'),
    'chunks-neurites': _chunks('neurites'),
    'chunks-cells': _chunks('cells'),
    'one': Comparison('one label', 512, (ALONE, PLAIN), (Target(1.3, ALONE, PLAIN),)),
    'large': Comparison('many cells', 1000, (TWO,), (Target(4, TWO, unit='seconds'),)),
}


def measure(comparison, path, options):
    """Return what each side takes."""
    voxels = np.load(path, mmap_mode='r').size
    workers = {
        side: Worker(python_of(side.name, options), side.name, side.work, path, side.threads)
        for side in comparison.sides
    }
    for run in range(1 + options.runs):
        for worker in workers.values():
            if worker.time(voxels, counts=run > 0, long=LONG):
                print(f'  {worker.side}: {worker.last["seconds"]:.3f} s', flush=True)
    lines = {}
    for side, worker in workers.items():
        lines[side] = {**worker.last, 'seconds': statistics.median(worker.seconds)}
        worker.close()
    return lines


def rows_of(name, comparison, lines, image):
    """Yield the cells of a row of the table for each target."""
    shape = ' x '.join(map(str, image.shape))
    contents = [
        line['content']
        for side, line in lines.items()
        if side.name != 'kimimaro' and (side != PLAIN or comparison.volume == 'one label')
    ]
    result = 'equal' if len(set(contents)) == 1 else 'DIFFERENT'
    if len(contents) < 2:
        result = 'not compared'
    for target in comparison.targets:
        figure = target.figure(lines, image)
        is_met = figure >= target.limit if target.is_least else figure <= target.limit
        of = [side for side in (target.over, target.of) if side is not None]
        sides = '; '.join(f'{side}: {lines[side]["seconds"]:.3f} s' for side in of)
        sign = '≥' if target.is_least else '≤'
        yield (
            f'{name}, {comparison.volume} in {shape}',
            sides,
            f'{figure:.2f} {target.unit}',
            f'{sign} {target.limit:g}' + ('' if is_met else ', missed'),
            result,
        )


def write(rows, said):
    """Put rows into the section of docs/benchmarks.md, each in the place of its old one."""
    page = DOCS / 'benchmarks.md'
    before, _, section = page.read_text(encoding='utf-8').partition(LABELS)
    if not section:
        before, _, after = before.partition(WHOLE_JOB)
        section = f'\n{WHOLE_JOB}{after}'
    table, _, after = section.partition(WHOLE_JOB)
    old = [line.strip('| ').split(' | ') for line in table.splitlines() if line.startswith('| ')]
    measured = {'what', *(cells[0] for cells in rows)}
    text = [
        LABELS,
        '',
        f'Measured by `make bench-labels` on {said}. The volumes are those of '
        '`skanrs.datasets.touching_labels`: *neurites* fill 99 % of it, *cells* 65 %; *many cells* '
        'are 64 times the same block of cells; *one label* is a vessel tree. The work *lee* is the '
        'plain call, which joins labels that touch. Sides take turns; seconds are medians, and a '
        f'call of more than {LONG} s ran once. Bytes are those beyond input and output. '
        'kimimaro is another method, and the plain call joins labels.',
        '',
        '| what | sides | figure | target | results |',
        '|---|---|---:|---:|---|',
        *(
            f'| {" | ".join(cells)} |'
            for cells in old
            if len(cells) == len(rows[0]) and cells[0] not in measured
        ),
        *(f'| {" | ".join(cells)} |' for cells in rows),
    ]
    page.write_text(
        '\n'.join([before.rstrip(), '', *text, '', WHOLE_JOB + after]), encoding='utf-8'
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--peers', required=True, help='the Python that has the peers')
    parser.add_argument(
        'names',
        nargs='*',
        metavar='NAME',
        help=f'of {", ".join(COMPARISONS)}; all if none is named',
    )
    parser.add_argument('--size', type=int, help='edge in voxels, instead of those of the targets')
    parser.add_argument('--runs', type=int, default=RUNS)
    parser.add_argument('--folder', help='where volumes are kept, also for the next time')
    parser.add_argument('--write', action='store_true', help='write the table in docs/')
    options = parser.parse_args()
    print(machine(2))
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for name in options.names or COMPARISONS:
            comparison = COMPARISONS[name]
            absent = [side.name for side in comparison.sides if not _is_there(side.name, options)]
            if absent:
                print(f'{name}: {absent[0]} is not installed in the environment of the peers')
                continue
            size, kind = options.size or comparison.size, comparison.volume
            path = Path(options.folder or temporary, f'{kind.replace(" ", "-")}-{size}.npy')
            if not path.exists():
                np.save(path, volume(kind, size))
            lines = measure(comparison, path, options)
            for row in rows_of(name, comparison, lines, np.load(path, mmap_mode='r')):
                rows.append(row)
                print(' | '.join(row), flush=True)
    if options.write:
        write(rows, machine(2))


def _is_there(side, options):
    return 'skanrs' in side or has(options.peers, side)


if __name__ == '__main__':
    main()
