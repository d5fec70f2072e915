"""Draw pictures of how_it_works.md, choosing_a_method.md and accuracy.md from results."""

from itertools import pairwise, product
from pathlib import Path

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Line3DCollection, Poly3DCollection
from scipy import ndimage

import skanrs
import skanrs.datasets
from skanrs.thinning.chunks import Words, unpack

IMAGES = Path(__file__).parent / 'images'
# The round whose first border step is drawn; it keeps some pixels.
ROUND = 4
PAPER, PALE, DARK, BLUE, ORANGE = '#f4f4f4', '#d3dfec', '#173f66', '#5b9bd5', '#e88a1a'


def save(figure, name):
    figure.savefig(IMAGES / name, dpi=110, pil_kwargs={'optimize': True})
    print(IMAGES / name)


def show(axis, image, title):
    axis.imshow(image, cmap=ListedColormap([PAPER, PALE, DARK, BLUE, ORANGE]), vmin=0, vmax=4)
    axis.set_title(title, fontsize=10)
    axis.set_axis_off()


def vessel():
    """Return a thick line with a branch."""
    y, x = np.mgrid[:32, :56]
    body = (np.abs(y - 19 - 2.5 * np.sin(x / 8)) < 5.2) & (x > 3) & (x < 52)
    return body | ((np.abs(x - 33 - (15 - y) / 3) < 3.6) & (y > 2) & (y < 19))


def border_steps(image):
    """Thin a 2D image by Lee's method, slowly; yield the border and the deletions of each step."""
    present = np.pad(image, 1)

    def around(y, x):
        """Count the neighbours and their components."""
        block = present[y - 1 : y + 2, x - 1 : x + 2].copy()
        block[1, 1] = False
        return block.sum(), ndimage.label(block, np.ones((3, 3)))[1]

    while True:
        before = present.sum()
        for dy, dx in ((-1, 0), (1, 0), (0, 1), (0, -1)):
            border = np.argwhere(present & ~np.roll(present, (-dy, -dx), axis=(0, 1)))
            found = [(y, x, *around(y, x)) for y, x in border]
            collected = [(y, x) for y, x, count, pieces in found if count > 1 and pieces == 1]
            deleted = []
            for y, x in collected:
                if around(y, x)[1] <= 1:
                    present[y, x] = False
                    deleted.append((y, x))
            yield border - 1, np.array(deleted, int).reshape(-1, 2) - 1
        if present.sum() == before:
            return


def thinning():
    """Draw a border step, the round that deletes each pixel, and the skeleton."""
    image = vessel()
    steps = list(border_steps(image))
    rounds = np.where(image, 0, -1)
    for step, (_, deleted) in enumerate(steps):
        rounds[tuple(deleted.T)] = 1 + step // 4
    skeleton = rounds == 0
    if not np.array_equal(skeleton, skanrs.skeletonize(image, method='lee')):
        raise AssertionError('the slow method gives another skeleton')
    one = np.where((rounds == 0) | (rounds >= ROUND), 1, 0)
    border, deleted = steps[4 * (ROUND - 1)]
    one[tuple(border.T)] = 3
    one[tuple(deleted.T)] = 4
    figure = Figure(figsize=(9, 2.5), layout='constrained')
    axes = figure.subplots(1, 3)
    show(axes[0], one, f'round {ROUND}, border step from above')
    last = rounds.max()
    blues = [PAPER, DARK, *(f'#{value:02x}{value + 20:02x}ff' for value in _shades(last))]
    axes[1].imshow(rounds, cmap=ListedColormap(blues), vmin=-1, vmax=last)
    axes[1].set_title(f'the round that deletes a pixel, 1 to {last}', fontsize=10)
    axes[1].set_axis_off()
    show(axes[2], image + skeleton.astype(int), 'the skeleton')
    save(figure, 'thinning.png')


def _shades(count):
    """Return values from light to dark."""
    return np.linspace(225, 90, count).astype(int)


