"""Branch tables chunk by chunk, equal to that of the whole image to the last bit.

`chunk_graph` reads a plain block, without any overlap, and keeps what its outside can still
change; `merge_chunks` joins graphs of any number and position in any order; `skanrs.summarize`
makes the table once all of the image is there. The work is done by ``src/chunk_graph``.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from pickle import PickleBuffer
from typing import Any

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._image.array_types import takes_images
from skanrs._image.image import Image, as_array, as_heights, as_image
from skanrs._image.labels import LabelImage, Labels, as_labels, bits_of, with_labels
from skanrs._image.position import NamedBlock, check_position, integers, position_text
from skanrs._image.spacing import Spacing, as_spacing
from skanrs._support.memory import size_in_words
from skanrs._support.reprs import by_axis, counted, html_table
from skanrs._support.typing import Array, Indices, Shape
from skanrs.graph.labels import pixels_of_labels

__all__ = ['ChunkGraph', 'chunk_graph', 'merge_chunks']


class ChunkGraph:
    """The graph of a part of a skeleton image, made by `chunk_graph` and `merge_chunks`.

    Finished branches are rows of the final table; of the rest only what the outside of the part
    can still change is kept. So a graph is small (some tens of bytes for each finished branch and
    for each voxel of the skeleton on the faces of the part, one byte for each step of a path that
    leaves it), can be pickled, and is safe in any process. It never changes.

    Attributes
    ----------
    shape : tuple of int
        The shape of the whole image.
    offset, extent : tuple of int
        First voxel and shape of the box around the part, in voxels.
    dtype : numpy.dtype
        The dtype of the image.
    spacing : ndarray, shape (ndim,)
        The spacing along each axis.
    value_is_height : bool
        Whether the value of a pixel is its height.
    labels : bool or tuple of int
        Whether the image is a label image, so that pixels of different labels are no neighbours;
        the labels that were chosen, if not all.
    n_pixels : int
        How many foreground voxels the part has.
    n_branches : int
        How many branches are finished.
    n_open : int
        How many paths are not.
    is_complete : bool
        Whether the part is the whole image.
    nbytes : int
        The memory that the graph takes.

    See Also
    --------
    chunk_graph, merge_chunks, skanrs.summarize

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs
    >>> skeleton = np.eye(6, dtype=bool)
    >>> upper = skanrs.chunk_graph(skeleton[:2], offset=(0, 0), shape=(6, 6))
    >>> upper.offset, upper.extent, upper.n_pixels, upper.n_branches, upper.n_open
    ((0, 0), (2, 6), 2, 0, 1)
    >>> upper.is_complete
    False
    """

    __slots__ = ('__weakref__', '_chosen', '_dtype', '_graph', '_spacing', '_value_is_height')

    _chosen: tuple[int, ...] | None
    _graph: _core.ChunkGraph
    _dtype: np.dtype[Any]
    _spacing: Array
    _value_is_height: bool

    def __init__(self) -> None:
        raise TypeError('ChunkGraph: use skanrs.chunk_graph or skanrs.merge_chunks to make one')

    @classmethod
    def _of(
        cls,
        graph: _core.ChunkGraph,
        dtype: np.dtype[Any],
        spacing: Array,
        value_is_height: bool,
        chosen: tuple[int, ...] | None = None,
    ) -> ChunkGraph:
        made = object.__new__(cls)
        made._chosen = chosen
        made._graph = graph
        made._dtype = dtype
        made._spacing = np.array(spacing)
        made._spacing.flags.writeable = False
        made._value_is_height = value_is_height
        return made

    def _of_same_image(self, graph: _core.ChunkGraph) -> ChunkGraph:
        """Return the graph of another part of this image."""
        return self._of(graph, self._dtype, self._spacing, self._value_is_height, self._chosen)

    @property
    def shape(self) -> Shape:
        """The shape of the whole image."""
        return tuple(self._graph.image_shape)

    @property
    def offset(self) -> Shape:
        """The first voxel of the box around the part."""
        return tuple(self._graph.offset)

    @property
    def extent(self) -> Shape:
        """The shape of the box around the part."""
        return tuple(self._graph.extent)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the image."""
        return self._dtype

    @property
    def spacing(self) -> Array:
        """The spacing along each axis."""
        return self._spacing

    @property
    def value_is_height(self) -> bool:
        """Whether the value of a pixel is its height."""
        return self._value_is_height

    @property
    def labels(self) -> bool | tuple[int, ...]:
        """Whether the image is a label image, or the labels that were chosen."""
        return self._graph.has_labels if self._chosen is None else self._chosen

    @property
    def n_pixels(self) -> int:
        """How many foreground voxels the part has."""
        return self._graph.foreground

    @property
    def n_branches(self) -> int:
        """How many branches are finished."""
        return self._graph.finished

    @property
    def n_open(self) -> int:
        """How many paths are open."""
        return self._graph.open

    @property
    def is_complete(self) -> bool:
        """Whether the part is the whole image."""
        return self._graph.is_complete

    @property
    def nbytes(self) -> int:
        """The memory that the graph takes, in bytes."""
        return self._graph.nbytes

    def __sizeof__(self) -> int:
        # What dask's workers ask for.
        return object.__sizeof__(self) + self.nbytes

    def __copy__(self) -> ChunkGraph:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> ChunkGraph:
        return self

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        data: Any = self._graph.to_bytes()
        data = PickleBuffer(data) if operator.index(protocol) >= 5 else data.tobytes()
        spacing = self._spacing.tolist(), self._spacing.dtype
        return _restore, (data, self._dtype, spacing, self._value_is_height, self._chosen)

    def _facts(self) -> list[tuple[str, str]]:
        return [
            ('image', f'{by_axis(self.shape)} of {self.dtype}'),
            ('part', 'all' if self.is_complete else position_text(self.offset, self.extent)),
            ('spacing', by_axis(self.spacing)),
            ('skeleton', counted(self.n_pixels, 'voxel')),
            ('finished', counted(self.n_branches, 'branch', 'branches')),
            ('open', counted(self.n_open, 'path')),
            ('memory', size_in_words(self.nbytes)),
        ]

    def __repr__(self) -> str:
        image, part, _, voxels, finished, open_paths, memory = (what for _, what in self._facts())
        part = part if self.is_complete else f'the part {part}'
        return (
            f'<ChunkGraph of {part} of an image of {image}: {voxels}, {finished} finished,'
            f' {open_paths} open, {memory}>'
        )

    def _repr_html_(self) -> str:
        return html_table('ChunkGraph', self._facts())


