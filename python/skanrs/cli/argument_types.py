"""The types of the arguments of the command: what makes a value of a text, or one error."""

import argparse
import os
from pathlib import Path
from typing import Literal

from skanrs._support.memory import parse_size


def path(text: str) -> Path:
    """Return a path; a leading ``~`` is the home folder, also where no shell has replaced it."""
    return Path(os.path.expanduser(text))


def number(text: str) -> float:
    """Return a number, an integer where the text is one."""
    try:
        # An integer spacing gives integer coordinates, as in skan.
        value = float(text)
        is_integer = text.lstrip('-').isdecimal() and abs(value) < 2**63
        return int(text) if is_integer else value
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'expected a number, got {text!r} (the image goes before the options)'
        ) from None


def threshold(text: str) -> float | Literal['otsu', 'none']:
    """Return a threshold, a number or its name."""
    if text == 'otsu':
        return 'otsu'
    if text == 'none':
        return 'none'
    try:
        value = float(text)
    except ValueError:
        value = float('nan')
    if value != value:
        raise argparse.ArgumentTypeError(f'expected a number, otsu or none, got {text!r}')
    return value


def root(text: str) -> int | str | tuple[float, ...]:
    """Return where the root is: a node, a name, a face or a point."""
    if text == 'thickest' or '=' in text:
        return text
    if text.isdecimal():
        return count(text)
    try:
        return tuple(float(number) for number in text.split(','))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'expected thickest, a face such as z=0, a point such as 0,12.5,40, or a node_id, got '
            f'{text!r}'
        ) from None


def thread_count(text: str) -> int:
    """Return a number of threads."""
    try:
        count = int(text)
    except ValueError:
        count = 0
    if not 1 <= count <= 4096:
        raise argparse.ArgumentTypeError(f'expected an integer from 1 to 4096, got {text!r}')
    return count


def memory(text: str) -> int:
    """Return a size in bytes."""
    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def count(text: str) -> int:
    """Return a non-negative integer."""
    if not text.isdecimal() or len(text) > 18:
        raise argparse.ArgumentTypeError(f'expected a non-negative integer, got {text!r}')
    return int(text)


def label_list(text: str) -> list[int]:
    """Return labels that are separated by commas."""
    try:
        return [int(label) for label in text.split(',')]
    except ValueError:
        raise argparse.ArgumentTypeError(f'expected labels as 3,7,12, got {text!r}') from None


def channel(text: str) -> int | str:
    """Return the number of a channel or its name."""
    if not text.strip() or text.startswith('-'):
        raise argparse.ArgumentTypeError(f'expected a number from 0 or a name, got {text!r}')
    return count(text) if text.isdecimal() else text


def time(text: str) -> int | Literal['all']:
    """Return the number of a time, or all."""
    if text == 'all':
        return 'all'
    return count(text)
