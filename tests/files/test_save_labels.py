"""Skeletons of labels in files of other programs."""

import json

import numpy as np
import pytest
from label_images import VALUES

import skanrs


def skeleton_of(dtype):
    """Three lines in a plane, the last two of which touch."""
    one, two, three = sorted(VALUES[dtype], key=abs)[:3]
    image = np.zeros((7, 20), dtype)
    image[1, 2:12] = one
    image[4, 2:9] = two
    image[5, 2:15] = three
    return skanrs.Skeleton(image, spacing=0.5, labels=True), (one, two, three)


@pytest.mark.parametrize('dtype', VALUES)
def test_vtk_and_graphml_have_the_label(tmp_path, dtype):
    skeleton, labels = skeleton_of(dtype)
    skanrs.save_skeleton(skeleton, tmp_path / 'lines.vtp')
    head = (tmp_path / 'lines.vtp').read_bytes().partition(b'<AppendedData')[0].decode()
    kind = {'i': 'Int', 'u': 'UInt'}[np.dtype(dtype).kind] + str(8 * np.dtype(dtype).itemsize)
    assert f'<DataArray type="{kind}" Name="label"' in head
    networkx = pytest.importorskip('networkx')
    skanrs.save_skeleton(skeleton, tmp_path / 'lines.graphml')
    graph = networkx.read_graphml(tmp_path / 'lines.graphml')
    found = sorted(label for _, _, label in graph.edges(data='label'))
    assert found == sorted(int(label) for label in labels)


def test_segments_are_labels(tmp_path):
    skeleton, labels = skeleton_of('u8')
    skanrs.save_skeleton(skeleton, tmp_path / 'lines.precomputed')
    properties = json.loads(
        (tmp_path / 'lines.precomputed' / 'segment_properties' / 'info').read_text()
    )
    assert properties['inline']['ids'] == [str(label) for label in sorted(labels)]
    for label in labels:
        content = (tmp_path / 'lines.precomputed' / str(label)).read_bytes()
        n_points, n_edges = np.frombuffer(content[:8], '<u4')
        assert n_points == (skeleton.pixel_labels == np.uint64(label)).sum()
        assert n_edges == n_points - 1
        edges = np.frombuffer(content[8 + 12 * n_points :], '<u4')
        assert sorted(set(edges.tolist())) == list(range(n_points))


def test_negative_labels_are_no_segments(tmp_path):
    skeleton, _ = skeleton_of('i8')
    with pytest.raises(ValueError, match='labels: expected non-negative segment ids, got -1'):
        skanrs.save_skeleton(skeleton, tmp_path / 'lines.precomputed')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('with_radii', [True, False])
def test_a_tree_for_each_label(tmp_path, with_radii):
    skeleton, labels = skeleton_of('i8')
    radii = np.arange(float(skeleton.pixel_labels.size)) if with_radii else None
    skanrs.save_skeleton(skeleton, tmp_path / 'cell_{label}.swc', radii=radii)
    assert {path.name for path in tmp_path.iterdir()} == {f'cell_{label}.swc' for label in labels}
    for label in labels:
        own = skeleton.pixel_labels == label
        alone = skanrs.Skeleton(skeleton.skeleton_image == label, spacing=0.5)
        skanrs.save_skeleton(
            alone, tmp_path / 'alone.swc', radii=None if radii is None else radii[own]
        )
        assert (tmp_path / f'cell_{label}.swc').read_text() == (tmp_path / 'alone.swc').read_text()


def test_each_label_has_its_root(tmp_path):
    labels = np.zeros((9, 30, 60), int)
    labels[2:7, 2:8, 2:58] = 4
    labels[2:7, 12:18, 2:58] = labels[2:7, 22:28, 2:58] = 9
    labels[2:7, 12:28, 10:15] = labels[2:7, 12:28, 40:45] = 9
    branches, nodes = skanrs.analyze(labels, labels=True), skanrs.nodes(labels, labels=True)
    skeleton = skanrs.Skeleton(skanrs.skeletonize(labels, labels=True), labels=True)
    with pytest.raises(ValueError, match='SWC files hold trees only'):
        skanrs.save_skeleton(skeleton, tmp_path / '{label}.swc', table=branches)
    for face, is_first in (('x=0', True), ('x=-1', False)):
        is_there = (nodes['image_coord_2'] < 30) == is_first
        faces = np.where(is_there & (nodes['degree'] == 1), 16 if is_first else 32, 0)
        tree = skanrs.root(branches, nodes.assign(border_faces=faces), at=face)
        assert (tree['root'] >= 0).all()
        skanrs.save_skeleton(skeleton, tmp_path / '{label}.swc', table=tree)
        for label in (4, 9):
            text = (tmp_path / f'{label}.swc').read_text()
            lines = [line.split() for line in text.splitlines()]
            (root,) = (line for line in lines if line[-1] == '-1')
            node = tree['root'][tree['label'] == label].iloc[0]
            at = nodes.loc[node, ['image_coord_2', 'image_coord_1', 'image_coord_0']].tolist()
            assert [float(number) for number in root[2:5]] == at


def test_a_file_for_each_label_needs_labels(tmp_path):
    skeleton = skanrs.Skeleton(np.eye(5, dtype=bool))
    with pytest.raises(ValueError, match='skeleton: expected one made with labels'):
        skanrs.save_skeleton(skeleton, tmp_path / '{label}.swc')
