"""The command `skanrs`: its arguments, and what it says when something is wrong.

Exit codes: 0 done, 2 something is wrong with the arguments or a file (one line on standard error),
130 interrupted. Whatever happens, outputs are complete or not there. A mask without foreground is
no error, since among many images some are empty, but the command says so: a warning on standard
error, under `warnings` in JSON and in the report.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

from skanrs import __version__, set_num_threads
from skanrs._support.memory import parse_size
from skanrs.files import (
    GRAPH_SUFFIXES,
    IMAGE_SUFFIXES,
    REPORT_SUFFIXES,
    SOURCE_SUFFIXES,
    TABLE_SUFFIXES,
    FileError,
)

if TYPE_CHECKING:
    from .run import Outputs

__all__ = ['main']

EXIT_WRONG = 2
EXIT_INTERRUPTED = 130

EXIT_CODES = """\
exit codes: 0 done; 2 something is wrong with the arguments or a file, said in one line
on standard error; 130 interrupted. Outputs are complete or not there. Where nothing, or
everything, is foreground, or no branch is left, a warning on standard error says so,
and `warnings` in JSON; the exit code is 0.
"""
ANALYZE_EXAMPLES = """\
examples:
  skanrs analyze mask.tif -o branches.csv
  skanrs analyze lung.tif -o branches.csv --sigma 0.7 --threshold otsu --report lung.html
  skanrs analyze cells.h5:/mask -o branches.parquet -o cells.swc --spacing 0.5 0.2 0.2
  skanrs analyze scan.zarr -o branches.csv --memory 4GB --skeleton skeleton.zarr
  skanrs analyze mask.tif -o branches.csv --radii --prune-ratio 1.5 --summary network.csv
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

skanrs COMMAND --help says the rest.
"""
INFO_EXAMPLES = """\
examples:
  skanrs info scan.ome.tif
  skanrs info cells.h5:/mask --json
"""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without repeating the usage."""

    def error(self, message: str) -> NoReturn:
        _, unknown, more = message.partition('unrecognized arguments: ')
        if unknown and not any(part.startswith('-') for part in more.split()):
            # What a shell makes of slices/*.tif.
            message = (
                f'one image at a time; {more.split()[0]} is another. Slices of one image are given '
                "by their folder, or by a pattern in quotes: 'slices/*.tif'"
            )
        self.exit(EXIT_WRONG, f'skanrs: error: {message} (see {self.prog} --help)\n')


def _number(text: str) -> float:
    try:
        # Whole numbers stay integers, so that coordinates do, as with skan's default spacing.
        number = float(text)
        whole = text.lstrip('-').isdecimal() and abs(number) < 2**63
        return int(text) if whole else number
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'{text!r} is not a number (a file goes before the options)'
        ) from None


def _threshold(text: str) -> float | Literal['otsu', 'none']:
    if text == 'otsu':
        return 'otsu'
    if text == 'none':
        return 'none'
    try:
        value = float(text)
    except ValueError:
        value = float('nan')
    if value != value:
        raise argparse.ArgumentTypeError(f'{text!r} is neither a number nor otsu or none')
    return value


