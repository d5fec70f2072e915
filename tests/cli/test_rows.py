"""Branch tables whose rows are on disk: the bytes and the summary of the whole table."""

import errno
import io
import itertools
import os
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from skanrs.cli import rows
from skanrs.files import AtomicOutputs
from skanrs.files.write import tables


@pytest.mark.parametrize('name', ['t.csv', 't.parquet'])
@pytest.mark.parametrize('lengths', [[0], [3], [4, 0, 9, 1], [20], [10, 10, 1]])
def test_parts_have_the_bytes_of_the_whole(monkeypatch, name, lengths):
    monkeypatch.setattr(tables, 'PART_ROWS', 5)
    ends = np.cumsum([0, *lengths])
    table = pd.DataFrame({'a': np.arange(ends[-1]) / 3, 'b': np.arange(ends[-1], dtype=np.int32)})
    parts = [table.iloc[a:b] for a, b in itertools.pairwise(ends)]
    whole, joined = io.BytesIO(), io.BytesIO()
    tables.table_writer(name, table)(whole)
    with tables.TableParts(name, joined) as writer:
        for part in tables.parts_of(parts):
            writer.write(part)
    assert joined.getvalue() == whole.getvalue()
    whole.seek(0)
    read = pd.read_csv(whole) if name == 't.csv' else pd.read_parquet(whole)
    assert len(read) == len(table)


def test_an_output_that_cannot_be_closed_does_not_stop_the_others(tmp_path, monkeypatch):
    table = pd.DataFrame({'branch_distance': [1.0, 2.0], 'branch_type': [0, 3]})
    close = tables.TableParts.__exit__

    def fail(writer, *error):
        close(writer, *error)
        if writer._parquet is not None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tables.TableParts, '__exit__', fail)
    names = [tmp_path / 't.parquet', tmp_path / 't.csv']
    on_disk = SimpleNamespace(parts=lambda: iter([table]), networks=1)
    with AtomicOutputs(keep_going=True) as out:
        branches = rows.write_rows(out, names, on_disk, tmp_path, '')
    assert branches.total_length == 3
    full = f'{names[0]} cannot be written: {os.strerror(errno.ENOSPC)}'
    assert out.failed == {names[0]: full}
    assert sorted(os.listdir(tmp_path)) == ['lengths', 'mean-radii', 't.csv']
