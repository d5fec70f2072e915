"""The command `skanrs`: its arguments, and what it says when something is wrong.

Exit codes: 0 done, 2 something is wrong with the arguments or a file (one line on standard error),
130 interrupted. Whatever happens, outputs are complete or not there.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NoReturn

from . import __version__, set_num_threads
from .command.progress import Progress
from .files import SOURCE_SUFFIXES, FileError
from .memory import parse_size

__all__ = ['main']

EXIT_WRONG = 2
EXIT_INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without repeating the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_WRONG, f'skanrs: error: {message} (see {self.prog} --help)\n')


def _number(text: str) -> float:
    try:
        # Whole numbers stay integers, so that coordinates do, as with skan's default spacing.
        return int(text) if text.lstrip('-').isdecimal() else float(text)
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
    parser = Parser(prog='skanrs', description='Skeletons and branch tables of 2D and 3D images.')
    parser.add_argument('--version', action='version', version=f'skanrs {__version__}')
    commands = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)

    analyze = commands.add_parser(
        'analyze',
        help='write the branch table of an image',
        description='Skeletonize an image and write the table of its branches.',
    )
    analyze.add_argument(
        'image',
        metavar='IN',
        help=f'the image: {", ".join(SOURCE_SUFFIXES)}, or a folder of slices',
    )
    analyze.add_argument(
        '-o',
        '--output',
        metavar='OUT',
        type=Path,
        required=True,
        help='the table: .csv or .parquet',
    )
    analyze.add_argument(
        '--skeleton',
        metavar='FILE',
        type=Path,
        help='write the skeleton too: .npy, .npz, .tif or .zarr',
    )
    analyze.add_argument(
        '--spacing',
        metavar='N',
        type=_number,
        nargs='+',
        help="size of a voxel, one number or one for each axis in the array's order "
        '(default: what the file says, else 1)',
    )
    analyze.add_argument(
        '--threshold',
        metavar='VALUE|otsu|none',
        type=_threshold,
        help='foreground is what is larger than VALUE, than the value that otsu finds, or (none) '
        'all that is not zero; needed where the image is gray, that is has more than two values',
    )
    analyze.add_argument(
        '--sigma',
        metavar='N',
        type=_number,
        nargs='+',
        help='smooth first by a Gaussian of this width in voxels, one number or one for each axis '
        '(default: no smoothing)',
    )
    analyze.add_argument(
        '--method',
        choices=('lee', 'zhang'),
        help='how to thin (default: zhang in 2D, lee in 3D, where zhang does not exist)',
    )
    analyze.add_argument(
        '--threads',
        metavar='N',
        type=_threads,
        help='how many threads to use (default: SKANRS_NUM_THREADS, else all processors)',
    )
    analyze.add_argument(
        '--channel',
        metavar='N',
        type=_whole_number,
        help='which channel of several; the first is 0',
    )
    analyze.add_argument(
        '--memory',
        metavar='SIZE',
        type=_memory,
        help='how much memory to use, such as 4GB; images that need more are read block by block, '
        'to the same result (default: 80%% of what is free)',
    )
    analyze.add_argument(
        '--progress',
        action=argparse.BooleanOptionalAction,
        help='tell on standard error what is going on (default: on a terminal)',
    )
    analyze.set_defaults(run=_analyze)

    demo = commands.add_parser(
        'demo',
        help='generate two lungs, analyze both, show how they differ',
        description='Generate a healthy lung and one with a hernia of the diaphragm, '
        'run `skanrs analyze` on both and show how they differ.',
    )
    demo.add_argument(
        '--folder',
        metavar='FOLDER',
        type=Path,
        default=Path('skanrs-demo'),
        help='where images, tables and a picture go (default: %(default)s)',
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
    return parser


def _analyze(arguments: argparse.Namespace) -> None:
    from .command.analyze import analyze

    if arguments.threads is not None:
        set_num_threads(arguments.threads)
    shown = sys.stderr.isatty() if arguments.progress is None else arguments.progress
    report = analyze(
        arguments.image,
        arguments.output,
        spacing=arguments.spacing,
        threshold_value=arguments.threshold,
        sigma=arguments.sigma,
        method=arguments.method,
        channel=arguments.channel,
        skeleton_output=arguments.skeleton,
        memory=arguments.memory,
        progress=Progress(shown=shown),
    )
    print('\n'.join(report.lines()))


def _demo(arguments: argparse.Namespace) -> None:
    from .command.demo import demo

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
    except (FileError, OSError, TypeError, ValueError) as error:
        text = ' '.join(str(error).split())
        print(f'skanrs: error: {text}', file=sys.stderr)
        return EXIT_WRONG
    return 0
