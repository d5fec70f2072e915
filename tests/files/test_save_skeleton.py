"""Skeletons for other programs: each written file is read back by another library."""

import itertools
import json
import re
import xml.etree.ElementTree as ElementTree

import duckdb
import igraph
import morphio
import networkx
import numpy as np
import osteoid
import pandas as pd
import pytest
from images import blobs
from scipy import ndimage

import skanrs
from skanrs.datasets import vessel_tree
from skanrs.files import FileError
from skanrs.files.write.geometry import geometry_of

SPACING = (2.0, 1.0, 0.5)


def tree():
    """Two networks without loops, and a voxel on its own."""
    image = np.zeros((8, 20, 30), dtype=bool)
    image[2, 10, 2:25] = True
    for step in range(1, 6):
        image[2, 10 - step, 10 + step] = image[2 + step, 10 + step, 18] = True
    image[5, 2, 3:9] = True
    image[7, 19, 0] = True
    return image


@pytest.fixture(scope='module')
def loops():
    return skanrs.Skeleton(skanrs.skeletonize(vessel_tree((64,) * 3, seed=2)), spacing=SPACING)


@pytest.fixture(scope='module')
def trees():
    return skanrs.Skeleton(tree(), spacing=SPACING)


def radii_of(skeleton):
    return 0.5 + np.arange(len(skeleton.coordinates)) / 7


def points_of(skeleton):
    """Physical coordinates x, y, z of the voxels in branches."""
    used = np.unique(skeleton.paths.indices)
    return used, (skeleton.coordinates[used] * SPACING)[:, ::-1]


def sorted_rows(points):
    return points[np.lexsort(points.T)]


def test_smooth_lines(tmp_path):
    mask = vessel_tree((64,) * 3, seed=2)
    skeleton = skanrs.Skeleton(skanrs.skeletonize(mask), spacing=SPACING)
    lines = skanrs.centrelines(mask, spacing=SPACING)
    skanrs.save_skeleton(skeleton, tmp_path / 'lines.vtp', centrelines=lines, axes='zyx')
    geometry = geometry_of(skeleton, lines=lines)
    points, radii = geometry.points[geometry.line_points], geometry.radii[geometry.line_points]
    np.testing.assert_array_equal(points[:, ::-1], lines.points)
    ends = np.concatenate([lines.offsets[:-1], lines.offsets[1:] - 1])
    inner = np.delete(np.arange(len(lines.points)), ends)
    np.testing.assert_array_equal(radii[inner], lines.radii[inner])
    # Where branches meet, the largest of their radii counts.
    assert (radii >= lines.radii).all()
    assert len(np.unique(points, axis=0)) == len(geometry.points)
    written = (tmp_path / 'lines.vtp').read_bytes()
    assert geometry.points.tobytes() in written
    assert geometry.radii.tobytes() in written
    skanrs.save_skeleton(skeleton, tmp_path / 'g.graphml', centrelines=lines)
    table = skanrs.summarize(skeleton, separator='_')
    graph = networkx.read_graphml(tmp_path / 'g.graphml', node_type=int)
    for end, column in ((0, 'node_id_src'), (-1, 'node_id_dst')):
        bounds = lines.offsets[:-1] if end == 0 else lines.offsets[1:] - 1
        for node, at in zip(table[column].tolist(), bounds.tolist(), strict=True):
            place = [graph.nodes[node][axis] for axis in 'zyx']
            assert place == lines.points[at].tolist()
            assert graph.nodes[node]['radius'] >= lines.radii[at]
    with pytest.raises(ValueError, match='table: expected a row for each branch'):
        skanrs.save_skeleton(
            skeleton, tmp_path / 'no.graphml', centrelines=lines, table=table.iloc[1:]
        )
    with pytest.raises(ValueError, match='centrelines: expected those of the'):
        skanrs.save_skeleton(skanrs.Skeleton(tree()), tmp_path / 'no.vtp', centrelines=lines)
    assert not list(tmp_path.glob('no.*'))


def test_centrelines_lie_between_voxels():
    """A spacing of integers makes no integers of their points."""
    mask = vessel_tree((32,) * 3, seed=2)
    skeleton = skanrs.Skeleton(skanrs.skeletonize(mask), spacing=1)
    lines = skanrs.centrelines(mask, skeleton=skeleton.skeleton_image, spacing=1)
    geometry = geometry_of(skeleton, lines=lines)
    found = geometry.points[geometry.line_points][:, ::-1]
    assert (lines.points % 1).any()
    assert np.allclose(found, lines.points, rtol=1e-12)


