"""The demonstration: two generated lungs through `skanrs analyze`, and how their trees differ."""

import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from skanrs.datasets.lungs import Kind, lung
from skanrs.files import Writer, write_together

from .report import BRANCH_TYPES

__all__ = ['compare', 'demo']

OPTIONS = ['--sigma', '0.7', '--threshold', 'otsu']


def demo(folder: Path, *, edge: int = 256, seed: int = 0) -> None:
    """Generate both lungs, run the command on each, print how the tables differ.

    Parameters
    ----------
    folder : Path
        Where images, tables, skeletons and the picture go; it is made if need be.
    edge : int
        Edge of the volumes in voxels.
    seed : int
        Of the lungs.
    """
    if edge < 32:
        raise ValueError(f'--shape: at least 32 voxels, not {edge}')
    folder.mkdir(parents=True, exist_ok=True)
    tables: dict[str, pd.DataFrame] = {}
    for kind in get_args(Kind):
        image, spacing, _ = lung(kind, shape=(edge,) * 3, seed=seed)
        source, table = folder / f'{kind}.npz', folder / f'{kind}.csv'
        write_together({source: _saver(image, spacing)})
        typed = ['analyze', str(source), '-o', str(table), *OPTIONS]
        typed += ['--skeleton', str(folder / f'{kind}_skeleton.npz')]
        print(f'$ skanrs {shlex.join(typed)}', flush=True)
        done = subprocess.run([sys.executable, '-m', 'skanrs', *typed], check=False)
        if done.returncode:
            raise ChildProcessError(f'`skanrs analyze` ended with exit code {done.returncode}')
        print()
        tables[kind] = pd.read_csv(table)
    print(_as_text(compare(tables['healthy'], tables['hernia'])))
    if find_spec('matplotlib') is None:
        print("\nA picture is drawn too where matplotlib is: pip install 'skanrs[plot]'")
        return
    picture = folder / 'lungs.png'
    _draw(folder, tables, picture)
    print(f'\nThe picture: {picture}')


def _saver(image: npt.NDArray[np.uint8], spacing: Sequence[float]) -> Writer:
    return lambda file: np.savez_compressed(file, image=image, spacing=np.array(spacing))


def compare(healthy: pd.DataFrame, hernia: pd.DataFrame) -> pd.DataFrame:
    """Return measures of both tables and the ratio of each.

    Parameters
    ----------
    healthy, hernia : DataFrame
        Branch tables with ``_`` in the names of their columns.

    Returns
    -------
    DataFrame
        A row for each measure, with columns healthy, hernia and ratio (hernia / healthy).
    """
    rows = {name: (value, _measures(hernia)[name]) for name, value in _measures(healthy).items()}
    table = pd.DataFrame.from_dict(rows, orient='index', columns=['healthy', 'hernia'])
    table['ratio'] = table['hernia'] / table['healthy']
    return table


def _measures(table: pd.DataFrame) -> dict[str, float]:
    length = table['branch_distance']
    straight = table['euclidean_distance'] / length
    by_type = {
        f'  {words}': float((table['branch_type'] == number).sum())
        for number, words in enumerate(BRANCH_TYPES)
    }
    depth = table[['coord_src_0', 'coord_dst_0']].to_numpy()
    return {
        'branches': float(len(table)),
        **by_type,
        'networks': float(table['skeleton_id'].nunique()),
        'total length (µm)': float(length.sum()),
        'median branch length (µm)': float(length.median()),
        'longest branch (µm)': float(length.max()),
        'mean straightness': float(straight[table['branch_type'] != 3].mean()),
        'height of the tree (µm)': float(depth.max() - depth.min()),
    }


def _as_text(table: pd.DataFrame) -> str:
    lines = [f'{"":28}{"healthy":>12}{"hernia":>12}{"ratio":>9}']
    for name, healthy, hernia, ratio in table.itertuples():
        whole = healthy > 100 or (healthy % 1 == 0 and hernia % 1 == 0)
        digits = ',.0f' if whole else '.1f' if healthy > 1 else '.3f'
        shown = f'{ratio:9.2f}' if healthy else ''
        lines.append(f'{name:28}{healthy:12{digits}}{hernia:12{digits}}{shown}')
    return '\n'.join(lines)


def _draw(folder: Path, tables: Mapping[str, pd.DataFrame], picture: Path) -> None:
    """Draw a projection of each lung and of its skeleton, and the lengths of the branches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 7.5), layout='constrained')
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
        row[2].hist(table['branch_distance'], bins=np.linspace(0, 60, 41), color='0.3')
        row[2].set_title(f'{len(table):,} branches')
        row[2].set_xlabel('length of a branch (µm)')
    axes[0, 2].sharey(axes[1, 2])
    write_together({picture: lambda file: figure.savefig(file, format='png', dpi=80)})


def _depth(skeleton: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """Return how deep along y the first skeleton voxel lies, NaN where none does."""
    return np.where(skeleton.any(axis=1), skeleton.argmax(axis=1), np.nan)
