"""Branch tables whose rows are on disk: write them part by part, and summarize them.

The summary equals that of the whole table to the last bit, see `record_statistics`.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skanrs._support.record_statistics import median_of, sum_of
from skanrs._support.records import Records
from skanrs.files import GRAPH_SUFFIXES, TABLE_SUFFIXES, AtomicOutputs
from skanrs.files.errors import known_suffix
from skanrs.files.write.graphml_parts import GraphmlOfTablesParts, GraphmlParts
from skanrs.files.write.precomputed_parts import PrecomputedParts
from skanrs.files.write.tables import TableParts, parts_of
from skanrs.files.write.vtp_parts import VtpParts

from .report import BRANCH_TYPES, Branches

if TYPE_CHECKING:
    import pandas as pd

    from skanrs.branches.lines_on_disk import LinesOnDisk
    from skanrs.branches.measures_on_disk import MeasuredTable
    from skanrs.branches.nodes_on_disk import NodesOnDisk
    from skanrs.branches.on_disk import TableOnDisk

__all__ = ['write_rows']

_Parts = TableParts | GraphmlParts | GraphmlOfTablesParts | VtpParts | PrecomputedParts


def write_rows(
    out: AtomicOutputs,
    paths: Sequence[Path],
    rows: 'TableOnDisk | MeasuredTable',
    scratch: Path,
    recipe: str,
    *,
    lines: 'LinesOnDisk | None' = None,
    nodes: 'NodesOnDisk | None' = None,
    unit: str | None = None,
    axes: str | None = None,
    also: Sequence[Callable[['pd.DataFrame'], None]] = (),
) -> Branches:
    """Write all outputs in one pass over the rows.

    Parameters
    ----------
    out : AtomicOutputs
        Where outputs are written and failures recorded.
    paths : sequence of Path
        The outputs: tables or networks.
    rows : TableOnDisk or MeasuredTable
        The table.
    scratch : Path
        A folder for the lengths and radii of the branches and what networks need of them.
    recipe : str
        The recipe of the table.
    lines : LinesOnDisk, optional
        The points and lines, for VTP and precomputed skeletons.
    nodes : NodesOnDisk, optional
        The table of nodes, for GraphML, if it is known when the rows are written.
    unit : str, optional
        The unit of the spacing, for precomputed skeletons.
    axes : str, optional
        A letter for each axis of the image, for networks.
    also : sequence of callable, optional
        They get each part of the table, in order.

    Returns
    -------
    Branches
        As `Branches.of` the whole table.
    """
    from skanrs.branches.columns import length_column

    lengths = Records(scratch / 'lengths', np.float64)
    radii = Records(scratch / 'mean-radii', np.float64)
    types = np.zeros(len(BRANCH_TYPES), dtype=np.int64)
    with ExitStack() as stack:
        writers: dict[Path, _Parts] = {}
        closers = {path: stack.enter_context(ExitStack()) for path in paths}
        for number, (path, closer) in enumerate(closers.items()):
            with out.attempt(path):
                hidden, folder = out.new(path), scratch / f'output-{number}'
                suffix = known_suffix(path, (*TABLE_SUFFIXES, *GRAPH_SUFFIXES), 'outputs')
                if suffix == '.precomputed':
                    assert lines is not None
                    precomputed = PrecomputedParts(hidden, unit, axes, lines, folder)
                    writers[path] = closer.enter_context(precomputed)
                    continue
                file = closer.enter_context(hidden.open('xb'))
                if suffix == '.vtp':
                    assert lines is not None
                    writers[path] = closer.enter_context(VtpParts(file, axes, lines, folder))
                elif suffix == '.graphml' and nodes is not None:
                    graphml = GraphmlOfTablesParts(file, axes, folder, nodes.parts)
                    writers[path] = closer.enter_context(graphml)
                elif suffix == '.graphml':
                    writers[path] = closer.enter_context(GraphmlParts(file, axes, folder))
                else:
                    writers[path] = closer.enter_context(TableParts(path, file, recipe))
        for part in parts_of(rows.parts()):
            for path, writer in writers.items():
                if path not in out.failed:
                    with out.attempt(path):
                        writer.write(part)
            for see in also:
                see(part)
            lengths.append(part[length_column(part)].to_numpy())
            if 'mean_radius' in part:
                radii.append(part['mean_radius'].to_numpy())
            types += np.bincount(part['branch_type'], minlength=len(types))
        # What is left is written now, and the disk may be full.
        for path, closer in closers.items():
            with out.attempt(path):
                closer.close()
    return Branches(
        networks=rows.networks,
        by_type=tuple(types.tolist()),
        total_length=sum_of(lengths),
        median_length=median_of(lengths) if lengths.count else 0.0,
        median_radius=median_of(radii) if radii.count else None,
    )
