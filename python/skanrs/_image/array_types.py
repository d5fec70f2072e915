"""Images of other libraries, which public functions take as if they were arrays.

xarray's ``DataArray`` has a spacing in its coordinates, and what comes back has the same ones. A
`skanrs.LazyImage` has a spacing too. It, arrays of zarr and datasets of h5py are images in files:
they become dask arrays, so that they are read block by block, unless they are given with an array
in memory. None of these libraries is imported here.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast

import numpy as np

from .dask_arrays import is_dask_array
from .labels import without_labels

__all__ = ['takes_images', 'without_spacing']

P = ParamSpec('P')
R = TypeVar('R')

_LAZY_IMAGE = ('skanrs.files.read.open_image', 'LazyImage')
DIGITS = 12
"""Significant digits of a spacing: steps of 0.1 are not 0.09999999999999998."""
BLOCK_VOXELS = 1 << 24
"""About how many voxels of an array in a file are read at a time, as by `skanrs.open_image`."""


class Opened(NamedTuple):
    """An argument as an array."""

    array: Any
    in_file: bool = False
    spacing: Callable[[], tuple[float, ...] | None] | None = None
    """Returns the spacing, or raises if it is not regular; None if the type has none."""
    wrap: Callable[[Any], Any] | None = None
    """Makes an image of the same type of an array."""


def takes_images(
    *names: str,
    spacing: bool = True,
    returns_image: bool = False,
    whole: bool = False,
    lazy_labels: bool = False,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator of a function that takes images.

    Parameters
    ----------
    *names : str
        The parameters that are images. The image that comes back is of the type of the first.
    spacing : bool, optional
        Whether the function has the keyword ``spacing``. If it is not given, it is that of the
        images.
    returns_image : bool, optional
        Whether the result is an image with the axes of the first parameter.
    whole : bool, optional
        Whether images in files are read as a whole, because the function takes no dask arrays.
    lazy_labels : bool, optional
        Whether images in files are read block by block with ``labels`` too. Otherwise they are only
        beside a dask array.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        code = cast(Any, function).__code__
        places = {name: code.co_varnames.index(name) for name in names}

        @functools.wraps(function)
        def call(*positional: P.args, **named: P.kwargs) -> R:
            given = {
                name: positional[place] if place < len(positional) else named.get(name)
                for name, place in places.items()
            }
            found = ((name, _opened(image, name)) for name, image in given.items())
            opened = {name: image for name, image in found if image is not None}
            if not opened:
                return function(*positional, **named)
            lazy = lazy_labels or without_labels(named.get('labels', False))
            lazy = lazy or any(map(_is_lazy, (given | opened).values()))
            in_memory = whole or not lazy or any(map(_is_in_memory, (given | opened).values()))
            arguments = list(positional)
            for name, array in _arrays(given, opened, in_memory).items():
                if places[name] < len(arguments):
                    arguments[places[name]] = array
                else:
                    named[name] = array
            # A Skeleton has its own spacing, which is not given twice.
            if spacing and 'spacing' not in named and not hasattr(given[names[0]], 'n_paths'):
                own = _common_spacing(opened)
                if own is not None:
                    named['spacing'] = own
            result: Any = cast(Any, function)(*arguments, **named)
            first = opened.get(names[0])
            if returns_image and first is not None and first.wrap is not None:
                result = first.wrap(result)
            return cast(R, result)

        return call

    return decorate


def without_spacing(given: Any) -> Any:
    """Return the dask array of a `skanrs.LazyImage`, anything else as it is."""
    return given.image if _is_instance(given, *_LAZY_IMAGE) else given


def _opened(given: Any, name: str) -> Opened | None:
    """Return an argument as an array; None if it is not of one of these types."""
    if _is_instance(given, 'xarray', 'DataArray'):
        return Opened(
            given.data,
            spacing=lambda: _spacing_of(given, name),
            wrap=lambda array: _like(given, array),
        )
    if _is_instance(given, *_LAZY_IMAGE):
        return Opened(given.image, in_file=True, spacing=lambda: given.spacing)
    if _is_instance(given, 'zarr', 'Array') or _is_instance(given, 'h5py', 'Dataset'):
        return Opened(given, in_file=True)
    return None


def _like(image: Any, array: Any) -> Any:
    """Return an array as a DataArray with the coordinates and the name of another."""
    made = type(image)(array, coords=image.coords, dims=image.dims)
    # xarray takes the name of a dask array otherwise.
    made.name = image.name
    return made


def _is_instance(given: Any, module: str, name: str) -> bool:
    """Return whether an object is of a class, without importing its module."""
    found = getattr(sys.modules.get(module), name, None)
    return found is not None and isinstance(given, found)


def _is_in_memory(image: Any) -> bool:
    if isinstance(image, Opened):
        return not image.in_file and not is_dask_array(image.array)
    return image is not None and not is_dask_array(image)


def _is_lazy(image: Any) -> bool:
    if isinstance(image, Opened):
        return not image.in_file and is_dask_array(image.array)
    return is_dask_array(image)


def _arrays(given: dict[str, Any], opened: dict[str, Opened], in_memory: bool) -> dict[str, Any]:
    """Return the opened images as arrays, those in files in memory or in the same blocks."""
    arrays = {name: image.array for name, image in opened.items()}
    first: Any = None
    for name in given:
        array = arrays.get(name, given[name])
        if name in opened and opened[name].in_file:
            array = np.asarray(array) if in_memory else _in_blocks(array, name)
            if first is not None and is_dask_array(array) and array.shape == first.shape:
                array = array.rechunk(first.chunks)
            arrays[name] = array
        if first is None and is_dask_array(array):
            first = array
    return arrays


def _in_blocks(stored: Any, name: str) -> Any:
    """Return an image in a file as a dask array, in blocks of whole chunks."""
    if is_dask_array(stored):
        return stored
    try:
        import dask.array as da
    except ImportError as error:
        raise ImportError(
            f"{name}: reading block by block needs dask: pip install 'skanrs[dask]'; or give the"
            ' whole array in memory'
        ) from error
    chunks = da.core.normalize_chunks(
        'auto',
        stored.shape,
        limit=BLOCK_VOXELS * stored.dtype.itemsize,
        dtype=stored.dtype,
        previous_chunks=getattr(stored, 'shards', None) or stored.chunks,
    )
    # Files may be changed, and nothing tells apart two arrays of the same name.
    return da.from_array(stored, chunks=chunks, name=False)


def _common_spacing(opened: dict[str, Opened]) -> tuple[float, ...] | None:
    """Return the spacing of all images that have one; raise a ValueError if they differ."""
    found: dict[str, tuple[float, ...]] = {}
    for name, image in opened.items():
        own = None if image.spacing is None else image.spacing()
        if own is not None:
            found[name] = own
    if len(set(found.values())) > 1:
        named = ', '.join(f'{own} for {name}' for name, own in found.items())
        raise ValueError(f'spacing: expected images of the same spacing, got {named}')
    return next(iter(found.values()), None)


def _spacing_of(image: Any, name: str) -> tuple[float, ...] | None:
    """Return the steps of the coordinates of a DataArray; None if it has none."""
    known = [str(axis) for axis in image.dims if axis in image.coords]
    if not known:
        return None
    if len(known) < len(image.dims):
        missing = ', '.join(str(axis) for axis in image.dims if axis not in image.coords)
        raise ValueError(
            f'{name}: expected coordinates along all axes or none, got none along {missing}; '
            'give a spacing'
        )
    return tuple(_step(image.coords[axis].values, str(axis), name) for axis in image.dims)


def _step(coordinates: Any, axis: str, name: str) -> float:
    if coordinates.dtype.kind not in 'iuf':
        raise ValueError(
            f'{name}: expected numbers as coordinates along {axis}, got {coordinates.dtype}; '
            'give a spacing'
        )
    if coordinates.size < 2:
        raise ValueError(
            f'{name}: expected two coordinates or more along {axis}, got {coordinates.size}; '
            'give a spacing'
        )
    exact = coordinates.astype(np.float64)
    steps = np.diff(exact)
    step = (exact[-1] - exact[0]) / (coordinates.size - 1)
    single = coordinates.dtype.kind == 'f' and coordinates.dtype.itemsize < 8
    # Each coordinate is rounded to its own type.
    noise = 4 * np.finfo(coordinates.dtype if single else np.float64).eps * np.abs(exact).max()
    if not (step != 0 and np.all(np.abs(steps - step) <= noise + 1e-6 * abs(step))):
        raise ValueError(
            f'{name}: expected regular coordinates along {axis}, got steps from '
            f'{steps.min():g} to {steps.max():g}; give a spacing'
        )
    return abs(float(f'{step:.{5 if single else DIGITS}g}'))
