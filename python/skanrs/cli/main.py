"""The command `skanrs`: it runs a subcommand and turns errors into one line and an exit code.

Exit codes: 0 success, 2 a problem with the arguments or a file (one line on standard error), 130
interrupted. Outputs are complete or absent. A mask without foreground is no error, because some of
many images are empty; a warning on standard error says so, and `warnings` in JSON and the report.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from skanrs import set_num_threads
from skanrs.files import FileError

from .parser import EXIT_WRONG, command_parser

__all__ = ['main']

EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``skanrs``; by default those of this process.

    Returns
    -------
    int
        The exit code.
    """
    parsed = command_parser().parse_args(arguments)
    try:
        _SUBCOMMANDS[parsed.command](parsed)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print('skanrs: interrupted; nothing was written', file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of the summary is gone; without this, Python complains when it exits.
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


def _analyze(arguments: argparse.Namespace) -> None:
    from .options import Options
    from .progress import Progress
    from .run import run

    options = Options.of(arguments)
    if options.threads is not None:
        set_num_threads(options.threads)
    shown = sys.stderr.isatty() if options.progress is None else options.progress
    report = run(options, Progress(shown=shown))
    for text in report.warnings:
        print(f'skanrs: warning: {text}', file=sys.stderr)
    print(report.as_json() if options.json else '\n'.join(report.lines()))


def _info(arguments: argparse.Namespace) -> None:
    from .info import info

    print(
        info(
            arguments.image,
            channel=arguments.channel,
            axes=arguments.axes,
            as_json=arguments.json,
        )
    )


def _demo(arguments: argparse.Namespace) -> None:
    from .demo import demo

    demo(arguments.folder, edge=arguments.shape, seed=arguments.seed)


# `skeletonize` is `analyze` without a table.
_SUBCOMMANDS = {'analyze': _analyze, 'skeletonize': _analyze, 'info': _info, 'demo': _demo}
