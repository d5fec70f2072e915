"""Recipes in the command: the options that change results, saved, read and checked."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from skanrs import __version__
from skanrs.files import FileError
from skanrs.files.recipe import VERSION_KEY, read_recipe

from . import argument_types

__all__ = ['RECIPE', 'add_choice', 'add_columns', 'add_steps', 'options_of_recipe']

RECIPE = (
    'channel', 'axes', 'time', 'level', 'spacing', 'threshold', 'sigma', 'closing', 'fill_cavities',
    'min_size', 'keep_largest', 'labels', 'only_labels', 'min_voxels', 'method',
    'preserve_topology', 'prune_length', 'prune_ratio', 'prune_bulge', 'open_loops', 'radii',
    'include_tips', 'intensity_channel', 'root',
)  # fmt: skip
"""The options that change results, which are those of a recipe."""
ONLY_ANALYZE = ('radii', 'include_tips', 'intensity_channel', 'root')
TRUE_OR_FALSE = ('fill-cavities', 'labels', 'preserve-topology', 'radii', 'include-tips')


class _RecipeParser(argparse.ArgumentParser):
    """A parser of the options in a recipe, which raises errors."""

    def error(self, message: str) -> NoReturn:
        raise FileError(f'{self.prog}: {message.removeprefix("argument ")}')


def options_of_recipe(path: Path, command: str) -> tuple[dict[str, Any], str | None]:
    """Return the options in a recipe by their names in `Options`, and a warning if there is one.

    Parameters
    ----------
    path : Path
        A recipe, see `read_recipe`.
    command : str
        The subcommand; `skeletonize` has no options for columns of tables.

    Raises
    ------
    FileError
        If the file cannot be read, or has an unknown key or a value that the option does not take.
    """
    recipe = dict(read_recipe(path))
    version = recipe.pop(VERSION_KEY, None)
    given = {key.replace('-', '_'): value for key, value in recipe.items()}
    known = [name.replace('_', '-') for name in RECIPE]
    for key in recipe:
        if key not in known:
            raise FileError(
                f'{path}: unknown key {key!r}; known are {VERSION_KEY}, {", ".join(known)}'
            )
    parser = _RecipeParser(prog=str(path), add_help=False)
    add_choice(parser, several=True)
    add_steps(parser)
    add_columns(parser)
    parsed = parser.parse_args(_words(path, recipe))
    options = {name: getattr(parsed, name) for name in given}
    if command == 'skeletonize':
        options = {name: value for name, value in options.items() if name not in ONLY_ANALYZE}
    warning = None
    if version != __version__:
        saved = 'without a version' if version is None else f'by skanrs {version}'
        warning = f'{path} was saved {saved}, and this is {__version__}; results may differ'
    return options, warning


def _words(path: Path, recipe: Mapping[str, Any]) -> list[str]:
    """Return options as words of a command line."""
    words = []
    for key, value in recipe.items():
        if isinstance(value, bool) != (key in TRUE_OR_FALSE):
            expected = 'true or false' if key in TRUE_OR_FALSE else 'a value'
            raise FileError(f'{path}: {key}: expected {expected}, got {_shown(value)}')
        if isinstance(value, bool):
            words.append(f'--{key}' if value else f'--no-{key}')
        elif isinstance(value, list) and key in ('spacing', 'sigma'):
            words += [f'--{key}', *map(str, value)]
        elif isinstance(value, list):
            words.append(f'--{key}={",".join(map(str, value))}')
        elif isinstance(value, (str, int, float)):
            words.append(f'--{key}={value}')
        else:
            raise FileError(f'{path}: {key}: expected a number, a text or a list, got {value}')
    return words


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def add_choice(command: argparse.ArgumentParser, *, several: bool) -> None:
    """Add the options that choose what to read of a file."""
    choice = command.add_argument_group('what to read')
    choice.add_argument(
        '--channel',
        metavar='N|NAME',
        type=argument_types.channel,
        help='the channel or the colour to read: its number, from 0, or its name',
    )
    choice.add_argument(
        '--time',
        metavar='N|all' if several else 'N',
        type=argument_types.time if several else argument_types.count,
        help='the time to read, from 0'
        + (', or all, which gives the tables a column time' if several else ''),
    )
    choice.add_argument(
        '--level',
        metavar='N',
        type=argument_types.count,
        default=0,
        help='the level of an OME-Zarr or OME-TIFF pyramid; 0, the default, is the largest',
    )
    choice.add_argument(
        '--axes',
        metavar='LETTERS',
        help='the axes of the array, instead of those in the file: x, y, z, c (channel), t (time); '
        'zyx reads a stack that was saved as a time series',
    )


def add_steps(command: argparse.ArgumentParser) -> None:
    """Add the options of the steps from an image to its skeleton."""
    mask = command.add_argument_group('from the image to the mask')
    mask.add_argument(
        '--spacing',
        metavar='N',
        type=argument_types.number,
        nargs='+',
        help="size of a voxel: one number, or one for each axis in the array's order "
        '(default: the size in the file, else 1)',
    )
    mask.add_argument(
        '--threshold',
        metavar='VALUE|otsu|none',
        type=argument_types.threshold,
        help='foreground: voxels above VALUE, above the threshold of Otsu, or (none) all nonzero '
        'voxels; required for gray images, which have more than two values',
    )
    mask.add_argument(
        '--sigma',
        metavar='N',
        type=argument_types.number,
        nargs='+',
        help='first smooth by a Gaussian of this width in voxels: one number, or one for each axis '
        '(default: no smoothing)',
    )
    _add_cleaning(mask)
    _add_labels(command)
    skeleton = command.add_argument_group('from the mask to the skeleton')
    skeleton.add_argument(
        '--method',
        choices=('lee', 'zhang'),
        help='thinning method (default: zhang in 2D, lee in 3D; zhang is for 2D only)',
    )
    skeleton.add_argument(
        '--preserve-topology',
        action=argparse.BooleanOptionalAction,
        default=False,
        help="keep every object, tunnel and cavity; the default equals scikit-image's thinning",
    )
    skeleton.add_argument(
        '--prune-length',
        metavar='N',
        type=argument_types.number,
        help='remove end branches shorter than N, in units of the spacing, until none is left',
    )
    skeleton.add_argument(
        '--prune-ratio',
        metavar='N',
        type=argument_types.number,
        help='remove end branches shorter than N times the radius of the object at their '
        'junction; useful values are 1 to 2',
    )
    skeleton.add_argument(
        '--prune-bulge',
        metavar='N',
        type=argument_types.number,
        help='remove end branches whose bulge is smaller than N, see skanrs.prune; its authors '
        'took 1.5 for lymphatic and 3 for healthy blood vessels',
    )
    skeleton.add_argument(
        '--open-loops',
        choices=('thinnest', 'shortest'),
        help='before end branches are removed, cut each loop of the skeleton at its thinnest '
        'voxel, or remove its shortest branch',
    )


def add_columns(command: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options for more columns of the table; return their group."""
    measures = command.add_argument_group('what to measure')
    measures.add_argument(
        '--radii',
        action=argparse.BooleanOptionalAction,
        default=False,
        help="also measure radii: add the columns of skanrs.analyze after skan's",
    )
    measures.add_argument(
        '--include-tips',
        action=argparse.BooleanOptionalAction,
        default=False,
        help='with --radii: measure lengths to the surface, beyond the ends of the skeleton',
    )
    measures.add_argument(
        '--intensity-channel',
        metavar='N|NAME',
        type=argument_types.channel,
        help='the channel of --intensity to read',
    )
    measures.add_argument(
        '--root',
        metavar='WHERE',
        type=argument_types.root,
        help='also add parents, generations and orders from a root, see skanrs.root; implies '
        '--radii: thickest (tip of each network), a face such as z=0 or z=-1, a point such as '
        '0,12.5,40 in units of the spacing, or a node_id of --nodes',
    )
    return measures


