"""Bodies, skeletons in their masks, of the arrays of a call: in memory or, for dask, delayed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from skanrs._blocks.read import Pixels
from skanrs._image.image import as_image
from skanrs._image.labels import Labels, as_labels, thin_labels
from skanrs._image.masks import as_mask, check_lazy_mask
from skanrs._image.spacing import as_spacing
from skanrs.graph.labels import pixels_of_labels
from skanrs.graph.skeleton import Skeleton
from skanrs.thinning.method import method_of
from skanrs.thinning.skeletonize import thin

from .measures import Body, LabelBody, body_of, body_of_labels, check_same_shape

if TYPE_CHECKING:
    import dask.array as da
    from dask.delayed import Delayed


def body_of_arrays(
    mask: Any, skeleton: Any, spacing: npt.ArrayLike, border_is_background: bool
) -> Body:
    """Return the body of a mask in memory; without a skeleton, the mask is thinned."""
    checked = as_mask(mask)
    spacings = as_spacing(spacing, checked.ndim)
    if skeleton is None:
        skeleton = thin(checked, method_of(None, False, checked.ndim))
    image = as_image(skeleton, 'skeleton')
    check_same_shape(image, checked)
    graph = Skeleton._of_pixels(Pixels.of_mask(image.shape, image.nodes()), spacings)
    return body_of(graph, checked, spacings, border_is_background)


def body_of_label_arrays(
    mask: Any,
    skeleton: Any,
    labels: Labels,
    min_voxels: int,
    spacing: npt.ArrayLike,
    border_is_background: bool,
) -> LabelBody:
    """Return the body of a label image in memory; without a skeleton, the labels are thinned."""
    checked = as_labels(mask, 'mask', labels)
    spacings = as_spacing(spacing, checked.image.ndim)
    if skeleton is None:
        method = method_of(None, False, checked.image.ndim)
        skeleton = thin_labels(checked, method, min_voxels)
    elif min_voxels != 1:
        raise ValueError(f'min_voxels: expected 1, got {min_voxels}; the skeleton is given')
    of_skeleton = as_labels(skeleton, 'skeleton', labels)
    check_same_shape(of_skeleton.image, checked.image)
    pixels, of_pixels = pixels_of_labels(of_skeleton)
    graph = Skeleton._of_pixels(pixels, spacings, of_pixels)
    return body_of_labels(graph, checked, spacings, border_is_background)


def delay_with_body(
    function: Callable[..., Any],
    mask: da.Array,
    skeleton: Any,
    spacing: npt.ArrayLike,
    border_is_background: bool,
) -> Delayed:
    """Return, delayed, what a function makes of the arguments of `body_of_blocks`."""
    from skanrs.radius.lazy import with_radii
    from skanrs.thinning.lazy import skeletonize_blocks

    check_lazy_mask(mask)
    if skeleton is None:
        skeleton = skeletonize_blocks(mask, None, False)
    return with_radii(function, skeleton, mask, spacing, border_is_background)
