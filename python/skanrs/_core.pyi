"""Types of the compiled kernels; `make lint` holds them against the module itself."""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

__all__ = [
    'ChunkGraph',
    'MaskRows',
    'Territories',
    '__version__',
    'block_radii',
    'cell_counts',
    'cell_measures',
    'cell_surfaces',
    'cells_between',
    'centreline_measures',
    'centrelines',
    'components',
    'count_and_pack',
    'count_bins',
    'count_each',
    'csv_rows',
    'debug_assertions',
    'end_positions',
    'find_labels',
    'foreground',
    'foreground_indices',
    'gaussian_filter',
    'get_num_threads',
    'graph_centres',
    'graph_distances',
    'label_centrelines',
    'label_measures',
    'label_nodes',
    'label_paths',
    'label_radii',
    'longest_shortest_paths',
    'lower_radii',
    'merge_label_residues',
    'merge_residues',
    'missing_box',
    'network_nodes',
    'on_progress',
    'pack_chunk',
    'pack_label_chunk',
    'packed_foreground',
    'path_ends',
    'path_lengths',
    'path_sums',
    'pixel_graph',
    'prune_junction_edges',
    'prune_nodes',
    'rank_gains',
    'return_freed_memory',
    'root_branches',
    'set_num_threads',
    'skeletonize',
    'skeletonize_labels',
    'strays_among',
    'thin_chunks',
    'thin_label_chunks',
    'thin_nodes',
    'topology',
    'trace_paths',
    'trace_skeleton',
    'tunnels',
    'unpack_chunk',
    'unpack_label_chunk',
    'unravel',
    'value_range',
    'vectors',
]

__version__: str
# Whether the build checks its own assertions; `make test-checked`.
debug_assertions: bool

def set_num_threads(count: int | None) -> None: ...
def get_num_threads() -> int: ...
def on_progress(listener: Callable[[float | None], object]) -> None: ...
def longest_shortest_paths(
    nodes: int,
    sources: npt.NDArray[np.uint32],
    targets: npt.NDArray[np.uint32],
    lengths: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]: ...
def graph_centres(
    nodes: int,
    sources: npt.NDArray[np.uint32],
    targets: npt.NDArray[np.uint32],
    lengths: npt.NDArray[np.float64],
) -> npt.NDArray[np.uint32]: ...
def skeletonize(
    image: npt.NDArray[Any], mask: int, method: str, output: npt.NDArray[np.uint8]
) -> None: ...
def skeletonize_labels(
    image: npt.NDArray[np.generic],
    chosen: npt.NDArray[np.uint64] | None,
    min_voxels: int,
    method: str,
    output: npt.NDArray[np.generic],
) -> None: ...
def find_labels(image: npt.NDArray[np.generic]) -> list[npt.NDArray[np.uint64]]: ...
def thin_nodes(
    nodes: npt.NDArray[np.int64], shape: tuple[int, int, int], method: str
) -> npt.NDArray[np.bool_]: ...
def vectors() -> Literal['avx512', 'avx2', 'neon', 'word']: ...

# Thinning in chunks; words are keys and voxels, a script is steps, keys and voxels.

_Words = tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]
_Script = tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint64], npt.NDArray[np.uint64]]
_Box = list[list[int]]
_Residue = tuple[list[_Box], _Words, _Script]

def pack_chunk(
    block: npt.NDArray[Any], mask: int, offset: Sequence[int], shape: Sequence[int]
) -> _Words: ...
def thin_chunks(
    words: Sequence[_Words], boxes: Sequence[_Box], shape: Sequence[int], method: str
) -> tuple[_Words, _Residue]: ...
def merge_residues(
    residues: Sequence[_Residue], shape: Sequence[int], method: str
) -> tuple[_Words, _Residue]: ...
def missing_box(boxes: Sequence[_Box], shape: Sequence[int]) -> _Box | None: ...
def unpack_chunk(
    words: Sequence[_Words],
    offset: Sequence[int],
    shape: Sequence[int],
    output: npt.NDArray[np.uint8],
) -> None: ...

# The same for labels, whose words and scripts begin with an array of labels.

_LabelWords = tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.uint64]]
_LabelScript = tuple[
    npt.NDArray[np.uint64],
    npt.NDArray[np.uint32],
    npt.NDArray[np.uint64],
    npt.NDArray[np.uint64],
]
_LabelResidue = tuple[list[_Box], _LabelWords, _LabelScript]

