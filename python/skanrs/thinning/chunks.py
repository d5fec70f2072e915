"""Thinning chunk by chunk, exactly, without any overlap: map, merge, finish.

`thin_chunk` decides all voxels of a chunk that do not depend on other chunks,
`merge_thinned` joins the undecided voxels of chunks, in any order, and decides more, and
`ThinnedChunk.finish` gives a chunk's part of the skeleton, equal to that of the whole image.

The objects hold numpy arrays: words of 64 voxels along the last axis, as a key (the word's place
in the whole image) and a mask. They are small (some words for each voxel of foreground on the
chunk's faces), can be pickled, and are safe in any process.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skanrs import _core
from skanrs._image.array_types import takes_images
from skanrs._image.image import Image, as_image
from skanrs._image.labels import Labels, as_labels, bits_of, chosen_labels, with_labels
from skanrs._image.position import check_position, integers, position_text
from skanrs._support.memory import size_in_words
from skanrs._support.reprs import by_axis, counted, html_table

from .method import method_of

Box = list[list[int]]


class Words(NamedTuple):
    """Voxels by words, in raster order."""

    keys: npt.NDArray[np.uint64]
    voxels: npt.NDArray[np.uint64]


class Script(NamedTuple):
    """Decided voxels by words, with the border step that deletes them."""

    steps: npt.NDArray[np.uint32]
    keys: npt.NDArray[np.uint64]
    voxels: npt.NDArray[np.uint64]


class LabelWords(NamedTuple):
    """Voxels of labels by words, by label and in raster order; labels are as unsigned integers."""

    labels: npt.NDArray[np.uint64]
    keys: npt.NDArray[np.uint64]
    voxels: npt.NDArray[np.uint64]


class LabelScript(NamedTuple):
    """Decided voxels of labels by words, by label, with the border step that deletes them."""

    labels: npt.NDArray[np.uint64]
    steps: npt.NDArray[np.uint32]
    keys: npt.NDArray[np.uint64]
    voxels: npt.NDArray[np.uint64]


class LabelCounts(NamedTuple):
    """How many voxels the labels of a region have."""

    labels: npt.NDArray[np.uint64]
    counts: npt.NDArray[np.int64]


AnyWords = Words | LabelWords


class Residue(NamedTuple):
    """The part of a region of the image that a merge needs."""

    boxes: list[Box]
    undecided: AnyWords
    script: Script | LabelScript
    counts: LabelCounts | None = None
    """With labels, the sizes of those that are in the region."""

    @property
    def nbytes(self) -> int:
        """Bytes in the arrays."""
        arrays = (*self.undecided, *self.script, *(self.counts or ()))
        return sum(array.nbytes for array in arrays)


_RawWords = tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]
_RawScript = tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint64], npt.NDArray[np.uint64]]
_RawRegion = tuple[_RawWords, tuple[list[Box], _RawWords, _RawScript]]


def region_of(kept_and_residue: _RawRegion) -> tuple[Words, Residue]:
    """Convert what the kernels return to named tuples."""
    kept, (boxes, undecided, script) = kept_and_residue
    return Words(*kept), Residue(boxes, Words(*undecided), Script(*script))


@dataclass(frozen=True)
class LabelInfo:
    """The labels of a label image: the same for all chunks.

    Parameters
    ----------
    dtype : numpy.dtype
        The dtype of the image.
    chosen : tuple of int or None
        The labels that are thinned; None for all.
    min_voxels : int
        Labels with fewer voxels in the whole image are left out.
    """

    dtype: np.dtype[Any]
    chosen: tuple[int, ...] | None
    min_voxels: int

    @property
    def chosen_bits(self) -> npt.NDArray[np.uint64] | None:
        """The chosen labels as the elements that the kernels read, ascending."""
        if self.chosen is None:
            return None
        return np.sort(bits_of(np.array(self.chosen, dtype=self.dtype)))

    def are_large(self, words: LabelWords, counts: LabelCounts | None) -> LabelWords:
        """Return the words of the labels that have voxels enough."""
        if self.min_voxels <= 1 or counts is None:
            return words
        small = counts.labels[counts.counts < self.min_voxels]
        large = ~np.isin(words.labels, small)
        return LabelWords(*(array[large] for array in words))


@dataclass(frozen=True)
class ImageInfo:
    """The shape of the whole image and how it is thinned: the same for all chunks.

    Parameters
    ----------
    shape : tuple of int
        The shape of the image, two or three axes.
    method : {'lee', 'lee-preserving', 'zhang'}
        How it is thinned.
    labels : LabelInfo or None
        Which of its labels are thinned; None if it is no label image.
    """

    shape: tuple[int, ...]
    method: str
    labels: LabelInfo | None = None

    @property
    def shape_3d(self) -> list[int]:
        """The shape with three axes."""
        return self.in_3d(self.shape, 1)

    def in_3d(self, values: Sequence[int], first: int) -> list[int]:
        """Return values for three axes, with `first` for the axes that the image lacks."""
        return [first] * (3 - len(self.shape)) + list(values)


@dataclass(frozen=True, eq=False, repr=False)
class ThinnedChunk:
    """A chunk of an image after its own thinning; made by `thin_chunk`.

    Attributes
    ----------
    image : ImageInfo
        The whole image.
    offset, chunk_shape : tuple of int
        Where the chunk lies in the image, in voxels.
    kept : Words or LabelWords
        The voxels of the skeleton that are already decided.
    residue : Residue
        The part of the chunk that merging needs.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs as skan
    >>> chunk = skan.thin_chunk(np.eye(4, dtype=bool), offset=(0, 0), shape=(4, 4))
    >>> chunk.offset, chunk.chunk_shape, chunk.image.shape
    ((0, 0), (4, 4), (4, 4))
    """

    image: ImageInfo
    offset: tuple[int, ...]
    chunk_shape: tuple[int, ...]
    kept: AnyWords
    residue: Residue

    def _facts(self) -> list[tuple[str, str]]:
        return [
            ('image', f'{by_axis(self.image.shape)}, method {self.image.method}'),
            ('part', position_text(self.offset, self.chunk_shape)),
            *_decisions([self.kept], self.residue),
            ('memory', size_in_words(self.nbytes)),
        ]

    def __repr__(self) -> str:
        image, part, kept, undecided, memory = (what for _, what in self._facts())
        return (
            f'<ThinnedChunk of the part {part} of an image of {image}: {kept} kept,'
            f' {undecided} undecided, {memory}>'
        )

    def _repr_html_(self) -> str:
        return html_table('ThinnedChunk', self._facts())

    @property
    def nbytes(self) -> int:
        """Bytes in the arrays."""
        return sum(array.nbytes for array in self.kept) + self.residue.nbytes

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + self.nbytes

    def finish(self, merged: MergedThinning) -> npt.NDArray[Any]:
        """Return the chunk of the skeleton of the whole image.

        Parameters
        ----------
        merged : MergedThinning
            All chunks of the image, merged.

        Returns
        -------
        block : ndarray of bool, shape of the chunk
            Equal to that part of ``skeletonize`` of the whole image; with labels of the image's
            dtype.

        Raises
        ------
        ValueError
            If chunks of the image are missing in `merged`, or it is of another image.

        Examples
        --------
        >>> import numpy as np
        >>> import skanrs as skan
        >>> image = np.ones((3, 5), dtype=bool)
        >>> chunk = skan.thin_chunk(image, offset=(0, 0), shape=(3, 5))
        >>> skeleton = chunk.finish(skan.merge_thinned([chunk]))
        >>> np.array_equal(skeleton, skan.skeletonize(image))
        True
        """
        if merged.image != self.image:
            raise ValueError(
                f'merged: expected chunks of an image of shape {self.image.shape} thinned by the'
                f' same method and labels, got those of shape {merged.image.shape}'
            )
        missing = _core.missing_box(merged.residue.boxes, self.image.shape_3d)
        if missing is not None:
            start, shape = position_of(missing, len(self.image.shape))
            raise ValueError(
                f'merged: expected all chunks of the image, got none for the box at offset {start}'
                f' of shape {shape}'
            )
        kept = [self.kept, *merged.kept]
        return unpack(self.image, kept, self.offset, self.chunk_shape, merged.residue.counts)


@dataclass(frozen=True, eq=False, repr=False)
class MergedThinning:
    """Chunks of an image, joined; made by `merge_thinned`.

    Attributes
    ----------
    image : ImageInfo
        The whole image.
    kept : tuple of Words or LabelWords
        The voxels of the skeleton that merging has decided.
    residue : Residue
        The undecided voxels.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs as skan
    >>> image = np.ones((4, 70), dtype=bool)
    >>> parts = [skan.thin_chunk(image[:, :9], offset=(0, 0), shape=image.shape)]
    >>> parts += [skan.thin_chunk(image[:, 9:], offset=(0, 9), shape=image.shape)]
    >>> skan.merge_thinned(parts).residue.nbytes
    0
    """

    image: ImageInfo
    kept: tuple[AnyWords, ...]
    residue: Residue

    def _facts(self) -> list[tuple[str, str]]:
        is_all = _core.missing_box(self.residue.boxes, self.image.shape_3d) is None
        boxes = counted(len(self.residue.boxes), 'box', 'boxes')
        return [
            ('image', f'{by_axis(self.image.shape)}, method {self.image.method}'),
            ('part', 'all' if is_all else boxes),
            *_decisions(self.kept, self.residue),
            ('memory', size_in_words(self.nbytes)),
        ]

    def __repr__(self) -> str:
        image, part, kept, undecided, memory = (what for _, what in self._facts())
        return (
            f'<MergedThinning of {part} of an image of {image}: {kept} kept by merging,'
            f' {undecided} undecided, {memory}>'
        )

    def _repr_html_(self) -> str:
        return html_table('MergedThinning', self._facts())

    @property
    def nbytes(self) -> int:
        """Bytes in the arrays."""
        kept = sum(array.nbytes for words in self.kept for array in words)
        return kept + self.residue.nbytes

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + self.nbytes


def _decisions(kept: Iterable[AnyWords], residue: Residue) -> list[tuple[str, str]]:
    """Return how many voxels are known to stay, and how many are not decided."""
    certain = sum(int(np.bitwise_count(words.voxels).sum()) for words in kept)
    undecided = int(np.bitwise_count(residue.undecided.voxels).sum())
    return [('kept', counted(certain, 'voxel')), ('undecided', counted(undecided, 'voxel'))]


@takes_images('block', spacing=False, whole=True)
def thin_chunk(
    block: npt.ArrayLike,
    *,
    offset: Sequence[int],
    shape: Sequence[int],
    method: str | None = None,
    preserve_topology: bool = False,
    labels: Labels = False,
    min_voxels: int = 1,
) -> ThinnedChunk:
    """Thin a chunk of a larger image as far as its surroundings do not matter.

    Parameters
    ----------
    block : array_like, two or three axes
        The chunk, of booleans or real numbers; anything nonzero is foreground.
    offset : sequence of int
        Where the chunk's first voxel lies in the image.
    shape : sequence of int
        The shape of the whole image.
    method : {'lee', 'zhang'}, optional
        As for `skeletonize`.
    preserve_topology : bool, optional
        As for `skeletonize`.
    labels, min_voxels : optional
        For chunks of a label image, as for `skeletonize`; voxels are those of the whole image.

    Returns
    -------
    ThinnedChunk
        For `merge_thinned` and, after it, ``finish``.

    Raises
    ------
    ValueError
        If the chunk does not lie in the image, or for the reasons that `skeletonize` has.
    TypeError
        If the elements are not real numbers or, with labels, not integers.

    See Also
    --------
    skeletonize : Does all of it for a dask array.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs as skan
    >>> image = np.zeros((6, 6, 40), dtype=bool)
    >>> image[2:5, 2:5, 1:39] = True
    >>> thinned = [
    ...     skan.thin_chunk(block, offset=(0, 0, x), shape=image.shape)
    ...     for x, block in ((0, image[..., :17]), (17, image[..., 17:]))
    ... ]
    >>> merged = skan.merge_thinned(thinned)
    >>> skeleton = np.concatenate([chunk.finish(merged) for chunk in thinned], axis=2)
    >>> np.array_equal(skeleton, skan.skeletonize(image))
    True
    """
    if with_labels(labels, min_voxels):
        checked = as_labels(block, 'block', labels).image
        of_labels = label_info(labels, min_voxels, checked.dtype)
    else:
        checked, of_labels = as_image(block, 'block', least=2, most=3), None
    resolved = method_of(method, preserve_topology, checked.ndim)
    image = ImageInfo(integers('shape', shape), resolved, of_labels)
    start = integers('offset', offset)
    check_position(start, checked.shape, image.shape)
    words = pack(checked, start, image)
    kept, residue = thin([words], [box_of(image, start, checked.shape)], image)
    return ThinnedChunk(image, start, checked.shape, kept, residue)


def merge_thinned(chunks: Iterable[ThinnedChunk | MergedThinning]) -> MergedThinning:
    """Join thinned chunks of one image: any number, at any positions, in any order.

    Merging is associative and commutative; any tree of merges gives the same skeleton.

    Parameters
    ----------
    chunks : iterable of ThinnedChunk or MergedThinning
        Chunks and merged chunks that share no voxel. They are not changed.

    Returns
    -------
    MergedThinning
        To be merged on, or given to ``finish`` of each chunk once it covers the image.

    Raises
    ------
    ValueError
        If there are no chunks, if they are of different images or methods, or if they overlap.
    TypeError
        If something else is among them.

    Examples
    --------
    >>> import numpy as np
    >>> import skanrs as skan
    >>> image = np.ones((4, 70), dtype=bool)
    >>> left = skan.thin_chunk(image[:, :9], offset=(0, 0), shape=image.shape)
    >>> right = skan.thin_chunk(image[:, 9:], offset=(0, 9), shape=image.shape)
    >>> merged = skan.merge_thinned([skan.merge_thinned([right]), left])
    >>> skeleton = np.concatenate([left.finish(merged), right.finish(merged)], axis=1)
    >>> np.array_equal(skeleton, skan.skeletonize(image))
    True
    """
    parts = list(chunks)
    for part in parts:
        if not isinstance(part, (ThinnedChunk, MergedThinning)):
            raise TypeError(
                'chunks: expected ThinnedChunk and MergedThinning objects, got'
                f' {type(part).__name__}'
            )
    if not parts:
        raise ValueError('chunks: expected at least one thinned chunk, got none')
    image = parts[0].image
    for part in parts:
        if part.image != image:
            raise ValueError(
                'chunks: expected chunks of one image thinned by one method, all with the same'
                f' labels or without, got those of images of shape {image.shape} and'
                f' {part.image.shape}'
            )
    kept, residue = merge(image, [part.residue for part in parts])
    earlier = [words for part in parts if isinstance(part, MergedThinning) for words in part.kept]
    return MergedThinning(image, (*earlier, kept), residue)


def label_info(labels: Labels, min_voxels: int, dtype: np.dtype[Any]) -> LabelInfo:
    """Return which labels of images of a dtype are thinned."""
    chosen = chosen_labels(labels, dtype)
    return LabelInfo(dtype, None if chosen is None else tuple(chosen.tolist()), int(min_voxels))


def pack(block: Image, offset: Sequence[int], image: ImageInfo) -> AnyWords:
    """Pack the foreground of a block, or its labels, into words."""
    elements = block.elements.reshape(image.in_3d(block.shape, 1))
    place = image.in_3d(offset, 0), image.shape_3d
    if image.labels is None:
        return Words(*_core.pack_chunk(elements, block.bits, *place))
    return LabelWords(*_core.pack_label_chunk(elements, image.labels.chosen_bits, *place))


def thin(words: Sequence[Any], boxes: list[Box], image: ImageInfo) -> tuple[Any, Residue]:
    """Thin the region of the boxes, whose foreground the words hold."""
    if image.labels is None:
        return region_of(_core.thin_chunks(words, boxes, image.shape_3d, image.method))
    found = _core.thin_label_chunks(words, boxes, image.shape_3d, image.method)
    labels = np.concatenate([of_block.labels for of_block in words])
    voxels = np.concatenate([np.bitwise_count(of_block.voxels) for of_block in words])
    return _region_of_labels(found, _counts(labels, voxels))


def merge(image: ImageInfo, residues: Sequence[Residue]) -> tuple[Any, Residue]:
    """Join residues; return the voxels kept and the residue that is left."""
    raw: Any = [residue[:3] for residue in residues]
    if image.labels is None:
        return region_of(_core.merge_residues(raw, image.shape_3d, image.method))
    found = _core.merge_label_residues(raw, image.shape_3d, image.method)
    counts = [residue.counts for residue in residues if residue.counts is not None]
    labels, voxels = (np.concatenate(columns) for columns in zip(*counts, strict=True))
    return _region_of_labels(found, _counts(labels, voxels))


def _region_of_labels(kept_and_residue: Any, counts: LabelCounts) -> tuple[LabelWords, Residue]:
    kept, (boxes, undecided, script) = kept_and_residue
    return LabelWords(*kept), Residue(boxes, LabelWords(*undecided), LabelScript(*script), counts)


def _counts(labels: npt.NDArray[np.uint64], voxels: npt.NDArray[Any]) -> LabelCounts:
    """Add up voxels by label."""
    found, numbers = np.unique(labels, return_inverse=True)
    counts = np.zeros(found.size, np.int64)
    np.add.at(counts, numbers, voxels)
    return LabelCounts(found, counts)


def unpack(
    image: ImageInfo,
    words: Sequence[Any],
    offset: Sequence[int],
    shape: Sequence[int],
    counts: LabelCounts | None = None,
) -> npt.NDArray[Any]:
    """Write the voxels of the words that lie in a chunk as the chunk.

    With labels, `counts` are the sizes of those of the whole image, if small ones are left out.
    """
    place = image.in_3d(offset, 0), image.shape_3d
    if image.labels is None:
        block = np.zeros(shape, dtype=bool)
        output = block.view(np.uint8).reshape(image.in_3d(shape, 1))
        _core.unpack_chunk(words, *place, output)
        return block
    dtype = image.labels.dtype
    labels = np.zeros(shape, dtype=dtype)
    large = [image.labels.are_large(of_part, counts) for of_part in words]
    elements = labels.view(f'u{dtype.itemsize}').reshape(image.in_3d(shape, 1))
    _core.unpack_label_chunk(large, *place, elements)
    return labels


def box_of(image: ImageInfo, offset: Sequence[int], shape: Sequence[int]) -> Box:
    """Return the box of a chunk along three axes."""
    starts, lengths = image.in_3d(offset, 0), image.in_3d(shape, 1)
    return [[start, start + length] for start, length in zip(starts, lengths, strict=True)]


def position_of(box: Box, ndim: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the offset and shape of a box along the axes of the image."""
    axes = box[-ndim:]
    return tuple(start for start, _ in axes), tuple(end - start for start, end in axes)
