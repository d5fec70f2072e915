"""The axes of an image, from the names that files give them to a letter each.

Axes of space are x, y, z; others are c (channels), s (samples, such as colours) and t (times). An
axis whose name says nothing is ``?``.
"""

from collections.abc import Sequence
from itertools import zip_longest

__all__ = ['NOT_OF_SPACE', 'axis_letters', 'check_axes', 'letters']

# What axes other than those of space are called.
NOT_OF_SPACE = {'c': 'channels', 's': 'colours', 't': 'times'}

WORDS = {
    'z': ('z', 'plane', 'pln', 'slice', 'section', 'depth', 'axial'),
    'y': ('y', 'row', 'height', 'coronal'),
    'x': ('x', 'column', 'col', 'width', 'sagittal'),
    'c': ('c', 'channel', 'band'),
    's': ('s', 'sample', 'rgb', 'rgba', 'color', 'colour'),
    't': ('t', 'time', 'frame'),
}
LETTERS = {word: letter for letter, words in WORDS.items() for word in words}
KINDS = {'time': 't', 'channel': 'c'}


def axis_letters(names: Sequence[object], kinds: Sequence[object] = ()) -> str:
    """Return a letter for each axis.

    Parameters
    ----------
    names : sequence
        The names of the axes, if they have any.
    kinds : sequence, optional
        ``'space'``, ``'time'``, ``'channel'`` or None for each, as OME-Zarr has them.

    Returns
    -------
    str
    """
    axes = []
    for name, kind in zip_longest(names, kinds[: len(names)]):
        word = str(name or '').strip().lower()
        letter = LETTERS.get(word) or LETTERS.get(word.removesuffix('s'), '?')
        if kind == 'space' and letter in NOT_OF_SPACE:
            letter = '?'
        axes.append(KINDS.get(str(kind), letter))
    return ''.join(axes)


def letters(ndim: int) -> str:
    """Return the axes of an array that does not name them."""
    return 'zyx'[3 - ndim :] if ndim <= 3 else '?' * ndim


def check_axes(axes: str | None) -> None:
    """Raise `ValueError` unless these are different letters of x, y, z, c and t, or None."""
    if axes is None:
        return
    if not isinstance(axes, str) or len(set(axes)) < len(axes) or not set(axes) <= set('xyzct'):
        raise ValueError(f"axes: expected letters such as 'zyx', each once, got {axes!r}")
