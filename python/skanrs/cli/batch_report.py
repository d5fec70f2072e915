"""The page about a batch: groups compared, a row for each image with a link to its page."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd

from .comparison import LEAST_IMAGES, compare_groups, group_names, name_of_test
from .html_report import COUNTS, SIZES, picture, render

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ['MEASURES', 'write_batch_report']

MEASURES = (*COUNTS, *SIZES)
"""The columns of the summary that are compared."""
DRAWN = ('length_density', 'branch_density', 'total_length', 'mean_length', 'mean_radius')
"""Those that are drawn."""
SHOWN = ('n_branches', 'total_length', 'mean_length', 'mean_radius')
"""Those in the table of images."""


def write_batch_report(
    file: IO[bytes],
    summary: pd.DataFrame,
    *,
    pages: Sequence[Path],
    folder: Path,
    unit: str | None,
    warnings: Sequence[str],
    failed: Mapping[str, str],
    recipe: str,
) -> None:
    """Write the page about a batch.

    Parameters
    ----------
    file : file opened for writing bytes
        The HTML file.
    summary : DataFrame
        A row for each image, see `skanrs.network_summary`.
    pages : sequence of Path
        The page of each row.
    folder : Path
        The folder of the HTML file, to which links are relative.
    unit : str or None
        The unit of length of all images.
    warnings : sequence of str
        Problems that affect the numbers.
    failed : mapping of str to str
        Why images failed, by their names.
    recipe : str
        The options of the batch.
    """
    groups = group_names(summary)
    comparison, violins = [], None
    if len(groups) > 1:
        # Times of an image are not independent samples.
        means = _mean_over_times(summary)
        comparison = _rows(compare_groups(means, MEASURES), len(groups))
        drawn = [column for column in DRAWN if column in summary]

        def draw(figure: 'Figure') -> None:
            _draw(figure, means, drawn, unit)

        violins = picture('violins of the images of each group', (2.7 * len(drawn), 4), draw)
    shown = [column for column in ('group', 'time', *SHOWN) if column in summary]
    render(
        file,
        'batch.html',
        title=f'{len(summary)} images',
        warnings=warnings,
        failed=failed,
        recipe=recipe,
        groups={name: summary.loc[summary['group'] == name, 'image'].nunique() for name in groups},
        has_times='time' in summary,
        test=name_of_test(len(groups)),
        least=LEAST_IMAGES,
        comparison=comparison,
        violins=violins,
        columns=['image', *(_label(column, unit) for column in shown)],
        images=[
            (
                quote(Path(os.path.relpath(page, folder)).as_posix()),
                [row['image'], *(_text(row[column]) for column in shown)],
            )
            for page, row in zip(pages, summary.to_dict('records'), strict=True)
        ],
    )


def _mean_over_times(summary: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each image, with the means of its times."""
    if 'time' not in summary:
        return summary
    columns = ['image', 'group']
    measures = [column for column in MEASURES if column in summary]
    means: pd.DataFrame = summary.groupby(columns, sort=False)[measures].mean().reset_index()
    return means


def _label(column: str, unit: str | None) -> str:
    if column in SIZES:
        label, power, is_density = SIZES[column]
        return f'{label} ({unit})' if unit and power == 1 and not is_density else label
    return COUNTS.get(column, column)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return '' if value != value else f'{value:,.5g}' if value % 1 else f'{value:,.0f}'


def _rows(compared: pd.DataFrame, groups: int) -> list[tuple[str, list[str]]]:
    rows = []
    for start in range(0, len(compared), groups):
        part = compared.iloc[start : start + groups]
        texts = [
            f'{_text(median)} ({_text(low)} to {_text(high)})'
            for median, low, high in zip(part['median'], part['q25'], part['q75'], strict=True)
        ]
        first = part.iloc[0]
        texts += ['' if p != p else f'{p:.2g}' for p in (first['p'], first['p_holm'])]
        rows.append((_label(first['measure'], None), texts))
    return rows


def _draw(
    figure: 'Figure', summary: pd.DataFrame, columns: Sequence[str], unit: str | None
) -> None:
    from skanrs.draw import compare_violins

    tables = {name: summary[summary['group'] == name] for name in group_names(summary)}
    all_axes = figure.subplots(1, len(columns), squeeze=False)[0]
    for axes, column in zip(all_axes, columns, strict=True):
        compare_violins(tables, column, axes=axes)
        axes.set_ylabel(_label(column, unit))
        for x, table in enumerate(tables.values(), start=1):
            values = table[column].to_numpy()
            axes.plot([x] * len(values), values, '.', color='0.2', markersize=4)