def _restore(
    data: Any,
    dtype: np.dtype[Any],
    spacing: tuple[list[float], np.dtype[Any]],
    value_is_height: bool,
    chosen: tuple[int, ...] | None,
) -> ChunkGraph:
    """Make the graph that was pickled."""
    graph = _core.ChunkGraph.from_bytes(np.frombuffer(data, dtype=np.uint8))
    return ChunkGraph._of(graph, dtype, np.array(*spacing), value_is_height, chosen)


@takes_images('block', whole=True)
def chunk_graph(
    block: npt.ArrayLike,
    *,
    offset: Sequence[int],
    shape: Sequence[int],
    spacing: npt.ArrayLike = 1,
    value_is_height: bool = False,
    labels: Labels = False,
) -> ChunkGraph:
    """Make the graph of a block of a skeleton image, to be merged with those of the others.

    Parameters
    ----------
    block : array_like, 1 to 4 axes
        A plain block of the skeleton, without overlap, of booleans or real numbers; every element
        that is not 0 belongs to the skeleton, NaN too. Anything with ``__array__`` will do.
    offset : sequence of int
        Where the block's first voxel lies in the image.
    shape : sequence of int
        The shape of the whole image.
    spacing : float or sequence of float, one for each axis, optional
        The distance between neighbours along each axis.
    value_is_height : bool, optional
        Whether the value of a pixel is its height, so that branches lead up and down.
    labels : bool or sequence of int, optional
        Whether the image is a label image of integers: every value that is not 0, or each of these
        only, is a skeleton of its own. The table then is that of `skanrs.summarize` with `labels`.

    Returns
    -------
    ChunkGraph
        What is known of the block.

    Raises
    ------
    ValueError
        If the block does not lie in the image or has another number of axes, if `spacing` is not
        positive and finite or has the wrong length, if heights are not finite, or if labels come
        with heights.
    TypeError
        If the elements are not real numbers, or are of bool where they are heights, or are not
        integers where they are labels.

    See Also
    --------
    merge_chunks : Joins chunk graphs.
    iter_blocks : The blocks of an array with their offsets.
    skanrs.summarize : Does all of it, lazily, for a dask array.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs as skan
    >>> skeleton = np.zeros((5, 40), dtype=bool)
    >>> skeleton[2, 1:39] = True
    >>> parts = [
    ...     skan.chunk_graph(block, offset=offset, shape=skeleton.shape)
    ...     for block, offset in skan.iter_blocks(skeleton, chunks=(5, 16))
    ... ]
    >>> table = skan.summarize(skan.merge_chunks(parts), separator='_')
    >>> table['branch_distance'].tolist()
    [37.0]
    """
    if hasattr(block, '__dask_graph__') and not hasattr(block, '__array__'):
        raise TypeError(
            f'block: expected an array, got a {type(block).__name__}; the call can be delayed too:'
            ' dask.delayed(skanrs.chunk_graph)(block, ...)'
        )
    array = as_array(block, 'block')
    start, whole = integers('offset', offset), integers('shape', shape)
    check_position(start, array.shape, whole)
    checked = as_spacing(spacing, array.ndim)
    with NamedBlock(start, array.shape):
        return make_graph(array, start, whole, checked, value_is_height, labels)


