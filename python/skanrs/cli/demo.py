"""The demonstration: generate two lungs, run `skanrs analyze` on each and compare their trees."""

import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from skanrs.datasets.lungs import Kind, lung
from skanrs.files import Writer, write_files

from .report import BRANCH_TYPES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ['compare', 'demo']

OPTIONS = ['--sigma', '0.7', '--threshold', 'otsu', '--radii']


def demo(folder: Path, *, edge: int = 256, seed: int = 0) -> None:
    """Generate both lungs, run the command on each and print a comparison.

    Parameters
    ----------
    folder : Path
        The folder for images, tables, skeletons and the picture; created if it does not exist.
    edge : int
        Edge length of the volumes in voxels, at least 32.
    seed : int
        The seed of the generator.
    """
    if edge < 32:
        raise ValueError(f'--shape: expected at least 32 voxels, got {edge}')
    folder.mkdir(parents=True, exist_ok=True)
    draws = all(map(find_spec, ('matplotlib', 'jinja2')))
    tables: dict[str, pd.DataFrame] = {}
    summaries: dict[str, pd.DataFrame] = {}
    for kind in get_args(Kind):
        image, spacing, _ = lung(kind, shape=(edge,) * 3, seed=seed)
        source, table = folder / f'{kind}.npz', folder / f'{kind}.csv'
        summary = folder / f'{kind}_summary.csv'
        write_files({source: _saver(image, spacing)})
        typed = ['analyze', str(source), '-o', str(table), *OPTIONS]
        typed += ['--skeleton', str(folder / f'{kind}_skeleton.npz'), '--summary', str(summary)]
        if draws:
            typed += ['--report', str(folder / f'{kind}.html')]
        print(f'$ skanrs {shlex.join(typed)}', flush=True)
        done = subprocess.run([sys.executable, '-m', 'skanrs', *typed], check=False)
        if done.returncode:
            raise ChildProcessError(f'`skanrs analyze` ended with exit code {done.returncode}')
        print()
        tables[kind], summaries[kind] = pd.read_csv(table), pd.read_csv(summary)
    measures = compare(tables, summaries)
    print(_as_text(measures))
    if not draws:
        print("\nFor pictures and reports: pip install 'skanrs[plot]'")
        return
    picture, report = folder / 'lungs.png', folder / 'lungs.html'
    _write_pictures(folder, tables, measures, picture, report)
    print(
        f'\nThe picture: {picture}\nThe report:  {report}, with violin plots of lengths and radii'
    )


def _saver(image: npt.NDArray[np.uint8], spacing: Sequence[float]) -> Writer:
    return lambda file: np.savez_compressed(file, image=image, spacing=np.array(spacing))


def compare(
    tables: Mapping[str, pd.DataFrame], summaries: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Return the measures of two images and their ratios.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Branch tables with radii by the names of the images, with ``_`` in the names of columns.
    summaries : mapping of str to DataFrame
        Their summaries, see `skanrs.network_summary`.

    Returns
    -------
    DataFrame
        One row per measure, one column per image, and the ratio (last / first).
    """
    columns = {name: _measures(table, summaries[name].iloc[0]) for name, table in tables.items()}
    measures = pd.DataFrame(columns)
    first, *_, last = columns
    measures['ratio'] = measures[last] / measures[first]
    return measures


def _measures(table: pd.DataFrame, summary: 'pd.Series[Any]') -> dict[str, float]:
    length = table['length']
    by_type = {
        f'  {words}': float((table['branch_type'] == number).sum())
        for number, words in enumerate(BRANCH_TYPES)
    }
    depth = table[['coord_src_0', 'coord_dst_0']].to_numpy()
    return {
        'branches': float(len(table)),
        **by_type,
        'networks': float(summary['n_networks']),
        'loops': float(summary['n_loops']),
        'total length (µm)': float(length.sum()),
        'median branch length (µm)': float(length.median()),
        'longest branch (µm)': float(length.max()),
        'median radius, by length (µm)': float(summary['radius_q50']),
        'largest radius (µm)': float(table['max_radius'].max()),
        'median tortuosity': float(table['tortuosity'].median()),
        'height of the tree (µm)': float(depth.max() - depth.min()),
    }


def _in_words(measures: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers as text."""
    rows = {}
    for name, *values, ratio in measures.itertuples():
        least = min(values)
        whole = least > 100 or all(value % 1 == 0 for value in values)
        digits = ',.0f' if whole else '.1f' if least > 3 else '.3f'
        shown = [f'{value:{digits}}' for value in values]
        rows[name] = [*shown, f'{ratio:.2f}' if np.isfinite(ratio) else '']
    return pd.DataFrame.from_dict(rows, orient='index', columns=measures.columns)


def _as_text(measures: pd.DataFrame) -> str:
    lines = [f'{"":30}' + ''.join(f'{name:>11}' for name in measures.columns)]
    for name, *values in _in_words(measures).itertuples():
        lines.append(f'{name:30}' + ''.join(f'{value:>11}' for value in values))
    return '\n'.join(lines)


def _write_pictures(
    folder: Path,
    tables: Mapping[str, pd.DataFrame],
    measures: pd.DataFrame,
    picture: Path,
    report: Path,
) -> None:
    from .html_report import write_comparison, write_figure

    def draw(figure: 'Figure') -> None:
        _draw(folder, tables, figure)

    write_files(
        {
            picture: lambda file: write_figure(file, (12, 7.5), draw, dpi=80),
            report: lambda file: write_comparison(
                file,
                'Two lungs: healthy, and with a hernia of the diaphragm',
                tables,
                _in_words(measures),
                unit='µm',
                draw_images=draw,
                reports={kind: f'{kind}.html' for kind in tables},
            ),
        }
    )


def _draw(folder: Path, tables: Mapping[str, pd.DataFrame], figure: 'Figure') -> None:
    """Draw a projection of each lung and of its skeleton, and the lengths of the branches."""
    axes = figure.subplots(2, 3)
    for row, (kind, table) in zip(axes, tables.items(), strict=True):
        with np.load(folder / f'{kind}.npz') as file:
            image = file['image']
        with np.load(folder / f'{kind}_skeleton.npz') as file:
            skeleton = file['image']
        row[0].imshow(image.max(axis=1), cmap='gray')
        row[0].set_title(f'{kind}: brightest along y')
        row[1].imshow(_depth(skeleton), cmap='viridis')
        row[1].set_title(f'{kind}: skeleton, coloured by depth')
        for axis in row[:2]:
            axis.set_axis_off()
        row[2].hist(table['length'], bins=np.linspace(0, 60, 41), color='0.3')
        row[2].set_title(f'{len(table):,} branches')
        row[2].set_xlabel('length of a branch (µm)')
    axes[0, 2].sharey(axes[1, 2])


def _depth(skeleton: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """Return the y of the first skeleton voxel along y, NaN where there is none."""
    return np.where(skeleton.any(axis=1), skeleton.argmax(axis=1), np.nan)
