"""The widget: a form for the steps, layers of the network, and the table linked with them.

A thread measures, and a timer shows how far it is, so that the window can be used meanwhile. napari
loads `NetworkWidget` through ``napari.yaml``. magicgui and napari are imported on use.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skanrs._support import progress
from skanrs._support.reprs import counted
from skanrs._support.typing import Array
from skanrs.files.recipe import recipe_writer
from skanrs.files.write.atomic import write_files
from skanrs.files.write.tables import table_writer

from .network import Network, Steps, measure_network, nearest_branch

if TYPE_CHECKING:
    import napari
    import pandas as pd

__all__ = ['NetworkWidget', 'colours_of']

MOST_CATEGORIES = 10
"""Columns of integers with more values are coloured as numbers."""
TERRITORY = 'territory'
"""What gives branches the colours of the layer of territories."""
NEAR_PIXELS = 8
"""How far from a branch a click may be, in pixels of the screen."""
STEPS = {
    'sigma': 'Smooth by a Gaussian of this width in voxels; 0: not',
    'closing': 'Close gaps by a ball of this radius in voxels; 0: not',
    'fill_cavities': 'Fill background that does not reach the border',
    'min_size': 'Remove objects of fewer voxels',
    'keep_largest': 'Keep this many largest objects; 0: all',
    'preserve_topology': 'Keep every object, tunnel and cavity',
    'prune_length': 'Remove end branches shorter than this; 0: not',
    'prune_ratio': 'Remove end branches shorter than this many radii at their junction; 0: not',
}


class NetworkWidget:
    """The widget's parts and the layers that it has made.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Its image and labels layers are offered.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        from magicgui import widgets
        from qtpy.QtCore import QTimer

        self.viewer = viewer = napari_viewer
        self.network: Network | None = None
        self.layers: dict[str, Any] = {}
        self.layer = widgets.ComboBox(label='layer', choices=self._images)
        self.threshold = widgets.ComboBox(
            label='threshold',
            choices=['otsu', 'above', 'not 0'],
            tooltip='Foreground of an image layer; that of a labels layer is what is not 0',
        )
        self.above = widgets.FloatSpinBox(label='above', value=128, min=-1e9, max=1e9)
        self.steps = {name: _input(name, help) for name, help in STEPS.items()}
        self.run = widgets.PushButton(text='Measure')
        self.bar = widgets.ProgressBar(label='', min=0, max=0, visible=False)
        self.colour_by = widgets.ComboBox(label='colour by', choices=self._columns)
        self.summary = widgets.Label(value='')
        self.summary.native.setWordWrap(True)
        self.table = widgets.Table()
        self.save_recipe = widgets.PushButton(text='Save recipe…')
        self.save_table = widgets.PushButton(text='Save table…')
        self.container = widgets.Container(
            widgets=[
                self.layer,
                self.threshold,
                self.above,
                *self.steps.values(),
                self.run,
                self.bar,
                self.summary,
                self.colour_by,
                self.table,
                self.save_recipe,
                self.save_table,
            ]
        )
        self.run.changed.connect(lambda _: self._reporting(self.measure))
        self.save_recipe.changed.connect(lambda _: self._reporting(self._ask_for_recipe))
        self.save_table.changed.connect(lambda _: self._reporting(self._ask_for_table))
        self.colour_by.changed.connect(lambda _: self._colour())
        self._progress: tuple[str, float | None] = ('', None)
        self._timer = QTimer(self.container.native)
        self._timer.timeout.connect(self._show_progress)
        self.table.native.setEditTriggers(self.table.native.EditTrigger.NoEditTriggers)
        self.table.native.setSelectionBehavior(self.table.native.SelectionBehavior.SelectRows)
        self.table.native.itemSelectionChanged.connect(self._show_selected)
        viewer.layers.events.inserted.connect(self._update_layers)
        viewer.layers.events.removed.connect(self._update_layers)
        viewer.mouse_drag_callbacks.append(self._on_mouse)

    @property
    def native(self) -> Any:
        """The widget of Qt, which napari docks."""
        return self.container.native

    def _images(self, _: Any = None) -> list[Any]:
        """Return the layers that can be measured."""
        from napari.layers import Image, Labels

        own = list(self.layers.values())
        return [
            layer
            for layer in self.viewer.layers
            if isinstance(layer, (Image, Labels)) and layer not in own
        ]

    def _columns(self, _: Any = None) -> list[str]:
        return [] if self.network is None else [*map(str, self.network.table), TERRITORY]

    def _update_layers(self, _: Any = None) -> None:
        self.layer.reset_choices()

    def chosen_steps(self) -> Steps:
        """Return the steps that the form asks for."""
        from napari.layers import Labels

        is_labels = isinstance(self.layer.value, Labels)
        threshold: Any = self.above.value
        if is_labels or self.threshold.value != 'above':
            threshold = 'none' if is_labels or self.threshold.value == 'not 0' else 'otsu'
        return Steps(threshold, **{name: each.value for name, each in self.steps.items()})

    def measure(self) -> None:
        """Measure the chosen layer on a thread, and show its network in place of the one before."""
        from napari.qt.threading import create_worker

        layer = self.layer.value
        if layer is None:
            raise ValueError('layer: expected an image or labels layer, got none')
        if getattr(layer, 'rgb', False):
            raise ValueError('layer: expected one channel, got colours; split them first')
        image = layer.data[0] if layer.multiscale else layer.data
        spacing = tuple(abs(float(step)) for step in layer.scale)
        steps = self.chosen_steps()

        def work() -> Network:
            with progress.reported_to(self._set_progress):
                return measure_network(np.asarray(image), spacing, steps)

        worker = create_worker(work, _ignore_errors=True)
        worker.returned.connect(lambda network: self._reporting(lambda: self._show(network, layer)))
        worker.errored.connect(self._show_error)
        worker.finished.connect(lambda: self._set_working(False))
        self._set_working(True)
        worker.start()

    @property
    def is_working(self) -> bool:
        """Whether a layer is being measured."""
        return not self.run.enabled

    def _set_working(self, is_working: bool) -> None:
        self.run.enabled = not is_working
        self.bar.visible = is_working
        self._set_progress('', None)
        self._show_progress()
        if is_working:
            self.summary.value = 'reading'
            self._timer.start(100)
        else:
            self._timer.stop()

    def _set_progress(self, part: str, done: float | None) -> None:
        # On the thread that works, which must leave widgets alone.
        self._progress = part, done

    def _show_progress(self) -> None:
        part, done = self._progress
        # A bar without an end moves all the time.
        self.bar.max = 0 if done is None else 100
        self.bar.value = 0 if done is None else round(100 * done)
        if part:
            self.summary.value = part

    def _show(self, network: Network, layer: Any) -> None:
        """Replace the layers and the table by those of the network of a layer."""
        self.network = network
        for old in self.layers.values():
            if old in self.viewer.layers:
                self.viewer.layers.remove(old)
        where = {
            name: getattr(layer, name)
            for name in ('scale', 'translate', 'rotate', 'shear', 'affine')
        }
        if hasattr(layer, 'units'):
            where['units'] = layer.units
        # Drawn over the image, which would hide what is inside it in 3D.
        where['blending'] = 'translucent_no_depth'
        self.layers = {}
        # Hidden, since they are in front of the branches in 3D.
        self.layers['territories'] = self.viewer.add_labels(
            network.territories,
            features=network.table.assign(index=np.arange(1, len(network.table) + 1)),
            opacity=0.5,
            visible=False,
            name=f'{layer.name} territories',
            **where,
        )
        self.layers['branches'] = self.viewer.add_shapes(
            network.paths or None,
            ndim=network.mask.ndim,
            shape_type='path',
            edge_width=0.6,
            features=network.table,
            name=f'{layer.name} branches',
            **where,
        )
        self.layers['nodes'] = self.viewer.add_points(
            network.node_coordinates,
            ndim=network.mask.ndim,
            size=1.5,
            face_color='white',
            features=network.nodes,
            name=f'{layer.name} nodes',
            **where,
        )
        self.layers['selected'] = self.viewer.add_shapes(
            None, ndim=network.mask.ndim, name=f'{layer.name} selected', **where
        )
        if network.mask.ndim == 3:
            # Paths that are not in one plane are seen in 3D only.
            self.viewer.dims.ndisplay = 3
        self.table.value = network.table.round(4)
        self.colour_by.reset_choices()
        self.colour_by.value = 'mean_radius'
        self._colour()
        self.summary.value = (
            f'{len(network.table):,} branches, {len(network.nodes):,} nodes, '
            f'length {network.table["length"].sum():,.4g}'
        )
        if network.cavities:
            surfaces = counted(network.cavities, 'closed surface')
            self.summary.value += f'\n{surfaces} around cavities of the mask: fill cavities'

    def _colour(self) -> None:
        """Colour the branches by the chosen column."""
        branches, column = self.layers.get('branches'), self.colour_by.value
        if branches is None or column is None or not len(branches.data):
            return
        if column == TERRITORY:
            numbers = np.arange(1, len(branches.data) + 1)
            branches.edge_color = self.layers['territories'].colormap.map(numbers)
        else:
            branches.edge_color = colours_of(branches.features[column])

    def select(self, rows: set[int]) -> None:
        """Select rows of the table, which shows their branches."""
        from qtpy.QtCore import QItemSelection, QItemSelectionModel

        model, view = self.table.native.model(), self.table.native
        selection = QItemSelection()
        for row in rows:
            selection.select(model.index(row, 0), model.index(row, model.columnCount() - 1))
        view.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if rows:
            view.scrollTo(model.index(min(rows), 0))

    def selected(self) -> set[int]:
        """Return the rows of the table that are selected."""
        return {index.row() for index in self.table.native.selectionModel().selectedRows()}

    def _show_selected(self) -> None:
        shown = self.layers.get('selected')
        if shown is None or self.network is None or shown not in self.viewer.layers:
            return
        shown.data = []
        paths = [self.network.paths[row] for row in sorted(self.selected())]
        if paths:
            shown.add_paths(paths, edge_color='yellow', edge_width=1.2)

    def _on_mouse(self, viewer: Any, event: Any) -> Any:
        """Select the branch that is clicked; with Control also those selected before."""
        was_dragged = False
        yield
        while event.type == 'mouse_move':
            was_dragged = True
            yield
        if not was_dragged:
            self.click(event.position, event.view_direction, add='Control' in event.modifiers)

    def click(self, position: Any, direction: Any, *, add: bool = False) -> None:
        """Select the branch on the line of sight through a point of the world."""
        branches = self.layers.get('branches')
        if self.network is None or branches is None or branches not in self.viewer.layers:
            return
        if not branches.visible:
            return
        start = np.asarray(branches.world_to_data(position))
        towards = None
        if direction is not None:
            end = np.asarray(position) + np.asarray(direction)
            towards = np.asarray(branches.world_to_data(end)) - start
        spacing = tuple(abs(float(step)) for step in branches.scale)
        # Since napari 0.9 the camera belongs to the scene.
        camera = getattr(self.viewer, 'scene', self.viewer).camera
        reach = max(NEAR_PIXELS / camera.zoom, *spacing)
        branch = nearest_branch(self.network.paths, start, towards, spacing, reach)
        if branch is not None:
            self.select((self.selected() if add else set()) | {branch})

    def write_recipe(self, path: Path) -> None:
        """Write the recipe of the network that is shown."""
        write_files({path: recipe_writer(self._measured().recipe)})

    def write_table(self, path: Path) -> None:
        """Write the table of the network that is shown, as CSV or Parquet."""
        network = self._measured()
        write_files({path: table_writer(path, network.table, network.recipe)})

    def _measured(self) -> Network:
        if self.network is None:
            raise ValueError('network: expected a measured layer; press Measure first')
        return self.network

    def _ask_for_recipe(self) -> None:
        self._ask(self.write_recipe, 'recipe.toml', 'Recipes (*.toml)')

    def _ask_for_table(self) -> None:
        self._ask(self.write_table, 'branches.csv', 'Tables (*.csv *.parquet)')

    def _ask(self, write: Any, name: str, kinds: str) -> None:
        from qtpy.QtWidgets import QFileDialog

        self._measured()
        path, _ = QFileDialog.getSaveFileName(self.container.native, 'Save', name, kinds)
        if path:
            write(Path(path))

    def _reporting(self, action: Any) -> None:
        """Do what a button asks for; show what is wrong in one line."""
        try:
            action()
        # Whatever it is, the viewer goes on.
        except Exception as error:
            self._show_error(error)

    def _show_error(self, error: Exception) -> None:
        from napari.utils.notifications import show_error

        self.summary.value = ''
        show_error(f'skanrs: {error}')


