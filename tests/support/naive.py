"""Pixel graph, branches and table in plain Python: a slow reference for the kernels."""

import itertools
import math

import numpy as np


def pixel_graph(image, spacing=1, heights=False):
    """Rows {neighbour: distance} of the nonzero pixels, before junction clusters are pruned."""
    points = [tuple(int(at) for at in point) for point in np.argwhere(image.astype(bool))]
    number = {point: node for node, point in enumerate(points)}
    steps = np.ones(image.ndim) * spacing
    rows = []
    for point in points:
        row = {}
        for offset in itertools.product((-1, 0, 1), repeat=image.ndim):
            other = tuple(a + b for a, b in zip(point, offset, strict=True))
            if other != point and other in number:
                total = 0.0
                for along, step in zip(offset, steps, strict=True):
                    total += (along * step) * (along * step)
                distance = math.sqrt(total)
                if heights:
                    distance = float(np.hypot(image[point] - image[other], np.float64(distance)))
                row[number[other]] = distance
        rows.append(row)
    return points, rows


def prune_junctions(rows):
    """Keep a minimum spanning forest of the edges between pixels of degree 3 or more."""
    junction = [len(row) > 2 for row in rows]
    edges = [
        (weight, node, other)
        for node, row in enumerate(rows)
        for other, weight in row.items()
        if node < other and junction[node] and junction[other]
    ]
    cluster = list(range(len(rows)))
    for _, node, other in sorted(edges):
        one, two = cluster[node], cluster[other]
        if one == two:
            del rows[node][other], rows[other][node]
        cluster = [one if label == two else label for label in cluster]
    return rows


def trace(rows):
    """Paths from tips and junctions, then cycles, each edge once."""
    walked, paths = set(), []

    def walk(start, second):
        path = [start, second]
        walked.update({(start, second), (second, start)})
        while len(rows[path[-1]]) == 2 and path[-1] != start:
            following = next(node for node in sorted(rows[path[-1]]) if node != path[-2])
            walked.update({(path[-1], following), (following, path[-1])})
            path.append(following)
        paths.append(path)

    for cycles in (False, True):
        for node, row in enumerate(rows):
            if len(row) > 0 and (len(row) == 2) == cycles:
                for other in sorted(row):
                    if (node, other) not in walked:
                        walk(node, other)
    return paths


def components(rows):
    """The component of each node, numbered by smallest node."""
    labels = [None] * len(rows)
    for count, start in enumerate(range(len(rows))):
        if labels[start] is None:
            labels[start] = count
            waiting = [start]
            while waiting:
                for other in rows[waiting.pop()]:
                    if labels[other] is None:
                        labels[other] = count
                        waiting.append(other)
    ranks = {label: rank for rank, label in enumerate(sorted(set(labels)))}
    return [ranks[label] for label in labels]


def table(image, spacing=1, heights=False):
    """The rows of the branch table as dictionaries."""
    points, rows = pixel_graph(image, spacing, heights)
    rows = prune_junctions(rows)
    labels = components(rows)
    steps = np.full(image.ndim, spacing) if np.isscalar(spacing) else np.asarray(spacing)
    found = []
    for path in trace(rows):
        source, destination = path[0], path[-1]
        tips = (len(rows[source]) == 1) + (len(rows[destination]) == 1)
        length = 0.0
        for node, other in itertools.pairwise(path):
            length += rows[node][other]
        values = [1.0 if image.dtype == bool else float(image[points[node]]) for node in path]
        mean = math.fsum(values) / len(values)
        variance = math.fsum(value * value for value in values) / len(values) - mean * mean
        row = {
            'skeleton_id': labels[source],
            'node_id_src': source,
            'node_id_dst': destination,
            'branch_distance': length,
            'branch_type': 3 if source == destination else 2 - tips,
            'mean_pixel_value': mean,
            'stdev_pixel_value': math.sqrt(max(variance, 0)),
        }
        ends = {'src': points[source], 'dst': points[destination]}
        for end, point in ends.items():
            row |= {f'image_coord_{end}_{axis}': at for axis, at in enumerate(point)}
        chord = 0.0
        for end, point in ends.items():
            row |= {f'coord_{end}_{axis}': at * steps[axis] for axis, at in enumerate(point)}
            if heights:
                row[f'coord_{end}_{image.ndim}'] = image[point]
        for axis in range(image.ndim + heights):
            chord += (float(row[f'coord_dst_{axis}']) - float(row[f'coord_src_{axis}'])) ** 2
        found.append(row | {'euclidean_distance': math.sqrt(chord)})
    return found
