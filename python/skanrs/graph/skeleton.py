"""The skeleton of an image with its graph and its branches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from skanrs._blocks.read import Pixels, read_image
from skanrs._image.array_types import takes_images
from skanrs._image.image import refuse_sparse
from skanrs._image.labels import Labels, as_labels, with_labels, without_labels
from skanrs._image.spacing import Spacing, as_spacing
from skanrs._support import progress
from skanrs._support.memory import size_in_words
from skanrs._support.reprs import by_axis, bytes_of, counted, html_table
from skanrs._support.typing import Array

from .labels import label_graph, paths_by_label, pixels_of_labels
from .lazy_graph import LazyGraph
from .path_graph import PathGraph, means_and_stdevs_of, node_values, paths_matrix
from .pixel_graph import skeleton_graph
from .skeleton_paths import label_image, path_numbers, ravel_rounded, thin_without
from .trace import trace

if TYPE_CHECKING:
    import dask.array as da


class Skeleton(LazyGraph):
    """The skeleton of an image: its pixels, their graph, and the branches of the graph.

    With N pixels in the skeleton, P branches (paths) and `ndim` axes:

    Parameters
    ----------
    skeleton_image : ndarray or dask array, 1 to 10 axes
        The skeleton, one pixel wide; nonzero elements belong to it, NaN too. A dask
        array is read block by block, once; `skeleton_image` stays lazy.

    Other Parameters
    ----------------
    spacing : float or sequence of float, one for each axis
        The distance between neighbours along each axis.
    source_image : ndarray, shape of `skeleton_image`
        The image from which the skeleton was made; it is only kept.
    keep_images : bool
        Whether to keep both images.
    value_is_height : bool
        Whether the value of a pixel is its height, so that branches lead up and down.
    labels : bool or sequence of int
        Whether the image is a label image, in memory and of integers: each nonzero value, or each
        of these only, is a skeleton of its own. Pixels of different labels are no neighbours; paths
        are in the order of labels.

    Attributes
    ----------
    graph : scipy.sparse.csr_matrix, shape (N, N)
        The distances between neighbouring pixels.
    nbgraph : NBGraph
        The same as plain arrays, with the value of each pixel.
    coordinates : ndarray of int64, shape (N, ndim)
        The coordinates of the pixels, in units of pixels.
    pixel_values : ndarray, shape (N,), or None
        The values of the pixels, integers as float64; None if the image is of bool.
    paths : scipy.sparse.csr_matrix, P rows
        ``paths.indices`` has the pixels of each path in their order, both ends included,
        ``paths.data`` their values; a cycle ends with its source.
    n_paths : int
        The number of paths, P.
    distances : ndarray of float, shape (P,)
        The lengths of the paths; see `path_lengths`.
    degrees : ndarray of int, shape (N,)
        The number of neighbours of each pixel.
    pixel_labels : ndarray, shape (N,), or None
        With `labels`, the label of each pixel.
    path_labels : ndarray, shape (P,), or None
        With `labels`, the label of each path.
    skeleton_image, source_image : ndarray or None
        The images if they are kept.
    skeleton_shape, skeleton_dtype
        Shape and dtype of the skeleton image.
    spacing : ndarray, shape (ndim,)
        The spacing along each axis.
    keep_images : bool
        Whether the images are kept.
    nbytes : int
        The memory of the arrays, in bytes: the images in memory that are kept, and what has been
        made.

    Raises
    ------
    ValueError
        If `spacing` is not positive and finite or has the wrong length, if heights are not finite,
        or if there are no axes or too many; if a label is 0 or beyond the dtype, or labels come
        with heights.
    TypeError
        If the elements are not real numbers, or are of bool where they are heights, or are not
        integers where they are labels.

    Notes
    -----
    The numbers equal those of skan 0.13.1 to the last bit. `graph`, `nbgraph`, `paths`,
    `coordinates`, `distances` and `degrees` are computed on first access. Attributes
    may be overwritten; methods and `summarize` then use what was written.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> image = np.zeros((5, 7), dtype=bool)
    >>> image[2, 1:6] = True
    >>> skeleton = skanrs.Skeleton(image, spacing=0.5)
    >>> skeleton.n_paths, skeleton.path_lengths()
    (1, array([2.]))
    >>> skeleton.path_coordinates(0)
    array([[2, 1],
           [2, 2],
           [2, 3],
           [2, 4],
           [2, 5]])
    """

    @takes_images('skeleton_image')
    def __init__(
        self,
        skeleton_image: Array | da.Array,
        *,
        spacing: npt.ArrayLike = 1,
        source_image: Array | None = None,
        keep_images: bool = True,
        value_is_height: bool = False,
        labels: Labels = False,
    ) -> None:
        of_pixels = None
        refuse_sparse(source_image, 'source_image')
        if with_labels(labels) and value_is_height:
            raise ValueError('value_is_height: expected False with labels, got True')
        with progress.call('Skeleton'):
            if without_labels(labels):
                pixels = read_image(skeleton_image, 'skeleton_image')
            else:
                checked = as_labels(skeleton_image, 'skeleton_image', labels, least=1, most=10)
                pixels, of_pixels = pixels_of_labels(checked)
            spacings = as_spacing(spacing, len(pixels.shape))
            self._trace(pixels, spacings, value_is_height, of_pixels)
        self.keep_images = keep_images
        self.skeleton_image = skeleton_image if keep_images else None
        self.source_image = source_image if keep_images else None

    @classmethod
    def _of_pixels(cls, pixels: Pixels, spacing: Spacing, labels: Array | None = None) -> Skeleton:
        """Trace the pixels of a checked image, whose values are not heights; keep no image."""
        skeleton = cls.__new__(cls)
        with progress.call('Skeleton'):
            skeleton._trace(pixels, spacing, value_is_height=False, labels=labels)
        skeleton.keep_images = False
        skeleton.skeleton_image = skeleton.source_image = None
        return skeleton

    def _trace(
        self, pixels: Pixels, spacing: Spacing, value_is_height: bool, labels: Array | None
    ) -> None:
        self._nodes = pixels.nodes
        self.pixel_values = node_values(pixels.values)
        self.pixel_labels = labels
        # With heights the distances are not those of a grid; with labels some neighbours are none.
        self._traced = None
        if not value_is_height and labels is None:
            self._traced = trace(pixels.shape, pixels.nodes, self.pixel_values, spacing.floats)
        if labels is not None:
            self.graph = label_graph(pixels, labels, spacing.floats)
            self.paths = paths_by_label(self.graph, labels)
            self.n_paths = int(self.paths.shape[0])
        elif self._traced is None:
            self.graph = skeleton_graph(pixels, spacing.floats, value_is_height)
            arrays = self.graph.indptr, self.graph.indices, self.graph.data
            self.paths = paths_matrix(*arrays, self.pixel_values)
            self.n_paths = int(self.paths.shape[0])
        else:
            self.n_paths = self._traced.lengths.size
        self._distances_initialized = False
        self._value_is_height = value_is_height
        self.skeleton_shape = pixels.shape
        self.skeleton_dtype = pixels.dtype
        self.spacing: Array = spacing.given

    def _facts(self) -> list[tuple[str, str]]:
        of_type = 'heights' if self._value_is_height else str(self.skeleton_dtype)
        of_images = bytes_of([self.skeleton_image, self.source_image])
        images = size_in_words(of_images) if of_images else ''
        return [
            ('image', f'{by_axis(self.skeleton_shape)} of {of_type}'),
            ('spacing', by_axis(np.atleast_1d(self.spacing))),
            ('skeleton', counted(self._n_pixels(), 'voxel')),
            ('graph', counted(self.n_paths, 'branch', 'branches')),
            ('memory', size_in_words(self.nbytes) + (images and f', {images} of it images')),
        ]

    def _n_pixels(self) -> int:
        """Return the number of pixels without computing a lazy attribute."""
        return self._nodes.size if '_nodes' in self.__dict__ else len(self.coordinates)

    def __repr__(self) -> str:
        image, spacing, voxels, branches, memory = (what for _, what in self._facts())
        return f'<Skeleton of {image}, spacing {spacing}: {voxels}, {branches}, {memory}>'

    def _repr_html_(self) -> str:
        return html_table('Skeleton', self._facts())

    @classmethod
    def from_path_graph(cls, pg: PathGraph) -> Skeleton:
        """Make a skeleton of a graph that need not come from an image.

        Parameters
        ----------
        pg : PathGraph
            A graph whose nodes have coordinates.

        Returns
        -------
        skeleton : Skeleton
            The same graph and paths, without images.

        Raises
        ------
        ValueError
            If the nodes have no coordinates.
        """
        if pg.node_coordinates is None:
            raise ValueError('pg: expected node_coordinates, got None')
        skeleton = cls.__new__(cls)
        skeleton._traced = None
        skeleton.pixel_values = pg.node_values
        skeleton.pixel_labels = None
        skeleton.graph = pg.adj
        skeleton.nbgraph = pg.nbgraph
        skeleton.coordinates = pg.node_coordinates
        skeleton.paths = pg.paths
        skeleton.n_paths = pg.n_paths
        skeleton.distances = pg.distances
        skeleton._distances_initialized = True
        skeleton.skeleton_shape = np.max(pg.node_coordinates, axis=0, initial=-1) + 1
        skeleton.skeleton_dtype = np.dtype(bool) if pg.node_values is None else pg.node_values.dtype
        skeleton.degrees = pg.degrees
        skeleton.spacing = np.asarray(pg.spacing)
        skeleton._value_is_height = False
        skeleton.keep_images = False
        skeleton.skeleton_image = skeleton.source_image = None
        return skeleton

    @property
    def path_labels(self) -> Array | None:
        """The label of each path; None without labels."""
        if self.pixel_labels is None:
            return None
        return np.asarray(self.pixel_labels[self.paths.indices[self.paths.indptr[:-1]]])

    def path(self, index: int) -> Array:
        """Return the pixels of a path.

        Parameters
        ----------
        index : int
            The path, from 0.

        Returns
        -------
        path : ndarray of int
            The numbers of its pixels in their order, both ends included.

        Raises
        ------
        ValueError
            If there is no such path.
        """
        start, stop = self._path_ends(index)
        return np.asarray(self.paths.indices[start:stop])

    def path_coordinates(self, index: int) -> Array:
        """Return the coordinates of the pixels of a path.

        Parameters
        ----------
        index : int
            The path, from 0.

        Returns
        -------
        path_coords : ndarray, shape (K, ndim)
            The coordinates, in units of pixels.

        Raises
        ------
        ValueError
            If there is no such path.
        """
        return self._coordinates_of(self.path(index))

    def path_with_data(self, index: int) -> tuple[Array, Array]:
        """Return the pixels of a path and their values.

        Parameters
        ----------
        index : int
            The path, from 0.

        Returns
        -------
        path : ndarray of int
            The numbers of its pixels in their order, both ends included.
        data : ndarray of float
            Their values, 1 if the image is of bool.

        Raises
        ------
        ValueError
            If there is no such path.
        """
        start, stop = self._path_ends(index)
        return np.asarray(self.paths.indices[start:stop]), np.asarray(self.paths.data[start:stop])

    def path_lengths(self) -> Array:
        """Return the length of each path.

        Returns
        -------
        lengths : ndarray of float64, shape (P,)
            The lengths, in units of the spacing; the array is `distances`.
        """
        if not self._distances_initialized:
            # If `distances` was assigned, that array is filled.
            if 'distances' in self.__dict__:
                self.distances[:] = self._path_lengths()
            else:
                self.distances = self._path_lengths()
            self._distances_initialized = True
        return self.distances

    def paths_list(self) -> list[list[np.integer[Any]]]:
        """List the pixels of all paths.

        Returns
        -------
        paths : list of list of int
            For each path the numbers of its pixels in their order, both ends included.
        """
        return [list(self.path(index)) for index in range(self.n_paths)]

    def path_label_image(self) -> npt.NDArray[np.int64]:
        """Draw each path with its number.

        Returns
        -------
        label_image : ndarray of int64, shape `skeleton_shape`
            The number of the path + 1 at each of its pixels, the last one where paths meet; 0
            elsewhere.
        """
        shape = tuple(int(length) for length in np.ceil(self.skeleton_shape))
        positions = (
            ravel_rounded(self.coordinates, shape)
            if 'coordinates' in self.__dict__
            else self._nodes
        )
        return label_image(shape, positions, self.paths)

    def path_means(self) -> npt.NDArray[np.float64]:
        """Return the mean of the values along each path.

        Returns
        -------
        means : ndarray of float64, shape (P,)
            The means; both ends count, the source of a cycle twice.
        """
        return self._means_and_stdevs()[0]

    def path_stdev(self) -> npt.NDArray[np.float64]:
        """Return the standard deviation of the values along each path.

        Returns
        -------
        stdevs : ndarray of float64, shape (P,)
            The roots of the mean square less the squared mean.
        """
        return self._means_and_stdevs()[1]

    def _means_and_stdevs(self) -> tuple[Array, Array]:
        traced = self._still_traced()
        if traced is None:
            return means_and_stdevs_of(self.paths.indptr, self.paths.data)
        if traced.values is None:
            return np.ones(self.n_paths), np.zeros(self.n_paths)
        return means_and_stdevs_of(traced.starts, traced.values)

    def prune_paths(self, indices: Iterable[SupportsIndex]) -> Skeleton:
        """Remove paths.

        Parameters
        ----------
        indices : iterable of int, or one bool for each path
            The paths to remove, numbered from 0, or True for each path to remove.

        Returns
        -------
        pruned : Skeleton
            The skeleton without these paths; their junctions stay. The image is thinned again.

        Raises
        ------
        ValueError
            If there is no such path, if the image was not kept, if it is neither 2D nor 3D, or if
            no path is left.

        Notes
        -----
        Every pixel is tested once, then only the neighbourhoods of removed pixels. The result is
        that of thinning the whole image.

        Examples
        --------
        >>> import numpy as np
        >>> import skanrs
        >>> image = np.zeros((5, 7), dtype=bool)
        >>> image[1, 1:6] = image[3, 1:4] = True
        >>> skanrs.Skeleton(image).prune_paths([1]).skeleton_image.astype(int)
        array([[0, 0, 0, 0, 0, 0, 0],
               [0, 1, 1, 1, 1, 1, 0],
               [0, 0, 0, 0, 0, 0, 0],
               [0, 0, 0, 0, 0, 0, 0],
               [0, 0, 0, 0, 0, 0, 0]])
        """
        chosen = path_numbers(indices, self.n_paths)
        if self.skeleton_image is None:
            raise ValueError(
                'skeleton: expected one made with keep_images=True, got one without its image'
            )
        image = np.array(self.skeleton_image)
        if image.ndim not in (2, 3):
            raise ValueError(f'skeleton: expected 2 or 3 axes, got {image.ndim}')
        pixels = np.concatenate([np.empty(0, np.intp), *map(self.path, chosen)])
        removed = self._coordinates_of(pixels[self.degrees[pixels] <= 2])
        thin_without(image, removed, self.pixel_labels)
        pruned = Skeleton(
            image,
            spacing=self.spacing,
            source_image=self.source_image,
            keep_images=self.keep_images,
            value_is_height=self._value_is_height,
            labels=self.pixel_labels is not None,
        )
        if chosen and not pruned.n_paths:
            raise ValueError('indices: expected to leave at least one path, got none left')
        return pruned

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        """Return `path_label_image`."""
        return self.path_label_image().astype(dtype or np.int64, copy=False)
