"""Skeletons in 3D: interactive in a notebook (plotly), or static (matplotlib)."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skanrs._support.typing import Array
from skanrs.branches.read_column import read_numbers

from .shades import territory_shades
from .violins import COLOURS

if TYPE_CHECKING:
    import pandas as pd

    from skanrs.branches.polylines import Centrelines
    from skanrs.graph.skeleton import Skeleton


BRANCH_TYPES = ('endpoint to endpoint', 'junction to endpoint', 'junction to junction', 'cycle')
# Browsers rotate this many points smoothly; above it, branches are drawn with fewer points.
MOST_POINTS = 300_000


def skeleton_3d(
    skeleton: Skeleton,
    *,
    color_by: str | npt.ArrayLike | None = None,
    radii: npt.ArrayLike | None = None,
    centrelines: Centrelines | None = None,
    table: pd.DataFrame | None = None,
    colormap: str = 'viridis',
    unit: str | None = None,
    image_axes: str | None = None,
    interactive: bool | None = None,
    axes: Any = None,
) -> Any:
    """Draw the branches of a skeleton in 3D.

    Parameters
    ----------
    skeleton : Skeleton
        The skeleton, of 2 or 3 axes; its spacing makes coordinates physical.
    color_by : str or array_like, optional
        What colours the branches: ``'radius'`` (along each branch), ``'branch_type'``, another
        column of numbers of the branch table, ``'territory'`` (each branch has a colour of its
        own; `colormap` ``'turbo'`` tells them apart well), or one number for each branch. By
        default the radius if `radii` or `centrelines` are given, else the branch type.
    radii : array_like of float, shape (N,), optional
        The radius at each voxel of the skeleton, see `skanrs.radii`.
    centrelines : Centrelines, optional
        The result of `skanrs.centrelines` for this skeleton: its smooth lines are drawn with their
        radii, instead of voxels and `radii`.
    table : pandas.DataFrame, optional
        The branch table, with any separator; by default that of `skanrs.summarize`.
    colormap : str, optional
        Name of a colormap that both matplotlib and plotly have.
    unit : str, optional
        Unit of the spacing, for the labels of the axes.
    image_axes : str, optional
        A letter for each axis of the image, as `skanrs.open_image` gives them; ``'zyx'`` by
        default.
    interactive : bool, optional
        Whether to draw with plotly. By default in notebooks where plotly is installed.
    axes : mpl_toolkits.mplot3d.Axes3D, optional
        Where to draw a static picture; new axes by default.

    Returns
    -------
    plotly.graph_objects.Figure or mpl_toolkits.mplot3d.Axes3D
        The interactive figure, or the axes of the static picture.

    Raises
    ------
    ValueError
        If there is no radius to colour by, the table has no such column of numbers, or the numbers
        do not fit the branches.
    ImportError
        If plotly is requested and not installed.

    Examples
    --------
    >>> from skanrs import Skeleton, draw, skeletonize
    >>> from skanrs.datasets import vessel_tree
    >>> skeleton = Skeleton(skeletonize(vessel_tree((48, 48, 48))))
    >>> axes = draw.skeleton_3d(skeleton, color_by='branch_distance')  # doctest: +SKIP
    """
    lines = _lines(skeleton, color_by, radii, centrelines, table, image_axes)
    if interactive is None:
        known = importlib.util.find_spec('plotly') is not None
        interactive = axes is None and known and _in_notebook()
    if interactive:
        return _by_plotly(lines, colormap, unit)
    return _by_matplotlib(lines, colormap, unit, axes)


class _Lines(NamedTuple):
    """Branches to draw, concatenated."""

    points: npt.NDArray[np.float64]
    """Coordinates x, y, z."""
    starts: npt.NDArray[np.int64]
    """Index of the first point of each branch, and the number of points."""
    values: npt.NDArray[np.float64]
    """The value that colours each point."""
    name: str
    categories: tuple[str, ...] | None
    """Names of the values if they are categories."""
    has_scale: bool
    """Whether the values mean something, so that a colour bar shows them."""


def _lines(
    skeleton: Skeleton,
    color_by: str | npt.ArrayLike | None,
    radii: npt.ArrayLike | None,
    centrelines: Centrelines | None,
    table: pd.DataFrame | None,
    image_axes: str | None,
) -> _Lines:
    from skanrs.branches.summarize import summarize
    from skanrs.files.write.geometry import geometry_of

    geometry = geometry_of(skeleton, radii, image_axes, centrelines)
    starts, at = geometry.line_starts, geometry.line_points
    if color_by is None:
        color_by = 'branch_type' if geometry.radii is None else 'radius'
    categories, has_scale = None, True
    if isinstance(color_by, str) and color_by == 'radius':
        if geometry.radii is None:
            raise ValueError(
                "radii: expected the result of skanrs.radii for color_by='radius', got None"
            )
        values = geometry.radii[at] if centrelines is None else centrelines.radii
    else:
        if isinstance(color_by, str) and color_by == 'territory':
            of_branches, has_scale = territory_shades(np.arange(1, len(starts))), False
        elif isinstance(color_by, str):
            if table is None:
                table = summarize(skeleton, separator='_')
            of_branches = read_numbers(table, color_by, 'color_by', ('radius', 'territory'))
            if color_by.replace('-', '_') == 'branch_type':
                categories = BRANCH_TYPES
        else:
            of_branches = np.asarray(color_by)
        if of_branches.shape != (len(starts) - 1,):
            raise ValueError(
                f'color_by: expected one for each of {len(starts) - 1:,} branches, '
                f'got shape {of_branches.shape}'
            )
        values = np.repeat(of_branches.astype(np.float64), np.diff(starts))
    name = color_by.replace('_', ' ').replace('-', ' ') if isinstance(color_by, str) else ''
    return _Lines(geometry.points[at], starts, values, name, categories, has_scale)


def _thinned_out(lines: _Lines, most: int) -> _Lines:
    """Return the lines with about `most` points if they have more; ends are kept."""
    step = -(-len(lines.points) // most) if len(lines.points) > most else 1
    if step == 1:
        return lines
    counts = np.diff(lines.starts)
    within = np.arange(len(lines.points)) - np.repeat(lines.starts[:-1], counts)
    keep = (within % step == 0) | (within == np.repeat(counts, counts) - 1)
    before = np.concatenate([[0], np.cumsum(keep)])
    return lines._replace(
        points=lines.points[keep], values=lines.values[keep], starts=before[lines.starts]
    )


def _by_plotly(lines: _Lines, colormap: str, unit: str | None) -> Any:
    try:
        from plotly import graph_objects
    except ImportError as error:
        raise ImportError("interactive pictures need plotly: pip install 'skanrs[plot]'") from error
    lines = _thinned_out(lines, MOST_POINTS)
    figure = graph_objects.Figure()
    if lines.categories is None:
        title = _label(lines.name, unit if 'radius' in lines.name else None)
        bar = {'title': title, 'len': 0.8, 'y': 0.45}
        x, y, z, values = _with_gaps(lines, np.ones(len(lines.starts) - 1, dtype=bool))
        line = {'color': values, 'colorscale': colormap, 'width': 4, 'colorbar': bar}
        line['showscale'] = lines.has_scale
        figure.add_scatter3d(x=x, y=y, z=z, mode='lines', line=line, name=lines.name)
    else:
        of_branches = lines.values[lines.starts[:-1]] if len(lines.points) else lines.values
        for number, name in enumerate(lines.categories):
            chosen = of_branches == number
            if chosen.any():
                x, y, z, _ = _with_gaps(lines, chosen)
                line = {'color': COLOURS[number], 'width': 4}
                label = f'{name} ({int(chosen.sum()):,})'
                figure.add_scatter3d(x=x, y=y, z=z, mode='lines', line=line, name=label)
    axes = {f'{name}axis': {'title': _label(name, unit)} for name in 'xyz'}
    figure.update_layout(
        scene={**axes, 'aspectmode': 'data'},
        margin={'l': 0, 'r': 0, 't': 0, 'b': 0},
        legend={'x': 0, 'y': 1},
    )
    return figure


def _with_gaps(lines: _Lines, chosen: npt.NDArray[np.bool_]) -> list[Array]:
    """Return x, y, z and values of the chosen branches, separated by NaN."""
    counts = np.diff(lines.starts)
    ends = np.cumsum(counts[chosen])
    of_chosen = np.repeat(chosen, counts)
    columns = [*lines.points.T, lines.values]
    gapped = [np.insert(column[of_chosen], ends[:-1], np.nan) for column in columns]
    # plotly draws no colour at all if one value is NaN. The replacement must not extend the scale.
    known = lines.values[np.isfinite(lines.values)]
    gapped[3] = np.nan_to_num(gapped[3], nan=float(known.min()) if known.size else 0.0)
    return gapped


def _by_matplotlib(lines: _Lines, colormap: str, unit: str | None, axes: Any) -> Any:
    import matplotlib.pyplot as plt
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize
    from matplotlib.lines import Line2D
    from matplotlib.ticker import MaxNLocator
    from mpl_toolkits.mplot3d.art3d import Line3DCollection

    if axes is None:
        axes = plt.figure(figsize=(8, 7)).add_subplot(projection='3d')
    # Segments between consecutive points of a branch, coloured by the mean of their ends.
    inside = np.ones(max(0, len(lines.points) - 1), dtype=bool)
    inside[lines.starts[1:-1] - 1] = False
    pieces = np.stack([lines.points[:-1], lines.points[1:]], axis=1)[inside]
    values = ((lines.values[:-1] + lines.values[1:]) / 2)[inside]
    if lines.categories is None:
        finite = values[np.isfinite(values)]
        norm = Normalize(finite.min(), finite.max()) if finite.size else Normalize(0, 1)
        mappable = ScalarMappable(norm, colormap)
        label = _label(lines.name, unit if 'radius' in lines.name else None)
        if lines.has_scale:
            axes.figure.colorbar(mappable, ax=axes, shrink=0.6, label=label)
    else:
        norm = Normalize(0, len(COLOURS) - 1)
        mappable = ScalarMappable(norm, ListedColormap(COLOURS))
        shown = np.unique(values).astype(int).tolist()
        handles = [
            Line2D([], [], color=COLOURS[kind], label=lines.categories[kind]) for kind in shown
        ]
        axes.legend(handles=handles, loc='upper left', frameon=False)
    widths: Any = 1.0
    if lines.name == 'radius':
        # Line widths grow with the radius, but are not to scale.
        widths = 0.5 + 3 * np.clip(np.nan_to_num(norm(values)), 0, 1)
    colours = mappable.to_rgba(values)
    if len(pieces):
        axes.add_collection3d(Line3DCollection(pieces, colors=colours, linewidths=widths))
    low, high = (
        (lines.points.min(axis=0), lines.points.max(axis=0))
        if len(lines.points)
        else (np.zeros(3), np.ones(3))
    )
    # A flat skeleton gets a thin box: matplotlib needs a positive extent.
    size = np.maximum(high - low, 0.05 * max(1e-300, float((high - low).max())))
    for at, name in enumerate('xyz'):
        getattr(axes, f'set_{name}lim')(low[at], low[at] + size[at])
        getattr(axes, f'set_{name}label')(_label(name, unit), labelpad=12)
        # Short axes have room for few ticks.
        ticks = max(2, round(7 * float(size[at] / size.max())))
        getattr(axes, f'{name}axis').set_major_locator(MaxNLocator(ticks))
    axes.set_box_aspect(size)
    return axes


def _label(name: str, unit: str | None) -> str:
    return f'{name} ({unit})' if unit else name


def _in_notebook() -> bool:
    """Tell whether this process is the kernel of a notebook."""
    module = sys.modules.get('IPython')
    shell = module.get_ipython() if module is not None else None
    return type(shell).__name__ == 'ZMQInteractiveShell'