def _threads(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        count = 0
    if not 1 <= count <= 4096:
        raise argparse.ArgumentTypeError(f'{text!r} is not a whole number from 1 to 4096')
    return count


def _memory(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _whole_number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'{text!r} is not a whole number from 0')
    return int(text)


def _parser() -> Parser:
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


def _add_source(command: Parser) -> None:
    command.add_argument(
        'image',
        metavar='IN',
        help=f'the image: {", ".join(SOURCE_SUFFIXES)}, a folder of TIFF slices or a '
        "pattern in quotes, such as 'slices/*.tif'; "
        'file.h5:/name where an HDF5 file has several',
    )
    command.add_argument(
        '--channel', metavar='N', type=_whole_number, help='which channel; the first is 0'
    )
    command.add_argument(
        '--axes',
        metavar='LETTERS',
        help='what the axes are, of x, y, z, c (channel) and t (time), instead of what the file '
        'says: zyx reads a stack that was saved as a series of times',
    )
    command.add_argument(
        '--json', action='store_true', help='print JSON, for scripts, instead of lines'
    )


def _add_options(command: Parser) -> None:
    """Add what `analyze` and `skeletonize` share."""
    command.add_argument(
        '--spacing',
        metavar='N',
        type=_number,
        nargs='+',
        help="size of a voxel, one number or one for each axis in the array's order "
        '(default: what the file says, else 1)',
    )
    command.add_argument(
        '--threshold',
        metavar='VALUE|otsu|none',
        type=_threshold,
        help='foreground is what is larger than VALUE, than the value that otsu finds, or (none) '
        'all that is not zero; needed where the image is gray, that is has more than two values',
    )
    command.add_argument(
        '--sigma',
        metavar='N',
        type=_number,
        nargs='+',
        help='smooth first by a Gaussian of this width in voxels, one number or one for each axis '
        '(default: no smoothing)',
    )
    command.add_argument(
        '--method',
        choices=('lee', 'zhang'),
        help='how to thin (default: zhang in 2D, lee in 3D, where zhang does not exist)',
    )
    command.add_argument(
        '--preserve-topology',
        action='store_true',
        help="let no object vanish and no tunnel close; without it thinning is scikit-image's",
    )
    command.add_argument(
        '--prune-length',
        metavar='N',
        type=_number,
        help='take branches with a free end that are shorter than N away, in units of the '
        'spacing, until there are none',
    )
    command.add_argument(
        '--prune-ratio',
        metavar='N',
        type=_number,
        help='take those away that are shorter than N times the radius of the object at their '
        'junction; from 1 to 2 leaves what sticks out of the vessel it starts in',
    )
    command.add_argument(
        '--threads',
        metavar='N',
        type=_threads,
        help='how many threads to use (default: SKANRS_NUM_THREADS, else all processors)',
    )
    command.add_argument(
        '--memory',
        metavar='SIZE',
        type=_memory,
        help='how much memory to use, such as 4GB; images that need more are read block by block, '
        'to the same result (default: 80%% of what is free). Branches and all that is known of the '
        'skeleton stay in memory; a warning says where they took more',
    )
    command.add_argument(
        '--progress',
        action=argparse.BooleanOptionalAction,
        help='tell on standard error what is going on (default: on a terminal)',
    )


def _add_analyze(commands: 'argparse._SubParsersAction[Parser]') -> None:
    analyze = _add_command(
        commands,
        'analyze',
        'write the branch table of an image',
        'Skeletonize an image and write the table of its branches.',
        ANALYZE_EXAMPLES,
    )
    _add_source(analyze)
    analyze.add_argument(
        '-o',
        '--output',
        metavar='OUT',
        type=Path,
        action='append',
        required=True,
        help=f'the table ({", ".join(TABLE_SUFFIXES)}), or the network for other programs '
        f'({", ".join(GRAPH_SUFFIXES)}); may be given several times',
    )
    analyze.add_argument(
        '--skeleton',
        metavar='FILE',
        type=Path,
        help=f'write the skeleton too: {", ".join(IMAGE_SUFFIXES)}',
    )
    analyze.add_argument(
        '--summary',
        metavar='FILE',
        type=Path,
        help=f'write one row about the whole network too: {", ".join(TABLE_SUFFIXES)}',
    )
    analyze.add_argument(
        '--report',
        metavar='FILE',
        type=Path,
        help=f'write a page with numbers and pictures too: {", ".join(REPORT_SUFFIXES)}',
    )
    analyze.add_argument(
        '--radii',
        action=argparse.BooleanOptionalAction,
        default=False,
        help="measure radii too: behind skan's columns those of skanrs.analyze",
    )
    _add_options(analyze)
    analyze.set_defaults(run=_analyze)


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
        help=f'the skeleton: {", ".join(IMAGE_SUFFIXES)}',
    )
    _add_options(skeletonize)
    skeletonize.set_defaults(run=_skeletonize)


