"""The widget for networks in a real window of napari, on the display of Xvfb."""

import os
import shutil
import subprocess
import time
import types
import warnings

import numpy as np
import pandas as pd
import pytest

import skanrs
from skanrs.datasets import vessel_tree

with warnings.catch_warnings():
    # What napari and its dependencies say of each other.
    warnings.simplefilter('ignore')
    napari = pytest.importorskip('napari')
    pytest.importorskip('qtpy')

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings('default')]

MASK = vessel_tree((40, 44, 48), seed=2)
SPACING = (2.0, 1.0, 1.0)


@pytest.fixture(scope='module')
def display():
    """Start a virtual display."""
    if not shutil.which('Xvfb'):
        pytest.skip('needs Xvfb')
    read, write = os.pipe()
    command = ['Xvfb', '-displayfd', str(write), '-screen', '0', '1600x1100x24']
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    try:
        number = os.read(read, 20).decode().strip()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv('DISPLAY', f':{number}')
            patch.setenv('QT_QPA_PLATFORM', 'xcb')
            yield
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def viewer(display):
    """Return a viewer whose window is shown on the virtual display."""
    viewer = napari.Viewer(show=True)
    yield viewer
    viewer.close()


def panel_of(viewer):
    from npe2 import PluginManager, PluginManifest

    manifest = PluginManifest.from_file(os.path.join(skanrs.__path__[0], 'napari.yaml'))
    manager = PluginManager.instance()
    if 'skanrs' not in manager:
        manager.register(manifest)
    _, widget = viewer.window.add_plugin_dock_widget('skanrs', 'Measure Network')
    return widget


def measure(panel):
    """Press the button, and wait until the network is shown or an error is said."""
    from qtpy.QtWidgets import QApplication

    panel.run.native.click()
    said = []
    while panel.is_working:
        said.append((panel.summary.value, panel.bar.native.isHidden()))
        QApplication.processEvents()
        time.sleep(0.001)
    return said


def save_picture(viewer, name):
    """Save what the window shows where SKANRS_PICTURES says, and return it."""
    napari.Viewer.reset_view(viewer)
    picture = viewer.screenshot(canvas_only=False, flash=False)
    folder = os.environ.get('SKANRS_PICTURES')
    if folder:
        import imageio.v3

        imageio.v3.imwrite(os.path.join(folder, f'{name}.png'), picture)
    return picture


def click(viewer, layer, voxel, modifiers=()):
    """Click a voxel of a layer, along the line of sight of the camera."""
    position = np.asarray(layer.data_to_world(voxel), float)
    direction = None
    if viewer.dims.ndisplay == 3:
        direction = np.asarray(viewer.camera.view_direction)
        position = position - 40 * direction
    event = types.SimpleNamespace(
        type='mouse_press', position=position, view_direction=direction, modifiers=modifiers
    )
    for callback in viewer.mouse_drag_callbacks:
        event.type = 'mouse_press'
        steps = callback(viewer, event)
        # Some of napari's own end here.
        next(steps, None)
        event.type = 'mouse_release'
        assert next(steps, None) is None


