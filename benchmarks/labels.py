"""Print the figures of label images beside the marks that were set for them.

Each side is a process of its own (`worker.py`), asked in turn. Sides that take more than some
seconds are asked once, the others several times, after a call that is not counted; figures are
those of medians. `--write` keeps the rows in docs/, beside those of other marks that stand there.
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


class Mark(NamedTuple):
    """Two sides or one on a volume, and what is asked of them."""

    title: str
    volume: str
    size: int
    sides: tuple[Side, ...]
    figure: str
    """What of `FIGURES` is compared with `limit`."""
    limit: float
    is_least: bool = False
    """Whether the figure is to be at least the limit; else at most."""


TABLE = 'labels to table'
ALONE, PLAIN = Side('skanrs', 'labels'), Side('skanrs', 'lee')


def _marks():
    """Yield the marks by name."""
    sides = Side('skanrs', TABLE), Side('scikit-image + skan', TABLE)
    yield 'table', Mark('skeletons and table', 'neurites', 256, sides, 'times', 40, True)
    sides = ALONE, Side('kimimaro', 'labels')
    yield 'kimimaro', Mark('skeletons', 'neurites', 256, sides, 'times', 50, True)
    sides = ALONE, Side('loop with skanrs', 'labels')
    yield 'loop', Mark('skeletons', 'cells', 256, sides, 'times', 25, True)
    for kind in ('neurites', 'cells'):
        yield f'voxel-{kind}', Mark('skeletons', kind, 512, (ALONE,), 'ns a voxel', 40)
        yield f'plain-{kind}', Mark('skeletons', kind, 512, (PLAIN, ALONE), 'times', 1.5)
        sides = ALONE._replace(threads=2), ALONE
        yield f'thread-{kind}', Mark('skeletons', kind, 512, sides, 'times', 1.7, True)
        sides = (ALONE._replace(threads=2),)
        yield f'memory-{kind}', Mark('skeletons', kind, 512, sides, 'bytes a voxel', 2)
        sides = ALONE, Side('skanrs', 'labels in chunks')
        yield f'chunks-{kind}', Mark('skeletons', kind, 512, sides, 'times', 2.5)
    yield 'one', Mark('skeleton of one label', 'one label', 512, (PLAIN, ALONE), 'times', 1.3)
    sides = (ALONE._replace(threads=2),)
    yield 'large', Mark('skeletons', 'many cells', 1000, sides, 'seconds', 4)


MARKS = dict(_marks())
FIGURES = {
    'times': lambda lines, _: lines[-1]['seconds'] / lines[0]['seconds'],
    'seconds': lambda lines, _: lines[0]['seconds'],
    'ns a voxel': lambda lines, image: lines[0]['seconds'] * 1e9 / np.count_nonzero(image),
    # The result has the type of the input.
    'bytes a voxel': lambda lines, image: lines[0]['added'] * 2**20 / image.size - image.itemsize,
}


def measure(mark, path, options):
    """Return what the sides of a mark take."""
    image = np.load(path, mmap_mode='r')
    workers = [
        Worker(python_of(side.name, options), side.name, side.work, path, side.threads)
        for side in mark.sides
    ]
    for run in range(1 + options.runs):
        for worker in workers:
            worker.time(image.size, counts=run > 0, long=LONG)
    lines = []
    for worker, side in zip(workers, mark.sides, strict=True):
        lines.append({**worker.last, 'side': side, 'seconds': statistics.median(worker.seconds)})
        worker.close()
    return lines


def row(mark, lines, image):
    """Return the cells of a row of the table."""
    figure = FIGURES[mark.figure](lines, image)
    is_met = figure >= mark.limit if mark.is_least else figure <= mark.limit
    same = {line['content'] for line in lines}
    kimimaro = any(line['side'].name == 'kimimaro' for line in lines)
    verdict = 'another method' if kimimaro else 'equal' if len(same) == 1 else 'DIFFERENT'
    if mark.sides[0] == PLAIN and mark.volume != 'one label':
        verdict = 'touching labels are joined by the plain call'
    said = [
        f'{line["side"].name}, {line["side"].work}, {line["side"].threads} thread'
        f'{"s" * (line["side"].threads > 1)}: {line["seconds"]:.3f} s'
        for line in lines
    ]
    sign = '≥' if mark.is_least else '≤'
    return (
        f'{mark.title}, {mark.volume} in {" x ".join(map(str, image.shape))}',
        '; '.join(said) + (f'; {verdict}' if len(lines) > 1 else ''),
        f'{figure:.2f} {mark.figure}',
        f'{sign} {mark.limit:g}' + ('' if is_met else ' (missed)'),
    )


def write(rows, said):
    """Put rows into the section of docs/benchmarks.md, in the place of those of the same marks."""
    page = DOCS / 'benchmarks.md'
    before, _, section = page.read_text(encoding='utf-8').partition(LABELS)
    if not section:
        before, _, after = before.partition(WHOLE_JOB)
        section = f'\n{WHOLE_JOB}{after}'
    table, _, after = section.partition(WHOLE_JOB)
    old = [line.strip('| ').split(' | ') for line in table.splitlines() if line.startswith('| ')]
    by_name = {cells[0]: cells for cells in [*old[1:], *rows]}
    ordered = [by_name[name] for name in MARKS if name in by_name]
    text = [
        LABELS,
        '',
        f'Measured by `make bench-labels` on {said}. The volumes are those of '
        '`skanrs.datasets.touching_labels`: *neurites* fill 99 % of it, *cells* 65 %; *many cells* '
        'are 64 times the same block of cells. One thread or two, the same on both sides. Sides '
        'take turns; seconds are medians, and a call of more than five seconds ran once. Bytes are '
        'those beyond input and output.',
        '',
        '| mark | what | sides | figure | set |',
        '|---|---|---|---:|---:|',
        *(f'| {" | ".join(cells)} |' for cells in ordered),
    ]
    page.write_text(
        '\n'.join([before.rstrip(), '', *text, '', WHOLE_JOB + after]), encoding='utf-8'
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--peers', required=True, help='the Python that has the peers')
    parser.add_argument(
        '--marks',
        nargs='*',
        choices=MARKS,
        metavar='MARK',
        default=list(MARKS),
        help='all by default',
    )
    parser.add_argument('--size', type=int, help='edge in voxels, instead of those of the marks')
    parser.add_argument('--runs', type=int, default=RUNS)
    parser.add_argument('--folder', help='where volumes are kept, also for the next time')
    parser.add_argument('--write', action='store_true', help='write the table in docs/')
    options = parser.parse_args()
    print(machine(2))
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for name in options.marks:
            mark = MARKS[name]
            absent = [side.name for side in mark.sides if not _is_there(side.name, options)]
            if absent:
                print(f'{name}: {absent[0]} is not installed in the environment of the peers')
                continue
            size = options.size or mark.size
            path = Path(options.folder or temporary, f'{mark.volume.replace(" ", "-")}-{size}.npy')
            if not path.exists():
                np.save(path, volume(mark.volume, size))
            lines = measure(mark, path, options)
            rows.append((name, *row(mark, lines, np.load(path, mmap_mode='r'))))
            print(' | '.join(rows[-1]), flush=True)
    if options.write:
        write(rows, machine(2))


def _is_there(side, options):
    return side.startswith('skanrs') or has(python_of(side, options), side)


if __name__ == '__main__':
    main()
