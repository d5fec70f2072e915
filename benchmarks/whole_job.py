"""Print how long the whole job takes, from a gray file to the written table, and its memory.

Each run is a process of its own, timed from its start to its end, with the peak of its memory. The
command `skanrs analyze` and what people write today with scipy, scikit-image and skan
(`usual_job.py`) take turns on the same file. Files are read once before, so that the system has
them in memory. `--jobs` measures some jobs only; with `--results FILE` those that were measured
before are kept. `--write` writes table and plot to docs/.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
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
BEFORE = {
    'reading': 3.1, 'smoothing': 38.0, 'threshold': 12.4, 'thinning': 1.2, 'graph': 1.7,
    'writing': 51.7,
}  # fmt: skip
"""The job with radii, report and skeleton before it was made fast, at 1000³ on another machine."""
BEFORE_PEAK = 9.2e9
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
SKANRS = [sys.executable, '-m', 'skanrs']
COLOURS = ['#4477aa', '#66ccee', '#228833', '#ccbb44', '#ee6677', '#bbbbbb']


@dataclass
class Side:
    """One way of doing a job, and what its runs took."""

    name: str
    command: list[str]
    runs: list[float] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)
    peak: int = 0
    busy: float = 0
    """The seconds of its processors in the last run."""
    is_call: bool = False
    """Whether the time is that of a call, which the process prints, and not that of the process."""

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
        seconds = time.perf_counter() - begin
        self.peak = max(self.peak, usage.ru_maxrss * 1024)
        self.busy = usage.ru_utime + usage.ru_stime
        if said.startswith('{'):
            self.stages = json.loads(said)['seconds']
        self.runs.append(sum(self.stages.values()) if self.is_call else seconds)


def main():
    options = arguments()
    results = {}
    if options.results is not None and options.results.exists():
        kept = json.loads(options.results.read_text())
        results = {name: (title, [Side(**side) for side in sides]) for name, title, sides in kept}
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        for name in options.jobs:
            title, sides = JOBS[name](folder, options)
            if options.sides is not None:
                kept = {side.name: side for side in results.get(name, ('', []))[1]}
                sides = [
                    side if side.name in options.sides else kept.get(side.name, side)
                    for side in sides
                ]
            results[name] = compare(title, sides, folder, options)
    if options.results is not None:
        rows = [
            (name, title, [asdict(side) for side in sides])
            for name, (title, sides) in results.items()
        ]
        options.results.write_text(json.dumps(rows, indent=1))
    if options.write:
        write([results[name] for name in JOBS if name in results])


def gray_job(kind, size):
    """Return a job: from a gray file to CSV."""

    def job(folder, options):
        name = make(folder, kind, size)
        analyze = [*SKANRS, 'analyze', name, '-o', 't.csv', *OPTIONS, '--json']
        sides = [Side('skanrs', analyze)]
        if (kind, size) == ('zarr', 1000):
            sides.append(Side('skanrs, --memory 800MB', [*analyze, '--memory', '800MB']))
        usual = [options.peers, str(HERE / 'usual_job.py'), name, 'peers.csv']
        sides.append(Side('scipy, scikit-image and skan', usual))
        return f'{kind}, gray, {size}³ to CSV', sides

    return job


def all_outputs(folder, options):
    name = make(folder, 'zarr', 1000)
    outputs = ['-o', 't.csv', '--radii', '--report', 'r.html', '--skeleton', 's.zarr']
    analyze = [*SKANRS, 'analyze', name, *outputs, *OPTIONS, '--json']
    before = Side('skanrs before', [], [sum(BEFORE.values())], BEFORE, int(BEFORE_PEAK))
    return 'zarr, gray, 1000³ to CSV, radii, report and skeleton', [Side('skanrs', analyze), before]


def mask_to_parquet(folder, options):
    name = make(folder, 'mask zarr', 1000)
    return 'zarr, mask, 1000³ to Parquet', [
        Side('skanrs', [*SKANRS, 'analyze', name, '-o', 't.parquet', '--json']),
        Side('reading and thinning alone', [sys.executable, str(HERE / 'read_and_thin.py'), name]),
    ]


def mask_to_report(folder, options):
    name = make(folder, 'mask zarr', 1000)
    wide = [*SKANRS, 'analyze', name, '-o', 't.csv', '--radii', '--json']
    return 'zarr, mask, 1000³ to CSV, --radii', [
        Side('skanrs', wide),
        Side('skanrs, --report', [*wide, '--report', 'r.html']),
    ]


def demo(folder, options):
    """What `skanrs demo` does with one of its two images."""
    name = make(folder, 'npz', 256)
    analyze = [*SKANRS, 'analyze', name, '-o', 't.csv', '--sigma', '0.7', '--threshold', 'otsu']
    analyze += ['--radii', '--skeleton', 's.npz', '--summary', 'summary.csv', '--json']
    return 'lung of the demo, 256³', [
        Side('skanrs', analyze),
        Side('skanrs, --report', [*analyze, '--report', 'r.html']),
    ]


def start(folder, options):
    name = make(folder, 'mask zarr', 1000)
    return 'start', [
        Side('skanrs --version', [*SKANRS, '--version']),
        Side('skanrs info', [*SKANRS, 'info', name]),
        Side('import skanrs', [sys.executable, '-c', 'import skanrs']),
    ]


def call(work, title, peers):
    """Return a job: a call on a float32 image of 1000³ in memory."""

    def job(folder, options):
        name = make(folder, 'npy', 1000)
        return title, [
            Side(side, [python, str(HERE / 'one_call.py'), side, work, name], is_call=True)
            for side, python in (('skanrs', sys.executable), *((p, options.peers) for p in peers))
        ]

    return job


JOBS = {
    'zarr-512': gray_job('zarr', 512),
    'TIFF-512': gray_job('TIFF', 512),
    'HDF5-512': gray_job('HDF5', 512),
    'NIfTI-512': gray_job('NIfTI', 512),
    'zarr-1000': gray_job('zarr', 1000),
    'TIFF-1000': gray_job('TIFF', 1000),
    'all-outputs': all_outputs,
    'parquet': mask_to_parquet,
    'report': mask_to_report,
    'demo': demo,
    'gaussian': call('gaussian', 'gaussian, sigma 1, float32, 1000³', ('scipy', 'copy')),
    'otsu': call('otsu', 'otsu, float32, 1000³', ('scikit-image',)),
    'start': start,
}


def compare(title, sides, folder, options):
    print(f'\n{title}', flush=True)
    asked = [
        side
        for side in sides
        if side.command and (options.sides is None or side.name in options.sides)
    ]
    for _ in range(options.repeats):
        for side in asked:
            side.run(folder)
    for side in (side for side in sides if side.runs):
        stages = ', '.join(f'{stage} {seconds:.2f}' for stage, seconds in side.stages.items())
        print(
            f'  {side.name:30}{side.seconds:9.2f} s{side.seconds / sides[0].seconds:8.2f}x'
            f'{side.peak / 1e6:9,.0f} MB   {stages}',
            flush=True,
        )
    return title, sides


def make(folder, kind, size):
    """Make the file of a kind, in a process of its own, unless it is there; return its name."""
    done = subprocess.run(
        [sys.executable, str(HERE / 'gray_files.py'), kind, str(size)],
        cwd=folder, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def write(results):
    lines = [
        HEAD,
        '',
        f'Measured by `make bench-whole` on {machine(2)}, one job at a time.',
        '',
        'Each run is a process of its own, from its start to the written table, with its peak of '
        f'memory. The gray images are synthetic lungs (uint8 or uint16); the job is `skanrs '
        f'analyze FILE -o t.csv {" ".join(OPTIONS)}`, and what people write today with scipy, '
        'scikit-image and skan is `benchmarks/usual_job.py`. Runs take turns; seconds are medians, '
        f'and a job of more than {LONG} s ran once. The process of skan compiles its functions. '
        'A peak of 69 MB is that of the process that starts the others. '
        '"reading and thinning alone" reads the mask as bytes and calls `skanrs.skeletonize`; the '
        'command packs it to bits as it reads. '
        '"times" is the time beside that of the first line of a row; "processors" are the seconds '
        'of all processors together. Rows of calls (gaussian, otsu) time a first call in memory.',
        '',
        '"skanrs before" is the job before it was made fast, measured once on another machine with '
        'another image of that size.',
        '',
        f'![Where the time of the whole job goes]({PLOT})',
        '',
        '| what | side | runs | seconds | times | processors | peak memory |',
        '|---|---|---:|---:|---:|---:|---:|',
    ]
    for title, sides in results:
        for side in sides:
            busy = f'{side.busy:.1f}' if side.busy else ''
            lines.append(
                f'| {title} | {side.name} | {len(side.runs)} | {side.seconds:.2f} '
                f'| {side.seconds / sides[0].seconds:.2f} | {busy} | {side.peak / 1e6:,.0f} MB |'
            )
            title = ''
    lines += [
        '',
        'Seconds that reading the gray image takes of each job:',
        '',
        '| file | skanrs | scipy, scikit-image and skan |',
        '|---|---:|---:|',
    ]
    for title, sides in results:
        if title.endswith('to CSV') and 'gray' in title:
            reading = [f'{side.stages["reading"]:.2f}' for side in (sides[0], sides[-1])]
            lines.append(f'| {title.removesuffix(" to CSV")} | {" | ".join(reading)} |')
    lines += [
        '',
        'Seconds that writing takes of jobs on masks and on the lung of the demo:',
        '',
        '| what | side | writing |',
        '|---|---|---:|',
        *(
            f'| {title} | {side.name} | {side.stages["writing"]:.2f} |'
            for title, sides in results
            if 'gray' not in title
            for side in sides
            if 'writing' in side.stages
        ),
    ]
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
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog='jobs: ' + ', '.join(JOBS)
    )
    parser.add_argument('--peers', required=True, help='the Python that has the peers')
    parser.add_argument('--jobs', nargs='+', choices=JOBS, metavar='JOB', default=list(JOBS))
    parser.add_argument('--sides', nargs='+', metavar='SIDE', help='all unless some are named')
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--folder', type=Path, help='where images are kept')
    parser.add_argument('--results', type=Path, help='a file that keeps what was measured')
    parser.add_argument(
        '--write', action='store_true', help='write docs/benchmarks.md and its plot'
    )
    return parser.parse_args()


if __name__ == '__main__':
    main()