def pack_label_chunk(
    block: npt.NDArray[Any],
    chosen: npt.NDArray[np.uint64] | None,
    offset: Sequence[int],
    shape: Sequence[int],
) -> _LabelWords: ...
def thin_label_chunks(
    words: Sequence[_LabelWords], boxes: Sequence[_Box], shape: Sequence[int], method: str
) -> tuple[_LabelWords, _LabelResidue]: ...
def merge_label_residues(
    residues: Sequence[_LabelResidue], shape: Sequence[int], method: str
) -> tuple[_LabelWords, _LabelResidue]: ...
def unpack_label_chunk(
    words: Sequence[_LabelWords],
    offset: Sequence[int],
    shape: Sequence[int],
    output: npt.NDArray[Any],
) -> None: ...

# The graph, its branches and their numbers; indices are int32, or int64 where a count does not fit.

_Indices = npt.NDArray[Any]
_Heights = (
    npt.NDArray[np.float32]
    | npt.NDArray[np.float64]
    | npt.NDArray[np.int64]
    | npt.NDArray[np.uint64]
)

def foreground_indices(
    block: npt.NDArray[Any], mask: int, offset: Sequence[int], shape: Sequence[int]
) -> npt.NDArray[np.int64]: ...
def pixel_graph(
    nodes: npt.NDArray[np.int64],
    shape: Sequence[int],
    spacing: Sequence[float],
    connectivity: int,
    *,
    heights: _Heights | None = None,
    half: bool = False,
    prune: bool = True,
) -> tuple[_Indices, _Indices, npt.NDArray[np.float64]]: ...
def trace_skeleton(
    nodes: npt.NDArray[np.int64], shape: Sequence[int], spacing: Sequence[float]
) -> (
    tuple[
        tuple[_Indices, _Indices, npt.NDArray[np.uint32]],
        tuple[_Indices, _Indices, npt.NDArray[np.float64], _Indices],
        int,
    ]
    | None
): ...
def graph_distances(
    indptr: _Indices,
    indices: _Indices,
    masks: npt.NDArray[np.uint32],
    shape: Sequence[int],
    spacing: Sequence[float],
) -> npt.NDArray[np.float64]: ...
def prune_junction_edges(
    indptr: _Indices, indices: _Indices, weights: npt.NDArray[np.float64]
) -> tuple[_Indices, _Indices, npt.NDArray[np.float64]]: ...
def trace_paths(
    indptr: _Indices,
    indices: _Indices,
    weights: npt.NDArray[np.float64],
    values: npt.NDArray[np.float64] | None = None,
) -> tuple[_Indices, _Indices, npt.NDArray[np.float64]]: ...
def path_lengths(
    graph_indptr: _Indices,
    graph_indices: _Indices,
    weights: npt.NDArray[np.float64],
    indptr: _Indices,
    indices: _Indices,
) -> npt.NDArray[np.float64]: ...
def path_sums(
    indptr: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]: ...
def csv_rows(columns: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.uint8]: ...
def components(indptr: _Indices, indices: _Indices) -> _Indices: ...
def label_paths(
    labels: npt.NDArray[np.int64],
    positions: npt.NDArray[np.int64],
    indptr: _Indices,
    indices: _Indices,
) -> None: ...
def path_ends(
    starts: _Indices,
    path_nodes: _Indices,
    masks: npt.NDArray[np.uint32],
    voxels: npt.NDArray[np.int64],
) -> tuple[list[_Indices], list[npt.NDArray[np.int64]], npt.NDArray[np.int64]]: ...
def end_positions(
    sources: npt.NDArray[np.int64],
    destinations: npt.NDArray[np.int64],
    shape: Sequence[int],
    spacing: npt.NDArray[np.int64] | npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any], npt.NDArray[np.float64]]: ...
def unravel(nodes: npt.NDArray[np.int64], shape: Sequence[int]) -> npt.NDArray[np.int64]: ...

# Radii; axes are three, squares are of distances.

_Depths = tuple[int, bool, npt.NDArray[np.uint32]]

def block_radii(
    mask: npt.NDArray[Any],
    bits: int,
    nodes: npt.NDArray[np.int64],
    offset: Sequence[int],
    shape: Sequence[int],
    spacing: Sequence[float],
    border: Sequence[bool],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], list[_Depths]]: ...
def lower_radii(
    radii: npt.NDArray[np.float64],
    voxels: npt.NDArray[np.int64],
    axis: int,
    depths: npt.NDArray[np.uint32],
    shape: Sequence[int],
    spacing: Sequence[float],
) -> None: ...
def prune_nodes(
    nodes: npt.NDArray[np.int64],
    shape: Sequence[int],
    spacing: Sequence[float],
    length: float,
    ratio: float,
    bulge: float,
    radii: npt.NDArray[np.float64] | None = None,
    groups: npt.NDArray[np.int64] | None = None,
) -> npt.NDArray[np.bool_]: ...
def tunnels(
    nodes: npt.NDArray[np.int64], groups: npt.NDArray[np.int64], shape: Sequence[int]
) -> npt.NDArray[np.int64]: ...
def topology(nodes: npt.NDArray[np.int64], shape: Sequence[int]) -> tuple[int, int, int, int]: ...