def test_the_whole_way(viewer, tmp_path):
    labels = viewer.add_labels(MASK.astype('u1'), scale=SPACING, translate=(5, 6, 7))
    panel = panel_of(viewer)
    assert panel.layer.value is labels
    panel.steps['prune_length'].value = 2
    said = measure(panel)
    assert said[0] == ('reading', False)
    assert 'branches, ' in panel.summary.value
    assert panel.bar.native.isHidden()
    skeleton = skanrs.prune(skanrs.skeletonize(MASK), min_length=2, spacing=SPACING)
    table = skanrs.analyze(MASK, skeleton=skeleton, spacing=SPACING)
    nodes = skanrs.nodes(MASK, skeleton=skeleton, spacing=SPACING)
    branches, points = panel.layers['branches'], panel.layers['nodes']
    pd.testing.assert_frame_equal(pd.DataFrame(branches.features), table, check_dtype=False)
    assert len(branches.data) == len(table)
    assert len(points.data) == len(nodes)
    for layer in panel.layers.values():
        np.testing.assert_allclose(layer.scale, SPACING)
        np.testing.assert_allclose(layer.translate, (5, 6, 7))
    assert viewer.dims.ndisplay == 3
    assert list(panel.layer.choices) == [labels]
    save_picture(viewer, 'labels')

    # Colours by any column.
    for column in table:
        panel.colour_by.value = column
    territories = panel.layers['territories']
    expected = skanrs.territories(MASK, skeleton, spacing=SPACING)
    np.testing.assert_array_equal(territories.data, expected)
    assert not territories.visible
    panel.colour_by.value = 'territory'
    for branch in (0, len(table) - 1):
        np.testing.assert_allclose(
            branches.edge_color[branch], territories.get_color(branch + 1), atol=0.01
        )
    territories.visible = True
    save_picture(viewer, 'territories')
    territories.visible = False
    panel.colour_by.value = 'length'
    expected = napari.utils.colormaps.ensure_colormap('viridis').map([0.0, 1.0])
    shown = branches.edge_color[[table['length'].idxmin(), table['length'].idxmax()]]
    np.testing.assert_allclose(shown, expected, atol=0.01)

    # From a branch to its row, and from rows to branches.
    for branch in (3, len(table) - 1):
        path = panel.network.paths[branch]
        own = [v for v in path if sum((v == p).all(1).any() for p in panel.network.paths) == 1]
        viewer.camera.angles = (10, 20 + branch, 30)
        click(viewer, branches, own[len(own) // 2])
        [row] = panel.selected()
        distances = np.linalg.norm((panel.network.paths[row] - own[len(own) // 2]), axis=1)
        assert row == branch or distances.min() > 0
    panel.select({2})
    click(viewer, branches, panel.network.paths[0][0], modifiers=('Control',))
    assert 2 in panel.selected()
    panel.table.native.selectRow(1)
    assert panel.selected() == {1}
    [selected] = panel.layers['selected'].data
    np.testing.assert_array_equal(selected, panel.network.paths[1])
    picture = save_picture(viewer, 'selected')
    assert len(np.unique(picture.reshape(-1, 4), axis=0)) > 50

    panel.write_recipe(tmp_path / 'r.toml')
    panel.write_table(tmp_path / 't.parquet')
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / 't.parquet'), table)
    assert 'prune-length = 2.0' in (tmp_path / 'r.toml').read_text()


def test_an_image_of_two_axes(viewer):
    image = vessel_tree((40, 120, 130), seed=3).max(axis=0) * 100.0
    layer = viewer.add_image(image, scale=(0.5, 0.5))
    panel = panel_of(viewer)
    panel.threshold.value = 'above'
    panel.above.value = 50
    measure(panel)
    table = skanrs.analyze(image > 50, spacing=0.5)
    assert len(panel.layers['branches'].data) == len(table)
    assert viewer.dims.ndisplay == 2
    longest = int(table['length'].idxmax())
    path = panel.network.paths[longest]
    click(viewer, panel.layers['branches'], path[len(path) // 2])
    assert panel.selected() == {longest}
    save_picture(viewer, 'plane')
    # Again, in place of the layers before.
    panel.steps['min_size'].value = 1000
    measure(panel)
    assert [each.name for each in viewer.layers][1:] == [
        f'{layer.name} {what}' for what in ('territories', 'branches', 'nodes', 'selected')
    ]


def test_what_cannot_be_measured_is_said(viewer, monkeypatch):
    said = []
    monkeypatch.setattr('napari.utils.notifications.show_error', said.append)
    panel = panel_of(viewer)
    measure(panel)
    viewer.add_image(np.zeros((2, 3, 4, 5)))
    measure(panel)
    panel.save_recipe.native.click()
    assert said == [
        'skanrs: layer: expected an image or labels layer, got none',
        'skanrs: image: expected a 2D or 3D image, got 4D',
        'skanrs: network: expected a measured layer; press Measure first',
    ]
