"""Skeletons in 3D and violin plots: positions, colours, texts."""

import matplotlib

matplotlib.use('agg')

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import skanrs
from skanrs import draw
from skanrs.datasets import vessel_tree
from skanrs.draw import plotly_3d

SPACING = np.array([2.0, 1.0, 0.5])
MASK = vessel_tree((48, 48, 48), seed=1)


@pytest.fixture(scope='module')
def skeleton():
    return skanrs.Skeleton(skanrs.skeletonize(MASK), spacing=SPACING)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close('all')


def path_points(skeleton, index):
    return (skeleton.path_coordinates(index) * SPACING)[:, ::-1]


def pieces_of(skeleton):
    """The straight pieces of all branches, x, y, z."""
    points = [path_points(skeleton, index) for index in range(skeleton.n_paths)]
    return np.concatenate([np.stack([line[:-1], line[1:]], axis=1) for line in points])


def test_static(skeleton):
    radii = skanrs.radii(skeleton, MASK)
    axes = draw.skeleton_3d(skeleton, radii=radii, unit='µm')
    axes.figure.canvas.draw()
    (lines,) = axes.collections
    np.testing.assert_array_equal(np.asarray(lines._segments3d), pieces_of(skeleton))
    of_pieces = np.concatenate(
        [
            (radii[path][:-1] + radii[path][1:]) / 2
            for path in (skeleton.path(index) for index in range(skeleton.n_paths))
        ]
    )
    widths = lines.get_linewidths()
    assert (np.diff(np.array(widths)[np.argsort(of_pieces)]) >= -1e-12).all()
    assert axes.get_xlabel() == 'x (µm)'
    bar = axes.figure.axes[1]
    assert bar.get_ylabel() == 'radius (µm)'
    assert bar.get_ylim() == pytest.approx((of_pieces.min(), of_pieces.max()))


def test_smooth_lines(skeleton):
    lines = skanrs.centrelines(MASK, spacing=SPACING)
    axes = draw.skeleton_3d(skeleton, centrelines=lines)
    drawn = np.asarray(axes.collections[0]._segments3d)
    inside = np.ones(len(lines.points) - 1, dtype=bool)
    inside[lines.offsets[1:-1] - 1] = False
    points = lines.points[:, ::-1]
    pieces = np.stack([points[:-1], points[1:]], axis=1)[inside]
    np.testing.assert_array_equal(drawn, pieces)
    assert axes.figure.axes[1].get_ylabel() == 'radius'
    figure = draw.skeleton_3d(skeleton, centrelines=lines, interactive=True)
    colours = np.asarray(figure.data[0].line.color)
    np.testing.assert_array_equal(np.unique(colours), np.unique(lines.radii))


def test_axes_of_the_image(skeleton):
    turned = skanrs.Skeleton(skeleton.skeleton_image.transpose(2, 1, 0), spacing=SPACING[::-1])
    axes = draw.skeleton_3d(turned, image_axes='xyz')
    usual = draw.skeleton_3d(skeleton)
    assert axes.get_xlim() == usual.get_xlim()
    assert axes.get_zlim() == usual.get_zlim() != usual.get_xlim()


def test_static_types(skeleton):
    axes = draw.skeleton_3d(skeleton)
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    table = skanrs.summarize(skeleton, separator='_')
    kinds = sorted(table['branch_type'].unique())
    assert words == [plotly_3d.BRANCH_TYPES[kind] for kind in kinds]


def test_interactive(skeleton):
    figure = draw.skeleton_3d(skeleton, interactive=True, unit='mm')
    table = skanrs.summarize(skeleton, separator='_')
    drawn = 0
    for trace in figure.data:
        points = np.stack([trace.x, trace.y, trace.z], axis=1)
        lines = np.split(points, np.flatnonzero(np.isnan(points[:, 0])))
        lines = [line[~np.isnan(line[:, 0])] for line in lines]
        kind = plotly_3d.BRANCH_TYPES.index(trace.name.split(' (')[0])
        rows = np.flatnonzero(table['branch_type'] == kind)
        assert len(lines) == len(rows)
        for line, row in zip(lines, rows, strict=True):
            np.testing.assert_array_equal(line, path_points(skeleton, row))
        drawn += len(lines)
    assert drawn == skeleton.n_paths
    assert figure.layout.scene.xaxis.title.text == 'x (mm)'
    assert figure.layout.scene.aspectmode == 'data'


@pytest.mark.parametrize('color_by', ['branch-distance', 'radius', 'array'])
def test_interactive_colours(skeleton, color_by):
    radii = skanrs.radii(skeleton, MASK)
    lengths = skeleton.path_lengths()
    chosen = lengths if color_by == 'array' else color_by
    figure = draw.skeleton_3d(skeleton, color_by=chosen, radii=radii, interactive=True)
    (trace,) = figure.data
    gaps = np.isnan(trace.x)
    colours = np.asarray(trace.line.color)[~gaps]
    assert gaps.sum() == skeleton.n_paths - 1
    assert np.isfinite(trace.line.color).all()
    counts = np.diff(skeleton.paths.indptr)
    expected = radii[skeleton.paths.indices] if color_by == 'radius' else np.repeat(lengths, counts)
    np.testing.assert_array_equal(colours, expected)


