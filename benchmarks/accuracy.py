"""Errors of lengths, radii, volumes and surfaces, of skanrs and others; writes docs/accuracy.md.

The tables stand between the comments of that page; the plot is ``docs/images/accuracy.png``. Tubes
and limits are those of the tests (``tests/support/tubes.py``).
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from phantoms import Tube, sine, straight, tube
from scipy import ndimage
from scipy.spatial import cKDTree
from smoothing import polyline
from tubes import (
    CLASSES,
    THIN_ARMS,
    cones,
    errors,
    errors_of_arms,
    measured,
    per_cent,
    phantoms_of,
    straight_tubes,
)

import skanrs
from skanrs.datasets import VesselTree

DOCS = Path(__file__).parent.parent / 'docs'
PAGE, PLOT = DOCS / 'accuracy.md', 'images/accuracy.png'
TOOLS = ('steps (skan)', 'kimimaro', 'Taubin', 'spline', 'skanrs')
COLOURS = ('#8a8a8a', '#c9a227', '#5b9bd5', '#7aa874', '#c0392b')
ANGLES = np.arange(0, 360, 10)


def text_of(values):
    """The mean and, in brackets, the largest absolute value; nothing if a tool does not run."""
    if values is None:
        return '-'
    return f'{np.mean(values):+.2f} ({np.abs(values).max():.2f})'


def table_of(head, rows):
    lines = [head, ['---'] * len(head), *rows]
    return '\n'.join(f'| {" | ".join(map(str, cells))} |' for cells in lines)


def kimimaro_errors(phantoms, peers):
    """Errors of the length of kimimaro's longest path; None in 2D, for rings, and without it."""
    if peers is None or phantoms[0].is_closed or phantoms[0].mask.ndim == 2:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, 'masks.npz'), Path(folder, 'paths.npz')
        masks = {f'mask_{at}': one.mask for at, one in enumerate(phantoms)}
        spacings = {f'spacing_{at}': one.spacing for at, one in enumerate(phantoms)}
        np.savez(source, **masks, **spacings)
        script = Path(__file__).with_name('kimimaro_paths.py')
        if subprocess.run([peers, script, source, target], check=False).returncode:
            return None
        with np.load(target) as file:
            paths = [file[f'path_{at}'] for at in range(len(phantoms))]
    return np.array(
        [
            per_cent(polyline(path), one.between(*path[[0, -1]]))
            for path, one in zip(paths, phantoms, strict=True)
        ]
    )


def errors_of_classes(peers):
    """Errors by class: lengths of each tool, and pairs of usual and new for the other measures."""
    found = {}
    for name in CLASSES:
        phantoms = phantoms_of(name)
        new, old, other = (np.array(of).T for of in zip(*map(errors, phantoms), strict=True))
        spline, taubin = other
        lengths = old[0], kimimaro_errors(phantoms, peers), taubin, spline, new[0]
        found[name] = lengths, list(zip(old[1:], new[1:], strict=True))
    return found


def sizes_of(name):
    return f'{name}, {", ".join(map(str, CLASSES[name][1]))}'


def length_table(found):
    rows = [[sizes_of(name), *map(text_of, of[0])] for name, of in found.items()]
    return table_of(['length %', *TOOLS], rows)


def other_table(found):
    rows = [
        [sizes_of(name), *(f'{text_of(old)} → {text_of(new)}' for old, new in of[1])]
        for name, of in found.items()
    ]
    return table_of(['usual → skanrs', 'volume %', 'surface %', 'radius, voxels'], rows)


def turned_masks():
    """One bent tube, turned about an oblique axis in steps of 10 degrees and resampled."""
    random = np.random.default_rng(36)
    solid = tube(sine(random, 70, 6, 45), 4, random)
    side = int(np.ceil(np.linalg.norm(solid.mask.shape))) + 4
    middle, centre = (np.array(solid.mask.shape) - 1) / 2, np.full(3, (side - 1) / 2)
    axis = np.array([2.0, 1.0, 3.0]) / np.sqrt(14)
    cross = np.cross(np.eye(3), axis)
    edt = ndimage.distance_transform_edt
    depth = edt(solid.mask) - edt(~solid.mask)
    for angle in np.deg2rad(ANGLES):
        turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
        depths = ndimage.affine_transform(
            depth,
            turn,
            # A shift, so that no voxel lies in the middle of others.
            middle - turn @ centre + (0.1, 0.2, 0.3),
            output_shape=(side,) * 3,
            order=1,
            cval=-1.0,
        )
        yield depths > 0


