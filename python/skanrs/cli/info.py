"""The subcommand `info`: describe an image file without reading its voxels."""

from typing import Any

from skanrs._support.memory import free_memory, size_in_words
from skanrs.files import open_source

from .texts import numbers, to_json

__all__ = ['info']


def info(
    source: str, *, channel: int | None = None, axes: str | None = None, as_json: bool = False
) -> str:
    """Describe an image file.

    Parameters
    ----------
    source : str
        The image, see `skanrs.open_image`.
    channel : int, optional
    axes : str, optional
        See `skanrs.open_image`.
    as_json : bool, optional
        Whether to return JSON instead of text.

    Returns
    -------
    str
        The description.
    """
    with open_source(source, channel=channel, axes=axes) as image:
        content: dict[str, Any] = {
            'source': source,
            'shape': image.shape,
            'axes': image.axes,
            'dtype': image.dtype.name,
            'spacing': image.spacing,
            'unit': image.unit,
            'bytes': image.nbytes,
            'pieces': image.pieces,
            'warnings': image.warnings,
        }
    if as_json:
        return to_json(content)
    free = free_memory()
    spacing = 'not in the file'
    if content['spacing'] is not None:
        spacing = f'{numbers(content["spacing"])} {content["unit"] or ""}'.strip()
    lines = [
        f'image       {numbers(content["shape"])} voxels, axes {content["axes"]}, '
        f'{content["dtype"]}',
        f'spacing     {spacing}',
        f'memory      {size_in_words(content["bytes"])} as a whole'
        + (f'; {size_in_words(free)} are free' if free is not None else ''),
        f'stored      in pieces of {numbers(content["pieces"])} voxels',
        *(f'warning     {text}' for text in content['warnings']),
    ]
    return '\n'.join(lines)