def test_long_lines_are_thinned_out(skeleton, monkeypatch):
    monkeypatch.setattr(plotly_3d, 'MOST_POINTS', 100)
    figure = draw.skeleton_3d(skeleton, color_by='branch_distance', interactive=True)
    trace = figure.data[0]
    count = len(skeleton.paths.indices)
    assert len(trace.x) < 0.7 * count
    # Both ends of every branch are there.
    points = np.stack([trace.x, trace.y, trace.z], axis=1)
    lines = np.split(points, np.flatnonzero(np.isnan(points[:, 0])))
    assert len(lines) == skeleton.n_paths
    for index, line in enumerate(lines):
        ends = line[~np.isnan(line[:, 0])][[0, -1]]
        np.testing.assert_array_equal(ends, path_points(skeleton, index)[[0, -1]])


@pytest.mark.parametrize('interactive', [True, False])
@pytest.mark.parametrize('image', [np.zeros((4, 5, 6), bool), np.eye(6, dtype=bool)])
def test_empty_and_2d_skeletons(image, interactive):
    skeleton = skanrs.Skeleton(image)
    drawn = draw.skeleton_3d(skeleton, interactive=interactive)
    drawn.to_json() if interactive else drawn.figure.canvas.draw()
    draw.skeleton_3d(skeleton, color_by='branch_distance', interactive=interactive)


def test_bad_arguments(skeleton):
    with pytest.raises(ValueError, match="radii: .* for color_by='radius'"):
        draw.skeleton_3d(skeleton, color_by='radius')
    with pytest.raises(ValueError, match=r'one for each of \d+ branches, got shape \(3,\)'):
        draw.skeleton_3d(skeleton, color_by=[1, 2, 3])
    expected = "color_by: expected radius, territory, skeleton_id, .*branch_type.*, got 'colour'"
    with pytest.raises(ValueError, match=expected):
        draw.skeleton_3d(skeleton, color_by='colour')
    table = skanrs.summarize(skeleton, separator='_').assign(kind='thin')
    with pytest.raises(ValueError, match="color_by: expected .*, got 'kind'"):
        draw.skeleton_3d(skeleton, color_by='kind', table=table)


@pytest.mark.parametrize('interactive', [True, False])
def test_each_territory_has_a_colour(skeleton, interactive):
    drawn = draw.skeleton_3d(
        skeleton, color_by='territory', colormap='turbo', interactive=interactive
    )
    if interactive:
        (trace,) = drawn.data
        assert not trace.line.showscale
        assert len(np.unique(trace.line.color)) == skeleton.n_paths
    else:
        (lines,) = drawn.collections
        assert len(drawn.figure.axes) == 1
        assert len(np.unique(lines.get_colors(), axis=0)) > skeleton.n_paths / 2


def test_static_outside_of_notebooks(skeleton):
    assert hasattr(draw.skeleton_3d(skeleton), 'set_xlim3d')


TABLES = {
    'one': pd.DataFrame({'branch_distance': np.arange(1, 101.0)}),
    'other': pd.DataFrame({'branch-distance': [2.0, 8.0, np.nan, 0.0, np.inf]}),
}


@pytest.mark.parametrize('column', ['branch-distance', 'branch_distance'])
def test_violins(column):
    axes = draw.compare_violins(TABLES, column, unit='µm')
    assert [label.get_text() for label in axes.get_xticklabels()] == ['one\n100', 'other\n3']
    assert axes.get_ylabel() == 'branch distance (µm)'
    medians = [line.get_ydata()[0] for line in axes.lines]
    assert medians == [50.5, 2.0]
    violins = [body for body in axes.collections if hasattr(body, 'get_paths') and body.get_alpha()]
    assert [path.vertices[:, 1].max() for body in violins for path in body.get_paths()] == [100, 8]
    assert axes.get_ylim()[0] <= 0


def test_violins_of_logarithms():
    axes = draw.compare_violins(TABLES, 'branch-distance', log=True)
    assert axes.lines[1].get_ydata()[0] == pytest.approx(np.log10(4))
    assert '20' in [label.get_text() for label in axes.get_yticklabels()]


def test_violins_of_no_and_one_value():
    tables = {'none': TABLES['one'][:0], 'same': pd.DataFrame({'branch_distance': [3.0] * 5})}
    axes = draw.compare_violins(tables, 'branch_distance')
    assert len(axes.lines) == 1
    with pytest.raises(ValueError, match='tables: expected at least one'):
        draw.compare_violins({}, 'branch_distance')
    with pytest.raises(ValueError, match="column: expected .*branch_distance.*, got 'radius'"):
        draw.compare_violins(TABLES, 'radius')


def test_many_values_are_drawn_by_rank(monkeypatch):
    monkeypatch.setattr('skanrs.draw.violins.MOST_VALUES', 50)
    axes = draw.compare_violins(TABLES, 'branch-distance')
    assert axes.lines[0].get_ydata()[0] == 50.5