def rotation():
    """Each measure at each angle, by voxels (None if there is no such) and of skanrs."""
    found = {}
    for mask in turned_masks():
        phantom = Tube(mask, np.ones(3), np.empty((0, 3)), np.empty(0), np.empty(0), False)
        table, row, _, path = measured(phantom)
        one = table.loc[row]
        steps = one['branch_distance']
        radii = ndimage.distance_transform_edt(mask)[tuple(path.T)]
        radius, volume, surface = cones(mask, np.ones(3), path)
        pairs = {
            'length': (steps, one['length']),
            'length to the surface': (None, one['length'] + one['tip_length']),
            'tortuosity': (steps / one['euclidean_distance'], one['tortuosity']),
            'radius': (radius, one['mean_radius']),
            'smallest radius': (radii.min(), one['min_radius']),
            'largest radius': (radii.max(), one['max_radius']),
            'its standard deviation': (radii.std(), one['stdev_radius']),
            'volume': (volume, table['volume'].sum()),
            'surface': (surface, table['surface_area'].sum()),
            'tip length': (None, one['tip_length']),
        }
        for name, pair in pairs.items():
            found.setdefault(name, []).append(pair)
    return {name: list(zip(*pairs, strict=True)) for name, pairs in found.items()}


def rotation_table(turned):
    def spread(values):
        return '-' if values[0] is None else f'{100 * np.std(values) / np.mean(values):.2f}'

    rows = [[name, *map(spread, pair)] for name, pair in turned.items()]
    return table_of(['spread over 36 angles, %', 'usual', 'skanrs'], rows)


def arms_and_tips():
    """The thin arms of T shapes, tubes with their tips (twelve of each), and branches of trees."""
    for radii in THIN_ARMS:
        (length, volume, radius), _ = errors_of_arms(radii, 12)
        name = f'arm of radius {radii[2]} on one of {radii[0]}'
        yield [name, *map(text_of, (length, volume, radius))]
    for radius in (1, 1.5, 2, 3, 5):
        random, found = np.random.default_rng(555), []
        for _ in range(12):
            phantom = straight_tubes(random, radius)
            table, row, *_ = measured(phantom)
            whole = table['length'][row] + table['tip_length'][row]
            found.append(per_cent(whole, phantom.length + 2 * radius))
        yield [f'tube of radius {radius}, from tip to tip', text_of(found), '-', '-']
    yield from within_junctions()


def within_junctions():
    """The radii of branches of trees that lie within the balls of junctions, and of the others."""
    found = {True: [], False: []}
    for seed in range(11, 15):
        tree = VesselTree.grow((128,) * 3, foreground=0.03, trees=1, distance=30, seed=seed)
        t = np.linspace(0, 1, 100)[:, np.newaxis, np.newaxis]
        curves = (1 - t) ** 2 * tree.starts + 2 * t * (1 - t) * tree.controls + t**2 * tree.ends
        nearest = cKDTree(curves.reshape(-1, 3))
        mask = tree.image()
        skeleton = skanrs.skeletonize(mask)
        table = skanrs.analyze(mask, skeleton=skeleton)
        lines = skanrs.centrelines(mask, skeleton=skeleton)
        distances = ndimage.distance_transform_edt(mask)
        paths = skanrs.Skeleton(skeleton)
        for row, points in enumerate(np.split(lines.points, lines.offsets[1:-1])):
            true = tree.radii[nearest.query(points)[1] % len(tree.radii)].mean()
            radius = table['mean_radius'][row]
            usual = distances[tuple(paths.path_coordinates(row).T)].mean()
            found[bool(np.isclose(radius, usual, rtol=0, atol=1e-9))].append(radius - true)
    for within, errors_of in found.items():
        place = 'within a junction' if within else 'elsewhere'
        yield [f'{len(errors_of)} branches of trees, {place}', '-', '-', text_of(errors_of)]


