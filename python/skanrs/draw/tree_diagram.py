"""Diagrams of rooted trees: each branch as long as it is, its children beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from skanrs._support.typing import Indices
from skanrs.branches.read_column import read_numbers

from .shades import territory_shades

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

__all__ = ['tree_diagram']


def tree_diagram(
    tree: pd.DataFrame,
    *,
    color_by: str = 'strahler',
    colormap: str = 'viridis',
    unit: str | None = None,
    axes: Axes | None = None,
) -> tuple[Axes, ScalarMappable]:
    """Draw rooted trees as dendrograms, with the distance from the root along the axis.

    Parameters
    ----------
    tree : pandas.DataFrame
        The branches with parents, as `skanrs.root` returns them.
    color_by : str, optional
        The column of numbers that colours the branches, or ``'territory'`` for a colour of its own
        for each.
    colormap : str, optional
        The colours, from the lowest to the highest value.
    unit : str, optional
        The unit of lengths, for the label of the axis.
    axes : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.

    Returns
    -------
    axes : matplotlib.axes.Axes
        Where it was drawn.
    mappable : matplotlib.cm.ScalarMappable
        The values and their colours, for a colour bar.

    Raises
    ------
    ValueError
        If the table has no parents, or not the column to colour by.

    Notes
    -----
    Branches that close loops, lie inside junctions, or belong to networks without a root are left
    out.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> mask = np.zeros((40, 40), dtype=bool)
    >>> mask[18:21, 2:38] = mask[2:20, 18:21] = True
    >>> branches, nodes = skanrs.analyze(mask), skanrs.nodes(mask)
    >>> tree = skanrs.root(branches, nodes, at=(19, 3))
    >>> axes, _ = skanrs.draw.tree_diagram(tree)
    >>> len(axes.collections[0].get_segments())
    3
    """
    import matplotlib.pyplot as plt
    from matplotlib.cm import ScalarMappable
    from matplotlib.collections import LineCollection

    if 'parent' not in tree:
        raise ValueError("tree: expected the columns of skanrs.root, but 'parent' is missing")
    if color_by == 'territory':
        shades = territory_shades(tree.index + 1)
    else:
        shades = read_numbers(tree, color_by, 'color_by', ('territory',))
    if axes is None:
        axes = plt.subplots()[1]
    is_drawn = ((tree['root'] >= 0) & (tree['strahler'] > 0)).to_numpy()
    drawn = tree[is_drawn]
    parents = drawn.index.get_indexer(pd.Index(drawn['parent']))
    heights = heights_of(parents)
    starts = drawn['distance_to_root'].to_numpy(dtype=float)
    column = 'length' if 'length' in drawn else 'branch_distance'
    ends = starts + drawn[column].to_numpy(dtype=float)
    # From the height of the parent to its own, and along.
    before = np.where(parents >= 0, heights[parents] if len(heights) else 0, heights)
    corners = [(starts, before), (starts, heights), (ends, heights)]
    lines = np.stack([np.column_stack(corner) for corner in corners], axis=1)
    values = shades[is_drawn]
    mappable = ScalarMappable(cmap=colormap)
    mappable.set_array(values)
    if len(values):
        mappable.autoscale()
    axes.add_collection(LineCollection([*lines], colors=mappable.to_rgba(values)))
    axes.set_xlim(0, max(ends.max(initial=0), 1e-300) * 1.02)
    axes.set_ylim(heights.max(initial=0) + 1, -1)
    axes.set_yticks([])
    axes.set_xlabel(f'distance from the root{f" ({unit})" if unit else ""}')
    return axes, mappable


def heights_of(parents: Indices) -> npt.NDArray[np.float64]:
    """Return the height of each branch of a forest: tips are numbered, others lie amid children.

    Parameters
    ----------
    parents : ndarray of int
        The number of each one's parent, -1 for roots.
    """
    count = len(parents)
    children: list[list[int]] = [[] for _ in range(count)]
    roots: list[int] = []
    for branch, parent in enumerate(parents.tolist()):
        (roots if parent < 0 else children[parent]).append(branch)
    heights, tips = np.zeros(count), 0
    # Depth first without recursion, since trees may be as deep as they have branches.
    waiting = [(root, False) for root in reversed(roots)]
    while waiting:
        branch, is_done = waiting.pop()
        if not children[branch]:
            heights[branch] = tips
            tips += 1
        elif is_done:
            heights[branch] = (heights[children[branch][0]] + heights[children[branch][-1]]) / 2
        else:
            waiting.append((branch, True))
            waiting += [(child, False) for child in reversed(children[branch])]
    return heights
