"""The report of a run as one HTML file that needs no other: numbers, violins, radii, skeleton."""

import base64
import html
import io
from collections.abc import Callable, Mapping
from functools import partial
from typing import IO, TYPE_CHECKING, Any

import numpy as np

import skanrs

from .report import Report
from .work import Result

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ['write_comparison', 'write_report']

# Dots an inch: sharp on today's screens, and small.
DPI = 110

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; } th { text-align: left; font-weight: 500; padding-right: 2rem; }
td { text-align: right; font-variant-numeric: tabular-nums; } tr { border-bottom: 1px solid #ddd; }
td.words { text-align: left; } .wide td { padding-left: 2rem; }
img { max-width: 100%; height: auto; }
.warning { border-left: 4px solid #c80; background: #fdf6e3; padding: 0.4rem 0.8rem; }
.columns { display: flex; flex-wrap: wrap; gap: 0 4rem; align-items: flex-start; }
footer { color: #777; margin-top: 2rem; }
"""

TERMS = 'terms as in the documentation of skanrs.analyze and skanrs.network_summary'
VIOLIN = (
    '<p>A violin is as wide as there are many branches of a value; the bar spans the middle '
    'half of them, and the white dot is the median.</p>'
)

# What of the network's summary is shown, and in which words.
NETWORK = {
    'n_branches': 'branches',
    'n_endpoint_endpoint': '— endpoint to endpoint',
    'n_junction_endpoint': '— junction to endpoint',
    'n_junction_junction': '— junction to junction',
    'n_cycles': '— cycles',
    'n_junctions': 'junctions',
    'n_endpoints': 'endpoints',
    'n_networks': 'networks',
    'n_isolated': 'isolated voxels',
    'n_loops': 'loops',
}
# The exponent of the unit of length that each is in, and whether it is a density: divided by the
# image's volume, in 2D its area.
LENGTHS = {
    'total_length': ('total length', 1, False),
    'mean_length': ('mean length of a branch', 1, False),
    'mean_radius': ('mean radius, by length', 1, False),
    'radius_q50': ('median radius, by length', 1, False),
    'total_surface_area': ('surface', 2, False),
    'total_volume': ('volume', 3, False),
    'total_perimeter': ('perimeter', 1, False),
    'total_area': ('area', 2, False),
    'length_density': ('length density', 1, True),
    'branch_density': ('branch density', 0, True),
}


def write_report(file: IO[bytes], report: Report, result: Result, summary: 'pd.DataFrame') -> None:
    """Write the report of a run.

    Parameters
    ----------
    file : file opened for writing bytes
        Where to.
    report : Report
        What was found and done.
    result : Result
        The table, the graph and perhaps its radii.
    summary : DataFrame
        The row of `skanrs.network_summary`.
    """
    table, graph = result.table, result.graph
    assert table is not None
    assert graph is not None
    facts = [line.split(maxsplit=1) for line in report.facts()[:3]]
    ndim = len(report.shape)
    parts = [
        *_head(report.source),
        *(f'<p class=warning>Warning: {html.escape(words)}.</p>' for words in report.warnings),
        _rows([(head, f'{words}', True) for head, words in facts]),
        '<h2>Network</h2><div class="columns">',
        _rows([(words, _count(summary[key].iloc[0]), False) for key, words in NETWORK.items()]),
        _rows(
            [
                (words, _size(summary[key].iloc[0], report.unit, power - is_density * ndim), False)
                for key, (words, power, is_density) in LENGTHS.items()
                if key in summary
            ]
        ),
        '</div>',
    ]
    if len(table):
        parts += [
            f'<h2>Lengths {"and radii " if "mean_radius" in table else ""}of the branches</h2>',
            VIOLIN,
            _picture(lambda figure: _violins(figure, table, report.unit), (9, 4), 'violins'),
        ]
        if 'mean_radius' in table:
            parts += [
                '<h2>Radii</h2>',
                _picture(lambda figure: _radii(figure, table, report.unit), (9, 3.5), 'histogram'),
            ]
        parts.append('<h2>Skeleton</h2>')
        for colour in ['branch_type'] if result.radii is None else ['radius', 'branch_type']:
            parts.append(
                _picture(
                    partial(_skeleton, result=result, colour=colour, report=report),
                    (9, 7.5),
                    f'the skeleton, coloured by {colour.replace("_", " ")}',
                )
            )
    way = ' in chunks' if report.in_chunks else ''
    parts.append(
        f'<footer>skanrs {skanrs.__version__}{way}, {report.total_seconds:.1f} s; '
        f'{TERMS}</footer></body></html>'
    )
    file.write('\n'.join(parts).encode('utf-8'))


# What violins of two images show, and whether along a logarithmic axis.
COMPARED = {
    'branch_distance': ('Lengths of the branches', True),
    'mean_radius': ('Radii of the branches', True),
    'tortuosity': ('Tortuosity of the branches', True),
}


def write_comparison(
    file: IO[bytes],
    title: str,
    tables: 'Mapping[str, pd.DataFrame]',
    measures: 'pd.DataFrame',
    *,
    unit: str | None,
    picture: Callable[['Figure'], None],
    reports: Mapping[str, str],
) -> None:
    """Write a page on how the networks of two images differ.

    Parameters
    ----------
    file : file opened for writing bytes
        Where to.
    title : str
        What the page is about.
    tables : mapping of str to DataFrame
        Branch tables of `skanrs.analyze` by the names of the images.
    measures : DataFrame
        A row for each measure with its name as index, a column of text for each image and others.
    unit : str or None
        Of the tables.
    picture : callable
        Draws both images in a figure.
    reports : mapping of str to str
        Addresses of the pages on each image alone, by their names.
    """
    heads = ''.join(f'<td>{html.escape(str(name))}</td>' for name in measures.columns)
    rows = (
        f'<tr><th>{html.escape(str(name))}</th>'
        + ''.join(f'<td>{html.escape(value)}</td>' for value in values)
        + '</tr>'
        for name, *values in measures.itertuples()
    )
    alone = ', '.join(
        f'<a href="{html.escape(address)}">{html.escape(name)}</a>'
        for name, address in reports.items()
    )
    violins = _picture(lambda figure: _compare(figure, tables, unit), (9, 4.2), 'violins')
    parts = [
        *_head(title),
        f'<p>Each of them alone: {alone}.</p>',
        f'<table class=wide><tr><th></th>{heads}</tr>{"".join(rows)}</table>',
        '<h2>Branches</h2>',
        VIOLIN,
        violins,
        '<h2>Images</h2>',
        _picture(picture, (12, 7.5), title),
        f'<footer>skanrs {skanrs.__version__}; {TERMS}</footer></body></html>',
    ]
    file.write('\n'.join(parts).encode('utf-8'))


def _compare(figure: 'Figure', tables: 'Mapping[str, pd.DataFrame]', unit: str | None) -> None:
    from skanrs.draw import compare_violins

    for axes, (column, (title, log)) in zip(
        figure.subplots(1, len(COMPARED)), COMPARED.items(), strict=True
    ):
        shown = None if column == 'tortuosity' else unit
        compare_violins(tables, column, log=log, unit=shown, axes=axes)
        axes.set_title(title, fontsize=11)


def _head(title: str) -> list[str]:
    return [
        '<!doctype html>',
        f'<html lang="en"><head><meta charset="utf-8"><title>skanrs: {html.escape(title)}</title>',
        f'<style>{STYLE}</style></head><body>',
        f'<h1>{html.escape(title)}</h1>',
    ]


def _rows(rows: list[tuple[str, str, bool]]) -> str:
    cells = (
        f'<tr><th>{html.escape(head)}</th>'
        f'<td{" class=words" if words else ""}>{html.escape(text)}</td></tr>'
        for head, text, words in rows
    )
    return f'<table>{"".join(cells)}</table>'


def _count(value: Any) -> str:
    return 'unknown' if value is None or value != value else f'{int(value):,}'


def _size(value: float, unit: str | None, power: int) -> str:
    if value != value:
        return 'none'
    sign = {1: '', 2: '²', 3: '³', -1: '⁻¹', -2: '⁻²', -3: '⁻³'}[power]
    number = f'{value:,.0f}' if value >= 1000 else f'{value:.4g}'
    return number + (f' {unit}{sign}' if unit else '')


def _picture(draw: Callable[['Figure'], None], size: tuple[float, float], words: str) -> str:
    """Return a figure as an element that holds its picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout='constrained')
    draw(figure)
    file = io.BytesIO()
    figure.savefig(file, format='png', dpi=DPI)
    data = base64.b64encode(file.getvalue()).decode('ascii')
    return f'<p><img alt="{html.escape(words)}" src="data:image/png;base64,{data}"></p>'


def _violins(figure: 'Figure', table: 'pd.DataFrame', unit: str | None) -> None:
    from skanrs.draw import compare_violins

    all_of_them = {'branches': table}
    # The distance between the ends of a cycle is 0 and says nothing.
    but_cycles = {'branches but cycles': table[table['branch_type'] != 3]}
    shown = {'branch_distance': all_of_them, 'euclidean_distance': but_cycles}
    if 'mean_radius' in table:
        shown['mean_radius'] = all_of_them
    axes = figure.subplots(1, len(shown))
    for each, (column, tables) in zip(axes, shown.items(), strict=True):
        compare_violins(tables, column, unit=unit, axes=each)


def _radii(figure: 'Figure', table: 'pd.DataFrame', unit: str | None) -> None:
    axes = figure.subplots()
    radii = table['mean_radius'].to_numpy()
    known = np.isfinite(radii)
    axes.hist(radii[known], bins=40, weights=table['branch_distance'][known], color='#4878a8')
    of = f' ({unit})' if unit else ''
    axes.set_xlabel(f'mean radius of a branch{of}')
    axes.set_ylabel(f'length of the branches{of}')
    axes.spines[['top', 'right']].set_visible(False)


def _skeleton(figure: 'Figure', result: Result, colour: str, report: Report) -> None:
    from skanrs.draw import skeleton_3d

    assert result.graph is not None
    flat = result.graph.coordinates.shape[1] == 2
    axes = figure.add_subplot(projection='3d')
    skeleton_3d(
        result.graph,
        color_by=colour,
        radii=result.radii,
        table=result.table,
        unit=report.unit,
        image_axes=report.axes_in_space,
        interactive=False,
        axes=axes,
    )
    if flat:
        # From above, rows downwards as in the image.
        axes.view_init(elev=90, azim=-90)
        axes.set_zticks([])
        axes.set_zlabel('')
        axes.invert_yaxis()
