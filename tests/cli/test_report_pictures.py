"""The lines, projections and the 3D view of the report."""

import base64
import io
import zlib
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from command import MASK
from PIL import Image
from scipy.ndimage import maximum_filter

import skanrs
from skanrs.cli.projections import BACKGROUND, png, projections
from skanrs.cli.scene import colours_of, lines_of
from skanrs.cli.viewer import viewer_scene

SKELETON = skanrs.Skeleton(skanrs.skeletonize(MASK), spacing=(2, 1, 0.5))
TABLE = skanrs.summarize(SKELETON, separator='_')
MANY = 10**6


def line(lines, number):
    return lines.voxels[lines.starts[number] : lines.starts[number + 1]]


def test_lines_are_the_paths():
    lines = lines_of(SKELETON, None, MANY)
    assert lines.left_out == ''
    assert (lines.shape, lines.spacing) == (MASK.shape[::-1], (0.5, 1, 2))
    assert lines.branches.tolist() == list(range(SKELETON.n_paths))
    for number in range(SKELETON.n_paths):
        path = SKELETON.coordinates[SKELETON.path(number)]
        np.testing.assert_array_equal(line(lines, number), path[:, ::-1])


def test_lines_of_labels_are_their_paths():
    labels = np.where(SKELETON.skeleton_image != 0, 2 - np.indices(MASK.shape)[1] // 20, 0)
    skeleton = skanrs.Skeleton(labels, labels=True)
    lines = lines_of(skeleton, None, MANY)
    assert lines.branches.tolist() == list(range(skeleton.n_paths))
    for number in range(skeleton.n_paths):
        path = skeleton.coordinates[skeleton.path(number)]
        np.testing.assert_array_equal(line(lines, number), path[:, ::-1])


def test_lines_are_the_centrelines():
    smooth = skanrs.centrelines(MASK, spacing=(2, 1, 0.5))
    lines = lines_of(SKELETON, None, MANY, smooth)
    extent = np.array(MASK.shape[::-1]) * (0.5, 1, 2)
    np.testing.assert_array_equal(np.array(lines.shape) * lines.spacing, extent)
    # Places from the border of the image on, in voxels.
    drawn = (lines.voxels + 0.5) * lines.spacing / (0.5, 1, 2)
    true = smooth.points[:, ::-1] / (0.5, 1, 2) + 0.5
    true = np.clip(true, 0, MASK.shape[::-1])
    assert np.abs(drawn - true).max() <= 1 / 8 + 1e-9
    np.testing.assert_array_equal(lines.starts, smooth.offsets)


def test_lines_in_the_order_of_other_axes():
    lines = lines_of(SKELETON, 'xyz', MANY)
    assert (lines.shape, lines.spacing) == (MASK.shape, (2, 1, 0.5))
    np.testing.assert_array_equal(lines.voxels, lines_of(SKELETON, None, MANY).voxels[:, ::-1])


@pytest.mark.parametrize('most', [1, 7, SKELETON.n_paths, SKELETON.n_paths + 3, 300])
def test_lines_of_few_segments(most):
    lines, every = lines_of(SKELETON, None, most), lines_of(SKELETON, None, MANY)
    assert 0 < len(lines.voxels) - len(lines.branches) <= most
    skip = int(np.ceil(SKELETON.n_paths / most))
    assert lines.branches.tolist() == list(range(0, SKELETON.n_paths, skip))
    assert (f'One of {skip} branches is drawn.' in lines.left_out) == (skip > 1)
    steps = set()
    for number, branch in enumerate(lines.branches):
        short, long = line(lines, number), line(every, branch)
        np.testing.assert_array_equal(short[[0, -1]], long[[0, -1]])
        if len(short) > 2:
            steps.add(next(at for at in range(len(long)) if (long[at] == short[1]).all()))
            np.testing.assert_array_equal(short[:-1], long[: -1 : max(steps)])
    assert len(steps) <= 1


def test_levels_of_colours():
    table = TABLE.assign(mean_radius=np.linspace(1, 100, len(TABLE)))
    table.loc[3, 'mean_radius'] = np.nan
    radius, length, types, territory = colours_of(table, 'µm')
    assert [radius.name, length.name, types.name] == ['radius', 'length', 'branch type']
    assert (territory.name, territory.legend) == ('territory', [])
    # Branches that are near in the table look different.
    assert len(np.unique(territory.levels[:20])) == 20
    assert [text for _, text in radius.legend if text] == ['1 µm', '10 µm', '100 µm']
    assert (radius.levels[[0, 3, len(TABLE) - 1]] == [1, 1, 255]).all()
    order = np.argsort(table['branch_distance'])
    assert (np.diff(length.levels[order].astype(int)) >= 0).all()
    assert (types.levels == table['branch_type'] + 1).all()


def test_levels_of_rooted_trees():
    table = TABLE.assign(generation=np.arange(len(TABLE)) % 5 - 1, strahler=0)
    _, generation, order, *_ = colours_of(table, None)
    assert [generation.name, order.name] == ['generation', 'Strahler order']
    assert [text for _, text in generation.legend] == ['0', '1', '2', '3']
    assert generation.levels[:5].tolist() == [1, 1, 86, 170, 255]
    assert [colour for colour, _ in generation.legend] == [
        '#' + generation.palette[level].tobytes().hex() for level in (1, 86, 170, 255)
    ]
    assert (order.levels == 1).all()
    none = colours_of(table[:0], None)
    assert [len(colour.levels) for colour in none] == [0] * 5


@pytest.mark.parametrize('values', [[], [5.0], [5.0, 5.0], [0.0, np.nan, np.inf]])
def test_colours_of_few_values(values):
    table = pd.DataFrame({'branch_distance': np.array(values), 'branch_type': 0})
    length, *_ = colours_of(table, None)
    assert len(length.levels) == len(values)
    assert (length.levels > 0).all()
    first, *_ = colours_of(table.assign(twist=table['branch_distance']), None, 'twist')
    assert (first.levels > 0).all()


def test_the_first_colour():
    twist = np.linspace(-1, 3, len(TABLE))
    twist[2] = np.nan
    table = TABLE.assign(twist=twist, kind='thin')
    first, *others = colours_of(table, 'µm', 'twist')
    assert [text for _, text in first.legend if text] == ['-1', '1', '3']
    assert (first.levels[[0, 2, len(TABLE) - 1]] == [1, 1, 255]).all()
    assert [colour.name for colour in others] == ['length', 'branch type', 'territory']
    for column, name in (('branch_type', 'branch type'), ('territory', 'territory')):
        names = [colour.name for colour in colours_of(table, None, column)]
        assert names[0] == name
        assert sorted(names) == ['branch type', 'length', 'territory']
    with pytest.raises(ValueError, match="color-by: expected territory, .*twist, got 'kind'"):
        colours_of(table, None, 'kind')


def test_projections():
    lines = lines_of(SKELETON, None, MANY)
    colour = colours_of(TABLE, None)[0]
    found = {picture.axis: picture.levels for picture in projections(lines, colour, flat=False)}
    pixel = max(np.array(lines.shape) * lines.spacing) / 720
    for axis, (down, across) in {'z': (1, 0), 'x': (1, 2), 'y': (2, 0)}.items():
        sizes = [lines.shape[at] * lines.spacing[at] for at in (down, across)]
        assert found[axis].shape == tuple(np.ceil(np.array(sizes) / pixel).astype(int))
        expected = np.zeros_like(found[axis])
        for number, level in enumerate(colour.levels):
            places = (line(lines, number) + 0.5) * lines.spacing / pixel
            for first, last in pairwise(places):
                # Far more points than pixels, all of which the line crosses.
                between = np.linspace(first, last, 200).astype(int)
                rows = between[:, down], between[:, across]
                expected[rows] = np.maximum(expected[rows], level)
        # Points may round to a pixel beside.
        around = {'size': 3, 'mode': 'constant'}
        assert (found[axis] <= maximum_filter(expected, **around)).all()
        assert (expected <= maximum_filter(found[axis], **around)).all()


def test_png():
    colour = colours_of(TABLE, None)[0]
    levels = np.random.default_rng(1).integers(0, 256, (5, 7), dtype=np.uint8)
    picture = np.asarray(Image.open(io.BytesIO(png(levels, colour.palette))).convert('RGB'))
    palette = np.concatenate([[BACKGROUND], colour.palette[1:]])
    np.testing.assert_array_equal(picture, palette[levels])


@pytest.mark.parametrize('long', [False, True])
def test_the_data_of_the_viewer(long):
    lines = lines_of(SKELETON, None, MANY)
    coarse = 1
    if long:
        lines = lines._replace(voxels=lines.voxels * 4000, shape=(200_000, 200_000, 200_000))
        coarse = 4
    colours = colours_of(TABLE, None)
    scene = viewer_scene(lines, colours, flat=False)
    data = zlib.decompress(base64.b64decode(scene['data']))
    counts = np.frombuffer(data, '<u4', scene['lines'])
    assert counts.tolist() == np.diff(lines.starts).tolist()
    rest = np.frombuffer(data, np.uint8, offset=counts.nbytes)
    steps = rest[: 6 * scene['points']].reshape(3, 2, -1).astype(np.uint16)
    points = np.cumsum(steps[:, 0] + 256 * steps[:, 1], axis=1, dtype=np.uint16)
    np.testing.assert_array_equal(points.T, lines.voxels // coarse)
    levels = rest[6 * scene['points'] :].reshape(len(colours), -1)
    for colour, stored in zip(colours, levels, strict=True):
        np.testing.assert_array_equal(stored, colour.levels)
    assert scene['scale'] == [coarse * each for each in lines.spacing]
    assert scene['size'] == [length // coarse for length in lines.shape]
