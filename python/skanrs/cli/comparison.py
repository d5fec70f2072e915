"""Comparison of groups of images by a rank test, with the image as the unit.

Branches of one image are not independent samples, so each measure has one value for each image: a
number of `skanrs.network_summary`. Two groups are compared by the Mann-Whitney U test (two-sided),
more by the Kruskal-Wallis test. Neither assumes normal distributions. Since many measures are
tested, p values adjusted by Holm's method stand beside them.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ['LEAST_IMAGES', 'compare_groups', 'group_names', 'name_of_test']

LEAST_IMAGES = 2
"""Images of each group that a test needs."""


def group_names(summary: pd.DataFrame) -> list[str]:
    """Return the groups of the images, in the order of the table."""
    return [] if 'group' not in summary else summary['group'].dropna().unique().tolist()


def name_of_test(groups: int) -> str:
    """Return the name of the test for so many groups."""
    return 'Mann-Whitney U, two-sided' if groups == 2 else 'Kruskal-Wallis H'


def compare_groups(summary: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """Compare the groups of images.

    Parameters
    ----------
    summary : DataFrame
        A row for each image, with the column ``group``.
    measures : sequence of str
        The columns to compare; those that the table lacks are left out.

    Returns
    -------
    DataFrame
        For each measure and group a row: ``measure``, ``group``, ``n`` images, ``median``,
        ``q25``, ``q75``, and the same for all groups ``test``, ``p`` and ``p_holm``; p is NaN if a
        group has fewer than two images or all values are the same.
    """
    names = group_names(summary)
    rows, ps = [], []
    for measure in measures:
        if measure not in summary:
            continue
        values = [_finite(summary.loc[summary['group'] == name, measure]) for name in names]
        p = _p_value(values)
        ps.append(p)
        for name, group in zip(names, values, strict=True):
            q25, median, q75 = np.percentile(group, [25, 50, 75]) if group.size else [np.nan] * 3
            rows.append((measure, name, group.size, median, q25, q75, name_of_test(len(names)), p))
    columns = ['measure', 'group', 'n', 'median', 'q25', 'q75', 'test', 'p']
    table = pd.DataFrame(rows, columns=columns)
    table['p_holm'] = np.repeat(_holm(np.array(ps)), len(names))
    return table


def _finite(column: 'pd.Series[float]') -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = np.asarray(column, np.float64)
    return values[np.isfinite(values)]


def _p_value(values: Sequence[npt.NDArray[np.float64]]) -> float:
    from scipy import stats

    joined = np.concatenate(values)
    if min(group.size for group in values) < LEAST_IMAGES or (joined == joined[0]).all():
        return float('nan')
    if len(values) == 2:
        first, second = values
        return float(stats.mannwhitneyu(first, second).pvalue)
    return float(stats.kruskal(*values).pvalue)


def _holm(ps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return p values adjusted for their number by Holm's method; NaN are not counted."""
    adjusted = np.full(ps.shape, np.nan)
    known = np.flatnonzero(np.isfinite(ps))
    order = known[np.argsort(ps[known], kind='stable')]
    factors = np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(ps[order] * factors))
    return adjusted
