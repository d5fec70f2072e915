"""Pictures: equal to skan's in every pixel where skan can draw them."""

from pathlib import Path

import matplotlib

matplotlib.use('agg')

import matplotlib.pyplot as plt
import numpy as np
import pytest
import skan
import skan._testdata
import skan.csr
import skan.draw
import skan.test
from matplotlib.figure import Figure
from skimage import io

import skanrs
from skanrs import draw, pre
from skanrs._testdata import skeleton1

DATA = Path(skan.test.__file__).parent / 'data'

pytestmark = [
    pytest.mark.filterwarnings('ignore::DeprecationWarning'),
    pytest.mark.filterwarnings('ignore::FutureWarning:skan'),
    pytest.mark.filterwarnings('ignore::FutureWarning:skimage'),
]


@pytest.fixture(scope='module')
def image():
    return io.imread(DATA / 'skeleton.tif')[:120, :90]


@pytest.fixture(scope='module')
def thresholded(image):
    return pre.threshold(image, sigma=2, radius=31, offset=0.075)


@pytest.fixture(scope='module')
def skeleton(thresholded):
    return skanrs.skeletonize(thresholded)


@pytest.fixture(scope='module')
def stats(skeleton):
    return skanrs.summarize(skanrs.Skeleton(skeleton), separator='_')


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close('all')


def drawn(figure):
    figure.set_dpi(50)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba()).copy()


def picture(function, *arguments, axes='axes', **options):
    figure, panel = plt.subplots()
    function(*arguments, **{axes: panel}, **options)
    return drawn(figure)


@pytest.mark.parametrize(
    'options',
    [
        {},
        {'image_cmap': 'viridis'},
        {'dilate': 2, 'alpha': 0.5, 'color': (0, 1, 0.5)},
    ],
)
def test_overlay_skeleton_2d(image, skeleton, options):
    ours = picture(draw.overlay_skeleton_2d, image, skeleton, **options)
    theirs = picture(skan.draw.overlay_skeleton_2d, image, skeleton, **options)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize('source', ['branch_type', 'branch_distance', 'skeleton_id'])
def test_overlay_euclidean_skeleton_2d(image, stats, source):
    theirs = picture(
        skan.draw.overlay_euclidean_skeleton_2d, image, stats, skeleton_color_source=source
    )
    for separator in ('_', '-', '.'):
        table = stats.rename(columns=lambda name: name.replace('_', separator))  # noqa: B023
        for written in (source, source.replace('_', '-')):
            ours = picture(
                draw.overlay_euclidean_skeleton_2d, image, table, skeleton_color_source=written
            )
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    'options',
    [
        {'skeleton_color_source': 'path_lengths'},
        {'skeleton_color_source': 'path_lengths', 'vmin': 3, 'vmax': 30},
        {'skeleton_color_source': lambda skeleton: skeleton.path_lengths() > 10},
    ],
)
@pytest.mark.parametrize('with_source', [True, False])
def test_overlay_skeleton_2d_class(image, skeleton, options, with_source):
    if callable(options['skeleton_color_source']):
        options = {'skeleton_color_source': lambda skeleton: 1.0 * (skeleton.path_lengths() > 10)}
    source = image if with_source else None
    ours = skanrs.Skeleton(skeleton, source_image=source)
    theirs = skan.Skeleton(skeleton, source_image=source)
    np.testing.assert_array_equal(
        picture(draw.overlay_skeleton_2d_class, ours, **options),
        picture(skan.draw.overlay_skeleton_2d_class, theirs, **options),
    )


def test_the_mappable_maps_the_values(skeleton):
    ours = skanrs.Skeleton(skeleton)
    axes, mappable = draw.overlay_skeleton_2d_class(ours, skeleton_color_source='path_lengths')
    np.testing.assert_array_equal(mappable.get_array(), ours.path_lengths())
    (lines,) = axes.collections
    np.testing.assert_array_equal(lines.get_colors(), mappable.to_rgba(mappable.get_array()))


def test_an_unknown_colour_source(skeleton):
    with pytest.raises(ValueError, match="got 'nonsense'"):
        draw.overlay_skeleton_2d_class(skanrs.Skeleton(skeleton), skeleton_color_source='nonsense')


def test_an_unknown_column_of_colours(image, stats):
    expected = "skeleton_color_source: expected .*branch_type.*, got 'nonsense'"
    with pytest.raises(ValueError, match=expected):
        draw.overlay_euclidean_skeleton_2d(image, stats, skeleton_color_source='nonsense')


def test_the_same_value_everywhere_is_drawn(image, stats):
    """skan divides by zero, and the lines are transparent."""
    axes = draw.overlay_euclidean_skeleton_2d(image, stats.assign(branch_type=2))
    (lines,) = axes.collections
    assert (lines.get_colors() == plt.get_cmap('viridis')(0)).all()
    axes, _ = draw.overlay_skeleton_2d_class(skanrs.Skeleton(skeleton1))
    assert (axes.collections[0].get_colors()[:, 3] == 1).all()


def test_no_branches():
    empty = skanrs.Skeleton(np.zeros((4, 5), dtype=bool))
    axes, _ = draw.overlay_skeleton_2d_class(empty)
    assert not axes.collections[0].get_paths()
    table = skanrs.summarize(empty, separator='_')
    axes = draw.overlay_euclidean_skeleton_2d(empty.skeleton_image, table)
    assert not axes.collections[0].get_paths()


def test_the_image_is_not_changed(skeleton):
    """skan paints the skeleton into an RGB image of floats."""
    image = np.full((*skeleton.shape, 3), 0.25)
    draw.overlay_skeleton_2d(image, skeleton)
    assert (image == 0.25).all()


def test_pipeline_plot(image, thresholded, skeleton, stats):
    arguments = image, thresholded, skeleton, stats
    ours, axes = draw.pipeline_plot(*arguments)
    theirs, _ = skan.draw.pipeline_plot(*arguments)
    np.testing.assert_array_equal(drawn(ours), drawn(theirs))
    assert len(axes) == 4
    figure = Figure()
    assert draw.pipeline_plot(*arguments, figure=figure)[0] is figure
    figure, axes = plt.subplots(2, 2)
    # skan makes new axes if no figure is given.
    drawn_on, panels = draw.pipeline_plot(*arguments, axes=axes)
    assert drawn_on is figure
    assert list(panels) == list(axes.ravel())
    assert all(panel.images for panel in panels)


def test_overlay_skeleton_networkx():
    skeleton = skanrs.Skeleton(skeleton1)
    arguments = skeleton.graph, skeleton.coordinates
    ours = picture(draw.overlay_skeleton_networkx, *arguments, axes='axis', image=skeleton1)
    theirs = picture(skan.draw.overlay_skeleton_networkx, *arguments, axes='axis', image=skeleton1)
    np.testing.assert_array_equal(ours, theirs)
    draw.overlay_skeleton_networkx(skeleton.graph, np.vstack([skeleton.coordinates, [[0, 0]]]))


def test_sholl_shells():
    axes, circles = draw.sholl_shells((4, 7), [1, 2, 3], linewidth=2)
    assert axes.patches[:] == circles
    assert [circle.get_radius() for circle in circles] == [1, 2, 3]
    assert circles[0].get_center() == (7, 4)
    assert circles[0].get_edgecolor() == matplotlib.colors.to_rgba('cornflowerblue')


def test_pixel_perfect_figsize():
    assert draw.pixel_perfect_figsize(np.empty((768, 1024))) == (12.8, 9.6)
    assert draw.pixel_perfect_figsize(np.empty((100, 200, 3)), dpi=100) == (2, 1)