def _add_info(commands: 'argparse._SubParsersAction[Parser]') -> None:
    info = _add_command(
        commands,
        'info',
        'say what an image file holds',
        'Say what an image file holds: size, type, spacing; its voxels are not read.',
        INFO_EXAMPLES,
    )
    _add_source(info)
    info.set_defaults(run=_info)


def _add_demo(commands: 'argparse._SubParsersAction[Parser]') -> None:
    demo = _add_command(
        commands,
        'demo',
        'generate two lungs, analyze both, show how they differ',
        'Generate a healthy lung and one with a hernia of the diaphragm, run `skanrs analyze` on\n'
        'both and show how they differ, on a page with violins too.',
        DEMO_EXAMPLES,
    )
    demo.add_argument(
        '--folder',
        metavar='FOLDER',
        type=Path,
        default=Path('skanrs-demo'),
        help='where images, tables, pages and a picture go (default: %(default)s)',
    )
    demo.add_argument(
        '--shape',
        metavar='N',
        type=int,
        default=256,
        help='edge of the volumes in voxels, at least 32 (default: %(default)s)',
    )
    demo.add_argument('--seed', metavar='N', type=int, default=0, help='(default: %(default)s)')
    demo.set_defaults(run=_demo)


def _analyze(arguments: argparse.Namespace) -> None:
    from .run import Outputs

    outputs = Outputs(
        tables=tuple(arguments.output),
        skeleton=arguments.skeleton,
        summary=arguments.summary,
        report=arguments.report,
    )
    _run(arguments, outputs, radii=arguments.radii)


def _skeletonize(arguments: argparse.Namespace) -> None:
    from .run import Outputs

    _run(arguments, Outputs(skeleton=arguments.output), radii=False)


def _run(arguments: argparse.Namespace, outputs: 'Outputs', radii: bool) -> None:
    from .progress import Progress
    from .run import run

    if arguments.threads is not None:
        set_num_threads(arguments.threads)
    shown = sys.stderr.isatty() if arguments.progress is None else arguments.progress
    report = run(
        arguments.image,
        outputs,
        spacing=arguments.spacing,
        threshold=arguments.threshold,
        sigma=arguments.sigma,
        method=arguments.method,
        preserve_topology=arguments.preserve_topology,
        radii=radii,
        prune_length=arguments.prune_length,
        prune_ratio=arguments.prune_ratio,
        channel=arguments.channel,
        axes=arguments.axes,
        memory=arguments.memory,
        progress=Progress(shown=shown),
    )
    for words in report.warnings:
        print(f'skanrs: warning: {words}', file=sys.stderr)
    print(report.as_json() if arguments.json else '\n'.join(report.lines()))


def _info(arguments: argparse.Namespace) -> None:
    from .info import info

    source = {'channel': arguments.channel, 'axes': arguments.axes}
    print(info(arguments.image, **source, as_json=arguments.json))


def _demo(arguments: argparse.Namespace) -> None:
    from .demo import demo

    demo(arguments.folder, edge=arguments.shape, seed=arguments.seed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        What was typed after ``skanrs``; by default that of this process.

    Returns
    -------
    int
        The exit code.
    """
    parsed = _parser().parse_args(arguments)
    try:
        parsed.run(parsed)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print('skanrs: interrupted; nothing was written', file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Who read the summary has gone; keep the interpreter from complaining at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError as error:
        print(f'skanrs: error: not enough memory: {error}', file=sys.stderr)
        return EXIT_WRONG
    except (FileError, ImportError, OSError, TypeError, ValueError) as error:
        text = ' '.join(str(error).split())
        print(f'skanrs: error: {text}', file=sys.stderr)
        return EXIT_WRONG
    return 0
