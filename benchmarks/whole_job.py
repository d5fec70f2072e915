"""Print how long the whole job takes, from a gray file to the written table, and its memory.

Each run is a process of its own, timed from its start to its end, with the peak of its memory. The
command `skanrs analyze` and what people write today with scipy, scikit-image and skan
(`usual_job.py`) take turns on the same file. Files are read once before, so that the system has
them in memory. `--write` keeps table and plot in docs/.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib.pyplot as plt
from machine import machine
from report import WHOLE_JOB as HEAD

HERE = Path(__file__).parent
PAGE = HERE.parent / 'docs' / 'benchmarks.md'
PLOT = 'images/whole_job.png'
OPTIONS = ['--sigma', '1', '--threshold', 'otsu']
LONG = 60
"""Seconds from which on one run is enough."""
STAGES = {
    'reading': 'reading',
    'smoothing': 'smoothing, threshold',
    'smoothing and threshold': 'smoothing, threshold',
    'threshold': 'smoothing, threshold',
    'mask': 'smoothing, threshold',
    'thinning': 'thinning',
    'skeleton': 'thinning',
    'blocks': 'graph, table',
    'branches': 'graph, table',
    'graph': 'graph, table',
    'graph and radii': 'graph, table',
    'table': 'graph, table',
    'report': 'writing',
    'writing': 'writing',
}
START = 'start of the process'
COLOURS = ['#4477aa', '#66ccee', '#228833', '#ccbb44', '#ee6677', '#bbbbbb']


@dataclass
class Side:
    """One way of doing a job, and what its runs took."""

    name: str
    command: list[str]
    runs: list[float] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)
    peak: int = 0

    @property
    def seconds(self):
        return statistics.median(self.runs)

    def run(self, folder):
        """Time one run, unless a long one was timed before."""
        if self.runs and self.runs[-1] > LONG:
            return
        begin = time.perf_counter()
        with subprocess.Popen(
            self.command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            said = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f'benchmark: {" ".join(self.command)} has failed')
        self.runs.append(time.perf_counter() - begin)
        self.peak = max(self.peak, usage.ru_maxrss * 1024)
        if said.startswith('{'):
            self.stages = json.loads(said)['seconds']


def main():
    options = arguments()
    skanrs = [sys.executable, '-m', 'skanrs']
    usual = [options.peers, str(HERE / 'usual_job.py')]
    alone = [sys.executable, str(HERE / 'read_and_thin.py')]
    results = []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for size in options.sizes:
            for kind in options.formats if size == min(options.sizes) else options.formats[:1]:
                name = make(folder, kind, size)
                analyze = [*skanrs, 'analyze', name, '-o', 't.csv', *OPTIONS, '--json']
                sides = [Side('skanrs', analyze)]
                if size == max(options.sizes):
                    sides.append(Side('skanrs, --memory 800MB', [*analyze, '--memory', '800MB']))
                sides.append(Side('scipy, scikit-image and skan', [*usual, name, 't.csv']))
                results.append(compare(f'{kind}, gray, {size}³ to CSV', sides, folder, options))
        size = max(options.sizes)
        name = make(folder, 'mask zarr', size)
        sides = [
            Side('skanrs', [*skanrs, 'analyze', name, '-o', 't.parquet', '--json']),
            Side('reading and thinning alone', [*alone, name]),
        ]
        results.append(compare(f'zarr, mask, {size}³ to Parquet', sides, folder, options))
        wide = [*skanrs, 'analyze', name, '-o', 't.csv', '--radii', '--json']
        sides = [Side('skanrs', wide), Side('skanrs, --report', [*wide, '--report', 'r.html'])]
        results.append(compare(f'zarr, mask, {size}³ to CSV, --radii', sides, folder, options))
        page = Path(folder, 'r.html').stat().st_size
        print(f'    the report has {page / 1e6:.1f} MB')
        sides = [
            Side('skanrs --version', [*skanrs, '--version']),
            Side('skanrs info', [*skanrs, 'info', name]),
            Side('import skanrs', [sys.executable, '-c', 'import skanrs']),
        ]
        results.append(compare('start', sides, folder, options))
    if options.write:
        write(results, options)


def compare(title, sides, folder, options):
    print(f'\n{title}', flush=True)
    for _ in range(options.repeats):
        for side in sides:
            side.run(folder)
    for side in sides:
        stages = ', '.join(f'{stage} {seconds:.2f}' for stage, seconds in side.stages.items())
        print(
            f'  {side.name:30}{side.seconds:9.2f} s{side.seconds / sides[0].seconds:8.2f}x'
            f'{side.peak / 1e6:9,.0f} MB   {stages}',
            flush=True,
        )
    return title, sides


def make(folder, kind, size):
    """Make the file of a kind, in a process of its own, and return its name."""
    for old in Path(folder).iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    done = subprocess.run(
        [sys.executable, str(HERE / 'gray_files.py'), kind, str(size)],
        cwd=folder, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def write(results, options):
    lines = [
        HEAD,
        '',
        f'Measured by `make bench-whole{options.said}` on {machine(2)}.',
        '',
        'Each run is a process of its own, from its start to the written table, with its peak of '
        f'memory. The gray images are synthetic lungs (uint8 or uint16); the job is `skanrs '
        f'analyze FILE -o t.csv {" ".join(OPTIONS)}`, and what people write today with scipy, '
        'scikit-image and skan is `benchmarks/usual_job.py`. Runs take turns; seconds are medians, '
        f'and a job of more than {LONG} s ran once. The process of skan compiles its functions. '
        'A peak of 69 MB is that of the process that starts the others. '
        '"times" is the time beside that of the first line of a row.',
        '',
        f'![Where the time of the whole job goes]({PLOT})',
        '',
        '| what | side | runs | seconds | times | peak memory |',
        '|---|---|---:|---:|---:|---:|',
    ]
    for title, sides in results:
        for side in sides:
            lines.append(
                f'| {title} | {side.name} | {len(side.runs)} | {side.seconds:.2f} '
                f'| {side.seconds / sides[0].seconds:.2f} | {side.peak / 1e6:,.0f} MB |'
            )
            title = ''
    page = PAGE.read_text(encoding='utf-8').split(HEAD)[0].rstrip()
    PAGE.write_text('\n'.join([page, '', *lines]) + '\n', encoding='utf-8')
    draw([(title, sides) for title, sides in results if 'gray' in title])


def draw(results):
    """Draw a bar for each side whose length is its time beside the first one's, by stages."""
    figure, every = plt.subplots(
        len(results), figsize=(9, 1.1 * len(results) + 1), layout='constrained'
    )
    names = [*dict.fromkeys(STAGES.values()), START]
    for axes, (title, sides) in zip(every, results, strict=True):
        for side in reversed(sides):
            parts = dict.fromkeys(names, 0.0)
            for stage, seconds in side.stages.items():
                parts[STAGES[stage]] += seconds
            parts[START] = max(0.0, side.seconds - sum(parts.values()))
            left = 0.0
            for name, colour in zip(names, COLOURS, strict=True):
                axes.barh(side.name, parts[name], left=left, color=colour, label=name)
                left += parts[name]
            axes.text(left, side.name, f' {side.seconds:.1f} s', va='center')
        axes.set_title(title, loc='left', fontsize='medium')
        axes.set_xlim(0, 1.15 * max(side.seconds for side in sides))
        axes.spines[['top', 'right']].set_visible(False)
    handles, labels = every[0].get_legend_handles_labels()
    by_name = dict(zip(labels, handles, strict=True))
    figure.legend(by_name.values(), by_name, loc='outside lower center', ncols=3, frameon=False)
    every[-1].set_xlabel('seconds')
    figure.savefig(PAGE.parent / PLOT, dpi=120)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--peers', required=True, help='the Python that has the peers')
    parser.add_argument('--sizes', type=int, nargs='+', default=[512, 1000], help='edges in voxels')
    parser.add_argument(
        '--formats', nargs='+', default=['zarr', 'TIFF', 'HDF5', 'NIfTI'],
        help='the first is measured at each size, the others at the smallest',
    )  # fmt: skip
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--folder', help='where files are kept while it runs')
    parser.add_argument(
        '--write', action='store_true', help='write docs/benchmarks.md and its plot'
    )
    options = parser.parse_args()
    given = [part for part in sys.argv[1:] if part not in ('--peers', options.peers)]
    options.said = f' ARGS="{" ".join(given)}"' if given else ''
    return options


if __name__ == '__main__':
    main()
