"""Dask tasks over the blocks of an array.

Graphs are built through dask's public interface only; building computes nothing. The tasks that
make the blocks of an array keep their keys, so all results computed from one source share them and
each task runs once. They are wrapped so that their errors name the block; the traceback of a
worker shows only the line of code. A layer is wrapped once: `NamedLayer` marks it.
"""

from __future__ import annotations

import itertools
import math
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import dask
import dask.array as da
import numpy as np
import numpy.typing as npt
from dask.base import tokenize
from dask.core import get_dependencies, istask, literal
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph, MaterializedLayer

from skanrs._image.image import as_image
from skanrs._image.position import NamedBlock, name_block, position_text
from skanrs._support.typing import Array, Shape

Key = Any
Index = tuple[int, ...]


class Blocks:
    """The blocks of a dask array: keys of a graph whose errors name the block.

    Parameters
    ----------
    array : dask array
        The array; its chunks must be of known sizes.
    name : str
        The argument's name, for messages.
    """

    def __init__(self, array: da.Array, name: str) -> None:
        check_chunks(array, name)
        self.array = array
        self.counts: Index = tuple(array.numblocks)
        self._lengths = [[int(length) for length in axis] for axis in array.chunks]
        self._starts = [list(itertools.accumulate(axis, initial=0)) for axis in self._lengths]
        self._shapes: dict[Shape, Shape] = {}
        self.graph = self._named()

    def indices(self) -> Iterator[Index]:
        """Iterate over the indices of all blocks in C order."""
        return itertools.product(*map(range, self.counts))

    def key(self, index: Index) -> Key:
        """Return the key of a block."""
        return (self.array.name, *index)

    def position(self, index: Index) -> tuple[Shape, Shape]:
        """Return the offset and the shape of a block."""
        offset = tuple([starts[at] for starts, at in zip(self._starts, index, strict=True)])
        shape = tuple([lengths[at] for lengths, at in zip(self._lengths, index, strict=True)])
        # One tuple for all blocks of a shape: there are few shapes and many blocks.
        return offset, self._shapes.setdefault(shape, shape)

    def with_tasks(self, name: str, tasks: Mapping[Key, Any], *others: Blocks) -> HighLevelGraph:
        """Return the graph with a layer of tasks that need the blocks, and those of others."""
        layers: dict[str, Any] = {}
        dependencies: dict[str, Any] = {}
        for blocks in (*others, self):
            layers |= blocks.graph.layers
            dependencies |= blocks.graph.dependencies
        below = {layer for blocks in (*others, self) for layer in blocks.array.__dask_layers__()}
        layers[name] = tasks if isinstance(tasks, NamedLayer) else NamedLayer(tasks)
        return HighLevelGraph(layers, {**dependencies, name: below})

    def _named(self) -> HighLevelGraph:
        """Return the graph of the array with each foreign task wrapped to name a block."""
        graph = self.array.__dask_graph__()
        foreign = _foreign_layers(graph)
        tasks: dict[Key, Any] = {}
        for name in foreign:
            tasks.update(graph.layers[name])
        others = [layer for name, layer in graph.layers.items() if name not in foreign]
        everything = ChainMap(tasks, *others)
        named: dict[Key, Any] = {}
        for index in self.indices() if foreign else ():
            waiting = [(self.key(index), self.position(index))]
            while waiting:
                key, place = waiting.pop()
                if key in named or key not in tasks:
                    continue
                function = _function(tasks[key])
                # After thinning, every block of a skeleton depends on every block of its image.
                if isinstance(function, BlockTask):
                    place = function.offset, function.shape
                dependencies = _dependencies(everything, key)
                named[key] = _named(tasks[key], key, dependencies, place)
                waiting.extend([(needed, place) for needed in dependencies])
        layers = dict(graph.layers)
        for name in foreign:
            layer = layers[name]
            mapping = {key: named.get(key, task) for key, task in layer.items()}
            # Other arrays may need those tasks of the layer that no block here needs.
            kind = NamedLayer if named.keys() >= mapping.keys() else MaterializedLayer
            layers[name] = kind(mapping, annotations=layer.annotations)
        return HighLevelGraph(layers, graph.dependencies)


class NamedLayer(MaterializedLayer):  # type: ignore[misc]
    """A layer whose tasks all name a block in their errors."""


def _foreign_layers(graph: HighLevelGraph) -> set[str]:
    """Return the names of the layers that have, or depend on, tasks that name no block."""
    waiting = [name for name, layer in graph.layers.items() if not isinstance(layer, NamedLayer)]
    foreign = set(waiting)
    while waiting:
        above = graph.dependents[waiting.pop()] - foreign
        foreign |= above
        waiting.extend(above)
    return foreign


def with_others(graph: HighLevelGraph, name: str, others: Sequence[Delayed]) -> HighLevelGraph:
    """Return a graph whose layer of this name needs delayed values too."""
    merged = HighLevelGraph.merge(graph, *(other.dask for other in others))
    below = {layer for other in others for layer in other.__dask_layers__()}
    dependencies = {**merged.dependencies, name: {*merged.dependencies[name], *below}}
    return HighLevelGraph(merged.layers, dependencies)


class BlockTask:
    """A task of this package on a block; its errors name the block.

    Parameters
    ----------
    function : callable
        Takes the computed input, the offset and shape of the block, and the options.
    offset, shape : tuple of int
        The position of the block.
    options : object
        Further arguments.
    """

    __slots__ = ('function', 'offset', 'options', 'shape')

    def __init__(
        self, function: Callable[..., Any], offset: Shape, shape: Shape, *options: Any
    ) -> None:
        self.function = function
        self.offset = offset
        self.shape = shape
        self.options = options

    def __reduce__(self) -> tuple[Any, ...]:
        return BlockTask, (self.function, self.offset, self.shape, *self.options)

    def __call__(self, computed: Any) -> Any:
        """Run the task."""
        with NamedBlock(self.offset, self.shape):
            return self.function(computed, self.offset, self.shape, *self.options)


