"""Which part of a file is the image: a channel, a time, a level of a pyramid."""

import operator
from typing import Any, NamedTuple

__all__ = ['Choice']


class Choice(NamedTuple):
    """What to read of a file that holds more than one image."""

    channel: int | str | None = None
    """The number or the name of a channel."""
    axes: str | None = None
    """A letter for each axis, instead of those in the file."""
    time: int | None = None
    level: int = 0
    """The level of a pyramid; 0 is the largest."""
    first: bool = False
    """Whether to take the first channel and the first time where none is given."""

    def checked(self) -> 'Choice':
        """Return the choice with plain integers; raise `TypeError` or `ValueError` if it is none.

        The axes are checked by `check_axes`.
        """
        channel = self.channel
        if channel is not None and not isinstance(channel, str):
            channel = _number('channel', channel, 'an integer or a name')
        time = None if self.time is None else _number('time', self.time, 'an integer')
        level = _number('level', self.level, 'an integer')
        return self._replace(channel=channel, time=time, level=level)


def _number(name: str, value: Any, expected: str) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f'{name}: expected {expected}, got {value!r}') from None
    if number < 0:
        raise ValueError(f'{name}: expected 0 or more, got {number}')
    return number
