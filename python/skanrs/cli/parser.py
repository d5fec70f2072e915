"""The arguments of the command `skanrs` and its help texts."""

import argparse
from pathlib import Path
from typing import NoReturn

from skanrs import __version__
from skanrs.files import (
    GRAPH_SUFFIXES,
    IMAGE_SUFFIXES,
    LABEL_SUFFIXES,
    REPORT_SUFFIXES,
    SOURCE_SUFFIXES,
    TABLE_SUFFIXES,
)

from . import argument_types

__all__ = ['EXIT_WRONG', 'command_parser']

EXIT_WRONG = 2

EXIT_CODES = """\
exit codes: 0 success; 2 a problem with the arguments or a file, described on standard error;
3 some of several images failed, and the others are complete; 130 interrupted. Each output is
complete or absent. An output that cannot be written does not stop the others, and the exit code
is 2. If no voxel or every voxel is foreground, or no branch
is left, the exit code is 0 and a warning goes to standard error and to `warnings` in JSON.
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


class Parser(argparse.ArgumentParser):
    """A parser that reports errors in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        _, unknown, more = message.partition('unrecognized arguments: ')
        if unknown and not any(part.startswith('-') for part in more.split()):
            # The shell has expanded slices/*.tif.
            message = (
                f'expected one image, got another one, {more.split()[0]}; for the slices of an '
                "image give their folder, or a pattern in quotes: 'slices/*.tif'"
            )
        self.exit(EXIT_WRONG, f'skanrs: error: {message} (see {self.prog} --help)\n')


def command_parser() -> Parser:
    """Return the parser of all subcommands; parsed arguments have the names of `Options`."""
    parser = Parser(
        prog='skanrs',
        description='Skeletons and branch tables of 2D and 3D images.',
        epilog=f'{EXAMPLES}\n{EXIT_CODES}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--version', action='version', version=f'skanrs {__version__}')
    commands = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)
    _add_analyze(commands)
    _add_skeletonize(commands)
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
    command.add_argument(
        '--channel',
        metavar='N|NAME',
        type=argument_types.channel,
        help='the channel or the colour to read: its number, from 0, or its name',
    )
    command.add_argument(
        '--time',
        metavar='N|all' if several else 'N',
        type=argument_types.time if several else argument_types.count,
        help='the time to read, from 0'
        + (', or all, which gives the tables a column time' if several else ''),
    )
    command.add_argument(
        '--level',
        metavar='N',
        type=argument_types.count,
        default=0,
        help='the level of an OME-Zarr or OME-TIFF pyramid; 0, the default, is the largest',
    )
    command.add_argument(
        '--axes',
        metavar='LETTERS',
        help='the axes of the array, instead of those in the file: x, y, z, c (channel), t (time); '
        'zyx reads a stack that was saved as a time series',
    )
    command.add_argument('--json', action='store_true', help='print JSON instead of text')


def _add_options(command: Parser) -> None:
    """Add the options that `analyze` and `skeletonize` share."""
    command.add_argument(
        '--spacing',
        metavar='N',
        type=argument_types.number,
        nargs='+',
        help="size of a voxel: one number, or one for each axis in the array's order "
        '(default: the size in the file, else 1)',
    )
    command.add_argument(
        '--threshold',
        metavar='VALUE|otsu|none',
        type=argument_types.threshold,
        help='foreground: voxels above VALUE, above the threshold of Otsu, or (none) all that are '
        'not 0; required for gray images, which have more than two values',
    )
    command.add_argument(
        '--sigma',
        metavar='N',
        type=argument_types.number,
        nargs='+',
        help='first smooth by a Gaussian of this width in voxels: one number, or one for each axis '
        '(default: no smoothing)',
    )
    _add_cleaning(command)
    _add_labels(command)
    command.add_argument(
        '--method',
        choices=('lee', 'zhang'),
        help='thinning method (default: zhang in 2D, lee in 3D; zhang is for 2D only)',
    )
    command.add_argument(
        '--preserve-topology',
        action='store_true',
        help="keep every object, tunnel and cavity; the default equals scikit-image's thinning",
    )
    command.add_argument(
        '--prune-length',
        metavar='N',
        type=argument_types.number,
        help='remove end branches shorter than N, in units of the spacing, until none is left',
    )
    command.add_argument(
        '--prune-ratio',
        metavar='N',
        type=argument_types.number,
        help='remove end branches shorter than N times the radius of the object at their '
        'junction; useful values are 1 to 2',
    )
    command.add_argument(
        '--threads',
        metavar='N',
        type=argument_types.thread_count,
        help='number of threads (default: SKANRS_NUM_THREADS, else all processors)',
    )
    command.add_argument(
        '--memory',
        metavar='SIZE',
        type=argument_types.memory,
        help='memory to use, such as 4GB (default: 80%% of the free memory). An image that needs '
        'more is read block by block, with the same result. Skeletons and tables wait on disk; '
        'for --radii, --prune options, --summary, --report and graphs, all voxels and branches of '
        'the skeleton stay in memory, and a warning says if they need more',
    )
    command.add_argument(
        '--progress',
        action=argparse.BooleanOptionalAction,
        help='show progress on standard error (default: on terminals only)',
    )


def _add_labels(command: Parser) -> None:
    command.add_argument(
        '--labels',
        action='store_true',
        help='the image is a label image: each nonzero value is an object of its own, also '
        'where objects touch',
    )
    command.add_argument(
        '--only-labels',
        metavar='N,N',
        type=argument_types.label_list,
        help='with --labels: these objects only',
    )
    command.add_argument(
        '--min-voxels',
        metavar='N',
        type=argument_types.count,
        default=1,
        help='with --labels: leave out objects of fewer than N voxels',
    )


