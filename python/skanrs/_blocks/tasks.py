"""What the tasks of ours share: the blocks of a dask array, read under their own names.

Graphs are built through dask's public interface only, and nothing is computed while they are. The
tasks that make the blocks of an array keep their keys, so that whatever else is computed from the
same source shares them: each is run once for all of it. They are wrapped to name the block in
their errors, for the traceback of a worker shows only where in a file it failed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
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
from skanrs._image.position import NamedBlock, name_block, place_of
from skanrs._support.typing import Array, Shape

Key = Any
Index = tuple[int, ...]


class Blocks:
    """The blocks of a dask array, as keys of a graph in which their tasks name them.

    Parameters
    ----------
    array : dask array
        The array; its chunks must be of known sizes.
    name : str
        What the array is called where it was given.
    """

    def __init__(self, array: da.Array, name: str) -> None:
        check_chunks(array, name)
        self.array = array
        self.counts: Index = tuple(array.numblocks)
        self._starts = [tuple(itertools.accumulate(axis, initial=0)) for axis in array.chunks]
        self.graph = self._named()

    def indices(self) -> Iterator[Index]:
        """Iterate over the indices of all blocks in C order."""
        return np.ndindex(*self.counts)

    def key(self, index: Index) -> Key:
        """Return the key of a block."""
        return (self.array.name, *index)

    def place(self, index: Index) -> tuple[Shape, Shape]:
        """Return the offset and the shape of a block."""
        offset = tuple(int(self._starts[axis][at]) for axis, at in enumerate(index))
        return offset, tuple(int(self.array.chunks[axis][at]) for axis, at in enumerate(index))

    def with_tasks(self, name: str, tasks: dict[Key, Any]) -> HighLevelGraph:
        """Return the graph with a layer of tasks that need the blocks."""
        return HighLevelGraph(
            {**self.graph.layers, name: MaterializedLayer(tasks)},
            {**self.graph.dependencies, name: set(self.array.__dask_layers__())},
        )

    def _named(self) -> HighLevelGraph:
        """Return the array's graph with every task that is not ours named for a block it makes."""
        graph = self.array.__dask_graph__()
        tasks = dict(graph)
        places: dict[Key, str] = {}
        dependencies: dict[Key, list[Key]] = {}
        for index in self.indices():
            waiting = [(self.key(index), place_of(*self.place(index)))]
            while waiting:
                key, place = waiting.pop()
                if key in places or key not in tasks:
                    continue
                function = _function(tasks[key])
                # Through the thinning every block of a skeleton needs every block of its image.
                place = function.place if isinstance(function, BlockTask) else place
                places[key] = place
                dependencies[key] = _dependencies(tasks, key)
                waiting.extend((needed, place) for needed in dependencies[key])
        layers = {}
        for name, layer in graph.layers.items():
            mapping = {
                key: _named(tasks[key], key, dependencies[key], places[key])
                if key in places
                else tasks[key]
                for key in layer
            }
            layers[name] = MaterializedLayer(mapping, annotations=layer.annotations)
        return HighLevelGraph(layers, graph.dependencies)


class BlockTask:
    """A task of ours on a block, which its errors name.

    Parameters
    ----------
    function : callable
        Called with what is computed for the block, its offset, its shape and the options.
    offset, shape : tuple of int
        Where the block lies.
    options : object
        More arguments.
    """

    __slots__ = ('function', 'offset', 'options', 'shape')

    def __init__(
        self, function: Callable[..., Any], offset: Shape, shape: Shape, *options: Any
    ) -> None:
        self.function = function
        self.offset = offset
        self.shape = shape
        self.options = options

    @property
    def place(self) -> str:
        """Where the block lies, in words."""
        return place_of(self.offset, self.shape)

    def __reduce__(self) -> tuple[Any, ...]:
        return BlockTask, (self.function, self.offset, self.shape, *self.options)

    def __call__(self, computed: Any) -> Any:
        """Run the task."""
        with NamedBlock(self.offset, self.shape):
            return self.function(computed, self.offset, self.shape, *self.options)


class NamedTask:
    """A task of someone else's whose errors say for which block it was run.

    Parameters
    ----------
    task : object
        The task, as it stands in a graph.
    key : object
        Its key.
    dependencies : list
        The keys of what it needs.
    place : str
        Where the block lies.
    """

    __slots__ = ('dependencies', 'key', 'place', 'task')

    def __init__(self, task: Any, key: Key, dependencies: list[Key], place: str) -> None:
        self.task = task
        self.key = key
        self.dependencies = dependencies
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return NamedTask, (self.task, self.key, self.dependencies, self.place)

    def __call__(self, *values: Any) -> Any:
        """Run the task with the values of its dependencies."""
        given = dict(zip(self.dependencies, values, strict=True))
        try:
            if hasattr(self.task, 'dependencies'):
                return self.task(given)
            graph: dict[Key, Any] = {key: (literal(value),) for key, value in given.items()}
            return dask.get({**graph, self.key: self.task}, self.key)
        except Exception as error:
            name_block(error, self.place)
            raise


