"""What the napari widget for networks computes, against the command with its recipe."""

import numpy as np
import pandas as pd
import pytest

import skanrs
from skanrs.cli import main
from skanrs.datasets import vessel_tree
from skanrs.napari_network.network import Steps, measure_network, nearest_branch

GRAY = vessel_tree((30, 34, 38), seed=2).astype(np.uint8) * 90
SPACING = (2.0, 0.5, 0.5)


@pytest.mark.parametrize(
    ('image', 'steps'),
    [
        (GRAY, Steps()),
        (GRAY, Steps('none', closing=1, fill_cavities=True, preserve_topology=True)),
        (GRAY, Steps(30.0, sigma=0.7, min_size=5, keep_largest=1, prune_ratio=1.5)),
        (GRAY.max(axis=0), Steps(prune_length=3)),
    ],
)
def test_the_recipe_gives_the_same_table(tmp_path, monkeypatch, image, steps):
    monkeypatch.chdir(tmp_path)
    spacing = SPACING[: image.ndim]
    network = measure_network(image, spacing, steps)
    np.save('image.npy', image)
    (tmp_path / 'r.toml').write_text(network.recipe)
    typed = ['image.npy', '-o', 't.parquet', '--nodes', 'n.parquet', '--recipe', 'r.toml']
    assert main(['analyze', *typed]) == 0
    pd.testing.assert_frame_equal(pd.read_parquet('t.parquet'), network.table)
    pd.testing.assert_frame_equal(pd.read_parquet('n.parquet'), network.nodes)
    graph = skanrs.Skeleton(np.zeros_like(network.mask), spacing=spacing)
    assert len(network.paths) == len(network.table) > graph.n_paths
    for path, row in zip(network.paths, network.table.itertuples(), strict=True):
        assert tuple(path[0]) == tuple(
            getattr(row, f'image_coord_src_{axis}') for axis in range(image.ndim)
        )


def test_surfaces_around_cavities_are_counted():
    mask = np.zeros((20, 20, 20), bool)
    mask[4:16, 4:16, 4:16] = True
    mask[8:12, 8:12, 8:12] = False
    assert measure_network(mask, (1, 1, 1), Steps('none')).cavities == 1
    assert measure_network(mask, (1, 1, 1), Steps('none', fill_cavities=True)).cavities == 0


def test_images_that_make_no_sense():
    with pytest.raises(ValueError, match='image: expected a 2D or 3D image, got 4D'):
        measure_network(GRAY[np.newaxis], (1, 1, 1, 1), Steps())
    with pytest.raises(ValueError, match='sigma: a smoothed image needs a threshold'):
        measure_network(GRAY, SPACING, Steps('none', sigma=1))


def test_the_nearest_branch_of_a_line_of_sight():
    paths = [np.array([[5, 5, 5], [5, 6, 5]]), np.array([[9, 5, 5], [9, 9, 5]])]
    unit = (1.0, 1.0, 1.0)
    assert nearest_branch(paths, (0, 6, 5), (1, 0, 0), unit, 1) == 0
    assert nearest_branch(paths, (-3, 9, 5), (2, 0, 0), unit, 1) == 1
    # Askew, through a voxel of the second.
    assert nearest_branch(paths, (9 - 2, 9 - 3, 5 - 1), (2, 3, 1), unit, 0.1) == 1
    assert nearest_branch(paths, (0, 20, 20), (1, 0, 0), unit, 1) is None
    # The reach is in units of the spacing.
    assert nearest_branch(paths, (0, 6, 8), (1, 0, 0), (1, 1, 0.5), 1.5) == 0
    assert nearest_branch(paths, (0, 6, 8), (1, 0, 0), unit, 1.5) is None
    assert nearest_branch([path[:, 1:] for path in paths], (8, 5), None, (1, 1), 1) == 1
    assert nearest_branch([], (0, 0), None, (1, 1), 1) is None