def _input(name: str, help: str) -> Any:
    """Return the widget of an option, with the type of its default."""
    from magicgui import widgets

    default = getattr(Steps, name)
    label = name.replace('_', ' ')
    if isinstance(default, bool):
        return widgets.CheckBox(label=label, value=default, tooltip=help)
    if name in ('min_size', 'keep_largest'):
        return widgets.SpinBox(label=label, value=default, min=0, max=10**9, tooltip=help)
    return widgets.FloatSpinBox(label=label, value=default, min=0, max=1e6, step=0.1, tooltip=help)


def colours_of(values: pd.Series[Any]) -> Array:
    """Return a colour for each value: a scale for numbers, one each for a few categories."""
    from napari.utils.colormaps import ensure_colormap

    numbers = values.to_numpy()
    if numbers.dtype.kind != 'f':
        categories, codes = np.unique(numbers, return_inverse=True)
        if len(categories) <= MOST_CATEGORIES:
            places = (codes + 0.5) / MOST_CATEGORIES
            return np.asarray(ensure_colormap('tab10').map(places))
    numbers = numbers.astype(float)
    known = np.isfinite(numbers)
    colours = np.full((len(numbers), 4), [0.5, 0.5, 0.5, 1])
    if known.any():
        low, high = numbers[known].min(), numbers[known].max()
        places = (numbers[known] - low) / ((high - low) or 1)
        colours[known] = ensure_colormap('viridis').map(places)
    return colours
