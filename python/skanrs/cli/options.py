"""The options of `skanrs analyze` and `skanrs skeletonize`, checked once and carried through."""

import argparse
import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from skanrs import files
from skanrs.cleaning.steps import Cleaning
from skanrs.files import FileError
from skanrs.files.recipe import RECIPE_SUFFIXES

from .argument_types import path as path_of
from .recipes import RECIPE

__all__ = ['Options', 'Threshold']

Threshold = float | Literal['otsu', 'none'] | None


@dataclass(frozen=True)
class Options:
    """What to read, what to compute and what to write; fields are named as in `parser`."""

    image: str
    output: tuple[Path, ...]
    """Branch tables and networks, see `skanrs.save_skeleton`; none for `skeletonize`."""
    skeleton: Path | None
    summary: Path | None
    report: Path | None
    color_by: str | None
    """The column that colours the branches of the report first, or 'territory'."""
    recipe_file: Path | None
    save_recipe: Path | None
    nodes: Path | None
    angles: Path | None
    root: int | str | tuple[float, ...] | None
    """Where the trees begin, see `skanrs.root`."""
    territories: Path | None
    branch_image: Path | None
    intensity: str | None
    """An image of numbers to measure along branches."""
    intensity_channel: int | str | None
    regions: str | None
    """A label image whose regions are summarized."""
    by_region: Path | None
    channel: int | str | None
    axes: str | None
    time: int | Literal['all'] | None
    """All for several images only, whose own options have a number."""
    level: int
    spacing: tuple[float, ...]
    """One number, or one for each axis; empty: the spacing in the file, else 1."""
    threshold: Threshold
    sigma: tuple[float, ...] | None
    closing: float
    fill_cavities: bool
    min_size: int
    keep_largest: int | None
    labels: bool
    only_labels: Sequence[int] | None
    min_voxels: int
    method: str | None
    preserve_topology: bool
    radii: bool
    include_tips: bool
    prune_length: float | None
    prune_ratio: float | None
    prune_bulge: float | None
    open_loops: Literal['thinnest', 'shortest'] | None
    threads: int | None
    memory: int | None
    """Bytes that the process may hold; None: most of what is free."""
    progress: bool | None
    """Whether to show progress; None: on terminals."""
    json: bool

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> 'Options':
        """Return the options in parsed arguments; raise where they cannot be meant."""
        values = {field.name: getattr(arguments, field.name) for field in dataclasses.fields(cls)}
        values['output'] = tuple(values['output'])
        values['spacing'] = _check_positive('spacing', values['spacing'] or ())
        if values['sigma'] is not None:
            values['sigma'] = _check_positive('sigma', values['sigma'])
        for name in ('prune_length', 'prune_ratio', 'prune_bulge'):
            if values[name] is not None:
                _check_positive(name.replace('_', '-'), [values[name]])
        # What refers to columns of the measures.
        needs_measures = ('nodes', 'angles', 'root', 'intensity', 'regions')
        values['radii'] |= any(values[name] is not None for name in needs_measures)
        options = cls(**values)
        if options.sigma is not None and options.threshold in (None, 'none'):
            raise ValueError('sigma: expected --threshold with it, a number or otsu, got none')
        if options.include_tips and not options.radii:
            raise ValueError('include-tips: expected --radii with it')
        if options.intensity is None and options.intensity_channel is not None:
            raise ValueError('intensity-channel: expected --intensity with it')
        if options.regions is None and options.by_region is not None:
            raise ValueError('by-region: expected --regions with it')
        if options.report is None and options.color_by is not None:
            raise ValueError('color-by: expected --report with it')
        options._check_labels()
        options.cleaning  # noqa: B018 - raises for values that make no sense
        options._check_outputs()
        return options

    def _check_labels(self) -> None:
        if not self.labels:
            if self.only_labels is not None or self.min_voxels != 1:
                name = 'min-voxels' if self.only_labels is None else 'only-labels'
                raise ValueError(f'{name}: expected --labels with it')
            return
        for name, is_given in (
            ('sigma', self.sigma is not None),
            ('threshold', self.threshold is not None),
            ('closing, --fill-cavities, --min-size or --keep-largest', self.cleans),
            ('nodes', self.nodes is not None),
            ('angles', self.angles is not None),
            ('root', self.root is not None),
            ('territories', self.territories is not None),
            ('branch-image', self.branch_image is not None),
        ):
            if is_given:
                raise ValueError(f'labels: expected no --{name} with --labels')

    @property
    def cleans(self) -> bool:
        """Whether the mask is cleaned."""
        return not self.cleaning.changes_nothing

    @property
    def chosen_labels(self) -> bool | Sequence[int]:
        """Which values are objects, as functions of the package take it."""
        return self.labels if self.only_labels is None else self.only_labels

    def _check_outputs(self) -> None:
        tables = (*files.TABLE_SUFFIXES, *files.GRAPH_SUFFIXES)
        for path in self.output:
            files.check_output(path, tables, 'outputs')
        if self.skeleton is not None:
            files.check_output(self.skeleton, files.IMAGE_SUFFIXES, 'skeletons')
        if self.summary is not None:
            files.check_output(self.summary, files.TABLE_SUFFIXES, 'summaries')
        if self.nodes is not None:
            files.check_output(self.nodes, files.TABLE_SUFFIXES, 'nodes')
        if self.angles is not None:
            files.check_output(self.angles, files.TABLE_SUFFIXES, 'angles')
        if self.by_region is not None:
            files.check_output(self.by_region, files.TABLE_SUFFIXES, 'regions')
        for image in (self.territories, self.branch_image):
            if image is not None:
                files.check_output(image, files.LABEL_SUFFIXES, 'images of branches')
        if self.report is not None:
            files.check_output(self.report, files.REPORT_SUFFIXES, 'reports')
            for library in ('matplotlib', 'jinja2'):
                files.need(library, self.report, extra='plot')
        if self.save_recipe is not None:
            files.check_output(self.save_recipe, RECIPE_SUFFIXES, 'recipes')
        inputs = [path_of(self.image)] + ([] if self.recipe_file is None else [self.recipe_file])
        taken = [*inputs, *self.outputs]
        if len({path.resolve() for path in taken}) < len(taken):
            raise FileError('the image, the recipe and all outputs must be different files')
        written = {path.resolve() for path in self.outputs}
        for name in (self.intensity, self.regions):
            if name is not None and path_of(name).resolve() in written:
                raise FileError(f'{name}: expected an output that is not an input')

    @property
    def recipe(self) -> dict[str, Any]:
        """The options that change results, by their names on the command line."""
        values = {name: getattr(self, name) for name in RECIPE}
        values['spacing'] = self.spacing or None
        return {name.replace('_', '-'): value for name, value in values.items()}

    @property
    def single_time(self) -> int | None:
        """The time of an image; a task of several images has one time."""
        assert self.time != 'all'
        return self.time

    @property
    def outputs(self) -> tuple[Path, ...]:
        """All files to write."""
        others = (
            self.skeleton,
            self.territories,
            self.branch_image,
            self.summary,
            self.nodes,
            self.angles,
            self.by_region,
            self.report,
            self.save_recipe,
        )
        return (*self.output, *(path for path in others if path is not None))

    @property
    def need_table(self) -> bool:
        """Whether an output needs the branches."""
        return bool(self.output)

    @property
    def works_on_arrays(self) -> bool:
        """Whether a step needs the mask or the skeleton as an array of bytes."""
        images = self.territories is not None or self.branch_image is not None
        return self.cleans or self.prunes_whole or images

    @property
    def need_nodes(self) -> bool:
        """Whether an output needs the table of nodes."""
        of_nodes = self.nodes, self.angles, self.root
        given = any(each is not None for each in of_nodes)
        return given or (self.radii and self.has_graphml)

    @property
    def has_graphml(self) -> bool:
        """Whether an output is GraphML."""
        return any(path.name.lower().endswith('.graphml') for path in self.output)

    @property
    def need_graph(self) -> bool:
        """Whether an output needs the voxels of the skeleton, not only the table."""
        of_graphs = any(files.needs_geometry(path, self.radii) for path in self.output)
        return self.report is not None or self.angles is not None or of_graphs

    def has_rows_only(self, ndim: int) -> bool:
        """Whether no output needs more at a time than some rows of the branch table."""
        more = (self.report, self.territories, self.branch_image)
        needs_more = any(path is not None for path in more)
        if self.radii:
            beside = self.angles, self.root, self.intensity, self.regions
            needs_more |= ndim != 3 or any(each is not None for each in beside)
        trees = any(path.name.lower().endswith('.swc') for path in self.output)
        return not needs_more and not trees

    def for_shape(self, shape: tuple[int, ...], spacing: Sequence[float]) -> 'Options':
        """Return the options with a spacing, and it and sigma for each axis of an image."""
        if self.sigma is not None:
            from skanrs.smoothing import check_largest_sigma

            check_largest_sigma(max(self.sigma), shape)
        return dataclasses.replace(
            self,
            spacing=_for_each_axis('spacing', tuple(spacing), shape),
            sigma=None if self.sigma is None else _for_each_axis('sigma', self.sigma, shape),
        )

    @property
    def cleaning(self) -> Cleaning:
        """The steps that clean the mask."""
        return Cleaning.of(
            closing=self.closing,
            fill_cavities=self.fill_cavities,
            min_size=self.min_size,
            largest=self.keep_largest,
        )

    @property
    def prunes(self) -> bool:
        """Whether voxels of the skeleton are removed."""
        given = self.prune_length, self.prune_ratio, self.prune_bulge, self.open_loops
        return any(each is not None for each in given)

    @property
    def prunes_by_radius(self) -> bool:
        """Whether the mask decides which voxels of the skeleton are removed."""
        by_radius = self.prune_ratio, self.prune_bulge
        return self.open_loops == 'thinnest' or any(limit is not None for limit in by_radius)

    @property
    def prunes_whole(self) -> bool:
        """Whether a rule that removes voxels needs the whole skeleton."""
        return self.open_loops is not None or self.prunes_by_radius

    def prune(self, skeleton: Any, mask: Any) -> Any:
        """Return a skeleton, an array in memory or of dask, without what is to be removed."""
        from skanrs import open_loops, prune

        if self.open_loops is not None:
            skeleton = open_loops(
                skeleton,
                self.open_loops,
                mask=mask if self.open_loops == 'thinnest' else None,
                spacing=self.spacing,
                labels=self.labels,
            )
        by_radius = self.prune_ratio, self.prune_bulge
        if self.prune_length is None and by_radius == (None, None):
            return skeleton
        return prune(
            skeleton,
            min_length=self.prune_length,
            max_radius_ratio=self.prune_ratio,
            max_bulge=self.prune_bulge,
            mask=None if by_radius == (None, None) else mask,
            spacing=self.spacing,
            labels=self.labels,
        )


def _check_positive(name: str, values: Sequence[float]) -> tuple[float, ...]:
    """Return the values; raise `ValueError` where one is not positive and finite."""
    for value in values:
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f'{name}: expected positive, finite numbers, got {value:g}')
    return tuple(values)


def _for_each_axis(
    name: str, values: tuple[float, ...], shape: tuple[int, ...]
) -> tuple[float, ...]:
    if len(values) == 1:
        return values * len(shape)
    if len(values) != len(shape):
        raise ValueError(
            f'{name}: expected 1 or {len(shape)} numbers for an image of shape {shape}, '
            f'got {len(values)}'
        )
    return values
