"""The arguments of the command `skanrs` and its help texts."""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from skanrs import __version__
from skanrs.files import (
    GRAPH_SUFFIXES,
    IMAGE_SUFFIXES,
    LABEL_SUFFIXES,
    REPORT_SUFFIXES,
    SOURCE_SUFFIXES,
    TABLE_SUFFIXES,
)
from skanrs.files.recipe import RECIPE_SUFFIXES

from . import argument_types
from .recipes import add_choice, add_columns, add_steps

__all__ = ['EXIT_WRONG', 'command_parser']

EXIT_WRONG = 2

EXIT_CODES = """\
exit codes: 0 success; 2 a problem with the arguments or a file, described on standard error;
3 some of several images failed, and the others are complete; 130 interrupted. Each output is
complete or absent. An output that cannot be written does not stop the others, and the exit code
is 2. If no voxel or every voxel is foreground, or no branch is left, the exit code is 0, and a
warning goes to standard error and to `warnings` in JSON.
"""
ANALYZE_EXAMPLES = """\
examples:
  skanrs analyze mask.tif -o branches.csv
  skanrs analyze lung.tif -o branches.csv --sigma 0.7 --threshold otsu --report lung.html
  skanrs analyze cells.h5:/mask -o branches.parquet -o cells.swc --spacing 0.5 0.2 0.2
  skanrs analyze scan.zarr -o branches.csv --memory 4GB --skeleton skeleton.zarr
  skanrs analyze mask.tif -o branches.csv --radii --prune-ratio 1.5 --summary network.csv
  skanrs analyze scans/*.tif -o branches.csv --summary summary.csv --report report.html
  skanrs analyze groups.csv -o branches.parquet --report report.html --jobs 2
  skanrs analyze new.tif -o new.csv --recipe branches.parquet
  skanrs analyze cells.tif --labels -o branches.csv -o 'cells/{label}.swc' --min-voxels 100
  skanrs analyze mask.nii.gz -o branches.csv --json | jq .branches.total_length
"""
SKELETONIZE_EXAMPLES = """\
examples:
  skanrs skeletonize mask.tif -o skeleton.tif
  skanrs skeletonize slices/ -o skeleton.zarr --threshold 128
"""
DEMO_EXAMPLES = """\
examples:
  skanrs demo
  skanrs demo --folder lungs --shape 128 --seed 1
"""
EXAMPLES = """\
examples:
  skanrs demo
  skanrs info scan.tif
  skanrs analyze mask.tif -o branches.csv --radii --report mask.html
  skanrs skeletonize mask.tif -o skeleton.tif

`skanrs COMMAND --help` describes all options.
"""
INFO_EXAMPLES = """\
examples:
  skanrs info scan.ome.tif
  skanrs info cells.h5:/mask --json
"""


NUMBER = r'(\d+\.?\d*|\.\d+)(e[-+]?\d+)?'
NEGATIVE = re.compile(rf'-(inf|{NUMBER}(,-?{NUMBER})*)$', re.IGNORECASE)