def attachment():
    """Draw attachment sets: how the neighbours meet the surface of a voxel's cube."""
    sets = {
        'a face and an edge that meet': [(0, 0, 1), (1, 1, 0)],
        'a face and a vertex apart': [(0, 0, 1), (1, -1, -1)],
        'three edges in a chain': [(1, 0, 1), (1, 1, 0), (0, 1, -1)],
    }
    cells = [cell for cell in product((-1, 0, 1), repeat=3) if any(cell)]
    figure = Figure(figsize=(9, 3.5), layout='constrained')
    for place, (name, neighbours) in enumerate(sets.items(), 1):
        # A neighbour adds its cell and all cells on the boundary of that cell.
        closed = {
            cell for cell in cells for voxel in neighbours
            if all(v in (0, c) for v, c in zip(voxel, cell, strict=True))
        }  # fmt: skip
        count = [sum(np.count_nonzero(cell) == n for cell in closed) for n in (3, 2, 1)]
        axis = figure.add_subplot(1, 3, place, projection='3d')
        for cell in cells:
            span = [(c,) if c else (-1, 1) for c in cell]
            corners = np.array(list(product(*span)), float)
            inside = cell in closed
            if len(corners) == 4:
                square = corners[[0, 1, 3, 2]]
                colour = BLUE if inside else PALE
                axis.add_collection3d(
                    Poly3DCollection([square], alpha=0.6 if inside else 0.12, facecolor=colour)
                )
            elif len(corners) == 2:
                style = {'color': ORANGE, 'linewidth': 4} if inside else {'color': '#b0b0b0'}
                axis.add_collection3d(Line3DCollection([corners], **style))
            elif inside:
                axis.scatter(*corners.T, color=DARK, s=45, depthshade=False)
        axis.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(-1, 1), box_aspect=(1, 1, 1))
        axis.view_init(24, 35)
        axis.set_axis_off()
        vertices, edges, faces = count
        euler = vertices - edges + faces
        axis.set_title(f'{name}\n{vertices} - {edges} + {faces} = {euler}', fontsize=10)
    save(figure, 'attachment.png')


def thinning_in_chunks():
    """Draw the decisions of two chunks, and those of their merge."""
    image = vessel()
    cut = 28
    decided, merged = image.astype(int), image.astype(int)
    chunks = []
    for start, stop in ((0, cut), (cut, image.shape[1])):
        part = np.ascontiguousarray(image[:, start:stop])
        chunk = skanrs.thin_chunk(part, offset=(0, start), shape=image.shape, method='lee')
        chunks.append(chunk)
        _, undecided, script = chunk.residue
        for (keys, voxels), colour in ((chunk.kept, 2), (script[1:], 3), (undecided, 4)):
            # The words of a script are in the order of its steps.
            for word in range(len(keys)):
                one = Words(keys[word : word + 1], voxels[word : word + 1])
                found = unpack(chunk.image, [one], chunk.offset, chunk.chunk_shape)
                decided[:, start:stop][found] = colour
    whole = skanrs.merge_thinned(chunks)
    skeleton = np.hstack([chunk.finish(whole) for chunk in chunks])
    if not np.array_equal(skeleton, skanrs.skeletonize(image, method='lee')):
        raise AssertionError('the chunks give another skeleton')
    merged[skeleton] = 2
    figure = Figure(figsize=(9, 2.3), layout='constrained')
    axes = figure.subplots(1, 3)
    show(axes[0], image.astype(int), 'an image in two chunks')
    show(axes[1], decided, 'each thinned by itself')
    show(axes[2], merged, 'merged')
    for axis in axes:
        axis.axvline(cut - 0.5, color='black', linewidth=0.8, linestyle=':')
    save(figure, 'thinning_in_chunks.png')


