"""Excel files are read back."""

import numpy as np
import pandas as pd
import pytest

from skanrs import io


def test_sheets_come_back(tmp_path):
    path = tmp_path / 'out.xlsx'
    table = pd.DataFrame({'branch_distance': [1.5, 2.5], 'branch_type': [0, 3]})
    io.write_excel(path, branches=table, settings={'sigma': 2, 'files': 'a b'}, left_out=[1, 2])
    sheets = pd.read_excel(path, sheet_name=None, index_col=0)
    assert list(sheets) == ['branches', 'settings']
    pd.testing.assert_frame_equal(sheets['branches'], table)
    assert sheets['settings']['values'].to_dict() == {'sigma': 2, 'files': 'a b'}
    assert sheets['settings'].index.name == 'parameters'


def test_a_file_given_by_its_name(tmp_path):
    io.write_excel(f'{tmp_path}/one.xlsx', one=pd.DataFrame({'a': np.arange(3)}))
    assert len(pd.read_excel(tmp_path / 'one.xlsx')) == 3


def test_nothing_to_write(tmp_path):
    with pytest.raises(IndexError, match='nothing to write'):
        io.write_excel(tmp_path / 'none.xlsx', left_out=1)
    assert not (tmp_path / 'none.xlsx').exists()
