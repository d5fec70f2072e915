"""Further images of the shape of the image: what `--intensity` names."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from skanrs import files
from skanrs.files import Source

from .options import Options

if TYPE_CHECKING:
    import dask.array as da

__all__ = ['Companions', 'lazy_companion', 'open_companions']


class Companions(NamedTuple):
    """Opened images that are measured beside the image."""

    intensity: Source | None

    @property
    def nbytes(self) -> int:
        """Bytes of all of them in memory."""
        return sum(source.nbytes for source in self if source is not None)


@contextmanager
def open_companions(options: Options, shape: tuple[int, ...]) -> Iterator[Companions]:
    """Open what the options name; raise `ValueError` for another shape than that of the image."""
    with ExitStack() as stack:
        intensity = None
        if options.intensity is not None:
            # Another channel of the same file has its axes, times and levels.
            is_same = options.intensity == options.image
            opened = files.open_source(
                options.intensity,
                channel=options.intensity_channel,
                axes=options.axes if is_same else None,
                time=options.time if is_same else None,
                level=options.level if is_same else 0,
            )
            intensity = stack.enter_context(opened)
            if intensity.shape != shape:
                raise ValueError(
                    f'intensity: expected shape {shape} as the image, got {intensity.shape} in'
                    f' {options.intensity}'
                )
        yield Companions(intensity)


def lazy_companion(source: Source, chunks: tuple[tuple[int, ...], ...], voxels: int) -> 'da.Array':
    """Return an image as a dask array in these chunks, read in pieces of so many voxels."""
    from skanrs.files.read.blocks import grown_pieces, lazy_array

    return lazy_array(source, grown_pieces(source.pieces, source.shape, voxels)).rechunk(chunks)
