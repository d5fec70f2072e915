"""Violin plots of one column of several branch tables, with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skanrs.branches.read_column import read_numbers

from .overlays import axes_or_new

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes

COLOURS = ('#4878a8', '#d1605e', '#6a9f58', '#967662', '#a87c9f', '#e49444')
# More values do not change the density visibly, but take long.
MOST_VALUES = 5_000


def compare_violins(
    tables: Mapping[str, pd.DataFrame],
    column: str,
    *,
    log: bool = False,
    unit: str | None = None,
    axes: Axes | None = None,
) -> Axes:
    """Draw violin plots of one column of several branch tables.

    In each violin a bar spans the interquartile range, and a white dot marks the median.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Branch tables, with any separator; the keys label the violins.
    column : str
        The column to compare, such as ``branch-distance`` or ``mean_radius``, with any separator.
        Values that are not finite are ignored.
    log : bool, optional
        Whether the axis is logarithmic; values that are not positive are then ignored.
    unit : str, optional
        Unit of the values, for the label of the axis.
    axes : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.

    Returns
    -------
    axes : matplotlib.axes.Axes
        Where it was drawn.

    Raises
    ------
    ValueError
        If there are no tables, or one lacks the column.

    Examples
    --------
    >>> from skanrs import Skeleton, _testdata, draw, summarize
    >>> tables = {
    ...     'one': summarize(Skeleton(_testdata.skeleton1), separator='_'),
    ...     'other': summarize(Skeleton(_testdata.skeleton2), separator='_'),
    ... }
    >>> axes = draw.compare_violins(tables, 'branch-distance')  # doctest: +SKIP
    """
    if not tables:
        raise ValueError('tables: expected at least one, got none')
    columns = [_usable(read_numbers(table, column, 'column'), log) for table in tables.values()]
    axes = axes_or_new(axes)
    for position, values in enumerate(columns, start=1):
        if values.size == 0:
            continue
        shown = np.log10(values) if log else values
        _violin(axes, position, shown, COLOURS[(position - 1) % len(COLOURS)])
    labels = [f'{name}\n{len(values):,}' for name, values in zip(tables, columns, strict=True)]
    axes.set_xticks(range(1, len(labels) + 1), labels)
    axes.set_xlim(0.4, len(labels) + 0.6)
    words = column.replace('_', ' ').replace('-', ' ')
    axes.set_ylabel(f'{words} ({unit})' if unit else words)
    if log:
        low, high = axes.get_ylim()
        ticks = [step * 10.0**power for power in range(-12, 13) for step in (1, 2, 5)]
        ticks = [tick for tick in ticks if low <= np.log10(tick) <= high]
        axes.set_yticks(np.log10(ticks), [f'{tick:g}' for tick in ticks])
    else:
        axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    axes.spines[['top', 'right']].set_visible(False)
    return axes


def _violin(axes: Axes, position: int, values: npt.NDArray[np.float64], colour: str) -> None:
    step = -(-values.size // MOST_VALUES)
    # Sampled evenly by rank, to keep the shape of the distribution.
    spread = np.sort(values)[::step] if step > 1 else values
    if np.ptp(spread) > 0:
        parts: dict[str, Any] = axes.violinplot(spread, [position], widths=0.8, showextrema=False)
        for body in parts['bodies']:
            body.set(facecolor=colour, edgecolor=colour, alpha=0.6)
    low, median, high = np.percentile(values, [25, 50, 75])
    axes.vlines(position, low, high, color='0.2', linewidth=6)
    axes.plot(position, median, 'o', color='white', markersize=4, zorder=3)


def _usable(values: npt.NDArray[Any], log: bool) -> npt.NDArray[np.float64]:
    values = np.asarray(values, dtype=np.float64)
    values = values[np.isfinite(values)]
    return values[values > 0] if log else values
