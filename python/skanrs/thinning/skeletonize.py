"""Thinning of arrays in memory; dask arrays are passed on to `lazy`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._image.array_types import takes_images
from skanrs._image.dask_arrays import is_dask_array
from skanrs._image.image import Image, as_image
from skanrs._image.labels import Labels, as_labels, thin_labels, with_labels
from skanrs._support import progress

from .method import method_of

if TYPE_CHECKING:
    import dask.array


@overload
def skeletonize(
    image: dask.array.Array, *, method: str | None = None, preserve_topology: bool = False
) -> dask.array.Array: ...
@overload
def skeletonize(
    image: npt.ArrayLike,
    *,
    method: str | None = None,
    preserve_topology: bool = False,
    labels: Literal[False] = False,
) -> npt.NDArray[np.bool_]: ...
@overload
def skeletonize(
    image: npt.ArrayLike | dask.array.Array,
    *,
    method: str | None = None,
    preserve_topology: bool = False,
    labels: Labels,
    min_voxels: int = 1,
) -> Any: ...
@takes_images('image', spacing=False, returns_image=True, lazy_labels=True)
def skeletonize(
    image: Any,
    *,
    method: str | None = None,
    preserve_topology: bool = False,
    labels: Any = False,
    min_voxels: int = 1,
) -> Any:
    """Compute the skeleton of a 2D or 3D binary image by thinning.

    Parameters
    ----------
    image : array_like or dask array, shape (M, N) or (P, M, N)
        The image, of booleans or any real numbers. Every nonzero element is foreground, NaN too.
        Any memory order; the array is read where it is and not changed. A dask array may be
        chunked in any way. A zarr array, an HDF5 dataset and a `skanrs.LazyImage` are taken as dask
        arrays, a DataArray of xarray as its array.
    method : {'lee', 'zhang'}, optional
        Lee's method [1]_ works in 2D and 3D and is the default in 3D; Zhang's [2]_ works in 2D
        and is the default there. A 3D image of a single plane is thinned by Lee's method as the
        2D image that it is.
    preserve_topology : bool, optional
        Whether every object, tunnel and cavity of the image has to be there in the skeleton, and
        no other. By default small objects and solid blocks of even thickness can vanish, as with
        scikit-image. Lee's method only, which `method` then means by default in 2D too.
    labels : bool or sequence of int, optional
        Whether `image` is a label image of integers: each nonzero value, or
        each of these values only, is an object that is thinned alone, as if it were the only one.
        Objects that touch stay apart.
    min_voxels : int, optional
        Labels with fewer voxels are left out. Only with `labels`.

    Returns
    -------
    skeleton : ndarray of bool or dask array of bool, shape of `image`
        The thinned image; for a dask array a lazy one with the same chunks. Nothing is computed
        until its ``compute`` is called. With `labels`, an array of the dtype of `image`: the label
        at each voxel of its skeleton, 0 elsewhere.

    Raises
    ------
    ValueError
        If `image` is neither 2D nor 3D or has chunks of unknown size, if `method` is not one of
        those named, or is 'zhang' for a 3D image or with `preserve_topology`, if a label is 0 or
        beyond the dtype of `image`, or if `min_voxels` is given without `labels`.
    TypeError
        If the elements of `image` are not real numbers or, with `labels`, not integers, or if
        `labels` is neither a bool nor a sequence of integers.
    MemoryError
        If there is no room for the working copy of two bits a voxel.

    Warns
    -----
    dask.array.PerformanceWarning
        If three parts of one lazy skeleton are computed separately; each thins the whole image.

    See Also
    --------
    skanrs.summarize : The table of a skeleton's branches.

    Notes
    -----
    The result equals that of ``skimage.morphology.skeletonize`` of scikit-image 0.26, voxel for
    voxel, unless `preserve_topology` is set. The work is done without the GIL on
    `get_num_threads` threads, does not depend on their number, and can be interrupted. In a
    notebook a call of more than a second shows how far it is (`skanrs.show_progress`); each pass is
    logged to the logger ``skanrs.thinning`` at level DEBUG.

    A dask array is thinned block by block, exactly and without any overlap: each block decides
    what holds whatever its surroundings are, and the few voxels that it leaves undecided are
    decided by merging. Every source block is read once for all that is computed with the skeleton,
    an error in a block names the block, and nothing of the skeleton is written before all blocks
    were read. There are two tasks for each source block, and about four more for each 256³ voxels.
    One block can depend on the whole image, so each separate ``compute`` thins all of it: to use
    blocks one at a time, ``persist`` the skeleton or store it first.

    Lee's method keeps endpoints and simple connectivity, but its recheck looks at less than what
    topology needs: solid blocks of even thickness can vanish. With `preserve_topology` the recheck
    asks the whole question again, so that every single deletion is one of a simple voxel: the
    26-connected objects, the tunnels and the cavities (6-connected background) of the image are
    those of the skeleton, which is thin: no voxel on a border could go without changing them or
    shortening a line. Where nothing would be lost, both ways mostly agree.

    With `labels`, the voxels of value v of the result are those of ``skeletonize(image == v)``, for
    every v at once; a neighbour counts only if its label is equal. What a label costs depends on
    its voxels and not on its bounding box, so that thousands of objects that touch take about as
    long as one of their size.

    References
    ----------
    .. [1] T.-C. Lee, R. L. Kashyap, C.-N. Chu, "Building skeleton models via 3-D medial
       surface/axis thinning algorithms", CVGIP 56(6):462-478, 1994.
    .. [2] T. Y. Zhang, C. Y. Suen, "A fast parallel algorithm for thinning digital patterns",
       Communications of the ACM 27(3):236-239, 1984.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> image = np.zeros((7, 9), dtype=bool)
    >>> image[2:5, 1:8] = True
    >>> skanrs.skeletonize(image).astype(int)
    array([[0, 0, 0, 0, 0, 0, 0, 0, 0],
           [0, 0, 0, 0, 0, 0, 0, 0, 0],
           [0, 0, 0, 0, 0, 0, 1, 0, 0],
           [0, 1, 1, 1, 1, 1, 0, 0, 0],
           [0, 0, 0, 0, 0, 0, 0, 0, 0],
           [0, 0, 0, 0, 0, 0, 0, 0, 0],
           [0, 0, 0, 0, 0, 0, 0, 0, 0]])

    A cube of even thickness vanishes, unless topology is preserved:

    >>> cube = np.pad(np.ones((4, 4, 4), dtype=bool), 1)
    >>> int(skanrs.skeletonize(cube).sum())
    0
    >>> int(skanrs.skeletonize(cube, preserve_topology=True).sum())
    2

    Labels that touch have a skeleton each:

    >>> cells = np.repeat([[1, 1, 1, 7, 7, 7, 7, 7]], 3, axis=0)
    >>> skanrs.skeletonize(cells, labels=True)
    array([[0, 1, 0, 0, 0, 0, 7, 0],
           [1, 0, 0, 7, 7, 7, 0, 0],
           [0, 0, 0, 0, 0, 0, 0, 0]])
    """
    if is_dask_array(image):
        from .lazy import skeletonize_blocks

        return skeletonize_blocks(image, method, preserve_topology, labels, min_voxels)
    if with_labels(labels, min_voxels):
        checked = as_labels(image, 'image', labels)
        way = method_of(method, preserve_topology, checked.image.ndim)
        with progress.call('skeletonize'):
            return thin_labels(checked, way, min_voxels)
    binary = as_image(image, 'image', least=2, most=3)
    return thin(binary, method_of(method, preserve_topology, binary.ndim))


def thin(image: Image, method: str) -> npt.NDArray[np.bool_]:
    """Return the skeleton of a checked image of two or three axes; see `method_of`."""
    skeleton = np.zeros(image.shape, dtype=bool)
    elements = image.elements[np.newaxis] if image.ndim == 2 else image.elements
    output = skeleton.view(np.uint8).reshape(elements.shape)
    with progress.call('skeletonize'):
        _core.skeletonize(elements, image.bits, method, output)
    return skeleton


# scikit-image's former name; see `skanrs._support.former_names`.
skeletonize_3d = partial(skeletonize, method='lee')
