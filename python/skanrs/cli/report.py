"""The summary that the command prints: as text, or as JSON for scripts."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import skanrs
from skanrs._support.memory import size_in_words
from skanrs._support.reprs import counted

from .texts import numbers, to_json

if TYPE_CHECKING:
    import pandas as pd

    from skanrs.cleaning.steps import Changes
    from skanrs.threshold import Rule

    from .result import Result

__all__ = [
    'BRANCH_TYPES',
    'Branches',
    'Report',
    'axes_in_space',
    'foreground_of',
    'warnings_of',
]

# skan's branch types 0 to 3, in words.
BRANCH_TYPES = (
    'endpoint to endpoint',
    'junction to endpoint',
    'junction to junction',
    'cycles',
)


@dataclass(frozen=True)
class Branches:
    """A summary of a branch table."""

    networks: int
    by_type: tuple[int, ...]
    total_length: float
    median_length: float
    median_radius: float | None
    """The median of the branches' mean radii, if the table has them."""

    @classmethod
    def of(cls, table: 'pd.DataFrame') -> 'Branches':
        """Summarize a table."""
        from skanrs.branches.columns import length_column

        types = np.bincount(table['branch_type'], minlength=len(BRANCH_TYPES))
        lengths = table[length_column(table)]
        radius = None
        if 'mean_radius' in table and len(table):
            radius = float(table['mean_radius'].median())
        return cls(
            networks=int(table['skeleton_id'].nunique()),
            by_type=tuple(types.tolist()),
            total_length=float(lengths.sum()),
            median_length=float(lengths.median()) if len(lengths) else 0.0,
            median_radius=radius,
        )

    def lines(self) -> list[str]:
        """Return the summary as lines of text."""
        count = sum(self.by_type)
        types = ', '.join(
            f'{count:,} {words if count != 1 else words.removesuffix("s")}'
            for count, words in zip(self.by_type, BRANCH_TYPES, strict=True)
        )
        networks = counted(self.networks, 'network')
        lines = [
            f'branches    {count:,} in {networks}: {types}',
            f'length      {self.total_length:,.6g} in total, median {self.median_length:.4g}',
        ]
        if self.median_radius is not None:
            lines.append(f'radius      {self.median_radius:.4g}, the median of the branches')
        return lines


@dataclass(frozen=True)
class Report:
    """The numbers, times and outputs of a run."""

    source: str
    shape: tuple[int, ...]
    dtype: str
    axes: str
    spacing: tuple[float, ...]
    spacing_from: str
    unit: str | None
    sigma: tuple[float, ...] | None
    threshold: float | None
    threshold_from: str
    foreground: int
    cleaned: 'Changes | None'
    prune_length: float | None
    prune_ratio: float | None
    prune_bulge: float | None
    open_loops: str | None
    removed: Mapping[str, int] | None
    """Voxels and loops of the skeleton that pruning and opening loops removed."""
    skeleton_voxels: int
    objects: int | None
    """The number of labels; None if the image is not one of labels."""
    branches: Branches | None
    in_chunks: bool
    seconds: dict[str, float]
    total_seconds: float
    peak_memory: int | None
    warnings: tuple[str, ...]
    """Problems that affect the numbers, one sentence each."""
    recipe: dict[str, Any]
    """The options that change results, by their names on the command line."""
    color_by: str | None
    """What colours the branches of the report."""
    written: tuple[Path, ...]
    failed: tuple[str, ...] = ()
    """Why outputs could not be written, one sentence each."""

    def at_the_end(
        self,
        total_seconds: float,
        peak_memory: int | None,
        allowed: int | None,
        failed: Mapping[Path, str],
    ) -> 'Report':
        """Return the report with the final time and memory, and the outputs that failed."""
        warnings = self.warnings
        if allowed is not None and peak_memory is not None and peak_memory > allowed:
            warnings += (
                f'the peak of memory was {size_in_words(peak_memory)}, more than --memory '
                f'{size_in_words(allowed)}: parts of the image, skeleton or branches need more',
            )
        return dataclasses.replace(
            self,
            total_seconds=total_seconds,
            peak_memory=peak_memory,
            warnings=warnings,
            written=tuple(path for path in self.written if path not in failed),
            failed=tuple(failed.values()),
        )

    @property
    def voxels(self) -> int:
        """Number of voxels of the image."""
        return math.prod(self.shape)

    def facts(self) -> list[str]:
        """Return the lines about image and skeleton."""
        share = self.foreground / max(self.voxels, 1)
        found = self.threshold_from
        if self.threshold is not None:
            found = f'more than {self.threshold:.6g} ({found})'
        if self.sigma is not None:
            found += f', after smoothing with sigma {numbers(self.sigma)}'
        unit = f' {self.unit}' if self.unit else ''
        return [
            f'image       {numbers(self.shape)} voxels ({self.voxels:,}), {self.dtype}, '
            f'spacing {numbers(self.spacing)}{unit} ({self.spacing_from})',
            f'foreground  {counted(self.foreground, "voxel")}, {share:.2%} of the image: {found}',
            *(() if self.objects is None else (f'objects     {counted(self.objects, "label")}',)),
            *(() if self.cleaned is None else (f'cleaned     {cleaned_in_words(self.cleaned)}',)),
            f'skeleton    {counted(self.skeleton_voxels, "voxel")}{self._pruned(unit)}',
        ]

    def _pruned(self, unit: str) -> str:
        """Return which branches were removed, as text."""
        shorter = []
        if self.prune_length is not None:
            shorter.append(f'{self.prune_length:g}{unit}')
        if self.prune_ratio is not None:
            shorter.append(f'{self.prune_ratio:g} radii at their junction')
        words = [f'without end branches shorter than {" or ".join(shorter)}'] if shorter else []
        if self.prune_bulge is not None:
            words.append(f'without bulges smaller than {self.prune_bulge:g}')
        if self.open_loops is not None:
            where = 'thinnest voxel' if self.open_loops == 'thinnest' else 'shortest branch'
            words.append(f'loops opened at their {where}')
        if self.removed is not None:
            gone = [
                counted(self.removed['voxels'], 'voxel'),
                counted(self.removed['loops'], 'loop'),
            ]
            words.append(f'{" and ".join(gone)} removed')
        return ''.join(f', {each}' for each in words)

    def lines(self) -> list[str]:
        """Return the summary as lines of text."""
        slow = ', '.join(f'{name} {seconds:.2f}' for name, seconds in self.seconds.items())
        lines = self.facts()
        if self.branches is not None:
            lines += self.branches.lines()
        lines.append(f'time        {self.total_seconds:.2f} s ({slow})')
        if self.peak_memory is not None:
            way = ', in chunks' if self.in_chunks else ''
            lines.append(f'memory      {self.peak_memory / 1e6:,.0f} MB at the peak{way}')
        if self.written:
            lines.append('written     ' + ', '.join(map(str, self.written)))
        return lines

    def as_json(self) -> str:
        """Return the report as JSON."""
        content: dict[str, Any] = {'skanrs': skanrs.__version__, **dataclasses.asdict(self)}
        content['written'] = [str(path) for path in self.written]
        if content['branches'] is not None:
            types = (words.removesuffix('s').replace(' ', '_') for words in BRANCH_TYPES)
            by_type = content['branches'].pop('by_type')
            content['branches'] = {
                'count': sum(by_type),
                'by_type': dict(zip(types, by_type, strict=True)),
                **content['branches'],
            }
        return to_json(content)