def make_graph(
    block: Array,
    offset: Shape,
    shape: Shape,
    spacing: Spacing,
    value_is_height: bool,
    labels: Labels = False,
    name: str = 'block',
) -> ChunkGraph:
    """Check a block and make its graph; `name` is the argument's, for messages."""
    if not with_labels(labels):
        return block_graph(as_image(block, name), offset, shape, spacing, value_is_height)
    if value_is_height:
        raise ValueError('value_is_height: expected False with labels, got True')
    of_labels = as_labels(block, name, labels, least=1, most=4)
    return label_block_graph(of_labels, offset, shape, spacing)


def block_graph(
    image: Image, offset: Shape, shape: Shape, spacing: Spacing, value_is_height: bool
) -> ChunkGraph:
    """Make the graph of a checked block."""
    nodes = image.nodes()
    values, half = _values(image, nodes, value_is_height)
    graph = _core.ChunkGraph.from_block(
        nodes,
        image.shape,
        offset=offset,
        shape=shape,
        spacing=spacing.floats,
        values=values,
        heights=value_is_height,
        half=half,
    )
    return ChunkGraph._of(graph, image.dtype, spacing.given, value_is_height)


def label_block_graph(
    labels: LabelImage, offset: Shape, shape: Shape, spacing: Spacing
) -> ChunkGraph:
    """Make the graph of a checked block of a label image."""
    pixels, of_pixels = pixels_of_labels(labels)
    graph = _core.ChunkGraph.from_block(
        pixels.nodes,
        pixels.shape,
        offset=offset,
        shape=shape,
        spacing=spacing.floats,
        values=bits_of(of_pixels),
        labels=True,
    )
    chosen = None if labels.chosen is None else tuple(labels.chosen.tolist())
    return ChunkGraph._of(graph, of_pixels.dtype, spacing.given, False, chosen)