def rough(random, radius, share):
    """A straight tube whose surface has bumps of a share of its radius."""
    smooth = tube(straight(random, 80), radius, random)
    away = ndimage.distance_transform_edt(~smooth.mask) - ndimage.distance_transform_edt(
        smooth.mask
    )
    bumps = ndimage.gaussian_filter(random.normal(size=away.shape), 1.5)
    mask = away + share * radius * bumps / bumps.std() <= 0
    parts, _ = ndimage.label(mask, np.ones((3, 3, 3)))
    smooth.mask = parts == np.bincount(parts[mask]).argmax()
    return smooth


def hard_cases():
    """Objects whose measures are not right, with the errors."""
    for radius, share in ((3, 0.1), (5, 0.1), (8, 0.1), (5, 0.2)):
        random = np.random.default_rng(100 + radius)
        rows = []
        for _ in range(6):
            phantom = rough(random, radius, share)
            table, row, points, path = measured(phantom)
            arc = phantom.between(*points[[0, -1]])
            rows.append(
                [
                    per_cent(table['length'][row], arc),
                    per_cent(table['surface_area'].sum(), phantom.body()[1]),
                    cones(phantom.mask, phantom.spacing, path)[0] - radius,
                    table['mean_radius'][row] - radius,
                ]
            )
        name = f'tube of radius {radius}, bumps of {share:.0%} of it'
        yield [name, *map(text_of, np.array(rows).T)]
    for radius in (0.75, 1):
        random = np.random.default_rng(int(100 * radius))
        rows = []
        for _ in range(6):
            phantom = tube(straight(random, 80), radius, random)
            if ndimage.label(phantom.mask, np.ones((3, 3, 3)))[1] > 1:
                continue
            new, old, _ = errors(phantom)
            rows.append([new[0], new[2], old[3], new[3]])
        yield [f'tube of radius {radius}', *map(text_of, np.array(rows).T)]
    for ratio in (2, 4, 8):
        yield elliptic(ratio)
    places = np.indices((55, 55, 55)) - 27.0
    yield solid('ball of radius 20', np.linalg.norm(places, axis=0) <= 20, 40, 5026.5, 20)
    yield solid(
        'plate of 41 x 41 x 5', (np.abs(places).T <= (20, 20, 2)).T.all(axis=0), 41, 4182, 2.5
    )


def elliptic(ratio):
    """A straight tube whose section is an ellipse, as long as 80 voxels."""
    random = np.random.default_rng(200 + ratio)
    rows = []
    for _ in range(6):
        turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
        half = np.array([40, 2.5 * ratio, 2.5])
        side = int(np.ceil(np.linalg.norm(half))) + 3
        places = np.indices((2 * side + 1,) * 3).reshape(3, -1).T - side - random.random(3)
        along, *across = np.abs(places @ turn).T
        inside = (along <= 40) & (np.hypot(across[0] / half[1], across[1] / half[2]) <= 1)
        mask = inside.reshape((2 * side + 1,) * 3)
        line = np.linspace(-40, 40, 1601)[:, np.newaxis] * turn[:, 0] + side
        phantom = Tube(mask, np.ones(3), line, np.linspace(0, 80, 1601), np.ones(1601), False)
        table, row, points, path = measured(phantom)
        chord = np.linalg.norm(points[-1] - points[0])
        angles = np.linspace(0, 2 * np.pi, 10_001)
        around = polyline(np.stack([half[1] * np.cos(angles), half[2] * np.sin(angles)], axis=1))
        surface = 80 * around + 2 * np.pi * half[1] * half[2]
        rows.append(
            [
                per_cent(table['length'][row], chord),
                per_cent(table['surface_area'].sum(), surface),
                cones(mask, np.ones(3), path)[0] - np.sqrt(half[1] * half[2]),
                table['mean_radius'][row] - np.sqrt(half[1] * half[2]),
            ]
        )
    name = f'section an ellipse {ratio} : 1, radius that of the same area'
    return [name, *map(text_of, np.array(rows).T)]