def warnings_of(
    result: 'Result', voxels: int, threshold_from: str, sigma: Sequence[float] | None
) -> tuple[str, ...]:
    """Return warnings: none, most or all voxels are foreground, or no branch is left.

    Parameters
    ----------
    result : Result
        The result of the run.
    voxels : int
        The number of voxels of the image.
    threshold_from : str
        Where the threshold came from.
    sigma : sequence of float or None
        The width of the smoothing.

    Returns
    -------
    tuple of str
    """
    count, left = result.foreground, result.skeleton_voxels
    if not voxels:
        return ('the image has no voxels',)
    if result.objects == 0:
        return ('the image has none of the labels that are wanted',)
    if result.values is not None:
        low, high = result.values
        which = 'no voxel is' if count == 0 else f'all {voxels:,} voxels are'
        values = 'values' if sigma is None else 'smoothed values'
        if low < high:
            values = f'{values} go from {low:.6g} to {high:.6g}'
        else:
            values = f'all {values} are {"NaN" if low != low else f"{low:.6g}"}'
        limit = result.rule.threshold
        rule = '' if limit is None else f', and the threshold is {limit:.6g} ({threshold_from})'
        return (f'{which} foreground: {values}{rule}',)
    if result.cleaned is not None and not result.cleaned.voxels:
        return (f'cleaning removed the whole foreground, {counted(count, "voxel")}',)
    if 2 * count > voxels and result.labels is None:
        return (
            f'more than half of the image ({count / voxels:.0%}) is foreground, that is '
            f'{foreground_of(result.rule)}; if it is the background, invert the image',
        )
    if left == 0:
        return (
            f'thinning left nothing of {count:,} voxels of foreground: solid blocks of even '
            'thickness can vanish, and --preserve-topology keeps them',
        )
    if result.has_no_branches:
        return (f'the skeleton has no branches, only {counted(left, "isolated voxel")}',)
    if result.cavities:
        surfaces = counted(result.cavities, 'closed surface')
        return (
            f'the skeleton has {surfaces} around cavities of the mask, each of many short '
            'branches; --fill-cavities fills them',
        )
    return ()


def cleaned_in_words(changes: 'Changes') -> str:
    """Return what cleaning changed, as text."""
    words = []
    if changes.closed_voxels is not None:
        words.append(f'closing added {counted(changes.closed_voxels, "voxel")}')
    if changes.cavities is not None and changes.filled_voxels is not None:
        words.append(
            f'{counted(changes.cavities, "cavity", "cavities")} of '
            f'{counted(changes.filled_voxels, "voxel")} filled'
        )
    if changes.removed_objects is not None and changes.removed_voxels is not None:
        words.append(
            f'{counted(changes.removed_objects, "object")} of '
            f'{counted(changes.removed_voxels, "voxel")} removed'
        )
    return f'{", ".join(words)}; {counted(changes.voxels, "voxel")} are left'


def foreground_of(rule: 'Rule') -> str:
    """Return which values are foreground, as text."""
    if rule.kind == 'nonzero':
        return 'all nonzero values'
    return f'values {"equal to" if rule.kind == "equal" else "above"} {rule.number:.6g}'


def axes_in_space(axes: str) -> str | None:
    """Return the axes; None, for the usual order, if there are others than x, y and z."""
    return axes if set(axes) <= set('xyz') else None
