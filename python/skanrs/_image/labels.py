"""Label images: integers, where every nonzero value is an object of its own."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._support.typing import Array, Indices

from .dask_arrays import is_dask_array
from .image import Image, as_array, as_image, take
from .position import in_three_axes

Labels = bool | Sequence[int] | npt.NDArray[np.integer[Any]]
"""Which values are objects: every one that is not 0, or only these; False for a plain image."""


class LabelImage(NamedTuple):
    """A checked label image with the labels that were chosen."""

    image: Image
    chosen: Array | None
    """The chosen labels in the image's dtype, sorted and unique; None for all."""

    @property
    def chosen_bits(self) -> npt.NDArray[np.uint64] | None:
        """The chosen labels as the elements that the kernels read, ascending."""
        return None if self.chosen is None else np.sort(bits_of(self.chosen))

    def is_chosen(self, values: Array) -> npt.NDArray[np.bool_]:
        """Return which values are labels that were chosen."""
        if self.chosen is None:
            return np.asarray(values != 0)
        return np.isin(values, self.chosen)


def without_labels(labels: Any) -> bool:
    """Return whether an image is not one of labels, as False says, also numpy's."""
    return isinstance(labels, (bool, np.bool_)) and not labels


def with_labels(labels: Any, min_voxels: Any = 1) -> bool:
    """Check whether an image is one of labels; raise if `min_voxels` is given for another."""
    if without_labels(labels):
        if min_voxels != 1:
            raise ValueError(f'min_voxels: expected labels with it, got {min_voxels!r} without')
        return False
    if not isinstance(min_voxels, (int, np.integer)) or not 0 <= min_voxels < 2**64:
        raise ValueError(f'min_voxels: expected a non-negative integer, got {min_voxels!r}')
    return True


def as_labels(
    image: Any, name: str, labels: Labels, *, least: int = 2, most: int = 3
) -> LabelImage:
    """Check a label image and the labels that were chosen.

    Parameters
    ----------
    image : array_like
        The label image, of booleans or integers.
    name : str
        The argument's name, for messages.
    labels : True or sequence of int
        Which values are objects.
    least, most : int, optional
        How many axes it may have.

    Raises
    ------
    ValueError
        If a label is 0 or not in the range of the image's dtype, or the image has too many axes.
    TypeError
        If the elements are not integers, or `labels` is neither a bool nor a sequence of integers.
    """
    if is_dask_array(image):
        refuse_labels(labels, name)
    array = as_array(image, name)
    check_label_dtype(array.dtype, name)
    # The kernels read elements where they are, and need them aligned.
    checked = as_image(np.require(array, requirements='A'), name, least=least, most=most)
    return LabelImage(checked, chosen_labels(labels, array.dtype))


def refuse_labels(labels: Labels, name: str) -> None:
    """Raise a TypeError if labels are asked for in a dask array."""
    if not without_labels(labels):
        raise TypeError(f'{name}: expected an array in memory with labels, got a dask array')


def check_label_dtype(dtype: np.dtype[Any], name: str) -> None:
    """Raise a TypeError that names the argument unless it holds integers or booleans."""
    if dtype.kind not in 'biu':
        use = '; convert whole numbers first, for example with astype(np.int64)'
        raise TypeError(
            f'{name}: expected integers with labels, got {dtype}{use if dtype.kind == "f" else ""}'
        )


def chosen_labels(labels: Any, dtype: np.dtype[Any]) -> Array | None:
    """Return the chosen labels in a dtype, sorted and unique, or None for all."""
    if isinstance(labels, (bool, np.bool_)):
        return None
    try:
        # Labels of an image of bool are numpy's bools, which are no indices.
        values = [
            int(value) if isinstance(value, np.bool_) else operator.index(value) for value in labels
        ]
    except TypeError:
        raise TypeError(
            f'labels: expected a bool or a sequence of integers, got {labels!r}'
        ) from None
    low, high = (0, 1) if dtype.kind == 'b' else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    for value in values:
        if value == 0 or not low <= value <= high:
            raise ValueError(f'labels: expected nonzero values of {dtype}, got {value}')
    return np.unique(np.array(values, dtype=dtype))


def bits_of(values: Array) -> npt.NDArray[np.uint64]:
    """Return integers as the unsigned ones that have the same bytes."""
    return values.view(f'u{values.dtype.itemsize}').astype(np.uint64)


def values_of(bits: npt.NDArray[np.uint64], dtype: np.dtype[Any]) -> Array:
    """Return the integers of a dtype that `bits_of` makes these of."""
    return bits.astype(f'u{dtype.itemsize}').view(dtype)


def thin_labels(labels: LabelImage, method: str, min_voxels: int = 1) -> Array:
    """Return the label image of the skeletons of labels of two or three axes, each thinned alone.

    Parameters
    ----------
    labels : LabelImage
        The labels.
    method : {'lee', 'lee-preserving', 'zhang'}
        How to thin.
    min_voxels : int, optional
        Labels with fewer voxels are left out.
    """
    image = labels.image
    skeleton = np.zeros(image.shape, dtype=image.dtype)
    elements = image.elements.reshape(in_three_axes(image.shape, 1))
    output = skeleton.view(elements.dtype).reshape(elements.shape)
    _core.skeletonize_labels(elements, labels.chosen_bits, min_voxels, method, output)
    return skeleton


class Found(NamedTuple):
    """The labels that were chosen and are in an image, ascending."""

    values: Array
    counts: npt.NDArray[np.int64]
    """How many voxels each has."""


def find_labels(labels: LabelImage) -> Found:
    """Return the labels that were chosen and are in an image of two or three axes."""
    image = labels.image
    elements = image.elements.reshape(in_three_axes(image.shape, 1))
    return found_labels(labels, *_core.find_labels(elements))


def found_labels(
    labels: LabelImage, bits: npt.NDArray[np.uint64], counts: npt.NDArray[np.uint64]
) -> Found:
    """Return those labels that were chosen of all, which are as the kernels return them."""
    values = values_of(bits, labels.image.dtype)
    order = np.argsort(values, kind='stable')
    order = order[labels.is_chosen(values[order])]
    return Found(values[order], counts[order].astype(np.int64))


def nodes_by_label(labels: Array, values: Array) -> tuple[npt.NDArray[np.intp], Array]:
    """Return an order of voxels by label, and where those of each of `values`, which ascend, start.

    The order within a label is that of the voxels.
    """
    order = np.argsort(labels, kind='stable')
    return order, np.append(np.searchsorted(labels[order], values), labels.size)


def check_same_labels(labels: Array, nodes: Indices, mask: LabelImage) -> None:
    """Raise a ValueError unless each voxel of a skeleton has the label that it has in the mask."""
    image = mask.image
    different = np.flatnonzero(take(image.array, nodes) != labels)
    if different.size:
        first = different[0]
        coordinates = tuple(int(at) for at in np.unravel_index(nodes[first], image.shape))
        raise ValueError(
            f'skeleton: expected the labels of the mask, but {different.size} voxels differ, the'
            f' first at {coordinates} with label {labels[first]}'
        )