class NamedTask:
    """A task of another library; its errors name the block.

    Parameters
    ----------
    task : object
        The task, in dask's form.
    key : object
        Its key.
    dependencies : list
        The keys of its dependencies.
    offset, shape : tuple of int
        The position of the block.
    """

    __slots__ = ('dependencies', 'key', 'offset', 'shape', 'task')

    def __init__(
        self, task: Any, key: Key, dependencies: list[Key], offset: Shape, shape: Shape
    ) -> None:
        self.task = task
        self.key = key
        self.dependencies = dependencies
        self.offset = offset
        self.shape = shape

    def __reduce__(self) -> tuple[Any, ...]:
        return NamedTask, (self.task, self.key, self.dependencies, self.offset, self.shape)

    def __call__(self, *values: Any) -> Any:
        """Run the task with the values of its dependencies."""
        given = dict(zip(self.dependencies, values, strict=True))
        try:
            if hasattr(self.task, 'dependencies'):
                return self.task(given)
            graph: dict[Key, Any] = {key: (literal(value),) for key, value in given.items()}
            return dask.get({**graph, self.key: self.task}, self.key)
        except Exception as error:
            name_block(error, position_text(self.offset, self.shape))
            raise


class BlockVoxels(NamedTuple):
    """The foreground of a block, which tasks pass on instead of the dense block."""

    nodes: npt.NDArray[np.int64]
    """Linear indices in the block, ascending."""
    values: Array
    """Their values; none of an image of bool."""


def result_at(results: Sequence[Any], index: int) -> Any:
    """Return one of the results of a task; tasks that call this function are not wrapped."""
    return results[index]


def _dependencies(tasks: Mapping[Key, Any], key: Key) -> list[Key]:
    task = tasks[key]
    if hasattr(task, 'dependencies'):
        return list(task.dependencies)
    return list(get_dependencies(tasks, key))


def _function(task: Any) -> Any:
    """Return the function of a task, None for data and references."""
    if hasattr(task, 'dependencies') and hasattr(task, 'func'):
        return task.func
    return task[0] if type(task) is tuple and istask(task) else None


def _named(task: Any, key: Key, dependencies: list[Key], place: tuple[Shape, Shape]) -> Any:
    """Wrap a task of another library; data and references stay as they are."""
    function = _function(task)
    if function is None or isinstance(function, (BlockTask, NamedTask)) or _is_ours(function):
        return task
    return (NamedTask(task, key, dependencies, *place), *dependencies)


def _is_ours(function: Any) -> bool:
    module = getattr(getattr(function, 'func', function), '__module__', None) or ''
    return module.split('.')[0] == __name__.split('.')[0]


def delayed_blocks(array: da.Array, name: str) -> Iterator[tuple[Delayed, Shape]]:
    """Iterate over the blocks of a dask array, delayed, with their offsets."""
    blocks = Blocks(array, name)
    [layer] = array.__dask_layers__()
    for index in blocks.indices():
        yield Delayed(blocks.key(index), blocks.graph, layer=layer), blocks.position(index)[0]


def check_chunks(array: da.Array, name: str) -> None:
    """Raise a ValueError if the chunk sizes of an array are unknown."""
    if any(math.isnan(length) for length in array.shape):
        raise ValueError(
            f'{name}: expected chunks of known sizes, got unknown ones;'
            f' {name}.compute_chunk_sizes() finds them'
        )


def as_block(block: Any, offset: Shape, shape: Shape) -> Array:
    """Return a computed block as an array; raise a ValueError if it has another shape."""
    array = np.asarray(block)
    if array.shape != shape:
        raise ValueError(
            f'block: expected shape {shape} as the chunks of its array, got {array.shape}'
        )
    return array


def check_same_blocks(
    array: da.Array, other: da.Array, other_name: str, name: str = 'skeleton'
) -> None:
    """Raise a ValueError if an array differs from another in shape or chunks."""
    for what, actual, expected in (
        ('shape', array.shape, other.shape),
        ('chunks', array.chunks, other.chunks),
    ):
        if actual != expected:
            raise ValueError(
                f'{name}: expected the {what} of the {other_name}, {expected}, got {actual}'
                + (f'; {name}.rechunk({other_name}.chunks) has them' if what == 'chunks' else '')
            )


def read_blocks(array: da.Array, array_name: str) -> tuple[npt.NDArray[np.int64], Array]:
    """Read the foreground of a dask array: linear indices, ascending, and values."""
    blocks = Blocks(array, array_name)
    name = f'pixels-{tokenize(array.name)}'
    tasks = {
        (name, *index): (
            BlockTask(_read_block, *blocks.position(index), array.shape, array_name),
            blocks.key(index),
        )
        for index in blocks.indices()
    }
    graph = blocks.with_tasks(name, tasks)
    pixels = dask.compute(*(Delayed(key, graph, layer=name) for key in tasks))
    nodes = np.concatenate([nodes for nodes, _ in pixels])
    values = np.concatenate([values for _, values in pixels])
    # A stable sort makes use of the runs that are already sorted.
    order = np.argsort(nodes, kind='stable')
    return nodes[order], values[order] if values.size else values


def _read_block(
    block: Any, offset: Shape, shape: Shape, image_shape: Shape, name: str
) -> tuple[npt.NDArray[np.int64], Array]:
    image = as_image(as_block(block, offset, shape), name)
    return image.nodes_in(offset, image_shape), image.values(image.nodes())
