"""The command `skanrs`: it runs a subcommand and turns errors into one line and an exit code.

Exit codes: 0 success, 2 a problem with the arguments or a file (one line on standard error), 3 some
of several images failed, 130 interrupted. Each output is complete or absent; one that cannot be
written does not stop the others, has a line on standard error, and makes the exit code 2. A mask
without foreground is no error, because some of many images are empty; a warning on standard error
says so, and `warnings` in JSON and the report.
"""

import argparse
import atexit
import gc
import io
import os
import sys
from collections.abc import Sequence

from skanrs import set_num_threads
from skanrs._support.memory import reuse_memory
from skanrs.files import FileError

from .parser import EXIT_WRONG, command_parser
from .recipes import options_of_recipe

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
    _open_streams()
    if arguments is None:
        _prepare_process()
    parsed = command_parser().parse_args(arguments)
    try:
        if getattr(parsed, 'recipe_file', None) is not None:
            recipe, warning = options_of_recipe(parsed.recipe_file, parsed.command)
            if warning is not None:
                print(f'skanrs: warning: {warning}', file=sys.stderr)
            parsed = command_parser(recipe).parse_args(arguments)
        code = _SUBCOMMANDS[parsed.command](parsed)
        sys.stdout.flush()
    except KeyboardInterrupt as error:
        print(f'skanrs: interrupted; {str(error) or "nothing was written"}', file=sys.stderr)
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
    return code


def _open_streams() -> None:
    """Open streams that are closed, so that no output file gets their descriptors."""
    for name in ('stdout', 'stderr'):
        if getattr(sys, name) is None:
            setattr(sys, name, io.TextIOWrapper(io.FileIO(os.devnull, 'w')))


def _prepare_process() -> None:
    """Make the settings that only a process of the command's own may change."""
    # Not every console can show µ, nor every name of a file.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='backslashreplace')
    # A notebook's shell command inherits a backend that may not exist here; none is needed.
    os.environ.pop('MPLBACKEND', None)
    reuse_memory()
    # The system takes back all memory: at the end no modules need be searched for unused cycles.
    atexit.register(gc.freeze)


def _analyze(arguments: argparse.Namespace) -> int:
    if isinstance(arguments.image, list):
        from .batch_inputs import is_batch

        if is_batch(arguments.image, arguments.each) or arguments.time == 'all':
            from .batch import run_batch

            if arguments.labels:
                raise ValueError('labels: expected one image, got several')
            return run_batch(arguments)
        [arguments.image] = arguments.image
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
    for text in report.failed:
        print(f'skanrs: error: {text}', file=sys.stderr)
    return EXIT_WRONG if report.failed else 0


def _info(arguments: argparse.Namespace) -> int:
    from .info import info

    print(
        info(
            arguments.image,
            channel=arguments.channel,
            axes=arguments.axes,
            time=arguments.time,
            level=arguments.level,
            as_json=arguments.json,
        )
    )
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    from .demo import demo

    demo(arguments.folder, edge=arguments.shape, seed=arguments.seed)
    return 0


# `skeletonize` is `analyze` without a table.
_SUBCOMMANDS = {'analyze': _analyze, 'skeletonize': _analyze, 'info': _info, 'demo': _demo}