# Measures of branches in their mask; axes are three.

@final
class MaskRows:
    def __new__(cls, shape: Sequence[int], border: Sequence[bool]) -> MaskRows: ...
    # The words of a file, which nobody may change meanwhile; the mask can only be read.
    @staticmethod
    def map(
        path: str | PathLike[str], shape: Sequence[int], border: Sequence[bool]
    ) -> MaskRows: ...
    # Of a file without a copy.
    def planes(self, first: int, end: int) -> MaskRows: ...
    # Gives the pages of a file back to the system until they are read again.
    def release(self) -> None: ...
    # A copy: rows along x, each of whole words.
    def words(self) -> npt.NDArray[np.uint64]: ...
    def insert(self, block: npt.NDArray[Any], bits: int, offset: Sequence[int]) -> None: ...
    def set(self, bits: npt.NDArray[np.uint64]) -> None: ...
    def squared_radii(
        self, nodes: npt.NDArray[np.int64], spacing: Sequence[float]
    ) -> npt.NDArray[np.float64]: ...
    def count(self) -> int: ...
    def skeletonize(self, method: str, keep: bool) -> npt.NDArray[np.int64]: ...
    def unpack(self, output: npt.NDArray[np.uint8]) -> None: ...

# The voxels, their radii, where paths start, the numbers of their voxels, spacing, number of axes.
_SkeletonArrays = tuple[
    npt.NDArray[np.int64],
    npt.NDArray[np.float64],
    _Indices,
    _Indices,
    Sequence[float],
    int,
]

def centreline_measures(
    mask: MaskRows, skeleton: _SkeletonArrays
) -> list[npt.NDArray[np.float64]]: ...
def centrelines(
    mask: MaskRows, skeleton: _SkeletonArrays
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]: ...
def cell_measures(
    mask: MaskRows, skeleton: _SkeletonArrays, mean_radii: npt.NDArray[np.float64]
) -> list[npt.NDArray[np.float64]]: ...
def return_freed_memory() -> None: ...
def cell_counts(mask: MaskRows, skeleton: _SkeletonArrays) -> npt.NDArray[np.uint64]: ...

# Of the planes from `first` to `end`, what each voxel owns: voxels and surface sums, a row each. No
# voxel has a power distance to its owner above the number that comes with them, but for rounding:
# a site at the distance D along the first axis owns none if D**2 - radius**2 exceeds it. It is -inf
# without foreground, inf without nodes. All foreground has an owner, and loose voxels, ascending,
# may be of objects without any node (`strays_among`). The planes beside `first` and `end` must be
# in the mask for surfaces to be right there.
def cells_between(
    mask: MaskRows,
    nodes: npt.NDArray[np.int64],
    radii: npt.NDArray[np.float64],
    spacing: Sequence[float],
    axes: int,
    first: int,
    end: int,
) -> tuple[npt.NDArray[np.uint64], float, npt.NDArray[np.int64]]: ...
def strays_among(mask: MaskRows, loose: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]: ...
def cell_surfaces(
    sums: npt.NDArray[np.uint64], spacing: Sequence[float], axes: int
) -> npt.NDArray[np.float64]: ...

_OfPaths = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]
_OfNodes = tuple[
    npt.NDArray[np.float64],
    npt.NDArray[np.int64],
    npt.NDArray[np.int64],
    npt.NDArray[np.int64],
    npt.NDArray[np.uint8],
]

def network_nodes(mask: MaskRows, skeleton: _SkeletonArrays) -> tuple[_OfPaths, _OfNodes]: ...

# Skeletons of labels: their voxels, the labels of these, where paths start, the numbers of their
# voxels, spacing, along which axes the outside is background, number of axes.
_LabelArguments = tuple[Any, ...]