def test_smooth_lines_as_swc(tmp_path):
    mask = ndimage.binary_dilation(np.pad(tree(), 3), np.ones((3, 3, 3)))
    skeleton = skanrs.Skeleton(skanrs.skeletonize(mask), spacing=SPACING)
    lines = skanrs.centrelines(mask, skeleton=skeleton.skeleton_image, spacing=SPACING)
    skanrs.save_skeleton(skeleton, tmp_path / 'lines.swc', centrelines=lines)
    written = np.loadtxt(tmp_path / 'lines.swc')
    points, radii, parents = written[:, 2:5], written[:, 5], written[:, 6].astype(int)
    geometry = geometry_of(skeleton, lines=lines)
    # Rounded, so that the order of equal coordinates does not depend on their last bits.
    read, expected = (sorted_rows(each.round(6)) for each in (points, geometry.points))
    np.testing.assert_allclose(read, expected, atol=2e-6)
    np.testing.assert_allclose(np.sort(radii), np.sort(geometry.radii), atol=1e-6)
    child = parents > 0
    steps = np.linalg.norm(points[child] - points[parents[child] - 1], axis=1)
    table = skanrs.analyze(mask, skeleton=skeleton.skeleton_image, spacing=SPACING)
    assert len(table) > 4
    assert steps.sum() == pytest.approx(table['length'].sum(), rel=1e-6)


@pytest.mark.parametrize('name', ['t.csv', 't.parquet'])
def test_table(tmp_path, loops, name):
    skanrs.save_skeleton(loops, tmp_path / name)
    read = (pd.read_csv if name == 't.csv' else pd.read_parquet)(tmp_path / name)
    table = skanrs.summarize(loops, separator='_')
    pd.testing.assert_frame_equal(read, table, check_exact=True, check_dtype=name != 't.csv')


@pytest.mark.parametrize('name', ['t.csv', 't.parquet'])
def test_table_by_another_reader(tmp_path, loops, name):
    skanrs.save_skeleton(loops, tmp_path / name)
    read = duckdb.sql(f"select * from '{tmp_path / name}'").fetchnumpy()
    table = skanrs.summarize(loops, separator='_')
    assert list(read) == list(table)
    for column, values in read.items():
        np.testing.assert_array_equal(values, table[column].to_numpy(), err_msg=column)


def test_graphml(tmp_path, loops):
    skanrs.save_skeleton(loops, tmp_path / 'g.graphml')
    table = skanrs.summarize(loops, separator='_')
    graph = igraph.Graph.Read_GraphML(str(tmp_path / 'g.graphml'))
    assert graph.ecount() == len(table)
    assert not graph.is_directed()
    node = {int(name): at for at, name in enumerate(graph.vs['id'])}
    ends = table[['node_id_src', 'node_id_dst']].to_numpy()
    assert set(node) == set(ends.ravel().tolist())
    for source, destination, *place in table[
        ['node_id_src', 'node_id_dst', 'coord_src_2', 'coord_src_1', 'coord_src_0']
    ].itertuples(index=False):
        vertex = graph.vs[node[source]]
        assert [vertex['x'], vertex['y'], vertex['z']] == place
        assert graph.are_adjacent(node[source], node[destination])
    pairs = [tuple(sorted(int(graph.vs[end]['id']) for end in edge.tuple)) for edge in graph.es]
    ours = pd.DataFrame(np.sort(ends, axis=1), columns=['a', 'b']).assign(
        length=table['branch_distance'], kind=table['branch_type']
    )
    theirs = pd.DataFrame(pairs, columns=['a', 'b']).assign(
        length=graph.es['branch_distance'], kind=graph.es['branch_type']
    )
    order = ['a', 'b', 'length']
    pd.testing.assert_frame_equal(
        theirs.sort_values(order, ignore_index=True).astype(float),
        ours.sort_values(order, ignore_index=True).astype(float),
        check_exact=True,
    )
    again = networkx.read_graphml(tmp_path / 'g.graphml', node_type=int)
    assert networkx.number_connected_components(again) == table['skeleton_id'].nunique()


