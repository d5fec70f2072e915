"""Checks of the tables of branches and nodes of a network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def check_tables(branches: pd.DataFrame, nodes: pd.DataFrame) -> None:
    """Raise an error unless these are the tables of one network."""
    _check_table('branches', 'skanrs.analyze', branches, ['node_id_src', 'node_src', 'in_junction'])
    _check_table('nodes', 'skanrs.nodes', nodes, ['node_id', 'degree', 'radius', 'coord_0'])
    ends = np.concatenate([branches['node_src'], branches['node_dst']])
    absent = ~np.isin(ends, nodes['node_id'])
    if absent.any():
        missing = ends[absent][0]
        raise ValueError(f'nodes: expected all nodes of the branches, but {missing} is missing')


def axes_of(nodes: pd.DataFrame) -> int:
    """Return the number of axes of the image that nodes are of."""
    return sum(name.startswith('coord_') for name in nodes.columns)


def _check_table(name: str, maker: str, table: Any, columns: list[str]) -> None:
    if not isinstance(table, pd.DataFrame):
        hint = '; call .compute() first' if hasattr(table, 'compute') else ''
        raise TypeError(f'{name}: expected a pandas.DataFrame, got {type(table).__name__}{hint}')
    for column in columns:
        if column not in table:
            raise ValueError(
                f"{name}: expected the columns of {maker} with '_' in their names, but {column!r}"
                ' is missing'
            )
