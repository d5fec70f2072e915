"""The base class of readers: an image in a file, of which any box of voxels can be read.

Each format has a subclass that opens the file and reads boxes. What all formats share is here: axes
that are not of space, axes of length 1, the spacing, the check of memory, and errors that name the
file. Threads may read at the same time. A pickled source opens the file again when it is unpickled.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from skanrs._support.memory import free_memory, size_in_words
from skanrs._support.reprs import by_axis

from ..errors import FileError, dtype_name
from ..units import in_one_unit
from .axes import NOT_OF_SPACE, letters
from .choice import Choice

__all__ = ['Source']

Array = npt.NDArray[Any]
Box = tuple[slice, ...]

# Sizes in bytes that are allocated without a look at the free memory.
SURELY_THERE = 1 << 28
COLOURS = {3: ('red', 'green', 'blue'), 4: ('red', 'green', 'blue', 'alpha')}


class Source(ABC):
    """A 2D or 3D image in a file.

    Parameters
    ----------
    path : Path
        The file or folder.
    choice : Choice, optional
        Which channel, time and level, and the axes instead of those in the file.

    Attributes
    ----------
    path : Path
        The absolute path, so that the working folder may change later.
    name : str
        The file or folder as it was given, for messages.
    shape : tuple of int
        Voxels along each axis.
    dtype : numpy.dtype
        Booleans, integers or floats.
    pieces : tuple of int
        Shape of the pieces that the file stores; each can only be read as a whole.
    spacing : tuple of float, or None
        Size of a voxel along each axis; None if it is unknown.
    unit : str or None
        The unit of the spacing, such as nm or µm, or as the file has it; None if it is unknown.
    warnings : list of str
        Doubts about the file, a sentence each, which begins with its name.
    axes : str
        A letter for each axis, such as zyx.
    channels, times, levels : int
        How many there are in the file, of which the image is one.
    channel_names : tuple of str
        The names of the channels; empty if the file does not name them.
    """

    # What it means if a library raises an error while it reads a file of this format.
    damaged: ClassVar[str] = 'is cut off or damaged'

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pieces: tuple[int, ...]
    # Shape of the part that is unpacked in memory to read one voxel; `pieces` if None.
    unpacked: tuple[int, ...] | None = None
    spacing: tuple[float, ...] | None = None
    unit: str | None = None
    axes: str
    channels = times = levels = 1
    channel_names: tuple[str, ...] = ()

    def __init__(self, path: Path, choice: Choice = Choice()) -> None:  # noqa: B008 - a tuple
        self.name, self.path = str(path), path.absolute()
        self._choice = choice.checked()
        self.warnings: list[str] = []
        # Axes of the file that the image does not have, and the index that is read along each.
        self._fixed: dict[int, int] = {}
        with self._named():
            self._open()
            self._check_level()
        self._check()

    @abstractmethod
    def _open(self) -> None:
        """Open the file and set the attributes, with all axes of the file."""

    @abstractmethod
    def _read(self, box: Box) -> Array:
        """Read a box of the array in the file, with all its axes."""

    def close(self) -> None:  # noqa: B027 - not all keep it open
        """Close the file."""

    def _named(self) -> '_Named':
        return _Named(self)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all voxels in memory."""
        return self.size * self.dtype.itemsize

    def __getitem__(self, index: Any) -> Array:
        index = index if isinstance(index, tuple) else (index,)
        index += (slice(None),) * (self.ndim - len(index))
        pairs = [_bounds(part, length) for part, length in zip(index, self.shape, strict=True)]
        boxes = iter(box for box, _ in pairs)
        count = self.ndim + len(self._fixed)
        whole = tuple(
            slice(self._fixed[axis], self._fixed[axis] + 1) if axis in self._fixed else next(boxes)
            for axis in range(count)
        )
        self._check_memory(whole)
        lengths = [box.stop - box.start for box in whole]
        with self._named():
            # Libraries differ in what they return of nothing.
            block = np.asarray(self._read(whole)) if all(lengths) else np.empty(lengths, self.dtype)
        block = block.reshape([n for axis, n in enumerate(block.shape) if axis not in self._fixed])
        wanted: Array = block[tuple(inside for _, inside in pairs)]
        return wanted

    def _check_memory(self, box: Box) -> None:
        """Raise `FileError` if a box does not fit in the free memory, as a small file may claim."""
        voxels = math.prod(part.stop - part.start for part in box)
        size = max(voxels, self._piece if voxels else 0) * self.dtype.itemsize
        free = free_memory() if size > SURELY_THERE else None
        if free is None or size <= free:
            return
        what = 'takes' if voxels >= self._piece else 'is stored in pieces of which each takes'
        raise FileError(
            f'{self.name} {what} {size_in_words(size)} in memory, and {size_in_words(free)} are '
            'free; a .zarr or .npy of smaller pieces can be read block by block'
        )

    def read(self) -> Array:
        """Read the whole image."""
        return self[(slice(None),) * self.ndim]

    def __enter__(self) -> 'Source':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self._choice)

    def paths(self) -> list[Path]:
        """Return the files that hold the image, or the folder."""
        return [self.path]

    def state(self) -> tuple[int, ...]:
        """Return numbers that differ after one of these files is changed."""
        stats = [path.stat() for path in self.paths()]
        return tuple(number for stat in stats for number in (stat.st_mtime_ns, stat.st_size))

    def _warn(self, text: str) -> None:
        self.warnings.append(f'{self.name}: {text}')

    def _sizes(self, values: Any, what: str) -> tuple[float, ...] | None:
        """Return the numbers of a value in the file; warn and return None if it has none."""
        try:
            numbers = np.atleast_1d(np.asarray(values))
            # Integers stay integers, and so do coordinates.
            whole = numbers.dtype.kind in 'iu'
            return tuple(map(int if whole else float, numbers.tolist()))
        except (TypeError, ValueError, OverflowError):
            text = ' '.join(str(values).split())
            self._warn(f'{what} {text[:40]!r} is not a size; the spacing is unknown')
            return None

    def _attribute(self, attributes: Mapping[str, Any], *keys: str) -> tuple[float, ...] | None:
        """Return the numbers of the first of these attributes that exists."""
        for key in keys:
            if key in attributes:
                return self._sizes(attributes[key], key)
        return None

    def _in_one_unit(
        self, sizes: Sequence[float], units: Sequence[str | None]
    ) -> tuple[tuple[float, ...] | None, str | None]:
        """Return sizes in the unit of the last one; warn if units cannot be compared."""
        same, unit = in_one_unit(sizes, units)
        if unit is None and any(units):
            unknown = 'unit' if same else 'spacing'
            named = ', '.join(one or 'none' for one in units)
            self._warn(f'units of the axes are {named}; the {unknown} is unknown')
        return same, unit

    def _check(self) -> None:
        """Keep the axes of space; raise `FileError` if they do not make an image."""
        if self.dtype.kind not in 'biuf':
            raise FileError(
                f'{self.name} holds values of type {dtype_name(self.dtype)}; '
                'an image of booleans, integers or floats is needed'
            )
        if min(self.shape, default=0) < 0:
            raise FileError(f'{self.name} is damaged: it claims the shape {tuple(self.shape)}')
        self._piece = math.prod(self.unpacked or self.pieces)
        self._rename_axes()
        self._choose()
        keep = [axis for axis in range(len(self.shape)) if axis not in self._fixed]
        if len(keep) not in (2, 3):
            raise FileError(
                f'{self.name} holds an array of shape {self.shape} ({len(self.shape)}D); '
                'an image of 2 or 3 axes is needed'
            )
        self._check_spacing(keep)
        self.axes = ''.join(self.axes[axis] for axis in keep)
        if len(set(self.axes) & set('xyz')) < len(keep):
            self.axes = letters(len(keep))
        self.pieces = tuple(max(1, self.pieces[axis]) for axis in keep)
        self.shape = tuple(int(self.shape[axis]) for axis in keep)

    def _rename_axes(self) -> None:
        """Apply the argument `axes`."""
        given = self._choice.axes
        if given is None:
            return
        long = [axis for axis, length in enumerate(self.shape) if length != 1]
        if len(given) == len(self.shape):
            long = list(range(len(self.shape)))
        elif len(given) != len(long):
            raise ValueError(
                f'axes: expected {len(self.shape)} letters for {self.name} of shape {self.shape}, '
                f'got {given!r}'
            )
        renamed = dict(zip(long, given, strict=True))
        for axis, length in enumerate(self.shape):
            if axis not in renamed and length == 1:
                self._fixed[axis] = 0
        was = self.axes
        self.axes = ''.join(renamed.get(axis, '?') for axis in range(len(self.shape)))
        if self.spacing is not None and any(
            before in NOT_OF_SPACE and after in 'xyz'
            for before, after in zip(was, self.axes, strict=True)
        ):
            self.spacing = None
            self._warn(f'the file has no size for axes that are now {given}; spacing is unknown')

    def _check_level(self) -> None:
        """Raise `FileError` if there is no such level; readers call it before they choose one."""
        if self._choice.level >= self.levels:
            raise FileError(
                f'{self.name} holds {self.levels} level{"s" * (self.levels > 1)}; there is no '
                f'level {self._choice.level} (the largest is 0)'
            )

    def _choose(self) -> None:
        """Choose channel and time; drop axes of length 1 not of space or that exceed three."""
        counts = dict(zip(self.axes, self.shape, strict=True))
        # Colours are channels, unless there are others.
        of_channels = 's' if counts.get('s', 1) > 1 >= counts.get('c', 1) else 'c'
        wanted = {of_channels: self._choice.channel, 't': self._choice.time}
        self.times, self.channels = counts.get('t', 1), counts.get(of_channels, 1)
        if of_channels == 's' and not self.channel_names:
            self.channel_names = COLOURS.get(self.channels, ())
        for letter, value in wanted.items():
            if value is not None and letter not in counts:
                raise FileError(f'{self.name} has no {NOT_OF_SPACE[letter]} to choose from')
        for axis, (letter, count) in enumerate(zip(self.axes, self.shape, strict=True)):
            if letter not in NOT_OF_SPACE:
                continue
            value = wanted.get(letter)
            if value is not None:
                self._fixed[axis] = self._number_of(letter, value, count)
            elif count == 1 or (self._choice.first and letter in wanted):
                self._fixed[axis] = 0
            else:
                what = NOT_OF_SPACE[letter]
                advice = f'choose one of them by {"time" if letter == "t" else "channel"}'
                if self.channel_names and letter == of_channels:
                    advice += f' ({", ".join(self.channel_names)})'
                if letter in 'ct':
                    advice += ", or give axes='zyx' if they are planes"
                raise FileError(f'{self.name} holds {count} {what}; {advice}')
        for axis in sorted(range(len(self.shape)), key=lambda axis: self.axes[axis] != '?'):
            if len(self.shape) - len(self._fixed) > 3 and self.shape[axis] == 1:
                self._fixed[axis] = 0

    def _number_of(self, letter: str, value: int | str, count: int) -> int:
        """Return the number of a channel or a time that is given by number or name."""
        one, many = ('time', 'times') if letter == 't' else ('channel', 'channels')
        if isinstance(value, int):
            if value < count:
                return value
            raise FileError(
                f'{self.name} holds {count} {many}; there is no {one} {value} (the first is 0)'
            )
        for names in (self.channel_names, tuple(name.lower() for name in self.channel_names)):
            wanted = value if names is self.channel_names else value.lower()
            if names.count(wanted) == 1:
                return names.index(wanted)
        named = ', '.join(self.channel_names)
        there = f'its channels are {named}' if named else 'its channels have no names'
        many = 'several channels' if value in self.channel_names else 'no channel'
        raise FileError(f'{self.name} has {many} {value!r}; {there}')

    def _check_spacing(self, keep: Sequence[int]) -> None:
        """Keep a size for each of these axes; warn and keep none if the spacing does not fit."""
        spacing = self.spacing
        if spacing is not None:
            if len(spacing) == len(self.shape):
                spacing = tuple(spacing[axis] for axis in keep)
            elif len(spacing) == 1:
                spacing *= len(keep)
            if len(spacing) != len(keep):
                self._warn(
                    f'it has {len(spacing)} sizes for {len(keep)} axes; the spacing is unknown'
                )
                spacing = None
            elif not all(math.isfinite(size) and size > 0 for size in spacing):
                self._warn(
                    f'its spacing {by_axis(spacing)} is not positive; the spacing is unknown'
                )
                spacing = None
        self.spacing = spacing
        if spacing is None:
            self.unit = None


