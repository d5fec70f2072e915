"""The report of a run and the comparison of two, each as one HTML file that contains its pictures.

The pages are jinja2 templates in `templates`. Figures have matplotlib's default style, whatever
the settings of the user, so that the same input gives the same bytes. The skeleton is drawn by
numpy (`projections`) and, in the browser, by WebGL (`viewer`).
"""

import base64
import io
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

import skanrs
from skanrs.branches.columns import length_column
from skanrs.files.recipe import to_toml

from .projections import png, projections
from .report import Report, axes_in_space
from .result import Result
from .scene import Colour, colours_of, lines_of
from .texts import numbers
from .viewer import MOST_SEGMENTS, viewer_scene

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from skanrs.branches.polylines import Centrelines
    from skanrs.graph.skeleton import Skeleton

__all__ = [
    'COUNTS',
    'SIZES',
    'picture',
    'render',
    'write_comparison',
    'write_figure',
    'write_report',
]

# Dots per inch: sharp on high-resolution screens, and small files.
DPI = 110

# The counts in the network's summary, and their labels.
COUNTS = {
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
# For each size its label, the exponent of its unit of length, and whether it is a density: divided
# by the volume of the image, in 2D by its area.
SIZES = {
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
# The sizes of the branches of each label.
OBJECT_SIZES = ('total_length', 'mean_radius', 'total_volume', 'total_area')
# The most labels that a page lists.
MOST_OBJECTS = 200


def write_report(
    file: IO[bytes],
    report: Report,
    result: Result,
    summary: 'pd.DataFrame',
    objects: 'pd.DataFrame | None' = None,
) -> None:
    """Write the report of a run.

    Parameters
    ----------
    file : file opened for writing bytes
        The HTML file.
    report : Report
        The numbers of the run.
    result : Result
        The table and the graph, perhaps with radii.
    summary : DataFrame
        The row of `skanrs.network_summary`.
    objects : DataFrame, optional
        Its rows for labels, if the image is one of labels.
    """
    table, measured = result.table, result.measured
    assert table is not None
    assert measured is not None
    unit, ndim = report.unit, len(report.shape)
    shown: dict[str, Any] = {'violins': None, 'radii': None}
    if len(table):
        colours = colours_of(table, unit, report.color_by)
        # numpy and zlib leave the interpreter to matplotlib.
        with ThreadPoolExecutor(1) as pool:
            drawn = pool.submit(_skeleton, measured.skeleton, result.lines, colours, report)
            shown['violins'] = picture('violins', (9, 4), partial(_violins, table=table, unit=unit))
            if 'mean_radius' in table:
                draw = partial(_radii, table=table, unit=unit)
                shown['radii'] = picture('histogram', (9, 3.5), draw)
            shown |= drawn.result()
    render(
        file,
        'report.html',
        title=report.source,
        warnings=report.warnings,
        recipe=to_toml(report.recipe),
        facts=[line.split(maxsplit=1) for line in report.facts()],
        counts=[
            (label, _count(summary[key].iloc[0])) for key, label in COUNTS.items() if key in summary
        ],
        sizes=[
            (label, _size(summary[key].iloc[0], unit, power - is_density * ndim))
            for key, (label, power, is_density) in SIZES.items()
            if key in summary
        ],
        objects=None if objects is None else _objects(objects, unit),
        **shown,
    )


# The violins of two images: the column, its title, and whether its axis is logarithmic.
COMPARED = {
    'length': ('Lengths of the branches', True),
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
    draw_images: Callable[['Figure'], None],
    reports: Mapping[str, str],
) -> None:
    """Write a page that compares the networks of two images.

    Parameters
    ----------
    file : file opened for writing bytes
        The HTML file.
    title : str
        The title of the page.
    tables : mapping of str to DataFrame
        Branch tables of `skanrs.analyze` by the names of the images.
    measures : DataFrame
        One row of text for each measure, whose name is the index.
    unit : str or None
        The unit of length of the tables.
    draw_images : callable
        Draws both images in a figure.
    reports : mapping of str to str
        The address of each image's report by the name of the image.
    """
    render(
        file,
        'comparison.html',
        title=title,
        reports=reports,
        columns=list(measures.columns),
        measures=[(head, values) for head, *values in measures.itertuples(name=None)],
        violins=picture('violins', (9, 4.2), partial(_compare, tables=tables, unit=unit)),
        images=picture(title, (12, 7.5), draw_images),
    )


def write_figure(
    file: IO[bytes], size: tuple[float, float], draw: Callable[['Figure'], None], *, dpi: int = DPI
) -> None:
    """Write a figure as PNG.

    Parameters
    ----------
    file : file opened for writing bytes
        The PNG file.
    size : tuple of float
        Width and height in inches.
    draw : callable
        Draws in the figure.
    dpi : int, optional
        Dots per inch.
    """
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context('default'):
        figure = Figure(figsize=size, layout='constrained')
        draw(figure)
        figure.savefig(file, format='png', dpi=dpi)


class _Picture(NamedTuple):
    """A picture of a page: its text for those who do not see it, and a PNG file in base 64."""

    text: str
    data: str


def picture(text: str, size: tuple[float, float], draw: Callable[['Figure'], None]) -> _Picture:
    """Return a picture for a page, drawn in a figure of this size in inches."""
    file = io.BytesIO()
    write_figure(file, size, draw)
    return _Picture(text, _in_base_64(file.getvalue()))


def _in_base_64(data: bytes) -> str:
    return base64.b64encode(data).decode('ascii')


def render(file: IO[bytes], template: str, **values: Any) -> None:
    """Write a page from a template of this package."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader('skanrs', 'cli/templates'),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    page = environment.get_template(template).render(version=skanrs.__version__, **values)
    # Names of files that are not UTF-8 have bytes that no page can show.
    file.write(page.encode('utf-8', errors='replace'))


def _compare(figure: 'Figure', tables: 'Mapping[str, pd.DataFrame]', unit: str | None) -> None:
    from skanrs.draw import compare_violins

    for axes, (column, (title, log)) in zip(
        figure.subplots(1, len(COMPARED)), COMPARED.items(), strict=True
    ):
        shown = None if column == 'tortuosity' else unit
        compare_violins(tables, column, log=log, unit=shown, axes=axes)
        axes.set_title(title, fontsize=11)


def _count(value: Any) -> str:
    return 'unknown' if value is None or value != value else f'{int(value):,}'


def _size(value: float, unit: str | None, power: int) -> str:
    if value != value:
        return 'none'
    sign = {1: '', 2: '²', 3: '³', -1: '⁻¹', -2: '⁻²', -3: '⁻³'}[power]
    number = f'{value:,.0f}' if value >= 1000 else f'{value:.4g}'
    return number + (f' {unit}{sign}' if unit else '')


def _objects(objects: 'pd.DataFrame', unit: str | None) -> dict[str, Any]:
    """Return what the template lists of labels, of the largest ones if there are many."""
    listed = objects.nlargest(MOST_OBJECTS, 'n_voxels').sort_index()
    columns = {
        'label': listed['label'].map(str),
        'voxels': listed['n_voxels'].map(_count),
        'branches': listed['n_branches'].map(_count),
    }
    for key in OBJECT_SIZES:
        if key in listed:
            name, power, _ = SIZES[key]
            columns[name] = listed[key].map(partial(_size, unit=unit, power=power))
    return {
        'count': len(objects),
        'columns': list(columns),
        'rows': list(zip(*columns.values(), strict=True)),
    }


def _violins(figure: 'Figure', table: 'pd.DataFrame', unit: str | None) -> None:
    from skanrs.draw import compare_violins

    branches = {'branches': table}
    # The two ends of a cycle are one voxel.
    without_cycles = {'branches except cycles': table[table['branch_type'] != 3]}
    shown = {length_column(table): branches, 'euclidean_distance': without_cycles}
    if 'mean_radius' in table:
        shown['mean_radius'] = branches
    axes = figure.subplots(1, len(shown))
    for each, (column, tables) in zip(axes, shown.items(), strict=True):
        compare_violins(tables, column, unit=unit, axes=each)


def _radii(figure: 'Figure', table: 'pd.DataFrame', unit: str | None) -> None:
    axes = figure.subplots()
    radii = table['mean_radius'].to_numpy()
    known = np.isfinite(radii)
    low, high = radii[known].min(initial=np.inf), radii[known].max(initial=0)
    # Between radii that differ by rounding alone 40 bins do not fit.
    span = (low, high) if high > 1.001 * low else (0.9 * high, 1.1 * high)
    weights = table[length_column(table)][known]
    axes.hist(radii[known], bins=40, range=span, weights=weights, color='#4878a8')
    of = f' ({unit})' if unit else ''
    axes.set_xlabel(f'mean radius of a branch{of}')
    axes.set_ylabel(f'length of the branches{of}')
    axes.spines[['top', 'right']].set_visible(False)


def _skeleton(
    skeleton: 'Skeleton',
    centrelines: 'Centrelines | None',
    colours: list[Colour],
    report: Report,
) -> dict[str, Any]:
    """Return what the template shows of the skeleton: projections, and the data of the viewer."""
    flat = len(report.shape) == 2
    axes = axes_in_space(report.axes)
    lines = lines_of(skeleton, axes, MOST_SEGMENTS, centrelines)
    with ThreadPoolExecutor(1) as pool:
        scene = pool.submit(viewer_scene, lines, colours, flat=flat)
        pictures = [
            {
                'text': f'the skeleton along {picture.axis}, coloured by {colours[0].name}',
                'data': _in_base_64(png(picture.levels, colours[0].palette)),
            }
            for picture in projections(lines, colours[0], flat=flat)
        ]
    unit = f' {report.unit}' if report.unit else ''
    sizes = [length * each for length, each in zip(lines.shape, lines.spacing, strict=True)]
    return {
        'colours': colours,
        'flat': flat,
        'left_out': lines.left_out,
        'scene': scene.result(),
        'projections': pictures,
        'ratio': f'{sizes[0]:.6g}fr {sizes[2]:.6g}fr',
        'extent': f'{numbers(sizes[: 2 if flat else 3])}{unit} along x, y{"" if flat else ", z"}',
    }