def _add_labels(command: argparse.ArgumentParser) -> None:
    labels = command.add_argument_group('label images')
    labels.add_argument(
        '--labels',
        action=argparse.BooleanOptionalAction,
        default=False,
        help='the image is a label image: each nonzero value is an object of its own, also '
        'where objects touch',
    )
    labels.add_argument(
        '--only-labels',
        metavar='N,N',
        type=argument_types.label_list,
        help='with --labels: these objects only',
    )
    labels.add_argument(
        '--min-voxels',
        metavar='N',
        type=argument_types.count,
        default=1,
        help='with --labels: leave out objects of fewer than N voxels',
    )


def _add_cleaning(mask: argparse._ArgumentGroup) -> None:
    mask.add_argument(
        '--closing',
        metavar='R',
        type=argument_types.number,
        default=0,
        help='close gaps in the mask by a ball of this radius in voxels',
    )
    mask.add_argument(
        '--fill-cavities',
        action=argparse.BooleanOptionalAction,
        default=False,
        help='fill the background that does not reach the border: cavities, in 2D holes',
    )
    mask.add_argument(
        '--min-size',
        metavar='N',
        type=argument_types.count,
        default=0,
        help='remove objects of fewer than N voxels',
    )
    mask.add_argument(
        '--keep-largest',
        metavar='N',
        type=argument_types.count,
        help='keep the N largest objects only',
    )
