"""The subcommand `info`: describe an image file without reading its voxels."""

from typing import Any

from skanrs._support.memory import free_memory, size_in_words
from skanrs.files import open_source

from .texts import numbers, to_json

__all__ = ['info']


def info(
    source: str,
    *,
    channel: int | str | None = None,
    axes: str | None = None,
    time: int | None = None,
    level: int = 0,
    as_json: bool = False,
) -> str:
    """Describe an image file.

    Parameters
    ----------
    source : str
        The image, see `skanrs.open_image`.
    channel, axes, time, level : optional
        See `skanrs.open_image`.
    as_json : bool, optional
        Whether to return JSON instead of text.

    Returns
    -------
    str
        The description.
    """
    with open_source(
        source, channel=channel, axes=axes, time=time, level=level, first=True
    ) as image:
        content: dict[str, Any] = {
            'source': source,
            'shape': image.shape,
            'axes': image.axes,
            'dtype': image.dtype.name,
            'spacing': image.spacing,
            'unit': image.unit,
            'bytes': image.nbytes,
            'pieces': image.pieces,
            'channels': image.channels,
            'channel_names': image.channel_names,
            'times': image.times,
            'levels': [_shape_of(source, axes, number) for number in range(image.levels)],
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
        *_choices(content),
        *(f'warning     {text}' for text in content['warnings']),
    ]
    return '\n'.join(lines)


def _shape_of(source: str, axes: str | None, level: int) -> tuple[int, ...]:
    with open_source(source, axes=axes, level=level, first=True) as image:
        return image.shape


def _choices(content: dict[str, Any]) -> list[str]:
    """Return lines about channels, times and levels, where there are several."""
    lines = []
    if content['channels'] > 1:
        names = content['channel_names']
        named = ', '.join(f'{number} {name}' for number, name in enumerate(names))
        lines.append(f'channels    {content["channels"]}' + (f': {named}' if names else ''))
    if content['times'] > 1:
        lines.append(f'times       {content["times"]}')
    if len(content['levels']) > 1:
        shapes = (f'{level} {numbers(shape)}' for level, shape in enumerate(content['levels']))
        lines.append(f'levels      {len(content["levels"])}: {", ".join(shapes)} voxels')
    return lines