class BlockVoxels(NamedTuple):
    """What is not 0 in a block: what tasks of ours hand on where a dense block would be sparse."""

    nodes: npt.NDArray[np.int64]
    """Linear indices in the block, ascending."""
    values: Array
    """Their values; none of an image of bool."""


def result_at(results: Sequence[Any], at: int) -> Any:
    """Return one of the results of a task of ours; a function of ours, lest it be wrapped."""
    return results[at]


def _dependencies(tasks: dict[Key, Any], key: Key) -> list[Key]:
    task = tasks[key]
    if hasattr(task, 'dependencies'):
        return list(task.dependencies)
    return list(get_dependencies(tasks, key))


def _function(task: Any) -> Any:
    """Return what a task calls, None for data and references."""
    if hasattr(task, 'dependencies') and hasattr(task, 'func'):
        return task.func
    return task[0] if type(task) is tuple and istask(task) else None


def _named(task: Any, key: Key, dependencies: list[Key], place: str) -> Any:
    """Wrap a task of someone else's; data and references stay as they are."""
    function = _function(task)
    if function is None or isinstance(function, (BlockTask, NamedTask)) or _is_ours(function):
        return task
    return (NamedTask(task, key, dependencies, place), *dependencies)


def _is_ours(function: Any) -> bool:
    module = getattr(getattr(function, 'func', function), '__module__', None) or ''
    return module.split('.')[0] == __name__.split('.')[0]


def delayed_blocks(array: da.Array, name: str) -> Iterator[tuple[Delayed, Shape]]:
    """Iterate over the blocks of a dask array, delayed, with their offsets."""
    blocks = Blocks(array, name)
    [layer] = array.__dask_layers__()
    for index in blocks.indices():
        yield Delayed(blocks.key(index), blocks.graph, layer=layer), blocks.place(index)[0]


def check_chunks(array: da.Array, name: str) -> None:
    """Refuse an array whose chunks are of unknown sizes."""
    if any(math.isnan(length) for length in array.shape):
        raise ValueError(
            f'{name}: expected chunks of known sizes, got unknown ones;'
            f' {name}.compute_chunk_sizes() finds them'
        )


def as_block(block: Any, offset: Shape, shape: Shape) -> Array:
    """Return what was computed for a block, if it has the shape that its array has promised."""
    array = np.asarray(block)
    if array.shape != shape:
        raise ValueError(
            f'block: the one {place_of(offset, shape)} came with shape {array.shape}; the chunks'
            ' of its array say otherwise'
        )
    return array


def check_same_blocks(skeleton: da.Array, other: da.Array, name: str) -> None:
    """Refuse a skeleton whose shape or chunks are not those of what belongs to it."""
    for what, one, expected in (
        ('shape', skeleton.shape, other.shape),
        ('chunks', skeleton.chunks, other.chunks),
    ):
        if one != expected:
            raise ValueError(
                f'skeleton: expected the {what} of the {name}, {expected}, got {one}'
                + (f'; skeleton.rechunk({name}.chunks) has them' if what == 'chunks' else '')
            )


def read_blocks(array: da.Array, array_name: str) -> tuple[npt.NDArray[np.int64], Array]:
    """Read the pixels of a dask array that are not 0: linear indices, ascending, and values."""
    blocks = Blocks(array, array_name)
    name = f'pixels-{tokenize(array.name)}'
    tasks = {
        (name, *index): (
            BlockTask(_read_block, *blocks.place(index), array.shape, array_name),
            blocks.key(index),
        )
        for index in blocks.indices()
    }
    graph = blocks.with_tasks(name, tasks)
    pixels = dask.compute(*(Delayed(key, graph, layer=name) for key in tasks))
    nodes = np.concatenate([nodes for nodes, _ in pixels])
    values = np.concatenate([values for _, values in pixels])
    # Stable, because that sort finds the runs which are sorted already.
    order = np.argsort(nodes, kind='stable')
    return nodes[order], values[order] if values.size else values


def _read_block(
    block: Any, offset: Shape, shape: Shape, image_shape: Shape, name: str
) -> tuple[npt.NDArray[np.int64], Array]:
    image = as_image(as_block(block, offset, shape), name)
    return image.nodes_in(offset, image_shape), image.values(image.nodes())
