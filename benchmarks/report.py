"""Table and plot of what was measured, in docs/."""

from pathlib import Path

import matplotlib.pyplot as plt

DOCS = Path(__file__).parent.parent / 'docs'
PLOT = 'images/benchmarks.png'
PUBLIC = {
    'vessap_vessels.npz': 'the vascular tree of vessap/vessap, `data/label.nii.gz`',
    'berea_pores_200.npz': 'the pores of a sandstone, µCT, of PMEAL/OpenPNM, '
    '`berea_100_to_300.npz`',
    'neuron_lm_rivulet.npz': 'a neuron, light microscopy, of RivuletStudio/rivuletpy, '
    '`tests/data/test.tif.zip`, voxels above 30',
}
"""Masks of public repositories, by the name of the file that they were measured from."""


def public_files(results):
    """Return the lines that say where the files among the inputs are from."""
    measured = ' '.join(result['title'] for result in results)
    said = [f'{name} is {what}' for name, what in PUBLIC.items() if name in measured]
    return [f'Of the files {"; ".join(said)}.', ''] if said else []


def write_report(results, machine, versions, command):
    """Write docs/benchmarks.md and its plot, with the command that measured."""
    text = [
        '# Benchmarks',
        '',
        f'Measured by `{command}` on {machine}; '
        + ', '.join(f'{name} {version}' for name, version in sorted(versions.items()))
        + '.',
        '',
        'Each side is a process of its own; they take turns on the same input, which is in memory '
        'before, as a dask array where blocks are taken. Seconds are medians of the runs that are '
        'stated, after a first one that is not counted, with memory of eight bytes a voxel touched '
        'beforehand; short calls are repeated for half a second and give one run, their median, '
        'and who takes more than half a minute was run once. Memory is the peak of the whole '
        'process. "equal" means equal to skanrs to the last bit; "another result" is that of '
        'another method. Volumes are made by `benchmarks/rows.py`. Bytes beyond input and output '
        'can be negative, since pages of zeros that nobody writes to take no memory.',
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
    (DOCS / 'benchmarks.md').write_text('\n'.join(text) + '\n')
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
