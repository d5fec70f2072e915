"""A mask on disk, a bit per voxel, written in blocks of any size and read in any boxes.

Work in chunks stores the skeleton here as its blocks are finished; the writers read it afterwards.
"""

import itertools
import secrets
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import dask.array as da

__all__ = ['PackedMask']


class PackedMask:
    """Blocks of a mask, each in a file of a folder.

    Parameters
    ----------
    folder : Path
        An empty folder.
    chunks : sequence of sequences of int
        For each axis the lengths of the blocks, as dask has them.
    """

    dtype = np.dtype(bool)

    def __init__(self, folder: Path, chunks: Sequence[Sequence[int]]) -> None:
        self._folder = folder
        self._bounds = [list(itertools.accumulate(lengths, initial=0)) for lengths in chunks]
        self.shape = tuple(bounds[-1] for bounds in self._bounds)
        self.voxels = 0
        """How many voxels are True."""
        self._lock = threading.Lock()

    def store(self, block: npt.NDArray[np.bool_], index: Sequence[int]) -> None:
        """Write the block with this index."""
        block = np.asarray(block, dtype=bool)
        if block.any():
            # Rows are padded to whole bytes, so that a range of planes is a range of bytes.
            self._file(index).write_bytes(np.packbits(block, axis=-1).data)
            with self._lock:
                self.voxels += int(np.count_nonzero(block))

    def __getitem__(self, index: Any) -> npt.NDArray[np.bool_]:
        index = index if isinstance(index, tuple) else (index,)
        index += (slice(None),) * (len(self.shape) - len(index))
        box = [part.indices(n)[:2] for part, n in zip(index, self.shape, strict=True)]
        mask = np.zeros([max(0, stop - start) for start, stop in box], dtype=bool)
        touched = [
            [at for at in range(len(bounds) - 1) if bounds[at] < stop and bounds[at + 1] > start]
            for bounds, (start, stop) in zip(self._bounds, box, strict=True)
        ]
        for block in itertools.product(*touched):
            file = self._file(block)
            if not file.exists():
                continue
            here, inside = [], []
            for bounds, at, (start, stop) in zip(self._bounds, block, box, strict=True):
                first, last = max(start, bounds[at]), min(stop, bounds[at + 1])
                here.append(slice(first - start, last - start))
                inside.append(slice(first - bounds[at], last - bounds[at]))
            mask[tuple(here)] = self._read(file, block, inside)
        return mask

    def as_dask(self, chunks: Sequence[Sequence[int]] | None = None) -> 'da.Array':
        """Return the mask as a lazy array, in the same blocks or in these."""
        import dask.array as da

        chunks = chunks or [np.diff(bounds).tolist() for bounds in self._bounds]
        name = f'packed-{secrets.token_hex(8)}'
        return da.from_array(_Array(self), chunks=tuple(map(tuple, chunks)), name=name)

    def _shape_of(self, index: Sequence[int]) -> list[int]:
        return [bounds[at + 1] - bounds[at] for bounds, at in zip(self._bounds, index, strict=True)]

    def _read(
        self, file: Path, block: Sequence[int], inside: Sequence[slice]
    ) -> npt.NDArray[np.bool_]:
        shape = self._shape_of(block)
        row = -(-shape[-1] // 8)
        plane = row * int(np.prod(shape[1:-1], dtype=np.int64))
        planes = inside[0]
        count = planes.stop - planes.start
        packed = np.fromfile(file, np.uint8, count * plane, offset=planes.start * plane)
        packed = packed.reshape(count, *shape[1:-1], row)[(slice(None), *inside[1:-1])]
        bits = np.unpackbits(packed, axis=-1, count=shape[-1])
        return bits[..., inside[-1]].view(bool)

    def _file(self, index: Sequence[int]) -> Path:
        return self._folder / '_'.join(map(str, index))


class _Array:
    """The attributes of an array that dask needs."""

    def __init__(self, mask: PackedMask) -> None:
        self._mask = mask
        self.dtype = mask.dtype
        self.shape = mask.shape
        self.ndim = len(mask.shape)

    def __getitem__(self, index: Any) -> npt.NDArray[np.bool_]:
        return self._mask[index]
