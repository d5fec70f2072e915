"""The widgets of the napari plugin, with stand-ins for layers of napari."""

import types

import numpy as np
import pytest
from scipy import ndimage

import skanrs
from skanrs import napari_skan
from skanrs.datasets import vessel_tree
from skanrs.napari_skan import SkeletonizeMethod, labels_to_skeleton_shapes

VOLUME = vessel_tree((40, 44, 48), seed=2)


def shapes_layer(labels, choice=SkeletonizeMethod.lee):
    return labels_to_skeleton_shapes(types.SimpleNamespace(data=labels), choice)


@pytest.mark.parametrize(
    ('labels', 'choice'),
    [
        (VOLUME.max(axis=0), SkeletonizeMethod.zhang),
        (VOLUME.max(axis=0), SkeletonizeMethod.lee),
        (VOLUME, SkeletonizeMethod.lee),
        (ndimage.label(VOLUME)[0].astype(np.int32), SkeletonizeMethod.lee),
    ],
)
def test_labels_to_skeleton_shapes(labels, choice):
    paths, attributes, kind = shapes_layer(labels, choice)
    assert kind == 'shapes'
    mask = labels > 0
    skeleton = skanrs.Skeleton(skanrs.skeletonize(mask, method=choice.value))
    assert len(paths) == skeleton.n_paths
    for index, path in enumerate(paths):
        np.testing.assert_array_equal(path, skeleton.path_coordinates(index))
    features = attributes['features']
    of_skan = skanrs.summarize(skeleton, separator='_')
    assert list(features)[: of_skan.shape[1]] == list(of_skan)
    assert features[list(of_skan)].equals(of_skan)
    assert features.equals(skanrs.analyze(mask, method=choice.value))
    assert isinstance(attributes['metadata']['skeleton'], skanrs.Skeleton)


def test_separate_labels_are_coloured_by_label():
    labels = np.zeros((9, 30, 30), np.int32)
    labels[2:7, 2:28, 2:15], labels[2:7, 2:28, 15:28] = 3, 700
    layer = types.SimpleNamespace(data=labels)
    choice = SkeletonizeMethod.lee
    paths, attributes, _ = labels_to_skeleton_shapes(layer, choice, separate_labels=True)
    assert attributes['features'].equals(skanrs.analyze(labels, labels=True))
    assert attributes['edge_color'] == 'label'
    assert set(attributes['features']['label']) == {3, 700}
    for path, label in zip(paths, attributes['features']['label'], strict=True):
        assert (labels[tuple(path.T)] == label).all()
    assert 'edge_color' not in labels_to_skeleton_shapes(layer, choice)[1]


def test_colours_by_the_new_columns():
    _, attributes, _ = shapes_layer(VOLUME)
    layer = types.SimpleNamespace(features=attributes['features'])
    napari_skan._color_by_feature(layer, 'mean_radius')
    assert (layer.edge_colormap, layer.edge_color) == ('viridis', 'mean_radius')
    napari_skan._color_by_feature(layer, 'branch_type')
    assert (layer.edge_colormap, layer.edge_color) == ('tab10', 'branch_type')


def test_new_columns_are_offered():
    _, attributes, _ = shapes_layer(VOLUME)
    changed = []
    choice = types.SimpleNamespace(value=types.SimpleNamespace(features=attributes['features']))
    choice.changed = types.SimpleNamespace(connect=changed.append)
    widget = types.SimpleNamespace(shapes_layer=choice, feature_name=types.SimpleNamespace())
    napari_skan._populate_feature_choices(widget)
    assert {'branch_distance', 'mean_radius', 'tortuosity'} <= set(
        widget.feature_name.choices(None)
    )
    choice.value = None
    changed[0](None)
    assert widget.feature_name.choices(None) == ()


def test_magicgui_finds_types_in_the_annotations():
    """Text would be looked up as a module; only napari's own names may be text."""
    annotations = labels_to_skeleton_shapes.__annotations__
    assert annotations['choice'] is SkeletonizeMethod
    assert annotations['labels'] == 'napari.layers.Labels'
    assert napari_skan._color_by_feature.__annotations__['feature_name'] is str
