"""Further images of the shape of the image: what `--intensity` and `--regions` name."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy.typing as npt

from skanrs import files
from skanrs.files import Source
from skanrs.files.read.blocks import grown_pieces, lazy_array

from .options import Options

if TYPE_CHECKING:
    import dask.array as da

__all__ = ['Companions', 'open_companions']


class Companions(NamedTuple):
    """Opened images that are measured beside the image."""

    intensity: Source | None
    regions: Source | None

    @property
    def nbytes(self) -> int:
        """Bytes of all of them in memory."""
        return sum(source.nbytes for source in self if source is not None)

    def read(self) -> tuple[npt.NDArray[Any] | None, npt.NDArray[Any] | None]:
        """Return intensities and regions in memory."""
        intensity, regions = (None if source is None else source.read() for source in self)
        return intensity, regions

    def lazy(self, chunks: tuple[tuple[int, ...], ...], voxels: int) -> 'dict[str, da.Array]':
        """Return dask arrays in these chunks by their names; pieces of so many voxels are read."""
        return {
            name: lazy_array(source, grown_pieces(source.pieces, source.shape, voxels)).rechunk(
                chunks
            )
            for name, source in self._asdict().items()
            if source is not None
        }


@contextmanager
def open_companions(options: Options, shape: tuple[int, ...]) -> Iterator[Companions]:
    """Open what the options name; raise an error for what does not fit the image."""
    with ExitStack() as stack:
        intensity = regions = None
        if options.intensity is not None:
            # Another channel of the same file has its axes, times and levels.
            is_same = options.intensity == options.image
            opened = files.open_source(
                options.intensity,
                channel=options.intensity_channel,
                axes=options.axes if is_same else None,
                time=options.single_time if is_same else None,
                level=options.level if is_same else 0,
            )
            intensity = stack.enter_context(opened)
            _check_shape('intensity', intensity, shape)
        if options.regions is not None:
            regions = stack.enter_context(files.open_source(options.regions))
            _check_shape('regions', regions, shape)
            if regions.dtype.kind not in 'iu':
                raise ValueError(
                    f'regions: expected a label image of integers, got {regions.dtype} in'
                    f' {regions.name}'
                )
        yield Companions(intensity, regions)


def _check_shape(name: str, source: Source, shape: tuple[int, ...]) -> None:
    if source.shape != shape:
        raise ValueError(
            f'{name}: expected shape {shape} as the image, got {source.shape} in {source.name}'
        )
