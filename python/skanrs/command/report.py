"""What the command found, did and wrote: in lines for people, in JSON for scripts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ['BRANCH_TYPES', 'Report', 'numbers']

# skan's branch types 0 to 3, in words.
BRANCH_TYPES = (
    'endpoint to endpoint',
    'junction to endpoint',
    'junction to junction',
    'cycles',
)


@dataclass(frozen=True)
class Report:
    """What `analyze` found, did and wrote."""

    shape: tuple[int, ...]
    dtype: str
    spacing: tuple[float, ...]
    spacing_from: str
    sigma: tuple[float, ...] | None
    threshold: float | None
    threshold_from: str
    foreground: int
    skeleton_voxels: int
    networks: int
    branches_by_type: tuple[int, ...]
    total_length: float
    median_length: float
    in_chunks: bool
    seconds: dict[str, float]
    total_seconds: float
    peak_memory: int | None
    written: tuple[Path, ...]

    @property
    def voxels(self) -> int:
        """Number of voxels of the image."""
        return math.prod(self.shape)

    def lines(self) -> list[str]:
        """Return the summary that the command ends with."""
        share = self.foreground / max(self.voxels, 1)
        branches = sum(self.branches_by_type)
        found = self.threshold_from
        if self.threshold is not None:
            found = f'more than {self.threshold:.6g} ({found})'
        if self.sigma is not None:
            found += f', after smoothing with sigma {numbers(self.sigma)}'
        types = ', '.join(
            f'{count:,} {words if count != 1 else words.removesuffix("s")}'
            for count, words in zip(self.branches_by_type, BRANCH_TYPES, strict=True)
        )
        slow = ', '.join(f'{name} {seconds:.2f}' for name, seconds in self.seconds.items())
        networks = '1 network' if self.networks == 1 else f'{self.networks:,} networks'
        lines = [
            f'image       {numbers(self.shape)} voxels ({self.voxels:,}), {self.dtype}, '
            f'spacing {numbers(self.spacing)} ({self.spacing_from})',
            f'foreground  {self.foreground:,} voxels, {share:.2%} of the image: {found}',
            f'skeleton    {self.skeleton_voxels:,} voxels',
            f'branches    {branches:,} in {networks}: {types}',
            f'length      {self.total_length:,.6g} in total, median {self.median_length:.4g}',
            f'time        {self.total_seconds:.2f} s ({slow})',
        ]
        if self.peak_memory is not None:
            way = ', in chunks' if self.in_chunks else ''
            lines.append(f'memory      {self.peak_memory / 1e6:,.0f} MB at the peak{way}')
        lines.append('written     ' + ', '.join(str(path) for path in self.written))
        return lines


def numbers(values: Sequence[float]) -> str:
    """Return numbers as sizes are written: 1 x 1 x 2."""
    return ' x '.join(f'{value:g}' for value in values)
