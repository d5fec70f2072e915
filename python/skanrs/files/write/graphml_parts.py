"""GraphML of tables that come in parts: the bytes of whole tables in memory.

Nodes stand before edges in the file, so the text of the edges waits in another.

- Of a branch table alone, the ends of branches are the nodes, as in `write_graphml`: sources before
  other destinations, each by its first branch. All ends wait in a file: sorted by node, of which
  the first end is kept, and then sorted by their place.
- If there is a table of nodes, as in `write_graphml_of_tables`, it is read when all branches were
  written.

Memory holds some parts; see `SortedRecords`.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

import numpy as np

from skanrs._support.sorted_records import SortedRecords
from skanrs._support.typing import Array

from .geometry import in_order
from .graphml import END, Layout, edges_of, places_of_ends, with_places

if TYPE_CHECKING:
    import pandas as pd

__all__ = ['GraphmlOfTablesParts', 'GraphmlParts']

_DESTINATION = 1 << 62
"""Added to the numbers of branches for ends that are destinations: they come after all sources."""


class _Parts(ABC):
    """A context manager that writes a branch table as GraphML; at its end the file is complete.

    Parameters
    ----------
    file : file
        Opened for writing bytes.
    axes : str, optional
        A letter for each axis of the image; z, y, x by default.
    folder : Path
        A folder to be made, for the text of the edges.
    """

    def __init__(self, file: IO[bytes], axes: str | None, folder: Path) -> None:
        self._file = file
        self._axes = axes
        self._folder = folder
        self._layout: Layout | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir()
        self._edges = (self._folder / 'edges').open('xb+')
        return self

    @abstractmethod
    def write(self, part: pd.DataFrame) -> None:
        """Write the next branches, columns named with '_'."""

    @abstractmethod
    def _write_nodes(self, layout: Layout) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            with self._edges:
                if kind is None and self._layout is not None:
                    self._file.write(self._layout.begin)
                    self._write_nodes(self._layout)
                    self._edges.seek(0)
                    shutil.copyfileobj(self._edges, self._file)
                    self._file.write(END.encode())
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)


class GraphmlParts(_Parts):
    """See `_Parts`; the folder takes 40 bytes more for each end and each node."""

    def __init__(self, file: IO[bytes], axes: str | None, folder: Path) -> None:
        super().__init__(file, axes, folder)
        self._count = 0

    def write(self, part: pd.DataFrame) -> None:
        """Write the next branches."""
        ndim = sum(name.startswith('coord_src_') for name in part.columns)
        order = in_order(self._axes, ndim)
        edges = edges_of(part)
        if self._layout is None:
            self._begin(part, edges, order)
        numbers = np.arange(self._count, self._count + len(part))
        self._count += len(part)
        for end, shift in (('src', 0), ('dst', _DESTINATION)):
            ends = np.empty(len(part), self._ends.dtype)
            ends['key'] = part[f'node_id_{end}']
            ends['other'] = numbers + shift
            for number, column in enumerate(places_of_ends(part, end, order).values()):
                ends['at'][:, number] = column
            self._ends.append(ends)
        assert self._layout is not None
        of_edges = [part['node_id_src'], part['node_id_dst'], numbers]
        self._layout.write_edges(self._edges, edges, of_edges)

    def _begin(self, part: pd.DataFrame, edges: pd.DataFrame, order: list[int]) -> None:
        places = places_of_ends(part.iloc[:0], 'src', order)
        self._letters = list(places)
        self._layout = Layout.of(self._table(np.empty((0, len(places))), []), edges)
        record = [('key', np.int64), ('other', np.int64), ('at', np.float64, (len(places),))]
        # Sorted by node, then by place.
        self._ends = SortedRecords(self._folder / 'ends', record)
        self._nodes = SortedRecords(self._folder / 'nodes', record)

    def _table(self, places: Array, nodes: Any) -> pd.DataFrame:
        """Return a table of nodes as `write_graphml` makes it."""
        import pandas as pd

        columns = {letter: places[:, at] for at, letter in enumerate(self._letters)}
        return pd.DataFrame(columns, index=nodes)

    def _write_nodes(self, layout: Layout) -> None:
        for ends in self._ends.groups():
            _, starts = np.unique(ends['key'], return_index=True)
            nodes = ends[starts]
            nodes['other'] = nodes['key']
            nodes['key'] = np.minimum.reduceat(ends['other'], starts)
            self._nodes.append(nodes)
        for nodes in self._nodes.read():
            layout.write_nodes(self._file, self._table(nodes['at'], nodes['other']))


class GraphmlOfTablesParts(_Parts):
    """See `_Parts`; the nodes have a table.

    Parameters
    ----------
    file, axes, folder
        See `_Parts`.
    nodes : callable
        Returns the parts of the table of nodes, one at least, when all branches were written.
    """

    def __init__(
        self,
        file: IO[bytes],
        axes: str | None,
        folder: Path,
        nodes: Callable[[], Iterable[pd.DataFrame]],
    ) -> None:
        super().__init__(file, axes, folder)
        self._nodes = nodes

    def write(self, part: pd.DataFrame) -> None:
        """Write the next branches."""
        from skanrs.branches.node_table import empty_node_table

        edges = part[~part['in_junction']]
        if self._layout is None:
            ndim = sum(name.startswith('coord_src_') for name in part.columns)
            self._layout = Layout.of(with_places(empty_node_table(ndim), self._axes), edges)
        of_edges = [edges['node_src'], edges['node_dst'], edges.index]
        self._layout.write_edges(self._edges, edges, of_edges)

    def _write_nodes(self, layout: Layout) -> None:
        for part in self._nodes():
            layout.write_nodes(self._file, with_places(part, self._axes))