@pytest.mark.parametrize('with_radii', [True, False])
def test_swc(tmp_path, trees, with_radii):
    radii = radii_of(trees) if with_radii else None
    path = tmp_path / 't.swc'
    skanrs.save_skeleton(trees, path, radii=radii)
    used, points = points_of(trees)
    expected = radii[used] if with_radii else np.full(len(used), 0.25)
    expected = np.column_stack([points, expected])
    read = osteoid.Skeleton.from_swc(path.read_text())
    np.testing.assert_allclose(
        sorted_rows(np.column_stack([read.vertices, read.radii])), sorted_rows(expected), rtol=1e-6
    )
    lengths = np.linalg.norm(np.diff(read.vertices[read.edges], axis=1)[:, 0], axis=1)
    assert lengths.sum() == pytest.approx(trees.path_lengths().sum())
    assert len(read.edges) == len(used) - 2
    # MorphIO refuses parents that come late, and points that are there twice.
    morphology = morphio.Morphology(str(path))
    assert len(morphology.root_sections) == 2
    tips = sum(len(section.children) == 0 for section in morphology.iter())
    assert tips + len(morphology.root_sections) == (trees.degrees == 1).sum()
    lines = [line.split() for line in path.read_text().splitlines() if line[0] != '#']
    assert [int(line[0]) for line in lines] == list(range(1, len(lines) + 1))
    assert all(int(line[6]) < int(line[0]) for line in lines)
    if with_radii:
        roots = [float(line[5]) for line in lines if line[6] == '-1']
        ends = np.flatnonzero(trees.degrees == 1)
        assert max(roots) == pytest.approx(radii[ends].max())


@pytest.mark.parametrize('seed', range(4))
def test_rooted_swc(tmp_path, seed):
    mask = blobs((26, 27, 28), seed, 1.6)
    skeleton = skanrs.skeletonize(mask)
    options = {'skeleton': skeleton, 'spacing': 0.5}
    branches, nodes = skanrs.analyze(mask, **options), skanrs.nodes(mask, **options)
    tips = branches['skeleton_id'].isin(nodes['skeleton_id'][nodes['degree'] == 1])
    if not tips.all():
        # Only networks with tips have a root.
        drawn = skanrs.branch_image(skeleton, spacing=0.5)
        skeleton = skeleton & ~np.isin(drawn, branches.index[~tips] + 1)
        options['skeleton'] = skeleton
        branches, nodes = skanrs.analyze(mask, **options), skanrs.nodes(mask, **options)
    graph = skanrs.Skeleton(skeleton, spacing=0.5)
    tree = skanrs.root(branches, nodes, at='thickest')
    assert tree['is_loop'].any()
    path = tmp_path / 't.swc'
    skanrs.save_skeleton(graph, path, table=tree)
    lines = [line.split() for line in path.read_text().splitlines() if line[0] != '#']
    parents = {int(line[0]): int(line[6]) for line in lines}
    place = {int(line[0]): tuple(map(float, line[4:1:-1])) for line in lines}
    used, _ = points_of(graph)
    assert len(lines) == len(used)
    # Each network begins at its root, and each branch of a tree leads away from it.
    roots = sorted(place[point] for point, parent in parents.items() if parent < 0)
    columns = [f'image_coord_{axis}' for axis in range(3)]
    expected = nodes.set_index('node_id').loc[tree['root'].unique(), columns].to_numpy() * 0.5
    assert roots == sorted(map(tuple, expected.tolist()))
    number = {at: point for point, at in place.items()}
    for row in tree[~tree['in_junction']].itertuples():
        voxels = graph.path_coordinates(row.Index) * 0.5
        along = [number[tuple(at)] for at in (voxels[::-1] if row.is_reversed else voxels).tolist()]
        links = [parents[after] == before for before, after in itertools.pairwise(along)]
        assert all(links[:-1])
        assert links[-1] != row.is_loop


def test_loops_are_refused_in_swc(tmp_path, loops):
    with pytest.raises(
        ValueError, match=r'has \d+ loops, and SWC files hold trees only; root the table'
    ):
        skanrs.save_skeleton(loops, tmp_path / 't.swc')
    assert list(tmp_path.iterdir()) == []