def voxel_graph(
    nodes: Indices, block_shape: Shape, offset: Shape, shape: Shape, spacing: Spacing
) -> ChunkGraph:
    """Make the graph of the voxels at these linear indices of a block."""
    graph = _core.ChunkGraph.from_block(
        nodes, block_shape, offset=offset, shape=shape, spacing=spacing.floats
    )
    return ChunkGraph._of(graph, np.dtype(bool), spacing.given, False)


def merge_chunks(chunk_graphs: Iterable[ChunkGraph]) -> ChunkGraph:
    """Join graphs of parts of an image: any number, at any positions, in any order.

    Merging is associative and commutative: every tree of merges gives the same table, to the last
    bit. One merge of many graphs is faster than many of two.

    Parameters
    ----------
    chunk_graphs : iterable of ChunkGraph
        Graphs of parts of one image that share no voxel. They are not changed.

    Returns
    -------
    ChunkGraph
        What is known of the parts together.

    Raises
    ------
    ValueError
        If there are no graphs, if they are of images that differ in shape, spacing, dtype, labels
        or in whether values are heights, or if two share a voxel.
    TypeError
        If something else is among them.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs as skan
    >>> skeleton = np.eye(6, dtype=bool)
    >>> upper = skan.chunk_graph(skeleton[:2], offset=(0, 0), shape=(6, 6))
    >>> lower = skan.chunk_graph(skeleton[2:], offset=(2, 0), shape=(6, 6))
    >>> skan.merge_chunks([lower, upper]).n_branches
    1
    """
    graphs = list(chunk_graphs)
    first = _first_of_one_image(graphs)
    merged = _core.ChunkGraph.merge([graph._graph for graph in graphs])
    return first._of_same_image(merged)


def merge_with_shifts(
    graphs: list[ChunkGraph],
) -> tuple[ChunkGraph, list[npt.NDArray[np.uint8]]]:
    """Merge graphs; return also what the ranks of each gain, for ``_core.rank_gains``."""
    first = _first_of_one_image(graphs)
    merged, shifts = _core.ChunkGraph.merge_with_shifts([graph._graph for graph in graphs])
    return first._of_same_image(merged), shifts


def _first_of_one_image(graphs: list[ChunkGraph]) -> ChunkGraph:
    """Return the first graph; raise if not all are graphs of parts of one image."""
    for at, graph in enumerate(graphs):
        if not isinstance(graph, ChunkGraph):
            raise TypeError(
                f'chunk_graphs: expected ChunkGraph objects, got a {type(graph).__name__} as item'
                f' {at}'
            )
    if not graphs:
        raise ValueError('chunk_graphs: expected at least one graph, got none')
    first = graphs[0]
    for at, graph in enumerate(graphs[1:], 1):
        for name, expected, got in _differences(first, graph):
            raise ValueError(
                f'chunk_graphs: expected parts of one image, but item {at},'
                f' {position_text(graph.offset, graph.extent)}, has {name} {got} and item 0,'
                f' {position_text(first.offset, first.extent)}, has {name} {expected}'
            )
    return first


def _values(block: Image, nodes: Indices, value_is_height: bool) -> tuple[Array | None, bool]:
    """Return the values of a block's foreground, and whether they are heights of half precision."""
    values = block.values(nodes)
    if value_is_height:
        return as_heights(values)
    return (None if block.dtype == np.bool_ else values.astype(np.float64, copy=False)), False


def _differences(first: ChunkGraph, graph: ChunkGraph) -> Iterator[tuple[str, Any, Any]]:
    """List what should be the same of two parts of an image but is not."""
    for name in ('shape', 'dtype', 'value_is_height', 'labels'):
        if getattr(first, name) != getattr(graph, name):
            yield name, getattr(first, name), getattr(graph, name)
    same_type = first.spacing.dtype == graph.spacing.dtype
    if not (same_type and np.array_equal(first.spacing, graph.spacing)):
        yield 'spacing', first.spacing.tolist(), graph.spacing.tolist()
