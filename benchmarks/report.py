"""Table and plot of what was measured, in docs/."""

from pathlib import Path

import matplotlib.pyplot as plt

DOCS = Path(__file__).parent.parent / 'docs'
PLOT = 'images/benchmarks.png'
LABELS = '## Label images'
"""The head of the section that labels.py writes, before the last one."""
WHOLE_JOB = '## The whole job'
"""The head of the last section, which whole_job.py writes."""
PUBLIC = {
    'vessap_vessels.npz': 'the vascular tree in vessap/vessap, `data/label.nii.gz`',
    'berea_pores_200.npz': 'the pore space of a sandstone (µCT) in PMEAL/OpenPNM, '
    '`berea_100_to_300.npz`',
    'neuron_lm_rivulet.npz': 'a neuron (light microscopy, voxels above 30) in '
    'RivuletStudio/rivuletpy, `tests/data/test.tif.zip`',
}
"""Masks of public repositories, by the name of the file that they were measured from."""


def public_files(results):
    """Return the lines that name the sources of the input files."""
    measured = ' '.join(result['title'] for result in results)
    said = [f'{name} is {what}' for name, what in PUBLIC.items() if name in measured]
    return [f'Sources of the files: {"; ".join(said)}.', ''] if said else []


def write_report(results, machine, versions, command):
    """Write docs/benchmarks.md and its plot, with the command that measured."""
    text = [
        '# Benchmarks',
        '',
        f'Measured by `{command}` on {machine}; '
        + ', '.join(f'{name} {version}' for name, version in sorted(versions.items()))
        + '.',
        '',
        'Each side runs in its own process. The sides take turns on the same input, which is '
        'in memory before the clock starts (as a dask array where chunks are used). Seconds '
        'are medians of the stated runs, after one run that is not counted. Before each run, '
        'eight bytes of memory per voxel are touched. A short call is repeated for half a '
        'second, and its median is one run. Calls of more than 30 s were run once. Memory is '
        'the peak of the whole process. "equal" means equal to skanrs to the last bit; '
        '"another result" means another method. `benchmarks/rows.py` generates the volumes. '
        'Bytes beyond input and output can be negative, because pages of zeros that are never '
        'written take no memory.',
        '',
        *public_files(results),
        f'![How many times longer the peers take]({PLOT})',
        '',
        '| what | side | runs | seconds | times skanrs | peak memory | result |',
        '|---|---|---:|---:|---:|---:|---|',
    ]
    for result in results:
        what = result['title']
        for line in result['lines']:
            peak = '' if line['peak'] is None else f'{line["peak"]:,.0f} MB'
            words = line['words'] + (f', {line["verdict"]}' if line['verdict'] else '')
            text.append(
                f'| {what} | {line["side"]} | {line["runs"]} | {line["seconds"]:.4g} '
                f'| {line["ratio"]:.1f} | {peak} | {words} |'
            )
            what = ''
        text.append(f'| | | | | | | {", ".join(result["notes"])} |')
    page = DOCS / 'benchmarks.md'
    _, head, others = page.read_text(encoding='utf-8').partition(LABELS)
    page.write_text('\n'.join([*text, '', head + others]).rstrip() + '\n', encoding='utf-8')
    draw([result for result in results if len(result['lines']) > 1])
    print('\nwritten: docs/benchmarks.md and its plot')


def draw(results):
    # How skanrs compares with itself is in the table.
    bars = [
        (f'{result["title"]}: {line["side"]}', line['ratio'])
        for result in reversed(results)
        for line in reversed(result['lines'][1:])
        if not line['side'].startswith('skanrs')
    ]
    figure, axes = plt.subplots(figsize=(9, 1 + 0.3 * len(bars)), layout='constrained')
    drawn = axes.barh([name for name, _ in bars], [ratio for _, ratio in bars], color='#4477aa')
    axes.bar_label(drawn, fmt='%.1f', padding=3)
    axes.set_xscale('log')
    ratios = [ratio for _, ratio in bars]
    axes.set_xlim(min(1, *ratios), 2.5 * max(ratios))
    axes.xaxis.set_major_formatter('{x:g}')
    axes.set_xlabel('times the seconds of skanrs')
    axes.spines[['top', 'right']].set_visible(False)
    figure.savefig(DOCS / PLOT, dpi=120)
