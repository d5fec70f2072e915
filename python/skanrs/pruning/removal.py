"""Removing voxels from a skeleton in memory, of labels, or lazy, by a function of their list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from skanrs._image.dask_arrays import is_dask_array, refuse_mixture
from skanrs._image.image import Image, as_image, check_axes
from skanrs._image.labels import LabelImage, Labels, as_labels, nodes_by_label, with_labels
from skanrs._image.spacing import as_spacing, refuse_spacing
from skanrs._support import progress
from skanrs._support.typing import Array, Indices
from skanrs.graph.labels import own_labels, pixels_of_labels
from skanrs.graph.skeleton import Skeleton
from skanrs.radius import radii as measure_radii
from skanrs.radius.block import check_radii

from .keep import Keep

if TYPE_CHECKING:
    import dask.array as da

Given = TypeVar('Given', Skeleton, Array, 'da.Array')


def remove_voxels(
    name: str,
    skeleton: Any,
    keep: Keep,
    mask: npt.ArrayLike | da.Array | None,
    radii: npt.ArrayLike | da.Array | None,
    *,
    spacing: npt.ArrayLike | None,
    labels: Labels = False,
) -> Any:
    """Return a skeleton with the voxels that `keep` keeps; see `skanrs.prune`.

    Parameters
    ----------
    name : str
        What is done, for progress.
    skeleton, mask, radii, spacing, labels
        As for `skanrs.prune`; without mask and radii `keep` gets none.
    keep : callable
        See `Keep`.
    """
    image, floats = _image_of(skeleton, spacing)
    if mask is not None:
        refuse_mixture(image, mask)
    if isinstance(skeleton, Skeleton):
        of_pixels = own_labels(skeleton, labels)
        labels = False if of_pixels is None else np.unique(of_pixels)
    pruned: Any
    if is_dask_array(image):
        from .lazy import remove_in_blocks

        pruned = remove_in_blocks(image, keep, floats, mask, radii, labels)
    elif with_labels(labels):
        of_labels = as_labels(image, 'skeleton', labels)
        with progress.call(name):
            pruned = _of_labels(of_labels, keep, floats, mask, radii)
    else:
        checked = as_image(image, 'skeleton', least=2, most=3)
        with progress.call(name):
            pruned = _of_array(checked, keep, floats, mask, radii)
    if isinstance(skeleton, Skeleton):
        return Skeleton(
            pruned,
            spacing=skeleton.spacing,
            source_image=skeleton.source_image,
            labels=skeleton.pixel_labels is not None,
        )
    return pruned


def check_source_of_radii(needed_by: Sequence[str], any_of: str, mask: Any, radii: Any) -> None:
    """Raise a ValueError unless there is one source of radii if, and only if, they are needed."""
    given = [name for name, what in (('mask', mask), ('radii', radii)) if what is not None]
    if not needed_by and given:
        raise ValueError(f'{given[0]}: expected None without {any_of}, got a value')
    if needed_by and len(given) != 1:
        raise ValueError(
            f'{needed_by[0]}: expected either mask or radii with it, got'
            f' {" and ".join(given) or "neither"}'
        )


def _of_array(
    skeleton: Image,
    keep: Keep,
    spacing: tuple[float, ...],
    mask: npt.ArrayLike | None,
    radii: npt.ArrayLike | None,
) -> Array:
    """Remove voxels of a skeleton in memory."""
    nodes = skeleton.nodes()
    along = _radii_along(skeleton, nodes, spacing, mask, radii, labels=False)
    kept = keep(nodes, skeleton.shape, spacing, along, None)
    pruned = np.array(skeleton.array)
    pruned[np.unravel_index(nodes[~kept], skeleton.shape)] = 0
    return pruned


def _of_labels(
    skeleton: LabelImage,
    keep: Keep,
    spacing: tuple[float, ...],
    mask: npt.ArrayLike | None,
    radii: npt.ArrayLike | None,
) -> Array:
    """Remove voxels of labels in memory, of each as if it were the only one."""
    pixels, labels = pixels_of_labels(skeleton)
    chosen = True if skeleton.chosen is None else skeleton.chosen
    along = _radii_along(skeleton.image, pixels.nodes, spacing, mask, radii, labels=chosen)
    pruned = np.zeros(pixels.shape, dtype=pixels.dtype)
    order, starts = nodes_by_label(labels, np.unique(labels))
    nodes = pixels.nodes[order]
    kept = keep(nodes, pixels.shape, spacing, None if along is None else along[order], starts)
    pruned.reshape(-1)[nodes[kept]] = labels[order[kept]]
    return pruned


def _radii_along(
    skeleton: Image,
    nodes: Indices,
    spacing: tuple[float, ...],
    mask: npt.ArrayLike | None,
    radii: npt.ArrayLike | None,
    *,
    labels: Labels,
) -> Array | None:
    """Return the radius at each voxel of a skeleton, if there is a source of radii."""
    if mask is not None:
        return measure_radii(skeleton.array, mask, spacing=spacing, labels=labels)
    if radii is None:
        return None
    along = np.ascontiguousarray(radii, dtype=np.float64)
    check_radii(along, nodes.size)
    return along


def _image_of(skeleton: Any, spacing: npt.ArrayLike | None) -> tuple[Any, tuple[float, ...]]:
    """Return the image of a skeleton, an ndarray or dask array, and its spacing."""
    image = skeleton
    if isinstance(skeleton, Skeleton):
        refuse_spacing(skeleton, spacing)
        if skeleton.skeleton_image is None:
            raise ValueError(
                'skeleton: expected one made with keep_images=True, got one without its image'
            )
        if skeleton._value_is_height:
            raise ValueError(
                'skeleton: expected one made with value_is_height=False, got one of heights'
            )
        image, spacing = skeleton.skeleton_image, skeleton.spacing
    if not (is_dask_array(image) or isinstance(image, np.ndarray)):
        raise TypeError(f'skeleton: expected a Skeleton or an array, got {type(skeleton).__name__}')
    check_axes(image.ndim, 'skeleton', 2, 3)
    return image, as_spacing(1 if spacing is None else spacing, image.ndim).floats
