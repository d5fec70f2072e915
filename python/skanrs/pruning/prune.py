"""Pruning: removes short end branches from a skeleton."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._image.array_types import takes_images
from skanrs._image.dask_arrays import is_dask_array, refuse_mixture
from skanrs._image.image import Image, as_image, check_axes
from skanrs._image.labels import LabelImage, Labels, as_labels, nodes_by_label, with_labels
from skanrs._image.position import in_three_axes
from skanrs._image.spacing import as_spacing, refuse_spacing
from skanrs._support import progress
from skanrs._support.typing import Array, Indices
from skanrs.graph.labels import own_labels, pixels_of_labels
from skanrs.graph.skeleton import Skeleton
from skanrs.radius import radii as measure_radii
from skanrs.radius.block import check_radii

if TYPE_CHECKING:
    import dask.array as da

__all__ = ['prune']

Given = TypeVar('Given', Skeleton, Array, 'da.Array')


@takes_images('skeleton', 'mask', returns_image=True)
def prune(
    skeleton: Given,
    *,
    min_length: float | None = None,
    max_radius_ratio: float | None = None,
    mask: npt.ArrayLike | da.Array | None = None,
    radii: npt.ArrayLike | da.Array | None = None,
    spacing: npt.ArrayLike | None = None,
    labels: Labels = False,
) -> Given:
    """Remove short end branches: those that lead from a junction to an endpoint.

    Thinning makes an end branch wherever the surface of an object is rough. An end branch is
    removed if it is shorter than one of the limits, the shortest of the skeleton first. If two
    branches are left at its junction, they become one branch with their common length. So where a
    vessel ends in two short end branches, the longer one stays. This is repeated until nothing
    changes.

    Parameters
    ----------
    skeleton : Skeleton, ndarray or dask array, 2 or 3 axes
        The skeleton; of an array, nonzero elements belong to it. It is not changed.
    min_length : float, optional
        End branches shorter than this are removed, in units of the spacing; see the notes.
    max_radius_ratio : float, optional
        End branches shorter than this times the radius at their junction are removed; needs `mask`
        or `radii`. An end branch within its vessel is about as long as the radius of the vessel, so
        values from 1 to 2 are useful.
    mask : array_like or dask array, shape of the skeleton, optional
        The object that the skeleton is of; a dask array with the same chunks if that is one.
    radii : array_like, shape (N,), or dask array, shape of the skeleton, optional
        Instead of `mask`: the radius at each voxel of the skeleton, as `skanrs.radii` returns it;
        for a dask array also the lazy image that `skanrs.radius_image` returns.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis of an array, 1 if it is not given. A
        `Skeleton` has its own.
    labels : bool or sequence of int, optional
        Whether an array in memory is a label image: each nonzero value, or each of these only, is
        pruned as if it were the only one, and the result has no others. `mask` is a label image
        then. A `Skeleton` made with labels has them already.

    Returns
    -------
    pruned : Skeleton, ndarray or dask array
        The pruned skeleton, of the type of `skeleton`; elements of an array keep their values. A
        dask array is lazy, has the same chunks, and equals the result for the whole array.

    Raises
    ------
    ValueError
        If there is no limit, if a limit is negative or not finite, if `max_radius_ratio` comes
        without `mask` and `radii` or they without it, if shapes or chunks differ, or if a
        `Skeleton` has no image or takes values for heights. What depends on elements is raised
        when a dask array is computed.
    TypeError
        If `skeleton` is neither a `Skeleton` nor an array, or if only one of skeleton and mask is
        a dask array.

    See Also
    --------
    skanrs.Skeleton.prune_paths : Removes the paths that you name, as skan does.
    skanrs.analyze : Takes a pruned skeleton with ``skeleton=``.

    Notes
    -----
    Connected components, tunnels and cavities stay, and so does every branch with two endpoints:
    only simple voxels are removed, those whose removal changes no topology. Neighbours of removed
    voxels are thinned, so that a former junction leaves no corner. A skeleton without short end
    branches is returned unchanged. In clumps and sheets of voxels, as thinning leaves them around
    small tunnels and cavities, skan's graph has ends that are no endpoints of the image; they
    stay, and the table still has some short branches of type 1 there.

    Lengths count steps between voxels, as ``branch_distance`` of the table, which is about a tenth
    longer than ``length`` of `skanrs.analyze`. They need no mask, so that the result depends on the
    skeleton alone and is the same in chunks. To prune by ``length``, name the branches, once or
    until none is left::

        table = skanrs.analyze(mask, skeleton=skeleton)
        is_short = (table['branch_type'] == 1) & (table['length'] < 5)
        pruned = skanrs.Skeleton(skeleton).prune_paths(is_short)

    The length of a branch is known only for the whole branch, and removing one end branch makes
    another. Each block of a dask array is read once, and one task prunes the list of all voxels of
    the skeleton, about 150 bytes each; no task holds the dense image.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> image = np.zeros((5, 12), dtype=bool)
    >>> image[3, 1:11] = image[1:3, 5] = True
    >>> skanrs.prune(image, min_length=3).astype(int)
    array([[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
           [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
           [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
           [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0],
           [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]])
    """
    limits = _limits(min_length, max_radius_ratio, mask, radii)
    image, floats = _image_of(skeleton, spacing)
    if mask is not None:
        refuse_mixture(image, mask)
    if isinstance(skeleton, Skeleton):
        of_pixels = own_labels(skeleton, labels)
        labels = False if of_pixels is None else np.unique(of_pixels)
    pruned: Any
    if with_labels(labels):
        of_labels = as_labels(image, 'skeleton', labels)
        with progress.call('prune'):
            pruned = _prune_labels(of_labels, limits, floats, mask, radii)
    elif is_dask_array(image):
        from .lazy import prune_blocks

        pruned = prune_blocks(image, limits, floats, mask, radii)
    else:
        checked = as_image(image, 'skeleton', least=2, most=3)
        with progress.call('prune'):
            pruned = _prune(checked, limits, floats, mask, radii)
    if isinstance(skeleton, Skeleton):
        pruned = Skeleton(
            pruned,
            spacing=skeleton.spacing,
            source_image=skeleton.source_image,
            labels=skeleton.pixel_labels is not None,
        )
    result: Given = pruned
    return result


def _prune(
    skeleton: Image,
    limits: tuple[float, float],
    spacing: tuple[float, ...],
    mask: npt.ArrayLike | None,
    radii: npt.ArrayLike | None,
) -> Array:
    """Prune a skeleton in memory."""
    nodes = skeleton.nodes()
    along = _radii_along(skeleton, nodes, spacing, mask, radii, labels=False)
    kept = _core.prune_nodes(
        nodes, in_three_axes(skeleton.shape, 1), in_three_axes(spacing, 1.0), *limits, along
    )
    pruned = np.array(skeleton.array)
    pruned[np.unravel_index(nodes[~kept], skeleton.shape)] = 0
    return pruned


def _prune_labels(
    skeleton: LabelImage,
    limits: tuple[float, float],
    spacing: tuple[float, ...],
    mask: npt.ArrayLike | None,
    radii: npt.ArrayLike | None,
) -> Array:
    """Prune the skeletons of labels in memory, each as if it were the only one."""
    pixels, labels = pixels_of_labels(skeleton)
    chosen = True if skeleton.chosen is None else skeleton.chosen
    along = _radii_along(skeleton.image, pixels.nodes, spacing, mask, radii, labels=chosen)
    pruned = np.zeros(pixels.shape, dtype=pixels.dtype)
    geometry = in_three_axes(pixels.shape, 1), in_three_axes(spacing, 1.0), *limits
    order, starts = nodes_by_label(labels, np.unique(labels))
    nodes = pixels.nodes[order]
    kept = _core.prune_nodes(nodes, *geometry, None if along is None else along[order], starts)
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
    """Return the radius at each voxel of a skeleton if a limit needs it."""
    if mask is not None:
        return measure_radii(skeleton.array, mask, spacing=spacing, labels=labels)
    if radii is None:
        return None
    along = np.ascontiguousarray(radii, dtype=np.float64)
    check_radii(along, nodes.size)
    return along


def _limits(
    min_length: float | None, max_radius_ratio: float | None, mask: Any, radii: Any
) -> tuple[float, float]:
    """Return both limits, 0 for one that was not given."""
    if min_length is None and max_radius_ratio is None:
        raise ValueError('min_length, max_radius_ratio: expected at least one of them, got none')
    for name, limit in (('min_length', min_length), ('max_radius_ratio', max_radius_ratio)):
        if limit is not None and not 0 <= limit < np.inf:
            raise ValueError(f'{name}: expected a finite, non-negative number, got {limit}')
    given = [name for name, what in (('mask', mask), ('radii', radii)) if what is not None]
    if max_radius_ratio is None and given:
        raise ValueError(f'{given[0]}: expected None without max_radius_ratio, got a value')
    if max_radius_ratio is not None and len(given) != 1:
        raise ValueError(
            f'max_radius_ratio: expected either mask or radii with it, got'
            f' {" and ".join(given) or "neither"}'
        )
    return float(min_length or 0), float(max_radius_ratio or 0)


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