def test_precomputed(tmp_path, loops):
    folder = tmp_path / 's.precomputed'
    radii = radii_of(loops)
    skanrs.save_skeleton(loops, folder, radii=radii, unit='µm')
    info = json.loads((folder / 'info').read_text())
    assert info['@type'] == 'neuroglancer_skeletons'
    properties = json.loads((folder / info['segment_properties'] / 'info').read_text())
    ids = properties['inline']['ids']
    table = skanrs.summarize(loops, separator='_')
    assert sorted(map(int, ids)) == sorted(table['skeleton_id'].unique() + 1)
    found = []
    for name in ids:
        read = osteoid.Skeleton.from_precomputed(
            (folder / name).read_bytes(),
            segid=int(name),
            vertex_attributes=info['vertex_attributes'],
        )
        found.append(np.column_stack([read.vertices, read.radius]))
        rows = table[table['skeleton_id'] == int(name) - 1]
        lengths = np.linalg.norm(np.diff(read.vertices[read.edges], axis=1)[:, 0], axis=1)
        assert lengths.sum() == pytest.approx(1000 * rows['branch_distance'].sum(), rel=1e-5)
        assert len(read.components()) == 1
    used, points = points_of(loops)
    expected = 1000 * np.column_stack([points, radii[used]])
    np.testing.assert_allclose(
        sorted_rows(np.concatenate(found)), sorted_rows(expected.astype('f4')), rtol=1e-6
    )
    # Written again in place, with less in it.
    skanrs.save_skeleton(loops, folder)
    assert json.loads((folder / 'info').read_text())['vertex_attributes'] == []
    with pytest.raises(ValueError, match="unit: expected one of pm.*got 'furlong'"):
        skanrs.save_skeleton(loops, folder, unit='furlong')
    assert json.loads((folder / 'info').read_text())['vertex_attributes'] == []


def test_folder_of_others_is_not_replaced(tmp_path, loops):
    (tmp_path / 's.precomputed').mkdir()
    (tmp_path / 's.precomputed' / 'thesis.tex').write_text('')
    with pytest.raises(FileError, match='a folder of other things; it is not replaced'):
        skanrs.save_skeleton(loops, tmp_path / 's.precomputed')