def solid(name, mask, length, surface, radius):
    """What the branches of an object without a centreline tell of it."""
    skeleton = skanrs.skeletonize(mask)
    table = skanrs.analyze(mask, skeleton=skeleton, border_is_background=True)
    if not len(table):
        return [name, 'no branch', '-', '-', '-']
    total = table['length'].sum() + table['tip_length'].sum()
    return [
        f'{name}: {len(table)} branch{"es" * (len(table) > 1)}',
        f'{per_cent(total, length):+.0f}',
        f'{per_cent(table["surface_area"].sum(), surface):+.1f}',
        f'{skanrs.radii(skeleton, mask).mean() - radius:+.1f}',
        f'{table["mean_radius"].mean() - radius:+.1f}',
    ]


def draw(found, turned):
    figure = Figure(figsize=(11, 4.2), layout='constrained')
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    for tool, (name, colour) in enumerate(zip(TOOLS, COLOURS, strict=True)):
        at = np.arange(len(found)) + 0.15 * (tool - 2)
        for place, (lengths, _) in zip(at, found.values(), strict=True):
            values = lengths[tool]
            if values is not None:
                left.vlines(place, values.min(), values.max(), colors=colour, lw=1.5)
                left.plot(place, values.mean(), 'o', color=colour, ms=4)
        left.plot([], [], 'o', color=colour, label=name)
    left.axhline(0, color='black', lw=0.5)
    left.set_yscale('symlog', linthresh=1)
    left.set_yticks([-5, -1, 0, 1, 5, 10, 20, 30], ['-5', '-1', '0', '1', '5', '10', '20', '30'])
    left.set_xticks(range(len(found)), found, rotation=30, ha='right')
    left.set_ylabel('error of the length, % (mean and range)')
    figure.legend(*left.get_legend_handles_labels(), fontsize=8, ncols=5, loc='outside lower left')
    names = ('length', 'radius', 'volume', 'surface')
    for kind, name in enumerate(names):
        for side, (values, colour) in enumerate(zip(turned[name], COLOURS[::4], strict=True)):
            label = ('usual', 'skanrs')[side] if kind == 0 else None
            share = 100 * (np.array(values) / np.mean(values) - 1) - 12 * kind
            right.plot(ANGLES, share, color=colour, label=label)
    right.set_yticks([-12 * kind for kind in range(4)], names)
    right.set_xlabel('angle; the distance of two ticks is 12 %')
    right.set_title('one object, resampled at 36 angles', fontsize=10)
    figure.legend(
        *right.get_legend_handles_labels(), fontsize=8, ncols=2, loc='outside lower right'
    )
    for axes in (left, right):
        axes.spines[['top', 'right']].set_visible(False)
    figure.savefig(DOCS / PLOT, dpi=110, pil_kwargs={'optimize': True})


def write(parts):
    """Put the tables between their comments in the page."""
    page = PAGE.read_text(encoding='utf-8')
    for name, text in parts.items():
        before, _, rest = page.partition(f'<!-- {name} -->\n')
        _, _, after = rest.partition(f'<!-- end of {name} -->\n')
        page = f'{before}<!-- {name} -->\n{text}\n<!-- end of {name} -->\n{after}'
    PAGE.write_text(page, encoding='utf-8')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--peers', help='a Python with kimimaro; its column is empty without')
    found, turned = errors_of_classes(parser.parse_args().peers), rotation()
    head = ['object', 'length %', 'surface %', 'radius by distance, voxels', 'radius, voxels']
    parts = {
        'lengths': length_table(found),
        'bodies': other_table(found),
        'rotation': rotation_table(turned),
        'arms and tips': table_of(
            ['object', 'length %', 'volume %', 'radius, voxels'], arms_and_tips()
        ),
        'hard cases': table_of(head, hard_cases()),
    }
    for text in parts.values():
        print(text, end='\n\n')
    write(parts)
    draw(found, turned)
    print(DOCS / PLOT)


if __name__ == '__main__':
    main()
