"""CSV: the bytes that pandas writes."""

import io
import sys

import numpy as np
import pandas as pd
import pytest

import skanrs
from skanrs import _core
from skanrs.datasets import vessel_tree
from skanrs.files import table_writer
from skanrs.files.write.tables import TableParts

RANDOM = np.random.default_rng(5)
EDGES = [
    0.0, -0.0, 1.0, 1e-4, 1e-5, 9.9e-5, 1.5e-5, -1.5e-5, 1e15, 1e16, 1.5e16, -1e22, 5e-324, 1.7e308,
    2.0**-44, 2.0**53, 123456.789, 1 / 3, np.inf, -np.inf, np.nan,
]  # fmt: skip


def written(table):
    file = io.BytesIO()
    table_writer('a.csv', table)(file)
    return file.getvalue()


def by_pandas(table):
    return table.to_csv(index=False, lineterminator='\n').encode()


def random_bits(count):
    return RANDOM.integers(0, 2**64, count, dtype=np.uint64).view(np.float64)


def test_floats_of_any_bits_are_as_repr_has_them():
    values = np.concatenate([EDGES, random_bits(40_000), 2.0 ** np.arange(-1074, 1024)])
    values = np.concatenate(
        [values, RANDOM.normal(size=9999) * 10.0 ** RANDOM.integers(-9, 20, 9999)]
    )
    text = _core.csv_rows([values]).tobytes().decode().split('\n')
    assert text.pop() == ''
    assert text == ['' if value != value else repr(value) for value in values.tolist()]


def test_the_table_of_an_image():
    table = skanrs.analyze(vessel_tree((60, 60, 60), seed=3), spacing=(1.5, 0.7, 0.7))
    assert written(table) == by_pandas(table)


@pytest.mark.parametrize('piece', [1, 7, 10_000])
def test_all_kinds_of_columns(monkeypatch, piece):
    monkeypatch.setattr('skanrs.files.write.csv.PIECE', piece)
    count = 500
    columns = {'yes': RANDOM.random(count) < 0.5, 'floats': random_bits(count)}
    for kind in ('i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4'):
        limits = np.iinfo(kind)
        values = RANDOM.integers(limits.min, limits.max, count, dtype=kind, endpoint=True)
        values[:2] = limits.min, limits.max
        columns[kind] = values
    table = pd.DataFrame(columns)
    table['swapped'] = columns['floats'].astype('>f8')
    table['swapped integers'] = columns['i4'].astype('>i4')
    table['strided, "quoted"'] = random_bits(2 * count)[::2]
    for part in (table, table[::3], table[:0], table[['floats', 'yes']]):
        assert written(part) == by_pandas(part)


@pytest.mark.parametrize(
    'table',
    [
        pd.DataFrame({'a': [1.0, np.nan]}),
        pd.DataFrame({'a': [1.0, 2.5], 'name': ['x, y', None]}),
        pd.DataFrame({'a': [1, 2], 'narrow': np.float32([0.1, 1e-7])}),
        pd.DataFrame({'a': [1, 2], 'wide': np.uint64([0, 2**64 - 1])}),
        pd.DataFrame({'a': [1, 2], 'masked': pd.array([1, None], dtype='Int64')}),
        pd.DataFrame([[1, 2.5], [3, np.nan]], columns=['same', 'same']),
        pd.DataFrame({'a': []}),
        pd.DataFrame(),
    ],
    ids=lambda table: '-'.join(map(str, table.columns)) or 'empty',
)
def test_other_tables(table):
    assert written(table) == by_pandas(table)


@pytest.mark.parametrize('names', [['a', 'b'], ['a', 'b', 'name']])
def test_parts_are_the_whole(names):
    table = pd.DataFrame({'a': random_bits(20), 'b': np.arange(20), 'name': 'x, y'})[names]
    file = io.BytesIO()
    with TableParts('a.csv', file) as parts:
        for start in range(0, 20, 6):
            parts.write(table[start : start + 6])
    assert file.getvalue() == by_pandas(table)


def test_the_table_is_not_changed():
    table = pd.DataFrame({'a': [1.0, 2.0], 'b': [True, False]})
    before = table.copy()
    written(table)
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize('columns', [[], [np.zeros(2), np.zeros(3)]])
def test_columns_of_the_kernel_have_one_length(columns):
    with pytest.raises(ValueError, match='^columns: expected one or more, of equal lengths'):
        _core.csv_rows(columns)


def test_memory_is_that_of_a_piece():
    class Longest(io.RawIOBase):
        length = 0

        def writable(self):
            return True

        def write(self, data):
            self.length = max(self.length, memoryview(data).nbytes)
            return memoryview(data).nbytes

    table = pd.DataFrame({'a': np.arange(200_000), 'b': np.arange(200_000) / 7})
    file = Longest()
    table_writer('a.csv', table)(file)
    assert sys.getsizeof(by_pandas(table)) > 5 * file.length
