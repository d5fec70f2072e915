"""Recipes: the options of an analysis as TOML, in a file of their own or in a Parquet table."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from skanrs import _core

from .errors import FileError, known_suffix, need

__all__ = [
    'METADATA_KEY',
    'RECIPE_SUFFIXES',
    'VERSION_KEY',
    'read_recipe',
    'recipe_writer',
    'to_toml',
]

RECIPE_SUFFIXES = ('.toml',)
VERSION_KEY = 'skanrs'
"""The key of the version that the recipe is of."""
METADATA_KEY = 'skanrs_recipe'
"""The key of the recipe in the metadata of Parquet files."""


def to_toml(options: Mapping[str, Any]) -> str:
    """Return a recipe as TOML, with the version of this package.

    Parameters
    ----------
    options : mapping of str to bool, int, float, str or sequence of them
        The options by their names on the command line; those that are None are left out.
    """
    lines = [f'{name} = {_value(value)}' for name, value in options.items() if value is not None]
    return '\n'.join([f'{VERSION_KEY} = {_value(_core.__version__)}', *lines, ''])


def recipe_writer(recipe: str) -> Callable[[IO[bytes]], None]:
    """Return a function that writes a recipe to a file that is opened for writing bytes."""

    def write(file: IO[bytes]) -> None:
        file.write(recipe.encode())

    return write


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # Strings of JSON are strings of TOML, which has no plain DEL.
        return json.dumps(value, ensure_ascii=False).replace('\x7f', '\\u007f')
    if isinstance(value, (list, tuple)):
        return f'[{", ".join(map(_value, value))}]'
    return repr(value)


def read_recipe(path: Path) -> dict[str, Any]:
    """Return the options in a recipe by their names, with its version.

    Parameters
    ----------
    path : Path
        A TOML file, or a Parquet table that has a recipe in its metadata.

    Raises
    ------
    FileError
        If the file is missing or has no recipe.
    """
    import tomllib

    suffix = known_suffix(path, (*RECIPE_SUFFIXES, '.parquet'), 'recipes')
    try:
        text = _in_metadata(path) if suffix == '.parquet' else path.read_text(encoding='utf-8')
        return tomllib.loads(text)
    except FileNotFoundError:
        raise FileError(f'{path} does not exist') from None
    except ValueError as error:
        raise FileError(f'{path} is no TOML: {error}') from error


def _in_metadata(path: Path) -> str:
    need('pyarrow', path)
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(path).metadata or {}
    except pa.ArrowInvalid as error:
        raise FileError(f'{path} cannot be read as Parquet: {error}') from error
    if METADATA_KEY.encode() not in metadata:
        raise FileError(f'{path} has no recipe in its metadata')
    return str(metadata[METADATA_KEY.encode()].decode())
