"""An image in a file, before it is read: what it is, and how any box of it is read.

Each format has a subclass that knows its shape, type, spacing and the pieces its file is stored in,
and reads a box of voxels. Reads from several threads at once are allowed. Sources can be pickled;
the file is opened again where they arrive.
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

from ..errors import FileError, dtype_name

__all__ = ['Source']

Array = npt.NDArray[Any]
Box = tuple[slice, ...]

# What axes other than those of space are called, and the letters files use for them.
NOT_OF_SPACE = {'c': 'channels', 's': 'colours', 't': 'times'}

# Bytes that need no look at what is free.
SURELY_THERE = 1 << 28


class Source(ABC):
    """A 2D or 3D image in a file.

    Parameters
    ----------
    path : Path
        The file or folder.
    channel : int, optional
        Which channel of several.

    Attributes
    ----------
    shape : tuple of int
        Voxels along each axis.
    dtype : numpy.dtype
        Booleans, integers or floats.
    pieces : tuple of int
        Shape of what the file stores, and has to be read, in one piece.
    spacing : tuple of float, or None
        Size of a voxel along each axis, if the file says so.
    unit : str or None
        Of the spacing, if the file says so: nm, µm, mm, cm, m, or what stands there.
    axes : str
        A letter for each axis, such as zyx.
    """

    # What anything else than a FileError means while a file of this format is read.
    damaged: ClassVar[str] = 'is cut off or damaged'

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pieces: tuple[int, ...]
    # Shape of what is in memory as a whole while any voxel of it is read; `pieces` if None.
    unpacked: tuple[int, ...] | None = None
    spacing: tuple[float, ...] | None = None
    unit: str | None = None
    axes: str

    def __init__(self, path: Path, channel: int | None = None) -> None:
        self.path = path
        self._channel = channel
        # What stands in the file, with axes that are not of space, and where in these we read.
        self._fixed: dict[int, int] = {}
        with self._named():
            self._open()
        self._check()

    @abstractmethod
    def _open(self) -> None:
        """Open the file and set the attributes; axes of all kinds may be there."""

    @abstractmethod
    def _read(self, box: Box) -> Array:
        """Read a box of what stands in the file, all its axes."""

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
        with self._named():
            block = np.asarray(self._read(whole))
        block = block.reshape([n for axis, n in enumerate(block.shape) if axis not in self._fixed])
        wanted: Array = block[tuple(inside for _, inside in pairs)]
        return wanted

    def _check_memory(self, box: Box) -> None:
        """Refuse what a small file may promise and no memory holds."""
        voxels = math.prod(part.stop - part.start for part in box)
        size = max(voxels, self._piece if voxels else 0) * self.dtype.itemsize
        free = free_memory() if size > SURELY_THERE else None
        if free is None or size <= free:
            return
        what = 'takes' if voxels >= self._piece else 'is stored in pieces of which each takes'
        raise FileError(
            f'{self.path} {what} {size_in_words(size)} in memory, and {size_in_words(free)} are '
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
        return type(self), (self.path.absolute(), self._channel)

    def state(self) -> tuple[int, ...]:
        """Return what changes when the file does."""
        return state_of(self.path)

    def _check(self) -> None:
        """Leave the axes of space only, and refuse what is no image."""
        if self.dtype.kind not in 'biuf':
            raise FileError(
                f'{self.path} holds values of type {dtype_name(self.dtype)}; '
                'an image of booleans, integers or floats is needed'
            )
        self._piece = math.prod(self.unpacked or self.pieces)
        self.axes = self.axes.lower()
        chosen = False
        for axis, (letter, count) in enumerate(zip(self.axes, self.shape, strict=True)):
            if letter not in NOT_OF_SPACE:
                continue
            if letter == 'c' and self._channel is not None:
                chosen = True
                if not 0 <= self._channel < count:
                    raise FileError(
                        f'{self.path} holds {count} channels; there is no channel {self._channel} '
                        f'(the first is 0)'
                    )
                self._fixed[axis] = self._channel
            elif count == 1:
                self._fixed[axis] = 0
            else:
                what = NOT_OF_SPACE[letter]
                advice = (
                    'choose one of them by channel'
                    if letter == 'c'
                    else 'save one gray image of them'
                )
                raise FileError(f'{self.path} holds {count} {what}; {advice}')
        if self._channel is not None and not chosen:
            raise FileError(f'{self.path} has no channels to choose from')
        keep = [axis for axis in range(len(self.shape)) if axis not in self._fixed]
        if len(keep) not in (2, 3):
            raise FileError(
                f'{self.path} holds an array of shape {self.shape} ({len(self.shape)}D); '
                'an image of 2 or 3 axes is needed'
            )
        if self.spacing is not None and len(self.spacing) == len(self.shape):
            self.spacing = tuple(self.spacing[axis] for axis in keep)
        self.axes = ''.join(self.axes[axis] for axis in keep)
        self.pieces = tuple(max(1, self.pieces[axis]) for axis in keep)
        self.shape = tuple(int(self.shape[axis]) for axis in keep)
        if self.spacing is not None and len(self.spacing) == 1:
            self.spacing *= len(keep)


def _bounds(index: Any, length: int) -> tuple[slice, Any]:
    """Return what to read of an axis for an index, and the index within that."""
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
    """Turns whatever a reader raises into a `FileError` that names the file."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        # Damaged files make the libraries raise almost anything.
        if (
            error is None
            or not isinstance(error, Exception)
            or isinstance(error, (FileError, MemoryError))
        ):
            return
        path = self._source.path
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


def state_of(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def letters(ndim: int) -> str:
    """Return the axes of an array that does not name them."""
    return 'zyx'[3 - ndim :] if ndim <= 3 else '?' * ndim


def usable(spacing: Sequence[float] | None) -> tuple[float, ...] | None:
    """Return a spacing of positive finite numbers; None for any other, which says nothing."""
    if spacing is None:
        return None
    numbers = tuple(float(size) for size in spacing)
    return numbers if all(math.isfinite(size) and size > 0 for size in numbers) else None


def named_spacing(attributes: Mapping[str, Any], *keys: str) -> tuple[float, ...] | None:
    """Return the first of these attributes that is a list of numbers."""
    for key in keys:
        if key in attributes:
            values = np.atleast_1d(np.asarray(attributes[key]))
            if values.ndim == 1 and values.dtype.kind in 'iuf':
                return tuple(values.tolist())
    return None