def _bounds(index: Any, length: int) -> tuple[slice, Any]:
    """Return the range of an axis to read for an index, and the index within that range."""
    if isinstance(index, slice):
        wanted = range(length)[index]
        if not wanted:
            return slice(0, 0), slice(None)
        first, last = min(wanted[0], wanted[-1]), max(wanted[0], wanted[-1])
        inside = slice(None) if wanted.step > 0 else slice(None, None, -1)
        if abs(wanted.step) > 1:
            inside = slice(None, None, wanted.step)
        return slice(first, last + 1), inside
    at = range(length)[index]
    return slice(at, at + 1), 0


class _Named:
    """Turns the errors of a reader into a `FileError` that names the file."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        # The libraries raise errors of many types for damaged files.
        if (
            error is None
            or not isinstance(error, Exception)
            or isinstance(error, (FileError, MemoryError))
        ):
            return
        path = self._source.name
        if isinstance(error, OSError) and error.errno is not None:
            raise FileError(f'{path} cannot be read: {error.strerror or error}') from error
        text = str(error).strip().strip('"')
        if text.endswith("requires the 'imagecodecs' package"):
            what = text.split(' requires')[0]
            raise FileError(
                f"{path} needs imagecodecs ({what}): pip install 'skanrs[tiff]'"
            ) from error
        reason = text.splitlines()[0] if text else type(error).__name__
        raise FileError(f'{path} {self._source.damaged} ({reason})') from error