def chunk_graphs():
    """Draw which branches of a skeleton touch a face between blocks."""
    tree = skanrs.datasets.vessel_tree((64, 96, 96)).max(axis=0)
    skeleton = skanrs.skeletonize(tree, method='lee')
    graph = skanrs.Skeleton(skeleton)
    paths = [graph.path_coordinates(number).astype(int) for number in range(graph.n_paths)]
    figure = Figure(figsize=(9, 3.3), layout='constrained')
    axes = figure.subplots(1, 3)
    for axis, (rows, columns) in zip(axes, ((2, 2), (1, 2), (1, 1)), strict=True):
        steps = (96 // rows, 96 // columns)
        corners = list(product(range(0, 96, steps[0]), range(0, 96, steps[1])))
        shown = np.where(skeleton, 4, 0)
        # Voxels at the faces between blocks miss neighbours.
        cut = np.zeros_like(skeleton)
        for a, b in corners:
            if a:
                cut[a - 1 : a + 1] = True
            if b:
                cut[:, b - 1 : b + 1] = True
        for path in paths:
            if not cut[tuple(path.T)].any():
                shown[tuple(path.T)] = 2
        show(axis, shown, f'{rows} x {columns} blocks')
        for a, b in corners:
            axis.axhline(a - 0.5, color='gray', linewidth=0.6)
            axis.axvline(b - 0.5, color='gray', linewidth=0.6)
    save(figure, 'chunk_graphs.png')


def methods():
    """Draw the skeletons of a rough shape by each method, smoothed and pruned."""
    shape = np.kron(vessel(), np.ones((2, 2)))
    noise = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal(shape.shape), 1.2)
    gray = ndimage.gaussian_filter(shape, 2.5) + noise

    def largest_object(image):
        objects, _ = ndimage.label(ndimage.binary_fill_holes(image))
        return objects == np.bincount(objects[objects > 0]).argmax()

    rough = largest_object(gray > 0.5)
    smooth = largest_object(ndimage.gaussian_filter(gray, 2) > 0.5)
    lee = skanrs.skeletonize(rough, method='lee')
    pruned = skanrs.prune(lee, max_radius_ratio=2, mask=rough)
    panels = {
        'zhang': (rough, skanrs.skeletonize(rough, method='zhang')),
        'lee': (rough, lee),
        'lee, pruned at two radii': (rough, pruned),
        'lee, smoothed first': (smooth, skanrs.skeletonize(smooth, method='lee')),
    }
    figure = Figure(figsize=(9, 5.4), layout='constrained')
    axes = figure.subplots(2, 2).flat
    for axis, (name, (image, skeleton)) in zip(axes, panels.items(), strict=True):
        branches = skanrs.Skeleton(skeleton).n_paths
        show(axis, image + skeleton.astype(int), f'{name}: {branches} branches')
    save(figure, 'methods.png')


def measures():
    """Draw what a centreline, its sections, cells and the pairs of neighbours are."""
    body = vessel()
    skeleton = skanrs.skeletonize(body)
    lines = skanrs.centrelines(body, skeleton=skeleton)
    graph = skanrs.Skeleton(skeleton)
    figure = Figure(figsize=(11, 6.6), facecolor='white', layout='constrained')
    for axis, title in zip(
        figure.subplots(2, 2).flat,
        ('path of voxels and centreline', 'sections', 'cells of branches', 'pairs with background'),
        strict=True,
    ):
        show(axis, body.astype(int), title)
        if title.startswith('path'):
            for path in range(graph.n_paths):
                y, x = graph.path_coordinates(path).T
                axis.plot(x, y, '.-', color=BLUE, lw=0.8, ms=4)
        if title.startswith('cells'):
            # The branch of each voxel of the skeleton; those of junctions are shared.
            branch = np.full(len(graph.coordinates), 4)
            for path in range(graph.n_paths):
                inner = graph.path(path)
                branch[inner[graph.degrees[inner] < 3]] = path + 1
            away = (np.argwhere(body)[:, np.newaxis] - graph.coordinates) ** 2
            power = away.sum(axis=2) - skanrs.radii(skeleton, body) ** 2
            owner = np.zeros(body.shape, dtype=int)
            owner[body] = branch[power.argmin(axis=1)]
            colours = ListedColormap([PAPER, PALE, BLUE, ORANGE, '#9fb4a4'])
            axis.imshow(owner, cmap=colours, vmin=0, vmax=4)
        if title.startswith('pairs'):
            around = np.pad(body, 1)
            for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
                for way in (1, -1):
                    beside = np.roll(around, (-way * dy, -way * dx), axis=(0, 1))[1:-1, 1:-1]
                    y, x = np.nonzero(body & ~beside)
                    ends = [x, x + 0.7 * way * dx], [y, y + 0.7 * way * dy]
                    axis.plot(*ends, color=DARK, lw=0.5)
            continue
        for start, stop in pairwise(lines.offsets):
            y, x = lines.points[start:stop].T
            axis.plot(x, y, color=DARK, lw=1.8)
            if title == 'sections':
                normals = np.stack([np.gradient(x), -np.gradient(y)], axis=1)
                normals /= np.linalg.norm(normals, axis=1, keepdims=True)
                reach = np.arange(0, 12, 0.1)[:, np.newaxis]
                for at in range(1, len(x) - 1, 3):
                    for way in (1, -1):
                        ray = (y[at], x[at]) + way * reach * normals[at]
                        rows, columns = np.rint(ray).astype(int).T
                        ray = ray[: np.argmin(np.pad(body, 12)[rows + 12, columns + 12])]
                        axis.plot(*ray.T[::-1], color=ORANGE, lw=1)
    save(figure, 'measures.png')


IMAGES.mkdir(exist_ok=True)
thinning()
attachment()
thinning_in_chunks()
chunk_graphs()
methods()
measures()
