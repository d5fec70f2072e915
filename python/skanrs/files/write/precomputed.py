"""Neuroglancer's precomputed skeletons: a folder with ``info`` and a file for each segment.

A segment is a label, whose value is its id, or else a network, whose id is its ``skeleton_id`` plus
1, for 0 means background there. Vertices are in nanometres. Segment properties list the ids, so
that neuroglancer shows them.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..units import METRES, plain_unit
from .geometry import Array, Geometry

__all__ = ['Rows', 'nanometres', 'write_precomputed', 'write_segments']

ROWS = 1 << 17
"""Points of a skeleton in memory that are put in order at a time."""


def write_precomputed(folder: Path, geometry: Geometry, unit: str | None) -> None:
    """Write a skeleton as precomputed skeletons.

    Parameters
    ----------
    folder : Path
        The folder, which must not exist.
    geometry : Geometry
        The skeleton.
    unit : str or None
        The unit of the coordinates; None for nanometres.

    Raises
    ------
    ValueError
        If the unit is unknown, or a label is negative.
    """
    scale = nanometres(unit)
    of_points: Array = geometry.networks + 1
    what = 'network'
    if geometry.labels is not None:
        of_points, what = geometry.labels, 'label'
        if of_points.size and of_points.min() < 0:
            raise ValueError(f'labels: expected non-negative segment ids, got {of_points.min()}')
    # In the order of segments; within a segment, points keep their order.
    order = np.argsort(of_points, kind='stable')
    segments, starts = np.unique(of_points[order], return_index=True)
    number_of = np.empty(len(order), dtype=np.int64)
    number_of[order] = np.arange(len(order))
    edges = number_of[geometry.edges]
    edges = edges[np.argsort(edges[:, 0], kind='stable')]
    bounds = np.append(starts, len(order))
    edge_bounds = np.searchsorted(edges[:, 0], bounds)
    counts = np.diff(edge_bounds)
    edges -= np.repeat(starts, counts)[:, np.newaxis]
    radii = geometry.radii
    parts = [order[start : start + ROWS] for start in range(0, len(order), ROWS)]
    write_segments(
        folder,
        zip(segments.tolist(), np.diff(bounds).tolist(), counts.tolist(), strict=True),
        Rows(geometry.points[part] for part in parts),
        Rows([edges]),
        None if radii is None else Rows(radii[part] for part in parts),
        scale=scale,
        what=what,
    )


class Rows:
    """The rows of an array that comes in pieces."""

    def __init__(self, pieces: Iterable[Array]) -> None:
        self._pieces = iter(pieces)
        self._left: Array | None = None

    def take(self, count: int) -> Iterator[Array]:
        """Iterate over the next rows, some at a time."""
        while count:
            if self._left is None or not len(self._left):
                self._left = next(self._pieces)
            taken, self._left = self._left[:count], self._left[count:]
            count -= len(taken)
            yield taken


def write_segments(
    folder: Path,
    segments: Iterable[tuple[int, int, int]],
    points: Rows,
    edges: Rows,
    radii: Rows | None,
    *,
    scale: float,
    what: str,
) -> None:
    """Write precomputed skeletons whose arrays come in pieces.

    Parameters
    ----------
    folder : Path
        The folder, which must not exist.
    segments : iterable of (int, int, int)
        The id of each segment, and how many points and edges it has.
    points : Rows
        The points of all segments, shape (N, 3).
    edges : Rows
        Pairs of points, numbered in each segment, shape (E, 2).
    radii : Rows or None
        The radius at each point, shape (N,).
    scale : float
        The unit of points and radii in nanometres.
    what : str
        What a segment is.
    """
    folder.mkdir()
    (folder / 'segment_properties').mkdir()
    ids = []
    for segment, point_count, edge_count in segments:
        ids.append(str(int(segment)))
        with (folder / ids[-1]).open('wb') as file:
            file.write(np.array([point_count, edge_count], '<u4').tobytes())
            for some in points.take(point_count):
                file.write((some * scale).astype('<f4').tobytes())
            for pairs in edges.take(edge_count):
                file.write(pairs.astype('<u4').tobytes())
            if radii is not None:
                for some in radii.take(point_count):
                    file.write((some * scale).astype('<f4').tobytes())
    attribute = {'id': 'radius', 'data_type': 'float32', 'num_components': 1}
    _write_info(
        folder,
        {
            '@type': 'neuroglancer_skeletons',
            'transform': [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0],
            'vertex_attributes': [attribute] if radii is not None else [],
            'segment_properties': 'segment_properties',
        },
    )
    labels = {'id': 'label', 'type': 'label', 'values': [f'{what} {name}' for name in ids]}
    _write_info(
        folder / 'segment_properties',
        {
            '@type': 'neuroglancer_segment_properties',
            'inline': {'ids': ids, 'properties': [labels]},
        },
    )


def nanometres(unit: str | None) -> float:
    """Return a unit in nanometres, 1 for None; raise `ValueError` if it is unknown."""
    known = plain_unit(unit)
    if known is None:
        return 1.0
    if known not in METRES:
        raise ValueError(f'unit: expected one of {", ".join(METRES)}, got {unit!r}')
    return METRES[known] / METRES['nm']


def _write_info(folder: Path, content: dict[str, Any]) -> None:
    (folder / 'info').write_text(json.dumps(content) + '\n', encoding='utf-8')
