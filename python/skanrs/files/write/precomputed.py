"""Neuroglancer's precomputed skeletons: a folder with ``info`` and a file for each segment.

A segment is a label, whose value is its id, or else a network, whose id is its ``skeleton_id`` plus
1, for 0 means background there. Vertices are in nanometres. Segment properties list the ids, so
that neuroglancer shows them.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..units import METRES, plain_unit
from .geometry import Array, Geometry

__all__ = ['nanometres', 'write_precomputed']


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
    folder.mkdir()
    (folder / 'segment_properties').mkdir()
    # In the order of segments; within a segment, points keep their order.
    order = np.argsort(of_points, kind='stable')
    segments, starts = np.unique(of_points[order], return_index=True)
    number_of = np.empty(len(order), dtype=np.int64)
    number_of[order] = np.arange(len(order))
    edges = number_of[geometry.edges]
    edges = edges[np.argsort(edges[:, 0], kind='stable')]
    ids = []
    bounds = [*starts.tolist(), len(order)]
    edge_bounds = np.searchsorted(edges[:, 0], bounds)
    for at, segment in enumerate(segments.tolist()):
        first, last = bounds[at], bounds[at + 1]
        points = order[first:last]
        inside = edges[edge_bounds[at] : edge_bounds[at + 1]] - first
        ids.append(str(int(segment)))
        with (folder / ids[-1]).open('wb') as file:
            file.write(np.array([len(points), len(inside)], '<u4').tobytes())
            file.write((geometry.points[points] * scale).astype('<f4').tobytes())
            file.write(inside.astype('<u4').tobytes())
            if geometry.radii is not None:
                file.write((geometry.radii[points] * scale).astype('<f4').tobytes())
    attribute = {'id': 'radius', 'data_type': 'float32', 'num_components': 1}
    _write_info(
        folder,
        {
            '@type': 'neuroglancer_skeletons',
            'transform': [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0],
            'vertex_attributes': [attribute] if geometry.radii is not None else [],
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
