"""Network summaries of tables that come in parts: to the last bit those of the whole table."""

import numpy as np
import pandas as pd
import pytest

import skanrs
from skanrs._support import record_statistics, sorted_records
from skanrs.branches.network_on_disk import NetworkOnDisk
from skanrs.datasets import vessel_tree


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    # The smallest that numpy adds without halving.
    monkeypatch.setattr(record_statistics, 'PIECE', 128)
    monkeypatch.setattr(sorted_records, 'RUN', 10_000)
    monkeypatch.setattr(sorted_records, 'LEAST', 20)


def in_parts(table, random, folder, ndim, **options):
    network = NetworkOnDisk(folder / 'network', ndim)
    for rows in np.array_split(np.arange(len(table)), random.integers(1, 6)):
        network.add(table.iloc[rows])
    return network.summary(attrs=table.attrs, **options)


def assert_same_bits(found, expected):
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.parametrize('ndim', [2, 3])
@pytest.mark.parametrize('seed', range(6))
def test_skan_table(tmp_path, seed, ndim):
    """Dense noise has clusters of junctions that meet only behind others, and many networks."""
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(10, 30 if ndim == 3 else 100, ndim).tolist())
    # The first has no branches.
    mask = random.random(shape) < (random.choice([0.02, 0.1, 0.3, 0.6]) if seed else 0)
    skeleton = skanrs.skeletonize(mask)
    table = skanrs.summarize(skeleton, separator='_', spacing=0.3)
    found = in_parts(table, random, tmp_path, ndim, shape=shape, spacing=0.3)
    assert_same_bits(found, skanrs.network_summary(table, shape=shape, spacing=0.3))


@pytest.mark.parametrize(
    'options', [{}, {'quantiles': (0, 0.333, 1), 'bins': 3}, {'bins': [0.5, 1, 1.5, 2.5]}]
)
def test_measures(tmp_path, options):
    random = np.random.default_rng(1)
    table = skanrs.analyze(vessel_tree((60, 64, 60), seed=3), spacing=(2, 1, 0.5))
    assert len(table) > 50
    found = in_parts(table, random, tmp_path, 3, **options)
    assert_same_bits(found, skanrs.network_summary(table, **options))


@pytest.mark.parametrize('kind', ['random', 'equal', 'nan', 'none'])
def test_radii(tmp_path, monkeypatch, kind):
    """Ties of radii keep the order of the table; numpy's histogram adds blocks of 65,536."""
    monkeypatch.setattr(sorted_records, 'RUN', 300_000)
    monkeypatch.setattr(sorted_records, 'LEAST', 100)
    random = np.random.default_rng(5)
    small = skanrs.analyze(vessel_tree((30, 32, 30), seed=3))
    table = small.iloc[random.integers(0, len(small), 0 if kind == 'none' else 140_000)]
    table = table.reset_index(drop=True)
    table['length'] = random.random(len(table)) * 10.0 ** random.integers(-3, 4, len(table))
    if kind != 'equal':
        table['mean_radius'] = random.random(len(table)).round(2)
    if kind == 'nan':
        table.loc[random.random(len(table)) < 0.01, 'mean_radius'] = np.nan
        table.loc[:3, 'mean_radius'] = np.inf
    table['touches_border'] = random.random(len(table)) < 0.3
    found = in_parts(table, random, tmp_path, 3)
    assert_same_bits(found, skanrs.network_summary(table))
