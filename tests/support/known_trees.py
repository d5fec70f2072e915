"""Trees of straight tubes of which everything is known: fractal ones, and random ones."""

from typing import NamedTuple

import numpy as np
from forks import tube


class Known(NamedTuple):
    """A branch as it was drawn."""

    start: np.ndarray
    end: np.ndarray
    radius: float
    generation: int
    parent: int
    """Its number among all branches; -1: it is the root."""
    strahler: int
    tips: int
    """Tips that are reached through it, its own included."""


def known_tree(random, *, depth, split=1.0, angle=80.0, ratio=0.62, size=300):
    """A tree in the plane in a random direction, and its mask.

    Branches of each generation are `ratio` times as long as those before, with `angle` degrees
    between children. A branch of the second generation or a later one splits with the probability
    `split`, the first two always do.
    """
    branches = []

    def grow(start, direction, length, radius, generation, parent):
        number = len(branches)
        along = np.array([np.cos(direction), np.sin(direction)])
        branches.append(None)
        end = start + length * along
        orders, tips = [], 0
        if generation + 1 < depth and (generation < 2 or random.random() < split):
            for side in (1, -1):
                turned = direction + side * np.radians(angle / 2)
                order, count = grow(
                    end, turned, ratio * length, 0.8 * radius, generation + 1, number
                )
                orders.append(order)
                tips += count
        order = 1 if not orders else max(orders) + (orders[0] == orders[1])
        tips = max(tips, 1)
        branches[number] = Known(start, end, radius, generation, parent, order, tips)
        return order, tips

    direction = random.uniform(0, 2 * np.pi)
    middle = np.full(2, size / 2) - size / 4 * np.array([np.cos(direction), np.sin(direction)])
    grow(middle, direction, size / 3.2, 5.0, 0, -1)
    mask = np.zeros((size, size), dtype=bool)
    for branch in branches:
        mask |= tube(mask.shape, branch.start, branch.end, branch.radius)
    return mask, branches
