"""Fractal trees of straight vessels, of which everything is known.

Each branch splits into two that are shorter and thinner by fixed ratios, in a plane at right angles
to that of the split before. With a probability of splitting below 1 the trees are random.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import distance

from .trees import VesselTree, checked_seed, checked_shape

__all__ = ['FractalTree', 'fractal_tree']

ALWAYS = 2
"""Generations that split whatever the probability is, so that there is a tree."""
TILT = np.radians(15)
"""Between the first branch and the first axis: tubes along an axis are no usual ones."""
GAP = 2.0
"""Voxels that lie between branches without a common end at least."""


class FractalTree(VesselTree):
    """A tree of straight vessels, with its true lengths, orders and angles.

    Made by `fractal_tree`.

    Attributes
    ----------
    lengths : (N,) array of float
        Length of the axis of each branch, in voxels.
    strahler : (N,) array of int
        Strahler's order of each branch, 1 at the tips.
    n_tips : (N,) array of int
        How many tips are reached through each branch, its own included.

    Examples
    --------
    >>> from skanrs.datasets import fractal_tree
    >>> tree = fractal_tree((96, 96, 96), generations=4)
    >>> tree.strahler.tolist()
    [4, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1]
    """

    lengths: npt.NDArray[np.float64]
    strahler: npt.NDArray[np.int64]
    n_tips: npt.NDArray[np.int64]

    def __init__(
        self,
        shape: tuple[int, int, int],
        starts: npt.NDArray[np.float64],
        ends: npt.NDArray[np.float64],
        radii: npt.NDArray[np.float64],
        parents: npt.NDArray[np.int64],
        generations: npt.NDArray[np.int64],
    ) -> None:
        super().__init__(shape, starts, (starts + ends) / 2, ends, radii, parents, generations)
        self.lengths = np.linalg.norm(ends - starts, axis=1)
        self.strahler = np.ones(len(starts), dtype=np.int64)
        self.n_tips = np.ones(len(starts), dtype=np.int64)
        # Children come after their parents.
        for branch in range(len(starts) - 1, -1, -1):
            own = np.flatnonzero(parents == branch)
            if own.size:
                orders = self.strahler[own]
                self.strahler[branch] = orders.max() + (orders.min() == orders.max())
                self.n_tips[branch] = self.n_tips[own].sum()

    def bifurcation_ratios(self) -> npt.NDArray[np.float64]:
        """Return how many streams there are for each one of the next order.

        A stream is a chain of branches of the same order.

        Returns
        -------
        (K - 1,) array of float
            The ratio for each order from 1 on, where K is the highest.

        Examples
        --------
        >>> from skanrs.datasets import fractal_tree
        >>> fractal_tree((96, 96, 96), generations=4).bifurcation_ratios().tolist()
        [2.0, 2.0, 2.0]
        """
        above = np.where(self.parents < 0, 0, self.strahler[self.parents])
        streams = np.bincount(self.strahler[above != self.strahler])[1:]
        ratios: npt.NDArray[np.float64] = streams[:-1] / streams[1:]
        return ratios

    def angles(self) -> pd.DataFrame:
        """Return the angles where branches meet, as `skanrs.angles` does.

        Returns
        -------
        pandas.DataFrame
            ``branch_1``, ``branch_2``, ``angle`` between their directions away from the point where
            they meet, in degrees, and ``relation``: ``'parent'`` or ``'children'``. Since branches
            are straight, angles are those to their far ends too.

        Examples
        --------
        >>> from skanrs.datasets import fractal_tree
        >>> fractal_tree((96, 96, 96), generations=2, angle=80).angles().round(6)
           branch_1  branch_2  angle  relation
        0         0         1  140.0    parent
        1         0         2  140.0    parent
        2         1         2   80.0  children
        """
        along = (self.ends - self.starts) / self.lengths[:, np.newaxis]
        rows: list[tuple[int, int, float, str]] = []
        for branch in range(len(self)):
            children = np.flatnonzero(self.parents == branch).tolist()
            rows += [(branch, child, -along[branch] @ along[child], 'parent') for child in children]
            rows += [
                (one, other, along[one] @ along[other], 'children')
                for one, other in combinations(children, 2)
            ]
        first, second, cosines, relations = zip(*rows, strict=True)
        angles = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
        return pd.DataFrame(
            {'branch_1': first, 'branch_2': second, 'angle': angles, 'relation': relations}
        )


def fractal_tree(
    shape: Sequence[int],
    *,
    generations: int = 5,
    radius: float = 5.0,
    angle: float = 80.0,
    length_ratio: float = 0.75,
    radius_ratio: float = 0.8,
    split: float = 1.0,
    seed: int = 0,
) -> FractalTree:
    """Return a tree of straight vessels that fills a volume, with what is true of it.

    Parameters
    ----------
    shape : sequence of three int
        Shape (z, y, x) of the volume, each at least 16. The tree is as large as fits in it.
    generations : int
        How many generations of branches there are, from 2 to 9.
    radius : float
        Radius of the first branch, in voxels.
    angle : float
        Between the two children of a branch, in degrees; more than 0, at most 180.
    length_ratio, radius_ratio : float
        Length and radius of a child, as a share of those of its parent; more than 0, at most 1.
    split : float
        The probability that a branch of the third generation or a later one splits, from 0 to 1.
        Below 1 the trees are random.
    seed : int
        The same seed gives the same tree.

    Returns
    -------
    FractalTree

    Raises
    ------
    ValueError
        If an argument is out of its range, or branches that do not meet would touch: the volume is
        too small for so many generations of this radius.
    TypeError
        If `shape`, `generations` or `seed` are not integers.

    Examples
    --------
    >>> import skanrs
    >>> tree = skanrs.datasets.fractal_tree((96, 96, 96), generations=4, radius=4)
    >>> mask = tree.image()
    >>> branches, nodes = skanrs.analyze(mask), skanrs.nodes(mask)
    >>> rooted = skanrs.root(branches, nodes, at=tree.starts[0])
    >>> sorted(rooted['generation']) == sorted(tree.generations)
    True
    """
    size = checked_shape(shape)
    random = np.random.default_rng(checked_seed(seed))
    if not 2 <= generations <= 9:
        raise ValueError(f'generations: expected 2 to 9, got {generations}')
    for name, value, low, high in (
        ('radius', radius, 0, min(size) / 8),
        ('angle', angle, 0, 180),
        ('length_ratio', length_ratio, 0, 1),
        ('radius_ratio', radius_ratio, 0, 1),
    ):
        if not low < value <= high:
            raise ValueError(f'{name}: expected more than {low} and at most {high:g}, got {value}')
    if not 0 <= split <= 1:
        raise ValueError(f'split: expected a probability from 0 to 1, got {split}')
    starts, ends, parents, of_branch = _grow(
        generations, np.radians(angle), length_ratio, split, random
    )
    low = np.minimum(starts, ends).min(axis=0)
    high = np.maximum(starts, ends).max(axis=0)
    # The thickest tube, and a voxel of background on each side.
    room = np.array(size) - 1 - 2 * (radius + 1)
    scale = float((room / (high - low)).min())
    shift = (np.array(size) - 1) / 2 - scale * (low + high) / 2
    tree = FractalTree(
        size,
        scale * starts + shift,
        scale * ends + shift,
        radius * radius_ratio ** of_branch.astype(float),
        parents,
        of_branch,
    )
    _check_gaps(tree)
    return tree


def _grow(
    generations: int, angle: float, ratio: float, split: float, random: np.random.Generator
) -> tuple[
    npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.int64]
]:
    """Return starts, ends, parents and generations of a tree whose first branch has length 1."""
    turn = random.uniform(0, 2 * np.pi)
    # The direction of each branch, and the normal of the plane in which it splits.
    aside = np.array([[0, np.cos(turn), np.sin(turn)]])
    along = np.cos(TILT) * np.array([[1.0, 0, 0]]) + np.sin(TILT) * aside
    normal = np.cross(along, random.normal(size=(1, 3)))
    normal /= np.linalg.norm(normal)
    starts, ends = [np.zeros((1, 3))], [along]
    parents, of_branch = [np.array([-1])], [np.array([0])]
    count = 0
    for generation in range(1, generations):
        splits = (random.random(len(along)) < split) | (generation <= ALWAYS)
        number = np.repeat(count + np.flatnonzero(splits), 2)
        count += len(along)
        across = np.cross(normal, along)
        side = np.tile([1, -1], splits.sum())[:, np.newaxis]
        before, across = np.repeat(along[splits], 2, axis=0), np.repeat(across[splits], 2, axis=0)
        beginning = np.repeat(ends[-1][splits], 2, axis=0)
        along = np.cos(angle / 2) * before + side * np.sin(angle / 2) * across
        # The next split is at right angles to this one.
        normal = np.cross(along, np.repeat(normal[splits], 2, axis=0))
        starts.append(beginning)
        ends.append(beginning + ratio**generation * along)
        parents.append(number)
        of_branch.append(np.full(len(number), generation))
    return (
        np.concatenate(starts),
        np.concatenate(ends),
        np.concatenate(parents),
        np.concatenate(of_branch),
    )


def _check_gaps(tree: FractalTree) -> None:
    """Raise `ValueError` if branches without a common end touch."""
    share = np.linspace(0, 1, 33)[:, np.newaxis]
    points = tree.starts[:, np.newaxis] * (1 - share) + tree.ends[:, np.newaxis] * share
    for branch in range(1, len(tree)):
        parent = tree.parents[branch]
        others = np.arange(branch)
        others = others[(others != parent) & (tree.parents[others] != parent)]
        away = distance.cdist(points[branch], points[others].reshape(-1, 3))
        gaps = away.reshape(len(share), -1, len(share)).min(axis=(0, 2))
        gaps -= tree.radii[others] + tree.radii[branch]
        if gaps.size and gaps.min() < GAP:
            raise ValueError(
                'shape: expected a volume in which branches that do not meet stay apart, got'
                f' {tree.shape}; use a larger one, or a smaller radius or fewer generations'
            )
