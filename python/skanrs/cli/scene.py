"""The branches of a skeleton as lines of few points, and colours for them, for the report.

Lines pass through every n-th point of a branch and its ends; n is the smallest for which there are
not too many segments. Of more branches than that every m-th is taken. Points are voxels, or those
of the centrelines where they are known, rounded to a quarter of a voxel.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skanrs.branches.columns import length_column
from skanrs.branches.read_column import read_numbers
from skanrs.draw.shades import territory_shades
from skanrs.files.write.geometry import in_order

from .options import Options
from .report import BRANCH_TYPES

if TYPE_CHECKING:
    import pandas as pd

    from skanrs.branches.polylines import Centrelines
    from skanrs.graph.skeleton import Skeleton

__all__ = [
    'LEVELS',
    'TERRITORY',
    'Colour',
    'Lines',
    'check_color_by',
    'colours_of',
    'lines_of',
]

# Colours of a scale; level 0 is the background of pictures.
LEVELS = 256
# What a colour of its own for each branch is called.
TERRITORY = 'territory'
# Points of centrelines are rounded to this part of a voxel.
PARTS = 4
# The dark end of the colour map is not seen on a dark background.
DARKEST = 0.2
TYPE_COLOURS = ('#e8c547', '#5bb8e8', '#7ed17e', '#f08a8a')


class Lines(NamedTuple):
    """Branches as lines through voxels, or through parts of voxels as if these were voxels."""

    voxels: npt.NDArray[np.int64]
    """Indices x, y, z of the voxels, one line after the other, shape (N, 3); z is 0 in 2D."""
    starts: npt.NDArray[np.int64]
    """Where each line starts in `voxels`, and the end of the last, shape (P + 1,)."""
    branches: npt.NDArray[np.int64]
    """The row of each line in the branch table, shape (P,)."""
    shape: tuple[int, int, int]
    """Voxels of the image along x, y, z."""
    spacing: tuple[float, float, float]
    """Size of a voxel along x, y, z."""
    left_out: str
    """What is left out, in sentences; empty if nothing is."""


def lines_of(
    skeleton: 'Skeleton',
    axes: str | None,
    most: int,
    centrelines: 'Centrelines | None' = None,
) -> Lines:
    """Return the branches of a skeleton as at most so many segments.

    Parameters
    ----------
    skeleton : Skeleton
        The skeleton, of 2 or 3 axes.
    axes : str or None
        A letter for each axis of its image.
    most : int
        The largest number of segments.
    centrelines : Centrelines, optional
        The centrelines of the skeleton, to draw instead of its voxels.

    Returns
    -------
    Lines
    """
    path_starts, path_pixels = skeleton._path_pixels()
    segments = np.diff(path_starts) - 1
    skip = max(1, -(-segments.size // most))
    branches = np.arange(0, segments.size, skip)
    segments = segments[branches]
    step = max(1, -(-int(segments.sum()) // most))
    while int((-(-segments // step)).sum()) > most:
        step += step // 4 + 1
    counts = -(-segments // step) + 1
    starts = np.concatenate([[0], np.cumsum(counts)])
    within = np.arange(starts[-1]) - np.repeat(starts[:-1], counts)
    # The last point is the end of the branch.
    within = np.minimum(within * step, np.repeat(segments, counts))
    chosen = np.repeat(path_starts[branches], counts) + within
    shape, spacing, parts = skeleton.skeleton_shape, np.asarray(skeleton.spacing, float), 1
    if centrelines is None:
        coordinates = np.unravel_index(skeleton._nodes[path_pixels[chosen]], shape)
    else:
        parts = PARTS
        # The middle of the first voxel is 0, and its first part lies before it.
        at = (centrelines.points[chosen] / spacing + 0.5) * parts - 0.5
        inside = np.clip(np.rint(at), 0, parts * np.array(shape) - 1)
        coordinates = tuple(inside.astype(np.int64).T)
    order = in_order(axes, len(coordinates))
    flat = [np.zeros(len(chosen), np.int64)] * (3 - len(coordinates))
    return Lines(
        voxels=np.stack([*(coordinates[axis] for axis in order), *flat], axis=1),
        starts=starts,
        branches=branches,
        shape=_three([parts * shape[axis] for axis in order], 1),
        spacing=_three([float(spacing[axis]) / parts for axis in order], 1.0),
        left_out=_left_out(skip, step),
    )


def _three(values: Sequence[Any], missing: Any) -> tuple[Any, Any, Any]:
    """Return the values along x, y, z."""
    x, y, z = (*values, missing)[:3]
    return x, y, z


def _left_out(skip: int, step: int) -> str:
    sentences = []
    if skip > 1:
        sentences.append(f'One of {skip} branches is drawn.')
    if step > 1:
        sentences.append(f'Branches are drawn through one of {step} of their points.')
    return ' '.join(sentences)


def check_color_by(options: Options, ndim: int) -> None:
    """Raise `ValueError` unless the table of these options will have the column to colour by."""
    from skanrs.branches.columns import empty_table
    from skanrs.branches.measures import empty_measures
    from skanrs.branches.root import COLUMNS

    measures = None
    if options.radii:
        regions = None if options.regions is None else np.dtype(np.int64)
        measures = empty_measures(ndim, options.intensity is not None, regions)
    table = empty_table(
        ndim,
        spacing=1,
        find_main_branch=False,
        separator='_',
        measures=measures,
        labels=options.labels,
    )
    counted = () if options.territories is None else ('counted_volume',)
    for name in (*counted, *(() if options.root is None else COLUMNS)):
        table[name] = np.empty(0)
    colours_of(table, None, options.color_by)


class Colour(NamedTuple):
    """A colour for each branch: a level of a scale."""

    name: str
    levels: npt.NDArray[np.uint8]
    """From 1 on, for each row of the branch table."""
    palette: npt.NDArray[np.uint8]
    """Red, green and blue of each level, shape (256, 3)."""
    legend: list[tuple[str, str]]
    """Colours, as #rrggbb, and what they mean: those of a scale, from its low to its high end, or
    single ones."""
    is_scale: bool


def colours_of(table: 'pd.DataFrame', unit: str | None, first: str | None = None) -> list[Colour]:
    """Return the colours of branches by radius, length, generation, order, territory, and type.

    What the table does not have is left out.

    Parameters
    ----------
    table : DataFrame
        The branch table.
    unit : str or None
        The unit of length.
    first : str, optional
        The column that colours the branches first, or ``'territory'``.
    """
    makers: dict[str, Callable[[], Colour]] = {}
    for column, name in {'mean_radius': 'radius', length_column(table): 'length'}.items():
        if column in table:
            makers[column] = partial(_logarithms, name, table[column], unit)
    for column, name in {'generation': 'generation', 'strahler': 'Strahler order'}.items():
        if column in table:
            makers[column] = partial(_ranks, name, table[column])
    makers['branch_type'] = partial(_types, table['branch_type'])
    makers[TERRITORY] = partial(_territories, len(table))
    if first is not None and first not in makers:
        values = read_numbers(table, first, 'color-by', (TERRITORY,))
        makers[first] = partial(_scale, first.replace('_', ' '), values)
    return [makers[column]() for column in sorted(makers, key=lambda column: column != first)]


def _logarithms(name: str, column: 'pd.Series[float]', unit: str | None) -> Colour:
    """Return colours on a logarithmic scale; values that have no logarithm get its low end."""
    values = column.to_numpy()
    positive = values[np.isfinite(values) & (values > 0)]
    low, high = (positive.min(), positive.max()) if positive.size else (1.0, 1.0)
    low = min(low, high / 1.001)
    with np.errstate(divide='ignore', invalid='ignore'):
        share = np.log(values / low) / np.log(high / low)
    return _gradient(name, share, (low, np.sqrt(low * high), high), unit)


def _scale(name: str, values: npt.NDArray[np.float64]) -> Colour:
    """Return colours on a scale; NaN gets its low end."""
    known = values[np.isfinite(values)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 0.0)
    with np.errstate(invalid='ignore'):
        share = (values - low) / ((high - low) or 1.0)
    return _gradient(name, share, (low, low + (high - low) / 2, high), None)


def _gradient(
    name: str,
    share: npt.NDArray[np.float64],
    ends_and_middle: tuple[float, float, float],
    unit: str | None,
) -> Colour:
    """Return colours for shares from 0 to 1 of a scale from its low end to its high one."""
    levels = 1 + np.rint(np.clip(np.nan_to_num(share, posinf=1, neginf=0), 0, 1) * (LEVELS - 2))
    palette = _viridis()
    stops = np.linspace(0, 1, 9)
    texts = dict(zip((0, 4, 8), ends_and_middle, strict=True))
    return Colour(
        name=name,
        levels=levels.astype(np.uint8),
        palette=palette,
        legend=[
            (
                _hex(palette[1 + round(stop * (LEVELS - 2))]),
                f'{texts[at]:.3g}{f" {unit}" if unit else ""}' if at in texts else '',
            )
            for at, stop in enumerate(stops)
        ],
        is_scale=True,
    )


def _ranks(name: str, column: 'pd.Series[int]') -> Colour:
    """Return colours of small whole numbers; -1, of branches without a root, gets the low end."""
    ranks = column.to_numpy()
    high = max(1, int(ranks.max(initial=0)))
    levels = 1 + np.rint(np.clip(ranks, 0, high) / high * (LEVELS - 2)).astype(np.int64)
    palette = _viridis()
    shown = np.unique(np.linspace(0, high, min(high, 8) + 1).astype(int))
    legend = [(_hex(palette[1 + round(rank / high * (LEVELS - 2))]), str(rank)) for rank in shown]
    return Colour(name, levels.astype(np.uint8), palette, legend, is_scale=True)


def _viridis() -> npt.NDArray[np.uint8]:
    """Return the colours of a scale."""
    import matplotlib

    palette = np.zeros((LEVELS, 3), np.uint8)
    colours = matplotlib.colormaps['viridis'](np.linspace(DARKEST, 1, LEVELS - 1))[:, :3]
    palette[1:] = np.rint(255 * colours)
    return palette


def _territories(count: int) -> Colour:
    """Return a colour for each branch that those near it in the table do not have."""
    import matplotlib

    palette = np.zeros((LEVELS, 3), np.uint8)
    # Both ends are dark.
    colours = matplotlib.colormaps['turbo'](np.linspace(0.1, 0.9, LEVELS - 1))[:, :3]
    palette[1:] = np.rint(255 * colours)
    levels = 1 + (territory_shades(np.arange(1, count + 1)) * (LEVELS - 1)).astype(np.uint8)
    return Colour(TERRITORY, levels, palette, [], is_scale=False)


def _types(column: 'pd.Series[int]') -> Colour:
    types = column.to_numpy()
    palette = np.zeros((LEVELS, 3), np.uint8)
    palette[1 : 1 + len(TYPE_COLOURS)] = [list(bytes.fromhex(text[1:])) for text in TYPE_COLOURS]
    legend = list(zip(TYPE_COLOURS, BRANCH_TYPES, strict=True))
    return Colour('branch type', (types + 1).astype(np.uint8), palette, legend, is_scale=False)


def _hex(colour: npt.NDArray[np.uint8]) -> str:
    return '#' + colour.tobytes().hex()