class Parser(argparse.ArgumentParser):
    """A parser that reports errors in one line, without the usage."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # What begins with - but is no option: argparse knows no exponents, inf and lists.
        self._negative_number_matcher = NEGATIVE

    def error(self, message: str) -> NoReturn:
        _, _, more = message.partition('unrecognized arguments: ')
        words = more.split()
        if words and not any(word.startswith('-') for word in words):
            # The shell has expanded slices/*.tif.
            message = (
                f'expected one image, got another one, {words[0]}; for the slices of an '
                "image give their folder, or a pattern in quotes: 'slices/*.tif'"
            )
        self.exit(EXIT_WRONG, f'skanrs: error: {message} (see {self.prog} --help)\n')


def command_parser(recipe: Mapping[str, Any] | None = None) -> Parser:
    """Return the parser of all subcommands; parsed arguments have the names of `Options`.

    The options in a recipe, by these names, are those of commands that do not give them.
    """
    parser = Parser(
        prog='skanrs',
        description='Skeletons and branch tables of 2D and 3D images.',
        epilog=f'{EXAMPLES}\n{EXIT_CODES}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--version', action='version', version=f'skanrs {__version__}')
    commands = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)
    for command in (_add_analyze(commands), _add_skeletonize(commands)):
        command.set_defaults(**(recipe or {}))
    _add_info(commands)
    _add_demo(commands)
    return parser


def _add_command(
    commands: 'argparse._SubParsersAction[Parser]', name: str, words: str, more: str, examples: str
) -> Parser:
    command: Parser = commands.add_parser(
        name,
        help=words,
        description=more,
        epilog=f'{examples}\n{EXIT_CODES}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return command


def _add_source(command: Parser, *, several: bool = False) -> None:
    command.add_argument(
        'image',
        metavar='IN',
        nargs='+' if several else None,
        help=f'the image: {", ".join(SOURCE_SUFFIXES)}, a folder of TIFF slices or a '
        "pattern in quotes, such as 'slices/*.tif'; "
        'file.h5:/name selects one of several in an HDF5 file'
        + (
            '. Several images, or a .csv file with the columns file and group, make one table'
            if several
            else ''
        ),
    )
    add_choice(command, several=several)
    command.add_argument('--json', action='store_true', help='print JSON instead of text')


def _add_options(command: Parser, *, in_memory: str) -> None:
    """Add the options that `analyze` and `skeletonize` share.

    `in_memory` says what is kept on disk and what is not.
    """
    add_steps(command)
    running = command.add_argument_group('how to run')
    running.add_argument(
        '--threads',
        metavar='N',
        type=argument_types.thread_count,
        help='number of threads (default: SKANRS_NUM_THREADS, else all processors)',
    )
    running.add_argument(
        '--memory',
        metavar='SIZE',
        type=argument_types.memory,
        help='memory to use, such as 4GB (default: 80%% of the free memory). An image that needs '
        f'more is read block by block, with the same result. {in_memory}, and a warning says if '
        'they need more',
    )
    running.add_argument(
        '--progress',
        action=argparse.BooleanOptionalAction,
        help='show progress on standard error (default: on terminals only)',
    )
    running.add_argument(
        '--recipe',
        metavar='FILE',
        type=argument_types.path,
        dest='recipe_file',
        help='take the options of a recipe that --save-recipe wrote, or of a .parquet table that '
        'this command wrote; options of the command line win',
    )
    running.add_argument(
        '--save-recipe',
        metavar='FILE',
        type=argument_types.path,
        help='also write the options as a recipe, without inputs, outputs, threads and memory: '
        f'{", ".join(RECIPE_SUFFIXES)}',
    )


def _add_analyze(commands: 'argparse._SubParsersAction[Parser]') -> Parser:
    analyze = _add_command(
        commands,
        'analyze',
        'write the branch table of an image',
        'Skeletonize an image and write the table of its branches.',
        ANALYZE_EXAMPLES,
    )
    _add_source(analyze, several=True)
    _add_batch(analyze)
    outputs = analyze.add_argument_group('outputs')
    outputs.add_argument(
        '-o',
        '--output',
        metavar='OUT',
        type=argument_types.path,
        action='append',
        required=True,
        help=f'the branch table ({", ".join(TABLE_SUFFIXES)}), or the network for other programs '
        f'({", ".join(GRAPH_SUFFIXES)}); can be repeated',
    )
    outputs.add_argument(
        '--skeleton',
        metavar='FILE',
        type=argument_types.path,
        help=f'also write the skeleton: {", ".join(IMAGE_SUFFIXES)}',
    )
    outputs.add_argument(
        '--summary',
        metavar='FILE',
        type=argument_types.path,
        help=f'also write a summary row of the network: {", ".join(TABLE_SUFFIXES)}',
    )
    outputs.add_argument(
        '--nodes',
        metavar='FILE',
        type=argument_types.path,
        help='also write the table of junctions and tips, see skanrs.nodes; implies --radii: '
        f'{", ".join(TABLE_SUFFIXES)}',
    )
    outputs.add_argument(
        '--angles',
        metavar='FILE',
        type=argument_types.path,
        help='also write the angles between the branches that meet at each junction, see '
        f'skanrs.angles; with --root between parents and children; implies --radii: '
        f'{", ".join(TABLE_SUFFIXES)}',
    )
    outputs.add_argument(
        '--territories',
        metavar='FILE',
        type=argument_types.path,
        help='also write an image with the branch of each voxel of the object, its row plus 1, and '
        f'add the column counted_volume: {", ".join(LABEL_SUFFIXES)}',
    )
    outputs.add_argument(
        '--branch-image',
        metavar='FILE',
        type=argument_types.path,
        help='also write an image with the branch of each voxel of the skeleton: '
        f'{", ".join(LABEL_SUFFIXES)}',
    )
    outputs.add_argument(
        '--by-region',
        metavar='FILE',
        type=argument_types.path,
        help='also write a row for each region of --regions, with lengths, volumes, counts and '
        f'densities: {", ".join(TABLE_SUFFIXES)}',
    )
    outputs.add_argument(
        '--report',
        metavar='FILE',
        type=argument_types.path,
        help=f'also write a page with numbers and pictures: {", ".join(REPORT_SUFFIXES)}',
    )
    outputs.add_argument(
        '--color-by',
        metavar='COLUMN',
        help='what colours the branches of --report first: a column of the table, or territory for '
        'a colour of its own for each (default: the radius if it is measured, else the length)',
    )
    measures = add_columns(analyze)
    measures.add_argument(
        '--intensity',
        metavar='FILE',
        help='also measure an image of the same shape along the branches and in their '
        'territories, see skanrs.analyze; implies --radii; may be the same file, for another '
        'channel',
    )
    measures.add_argument(
        '--regions',
        metavar='FILE',
        help='also give each branch its region in a label image of the same shape, see '
        'skanrs.analyze; implies --radii',
    )
    _add_options(
        analyze,
        in_memory='Skeletons, tables, networks, --summary and --prune-length are kept on disk, and '
        '--radii and --nodes of 3D images; --report, .swc and other options keep all voxels and '
        'branches of the skeleton in memory',
    )
    return analyze


def _add_batch(analyze: Parser) -> None:
    several = analyze.add_argument_group('several images')
    several.add_argument(
        '--each',
        action='store_true',
        help='each file of a folder or a pattern is an image of its own, not a slice',
    )
    several.add_argument(
        '--group-by-folder',
        action='store_true',
        help='the folder of an image is its group',
    )
    several.add_argument(
        '--folder',
        metavar='FOLDER',
        type=argument_types.path,
        help='the folder for the files of each; images already complete there are skipped '
        '(default: OUT_images)',
    )
    several.add_argument(
        '--jobs',
        metavar='N',
        type=argument_types.thread_count,
        default=1,
        help='how many to work on at a time, within --memory (default: 1)',
    )


def _add_skeletonize(commands: 'argparse._SubParsersAction[Parser]') -> Parser:
    skeletonize = _add_command(
        commands,
        'skeletonize',
        'write the skeleton of an image',
        'Skeletonize an image and write the skeleton, without a table.',
        SKELETONIZE_EXAMPLES,
    )
    _add_source(skeletonize)
    skeletonize.add_argument(
        '-o',
        '--output',
        metavar='OUT',
        type=argument_types.path,
        required=True,
        dest='skeleton',
        help=f'the skeleton: {", ".join(IMAGE_SUFFIXES)}',
    )
    skeletonize.set_defaults(
        output=(),
        summary=None,
        nodes=None,
        angles=None,
        root=None,
        territories=None,
        branch_image=None,
        intensity=None,
        intensity_channel=None,
        regions=None,
        by_region=None,
        report=None,
        color_by=None,
        radii=False,
        include_tips=False,
    )
    _add_options(
        skeletonize,
        in_memory='Skeletons are kept on disk; for --prune-ratio, --prune-bulge and --open-loops, '
        'all their voxels stay in memory',
    )
    return skeletonize


def _add_info(commands: 'argparse._SubParsersAction[Parser]') -> None:
    info = _add_command(
        commands,
        'info',
        'show what an image file contains',
        'Show the size, type and spacing of an image, without reading its voxels.',
        INFO_EXAMPLES,
    )
    _add_source(info)


def _add_demo(commands: 'argparse._SubParsersAction[Parser]') -> None:
    demo = _add_command(
        commands,
        'demo',
        'generate two lungs, analyze and compare them',
        'Generate a healthy lung and one with a hernia of the diaphragm, run `skanrs analyze` on\n'
        'both and compare them, in the terminal and on a page with violin plots.',
        DEMO_EXAMPLES,
    )
    demo.add_argument(
        '--folder',
        metavar='FOLDER',
        type=argument_types.path,
        default=Path('skanrs-demo'),
        help='the folder for images, tables and pages (default: %(default)s)',
    )
    demo.add_argument(
        '--shape',
        metavar='N',
        type=int,
        default=256,
        help='edge length of the volumes in voxels, at least 32 (default: %(default)s)',
    )
    demo.add_argument(
        '--seed',
        metavar='N',
        type=int,
        default=0,
        help='seed of the generator (default: %(default)s)',
    )