def _add_cleaning(command: Parser) -> None:
    command.add_argument(
        '--closing',
        metavar='R',
        type=argument_types.number,
        default=0,
        help='close gaps in the mask by a ball of this radius in voxels',
    )
    command.add_argument(
        '--fill-cavities',
        action='store_true',
        help='fill the background that does not reach the border: cavities, in 2D holes',
    )
    command.add_argument(
        '--min-size',
        metavar='N',
        type=argument_types.count,
        default=0,
        help='remove objects of fewer than N voxels',
    )
    command.add_argument(
        '--keep-largest',
        metavar='N',
        type=argument_types.count,
        help='keep the N largest objects only',
    )


def _add_analyze(commands: 'argparse._SubParsersAction[Parser]') -> None:
    analyze = _add_command(
        commands,
        'analyze',
        'write the branch table of an image',
        'Skeletonize an image and write the table of its branches.',
        ANALYZE_EXAMPLES,
    )
    _add_source(analyze, several=True)
    _add_batch(analyze)
    analyze.add_argument(
        '-o',
        '--output',
        metavar='OUT',
        type=Path,
        action='append',
        required=True,
        help=f'the branch table ({", ".join(TABLE_SUFFIXES)}), or the network for other programs '
        f'({", ".join(GRAPH_SUFFIXES)}); can be repeated',
    )
    analyze.add_argument(
        '--skeleton',
        metavar='FILE',
        type=Path,
        help=f'also write the skeleton: {", ".join(IMAGE_SUFFIXES)}',
    )
    analyze.add_argument(
        '--summary',
        metavar='FILE',
        type=Path,
        help=f'also write one row about the whole network: {", ".join(TABLE_SUFFIXES)}',
    )
    analyze.add_argument(
        '--nodes',
        metavar='FILE',
        type=Path,
        help='also write the table of junctions and tips, see skanrs.nodes; implies --radii: '
        f'{", ".join(TABLE_SUFFIXES)}',
    )
    analyze.add_argument(
        '--root',
        metavar='WHERE',
        type=argument_types.root,
        help='also add parents, generations and orders from a root, see skanrs.root; implies '
        '--radii: thickest (tip of each network), a face such as z=0 or z=-1, or a point such as '
        '0,12.5,40 in units of the spacing',
    )
    analyze.add_argument(
        '--territories',
        metavar='FILE',
        type=Path,
        help='also write which branch each voxel of the object belongs to, its row plus 1, and add '
        f'the column counted_volume: {", ".join(LABEL_SUFFIXES)}',
    )
    analyze.add_argument(
        '--branch-image',
        metavar='FILE',
        type=Path,
        help='also write which branch each voxel of the skeleton belongs to: '
        f'{", ".join(LABEL_SUFFIXES)}',
    )
    analyze.add_argument(
        '--intensity',
        metavar='FILE',
        help='also measure an image of the same shape along the branches and in their '
        'territories, see skanrs.analyze; implies --radii; the same file for another channel',
    )
    analyze.add_argument(
        '--intensity-channel',
        metavar='N|NAME',
        type=argument_types.channel,
        help='the channel of --intensity to read',
    )
    analyze.add_argument(
        '--regions',
        metavar='FILE',
        help='also give each branch its region in a label image of the same shape, see '
        'skanrs.analyze; implies --radii',
    )
    analyze.add_argument(
        '--by-region',
        metavar='FILE',
        type=Path,
        help='also write a row for each region of --regions, with lengths, volumes, counts and '
        f'densities: {", ".join(TABLE_SUFFIXES)}',
    )
    analyze.add_argument(
        '--report',
        metavar='FILE',
        type=Path,
        help=f'also write a page with numbers and pictures: {", ".join(REPORT_SUFFIXES)}',
    )
    analyze.add_argument(
        '--radii',
        action=argparse.BooleanOptionalAction,
        default=False,
        help="also measure radii: add the columns of skanrs.analyze after skan's",
    )
    analyze.add_argument(
        '--include-tips',
        action='store_true',
        help='with --radii: measure lengths to the surface, beyond the ends of the skeleton',
    )
    _add_options(analyze)


def _add_batch(analyze: Parser) -> None:
    analyze.add_argument(
        '--each',
        action='store_true',
        help='each file of a folder or a pattern is an image of its own, not a slice',
    )
    analyze.add_argument(
        '--group-by-folder',
        action='store_true',
        help='of several images: the folder of an image is its group',
    )
    analyze.add_argument(
        '--folder',
        metavar='FOLDER',
        type=Path,
        help='of several images: the folder for the files of each; images that are complete there '
        'are not done again (default: OUT_images)',
    )
    analyze.add_argument(
        '--jobs',
        metavar='N',
        type=argument_types.thread_count,
        default=1,
        help='of several images: how many to work on at a time, within --memory (default: 1)',
    )


def _add_skeletonize(commands: 'argparse._SubParsersAction[Parser]') -> None:
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
        type=Path,
        required=True,
        dest='skeleton',
        help=f'the skeleton: {", ".join(IMAGE_SUFFIXES)}',
    )
    skeletonize.set_defaults(
        output=(),
        summary=None,
        nodes=None,
        root=None,
        territories=None,
        branch_image=None,
        intensity=None,
        intensity_channel=None,
        regions=None,
        by_region=None,
        report=None,
        radii=False,
        include_tips=False,
    )
    _add_options(skeletonize)


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
        type=Path,
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
