"""Measures of real volumes: what must hold without knowing the truth."""

import numpy as np
import pytest
from scipy import ndimage
from volumes import each_volume, read_volume

import skanrs
from skanrs._image.masks import as_mask
from skanrs._image.spacing import as_spacing
from skanrs.branches.measures import body_of

EVERY_NEIGHBOUR = np.ones((3, 3, 3))


@each_volume
def test_voxels_add_up(volume):
    mask = read_volume(volume)
    skeleton = skanrs.skeletonize(mask)
    graph = skanrs.Skeleton(skeleton)
    table = skanrs.analyze(mask, skeleton=skeleton)
    counts = body_of(graph, as_mask(mask), as_spacing(1, 3), False).cell_counts()
    objects, count = ndimage.label(mask, EVERY_NEIGHBOUR)
    has_skeleton = np.zeros(count + 1, dtype=bool)
    has_skeleton[objects[skeleton > 0]] = True
    nobodys = (mask & ~has_skeleton[objects]).sum()
    assert counts.sum() + nobodys == mask.sum()
    without_branch = nobodys + counts[graph.degrees == 0].sum()
    assert table.attrs == {'volume_without_branch': without_branch}
    # Thirds and quarters of junctions are rounded.
    assert table['volume'].sum() + without_branch == pytest.approx(mask.sum(), abs=1e-4)
    summary = skanrs.network_summary(table)
    assert summary['volume_without_branch'].item() == without_branch


@each_volume
def test_lengths_are_between_chords_and_steps(volume):
    mask = read_volume(volume)
    table, lines = skanrs.analyze(mask), skanrs.centrelines(mask)
    first, last = lines.points[lines.offsets[:-1]], lines.points[lines.offsets[1:] - 1]
    chords = np.linalg.norm(last - first, axis=1)
    assert (table['length'] >= chords * (1 - 1e-12)).all()
    assert (table['length'] <= table['branch_distance'] * (1 + 1e-12)).all()
    assert chords.sum() < table['length'].sum() < table['branch_distance'].sum()
    assert (table['min_radius'] > 0).all()
    assert (table['max_radius'] >= table['min_radius']).all()
