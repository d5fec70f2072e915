"""Widgets of the napari plugin: skeletons of label images as shapes, coloured by a feature.

napari loads this module through ``napari.yaml``. The widget `color_by_feature` needs magicgui and
is created on first use. Reproduces ``skan.napari_skan`` 0.13.1; the features also have the radii of
the branches, after skan's columns. Annotations are types, not strings, because magicgui builds the
widgets from them; only napari's types are strings, which magicgui resolves by name.
"""

from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from skanrs.branches.analyze import analyze
from skanrs.graph.skeleton import Skeleton
from skanrs.thinning.skeletonize import skeletonize

if TYPE_CHECKING:
    import napari

CAT_COLOR = 'tab10'
CONTINUOUS_COLOR = 'viridis'


class SkeletonizeMethod(Enum):
    """The thinning method; an Enum, so that magicgui shows a choice."""

    zhang = 'zhang'
    lee = 'lee'


def labels_to_skeleton_shapes(
    labels: 'napari.layers.Labels', choice: SkeletonizeMethod, *, separate_labels: bool = False
) -> 'napari.types.LayerDataTuple':
    """Thin a labels layer and turn the paths of its skeleton into shapes.

    Parameters
    ----------
    labels : napari.layers.Labels
        The layer; labels above 0 are foreground.
    choice : SkeletonizeMethod
        The thinning method.
    separate_labels : bool, optional
        Whether each label, of any value but 0, is an object of its own. Paths are coloured by label
        then.

    Returns
    -------
    layer : tuple
        Data, attributes and type of a shapes layer: a path for each branch, the branch table with
        radii (`skanrs.analyze`) as its features, the :class:`skanrs.Skeleton` in its metadata.
    """
    image = np.asarray(labels.data)
    mask = image if separate_labels else image > 0
    thinned = skeletonize(mask, method=choice.value, labels=separate_labels)
    kept = thinned if separate_labels else thinned.astype('uint8')
    skeleton = Skeleton(kept, labels=separate_labels)
    paths = [skeleton.path_coordinates(index) for index in range(skeleton.n_paths)]
    attributes = {
        'shape_type': 'path',
        'edge_colormap': CAT_COLOR,
        'features': analyze(mask, skeleton=skeleton.skeleton_image, labels=separate_labels),
        'metadata': {'skeleton': skeleton},
    }
    if separate_labels:
        attributes['edge_color'] = 'label'
    return paths, attributes, 'shapes'


def _populate_feature_choices(color_by_feature_widget: Any) -> None:
    """List the features of the chosen layer, and update them when the layer changes."""
    color_by_feature_widget.shapes_layer.changed.connect(
        lambda _: _update_feature_names(color_by_feature_widget)
    )
    _update_feature_names(color_by_feature_widget)


def _update_feature_names(color_by_feature_widget: Any) -> None:
    """List the features of the chosen layer, if any."""
    shapes_layer = color_by_feature_widget.shapes_layer.value

    def get_choices(_features_combo: Any) -> Any:
        return () if shapes_layer is None else shapes_layer.features.columns

    color_by_feature_widget.feature_name.choices = get_choices


def _color_by_feature(shapes_layer: 'napari.layers.Shapes', feature_name: str) -> None:
    """Colour the shapes by a feature: floats continuously, other types by category.

    Parameters
    ----------
    shapes_layer : napari.layers.Shapes
        The layer.
    feature_name : str
        A column of its features.
    """
    continuous = shapes_layer.features[feature_name].dtype == 'float64'
    shapes_layer.edge_colormap = CONTINUOUS_COLOR if continuous else CAT_COLOR
    shapes_layer.edge_color = feature_name


@cache
def __getattr__(name: str) -> Any:
    if name == 'color_by_feature':
        from magicgui import magic_factory

        return magic_factory(
            _color_by_feature,
            widget_init=_populate_feature_choices,
            feature_name={'widget_type': 'ComboBox'},
        )
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
