"""Records in files: sums, medians and sorted order are those of numpy for the whole array."""

import numpy as np
import pandas as pd
import pytest

from skanrs._support import record_statistics, sorted_records
from skanrs._support.record_statistics import median_of, sum_of
from skanrs._support.records import Records
from skanrs._support.sorted_records import SortedRecords


@pytest.mark.parametrize('count', [1, 2, 7, 128, 129, 1000, 4099, 65_537])
def test_sum_and_median(tmp_path, monkeypatch, count):
    # Pieces of 128 numbers are the smallest that numpy adds without halving.
    monkeypatch.setattr(record_statistics, 'PIECE', 128)
    numbers = np.random.default_rng(count).random(count) * 10.0 ** np.arange(count).__mod__(9)
    on_disk = Records(tmp_path / 'numbers', np.float64)
    for part in np.array_split(numbers, 3):
        on_disk.append(part)
    assert sum_of(on_disk) == float(pd.Series(numbers).sum())
    assert median_of(on_disk) == float(pd.Series(numbers).median())


@pytest.mark.parametrize('seed', range(30))
def test_sorted_records(tmp_path, monkeypatch, seed):
    """Equal keys stay in the order in which they came, also those that fill many runs."""
    random = np.random.default_rng(seed)
    monkeypatch.setattr(sorted_records, 'RUN', int(random.choice([1, 200, 1_500, 30_000])))
    monkeypatch.setattr(sorted_records, 'LEAST', int(random.choice([1, 4, 100])))
    records = np.empty(int(random.integers(0, 500)), [('key', np.int64), ('number', np.int64)])
    records['key'] = random.integers(-5, random.choice([-4, 3, 400]), len(records))
    records['number'] = np.arange(len(records))
    expected = records[np.lexsort((records['number'], records['key']))]
    for name in ('read', 'groups'):
        on_disk = SortedRecords(tmp_path / name, records.dtype)
        for part in np.array_split(records, random.integers(1, 20)):
            on_disk.append(part)
        parts = list(getattr(on_disk, name)())
        assert np.array_equal(np.concatenate([records[:0], *parts]), expected)
    keys = [set(part['key'].tolist()) for part in parts]
    assert sum(map(len, keys)) == len(set().union(*keys))