def read_vtp(path):
    """The arrays of a .vtp file by name, after VTK's description of the format."""
    content = path.read_bytes()
    head, _, raw = content.partition(b'<AppendedData encoding="raw">\n_')
    root = ElementTree.fromstring(head + b'</VTKFile>')
    types = {'Float64': 'f8', 'Float32': 'f4', 'Int64': 'i8', 'Int32': 'i4', 'UInt8': 'u1'}
    arrays = {}
    for element in root.iter('DataArray'):
        start = int(element.get('offset'))
        size = int(np.frombuffer(raw, 'u8', 1, start)[0])
        dtype = np.dtype(types[element.get('type')])
        values = np.frombuffer(raw, dtype, size // dtype.itemsize, start + 8)
        arrays[element.get('Name')] = values.reshape(
            (-1, 3) if element.get('NumberOfComponents') == '3' else -1
        )
    return root.find('.//Piece').attrib, arrays


def test_axes_of_the_image(tmp_path, trees):
    """An image whose axes are x, y, z, as those of NIfTI."""
    image = tree().transpose(2, 1, 0)
    turned = skanrs.Skeleton(image, spacing=SPACING[::-1])
    for name in ('a.vtp', 'a.graphml', 'a.swc'):
        skanrs.save_skeleton(turned, tmp_path / name, axes='xyz')
    _, arrays = read_vtp(tmp_path / 'a.vtp')
    _, points = points_of(trees)
    np.testing.assert_array_equal(sorted_rows(arrays['Points']), sorted_rows(points))
    read = osteoid.Skeleton.from_swc((tmp_path / 'a.swc').read_text())
    np.testing.assert_allclose(sorted_rows(read.vertices), sorted_rows(points))
    graph = igraph.Graph.Read_GraphML(str(tmp_path / 'a.graphml'))
    places = np.array([graph.vs['x'], graph.vs['y'], graph.vs['z']]).T
    for place in places:
        assert (np.abs(points - place).sum(axis=1) == 0).any()
    with pytest.raises(ValueError, match="axes: expected 3 letters of 'zyx'.*got 'xy'"):
        skanrs.save_skeleton(turned, tmp_path / 'a.vtp', axes='xy')


@pytest.mark.parametrize('which', ['loops', 'trees'])
def test_vtp(tmp_path, request, which):
    skeleton = request.getfixturevalue(which)
    radii = radii_of(skeleton)
    table = skanrs.summarize(skeleton, separator='_', find_main_branch=True)
    table['single'], table['big'] = np.float32(0.5), np.arange(len(table), dtype='>i4')
    skanrs.save_skeleton(skeleton, tmp_path / 's.vtp', radii=radii, table=table)
    piece, arrays = read_vtp(tmp_path / 's.vtp')
    used, points = points_of(skeleton)
    np.testing.assert_array_equal(arrays['Points'], points)
    np.testing.assert_array_equal(arrays['radius'], radii[used])
    assert int(piece['NumberOfPoints']) == len(points)
    assert int(piece['NumberOfLines']) == skeleton.n_paths
    for name in table:
        np.testing.assert_array_equal(arrays[name], table[name])
    lines = np.split(arrays['connectivity'], arrays['offsets'][:-1])
    for index, line in enumerate(lines):
        path = skeleton.path_coordinates(index) * SPACING
        np.testing.assert_array_equal(arrays['Points'][line], path[:, ::-1])


@pytest.mark.slow
def test_vtp_by_vtk(tmp_path, loops):
    import vtk  # 140 MB: `make test-slow` installs it
    from vtk.util.numpy_support import vtk_to_numpy

    skanrs.save_skeleton(loops, tmp_path / 's.vtp', radii=radii_of(loops))
    reader = vtk.vtkXMLPolyDataReader()
    reader.SetFileName(str(tmp_path / 's.vtp'))
    reader.Update()
    data = reader.GetOutput()
    used, points = points_of(loops)
    np.testing.assert_array_equal(vtk_to_numpy(data.GetPoints().GetData()), points)
    np.testing.assert_array_equal(
        vtk_to_numpy(data.GetPointData().GetArray('radius')), radii_of(loops)[used]
    )
    table = skanrs.summarize(loops, separator='_')
    assert data.GetNumberOfLines() == len(table)
    for name in table:
        read = vtk_to_numpy(data.GetCellData().GetArray(name))
        np.testing.assert_array_equal(read, table[name])
    line = vtk_to_numpy(data.GetLines().GetConnectivityArray())
    np.testing.assert_array_equal(loops.paths.indices, used[line])


@pytest.mark.parametrize('name', ['t.csv', 'g.graphml', 't.swc', 's.vtp', 's.precomputed'])
@pytest.mark.parametrize('shape', [(5, 6), (4, 5, 6)])
def test_empty_and_flat(tmp_path, name, shape):
    skanrs.save_skeleton(skanrs.Skeleton(np.zeros(shape, bool)), tmp_path / name)
    image = np.zeros(shape, bool)
    image[..., 2, 1:4] = image.ndim == 2
    image[0, ..., 1:4] = image.ndim == 3
    skeleton = skanrs.Skeleton(image)
    skanrs.save_skeleton(skeleton, tmp_path / name)
    assert geometry_of(skeleton).points.shape[1] == 3


def test_bad_arguments(tmp_path, trees):
    with pytest.raises(ValueError, match=r'radii: expected one for each of the \d+ voxels.*\(3,\)'):
        skanrs.save_skeleton(trees, tmp_path / 't.swc', radii=[1, 2, 3])
    with pytest.raises(ValueError, match='skeleton: expected 2 or 3 axes for a file, got 1'):
        skanrs.save_skeleton(skanrs.Skeleton(np.ones(5, bool)), tmp_path / 't.swc')
    table = skanrs.summarize(trees, separator='_')
    with pytest.raises(ValueError, match='table: expected a row for each branch'):
        skanrs.save_skeleton(trees, tmp_path / 't.vtp', table=table[1:])
    with pytest.raises(ValueError, match="table: expected columns of numbers, got 'group' of "):
        skanrs.save_skeleton(trees, tmp_path / 't.vtp', table=table.assign(group='a'))
    with pytest.raises(FileError, match=r'ends in \.obj; skeletons are \.csv, .*or \.precomputed'):
        skanrs.save_skeleton(trees, tmp_path / 't.obj')


def test_no_other_files_are_left(tmp_path, loops):
    for name in ('a.csv', 'a.graphml', 'a.vtp', 'a.precomputed'):
        skanrs.save_skeleton(loops, tmp_path / name)
        skanrs.save_skeleton(loops, tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ['a.csv', 'a.graphml', 'a.vtp', 'a.precomputed']
    )
    assert not re.search('nan', (tmp_path / 'a.graphml').read_text(), re.IGNORECASE)