def label_radii(image: npt.NDArray[Any], skeletons: _LabelArguments) -> npt.NDArray[np.float64]: ...
def label_measures(
    image: npt.NDArray[Any], skeletons: _LabelArguments
) -> tuple[
    tuple[
        npt.NDArray[np.float64],
        list[npt.NDArray[np.float64]],
        list[npt.NDArray[np.float64]],
        _OfPaths,
        _OfNodes,
    ],
    list[npt.NDArray[np.uint64]],
]: ...
def label_nodes(
    image: npt.NDArray[Any], skeletons: _LabelArguments
) -> tuple[npt.NDArray[np.float64], _OfPaths, _OfNodes]: ...
def label_centrelines(
    image: npt.NDArray[Any], skeletons: _LabelArguments
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]: ...
def root_branches(
    sources: npt.NDArray[np.uint32],
    destinations: npt.NDArray[np.uint32],
    nodes_of_voxels: npt.NDArray[np.uint32],
    lengths: npt.NDArray[np.float64],
    inside: npt.NDArray[np.bool_],
    nodes: int,
    roots: npt.NDArray[np.uint32],
) -> tuple[
    list[npt.NDArray[np.int64]], list[npt.NDArray[np.float64]], list[npt.NDArray[np.bool_]]
]: ...
@final
class Territories:
    def __new__(
        cls,
        mask: MaskRows,
        voxels: npt.NDArray[np.int64],
        numbers: npt.NDArray[np.int32],
        spacing: Sequence[float],
    ) -> Territories: ...
    @staticmethod
    def of_labels(
        image: npt.NDArray[Any],
        voxels: npt.NDArray[np.int64],
        numbers: npt.NDArray[np.int32],
        spacing: Sequence[float],
    ) -> Territories: ...
    def draw(self, offset: Sequence[int], shape: Sequence[int]) -> npt.NDArray[np.int32]: ...

@final
class ChunkGraph:
    @staticmethod
    def from_block(
        nodes: npt.NDArray[np.int64],
        block_shape: Sequence[int],
        *,
        offset: Sequence[int],
        shape: Sequence[int],
        spacing: Sequence[float],
        values: _Heights | None = None,
        heights: bool = False,
        half: bool = False,
        labels: bool = False,
    ) -> ChunkGraph: ...
    @staticmethod
    def merge(graphs: Sequence[ChunkGraph]) -> ChunkGraph: ...
    @staticmethod
    def merge_with_shifts(
        graphs: Sequence[ChunkGraph],
    ) -> tuple[ChunkGraph, list[npt.NDArray[np.uint8]]]: ...
    def split_finished(self) -> tuple[ChunkGraph, dict[str, Any], npt.NDArray[np.int64]]: ...
    def terminals(self) -> npt.NDArray[np.int64]: ...
    @staticmethod
    def from_bytes(buffer: npt.NDArray[np.uint8]) -> ChunkGraph: ...
    def to_bytes(self) -> npt.NDArray[np.uint8]: ...
    def table(self, start: int, stop: int) -> dict[str, npt.NDArray[Any]]: ...
    @property
    def offset(self) -> list[int]: ...
    @property
    def extent(self) -> list[int]: ...
    @property
    def image_shape(self) -> list[int]: ...
    @property
    def finished(self) -> int: ...
    @property
    def open(self) -> int: ...
    @property
    def foreground(self) -> int: ...
    @property
    def is_complete(self) -> bool: ...
    @property
    def has_labels(self) -> bool: ...
    @property
    def nbytes(self) -> int: ...

def rank_gains(
    shifts: npt.NDArray[np.uint8], indices: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]: ...

_Weights: TypeAlias = Sequence[Sequence[float]]

def gaussian_filter(
    image: npt.NDArray[Any], weights: _Weights, smoothed: npt.NDArray[Any]
) -> None: ...
def value_range(
    image: npt.NDArray[Any],
    weights: _Weights | None = None,
    planes: Sequence[int] | None = None,
) -> tuple[tuple[float, float] | None, bool, bool]: ...
def count_each(image: npt.NDArray[Any], low: int, count: int) -> npt.NDArray[np.int64]: ...
def count_bins(
    image: npt.NDArray[Any],
    low: float,
    span: float,
    edges: Sequence[float],
    weights: _Weights | None = None,
    planes: Sequence[int] | None = None,
) -> npt.NDArray[np.int64]: ...
def count_and_pack(
    image: npt.NDArray[Any],
    bins: tuple[float, float, Sequence[float]],
    between: Sequence[float],
    most: int,
    mask: MaskRows,
    first: int,
    weights: _Weights | None = None,
    planes: Sequence[int] | None = None,
) -> tuple[npt.NDArray[np.int64], tuple[npt.NDArray[np.uint64], npt.NDArray[Any]] | None]: ...
def foreground(
    image: npt.NDArray[Any],
    threshold: float | None,
    mask: npt.NDArray[np.uint8],
    weights: _Weights | None = None,
) -> int: ...
def packed_foreground(
    image: npt.NDArray[Any],
    threshold: float | None,
    mask: MaskRows,
    first: int,
    weights: _Weights | None = None,
    planes: Sequence[int] | None = None,
) -> int: ...
