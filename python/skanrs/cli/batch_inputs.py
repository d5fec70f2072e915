"""The images of a batch: from files, patterns, folders and CSV files with groups."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import Any

from skanrs._support.by_number import by_number
from skanrs.files import SOURCE_SUFFIXES, FileError

__all__ = ['BatchImage', 'find_images', 'hints_of_slices', 'is_batch']

TEXTS = ('file', 'image', 'group')
"""The columns of a CSV file that are texts whatever they contain."""


@dataclass(frozen=True)
class BatchImage:
    """An image of a batch."""

    name: str
    """What the column `image` of the tables has, and files of this image are called."""
    path: str
    group: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    """Further columns of the CSV file."""
    time: int | None = None
    """Which time of the file, with ``--time all``."""

    @property
    def key(self) -> str:
        """The name of the files of this image, one for each time."""
        return self.name if self.time is None else f'{self.name}_t{self.time:04}'


def is_batch(inputs: Sequence[str], each: bool) -> bool:
    """Return whether inputs are those of a batch, not a single image."""
    return each or len(inputs) > 1 or _is_list(inputs[0])


def find_images(
    inputs: Sequence[str], *, each: bool = False, group_by_folder: bool = False
) -> list[BatchImage]:
    """Return the images that inputs name.

    Parameters
    ----------
    inputs : sequence of str
        Images, and CSV files with a column ``file`` and perhaps ``image`` (a name), ``group`` and
        others. Paths in a CSV file are relative to its folder.
    each : bool, optional
        Whether each file of a folder and each match of a pattern is an image of its own, not a
        slice.
    group_by_folder : bool, optional
        Whether an image without a group has the name of its folder as its group.

    Returns
    -------
    list of BatchImage

    Raises
    ------
    FileError
        If a CSV file cannot be read or lacks the column, no image is found, or two of them have
        the same name.
    """
    images: list[BatchImage] = []
    for text in inputs:
        if _is_list(text):
            images += _listed(Path(os.path.expanduser(text)))
        else:
            paths = _inside(text) if each else [text]
            images += [BatchImage(_stem(path), path) for path in paths]
    if group_by_folder:
        images = [
            image
            if image.group is not None
            else BatchImage(
                image.name, image.path, Path(image.path).absolute().parent.name, image.columns
            )
            for image in images
        ]
    _check_names(images)
    return images


def _is_list(text: str) -> bool:
    return text.lower().endswith('.csv') and not Path(os.path.expanduser(text)).is_dir()


def _listed(path: Path) -> Iterator[BatchImage]:
    """Iterate over the images in a CSV file."""
    import pandas as pd

    try:
        # Lines may end with a comma that the head has not.
        table = pd.read_csv(path, index_col=False)
        # Texts as they are, because a group may be called NA or 01.
        texts = pd.read_csv(
            path,
            index_col=False,
            dtype=str,
            keep_default_na=False,
            usecols=[name for name in TEXTS if name in table],
        )
        table[texts.columns] = texts.fillna('')
    except FileNotFoundError:
        raise FileError(f'{path} does not exist') from None
    except (OSError, ValueError) as error:
        raise FileError(f'{path} cannot be read as CSV: {error}') from error
    if 'file' not in table:
        raise FileError(
            f"{path}: expected a column 'file', got {', '.join(map(repr, map(str, table.columns)))}"
        )
    if not len(table):
        raise FileError(f'{path} lists no images')
    for number, row in enumerate(table.to_dict('records'), start=2):
        if not row['file']:
            raise FileError(f'{path}: line {number} names no file')
        file = os.path.join(path.parent, os.path.expanduser(row.pop('file')))
        yield BatchImage(
            row.pop('image', None) or _stem(file),
            file,
            row.pop('group', None) or None,
            {str(key): value for key, value in row.items()},
        )


def _inside(text: str) -> list[str]:
    """Return the images in a folder or of a pattern; the text itself, if it is neither."""
    path = Path(os.path.expanduser(text))
    if path.is_dir() and path.suffix.lower() not in SOURCE_SUFFIXES:
        candidates = list(path.iterdir())
    elif not path.exists() and any(sign in text for sign in '*?['):
        candidates = [Path(file) for file in glob(str(path))]
    else:
        return [text]
    images = [
        str(file)
        for file in candidates
        if file.name.lower().endswith(SOURCE_SUFFIXES) and not file.name.startswith('.')
    ]
    if not images:
        raise FileError(f'{text}: expected images, found none ({", ".join(SOURCE_SUFFIXES)})')
    return sorted(images, key=by_number)


def _stem(path: str) -> str:
    """Return the name of a file without its suffixes; a dataset of HDF5 is part of the name."""
    file, inside = path, ''
    hdf5 = re.fullmatch(r'(.*\.(?:h5|hdf5)):/*(.+)', path, re.IGNORECASE | re.DOTALL)
    if hdf5:
        file, inside = hdf5[1], '_' + re.sub(r'[/\\:]', '_', hdf5[2])
    name = Path(file).name
    if any(sign in name for sign in '*?['):
        name = Path(file).absolute().parent.name
    suffixes = (suffix for suffix in SOURCE_SUFFIXES if name.lower().endswith(suffix))
    name = name[: len(name) - len(max(suffixes, key=len, default=''))]
    # The image in scan.ome.tif, or in scan.ome.zarr, is the scan.
    return (name[:-4] if name.lower().endswith('.ome') else name) + inside


def hints_of_slices(
    images: Sequence[BatchImage], reports: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return a hint if images look like the slices of one, whose names a shell has listed."""
    names = {re.sub(r'\d+', '', Path(image.path).name) for image in images}
    folders = {Path(image.path).parent for image in images}
    shapes = {tuple(reports[image.key]['shape']) for image in images}
    # The times of a series are no slices.
    is_flat = all(len(shape) == 2 for shape in shapes) and images[0].time is None
    is_one = len(names) == len(folders) == len(shapes) == 1
    if not (is_one and is_flat and len(images) > 2):
        return []
    return [
        f'{len(images)} 2D images of one shape have names that differ in a number only; if they '
        'are the slices of one image, give their folder, or a pattern in quotes'
    ]


def _check_names(images: Sequence[BatchImage]) -> None:
    paths: dict[str, str] = {}
    for image in images:
        if not image.name or re.search(r'[/\\\0]', image.name) or image.name.startswith('.'):
            raise FileError(f'image: expected a name that a file can have, got {image.name!r}')
        # Some file systems do not distinguish case.
        key = image.name.lower()
        if key in paths:
            raise FileError(
                f'two images have the name {image.name!r}: {paths[key]} and {image.path}; '
                "the column 'image' of a CSV file can name them"
            )
        paths[key] = image.path
