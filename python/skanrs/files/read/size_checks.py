"""What files claim, against what their bytes can hold: looked at before memory is taken.

A file of some bytes may promise an image of any size, or unpack to far more than it promises.
"""

import importlib.util
import lzma
import math
import zlib
from collections.abc import Callable, Iterable
from typing import Any

from skanrs._support.memory import size_in_words

from ..errors import FileError

__all__ = [
    'DEFLATE_RATIO',
    'check_page',
    'check_ratio',
    'check_segment',
    'may_unpack_to_much',
]

DEFLATE_RATIO = 1032
"""How many bytes one of deflate unpacks to at most: it copies 258 bytes by 2 bits or more."""
SMALL = 1 << 16
"""Sizes that do no harm, whoever claims them."""

# TIFF's numbers of compressions. LZW's strings are of up to 4096 bytes, and codes of 9 bits or
# more; PackBits repeats a byte up to 128 times by two. What the others unpack to has no such bound.
TIFF_RATIOS = {1: 1, 5: 3641, 8: DEFLATE_RATIO, 32773: 64, 32946: DEFLATE_RATIO}
UNPACKED = 1 << 28
"""Bytes that a segment of a TIFF may unpack to without being asked whether they are claimed."""
LZMA_RATIO = 8192


def check_ratio(name: str, claimed: int, stored: int, ratio: int) -> None:
    """Raise `FileError` if so many stored bytes cannot unpack to what is claimed."""
    if claimed > SMALL and claimed > stored * ratio:
        raise FileError(
            f'{name} is damaged: it claims to unpack to {size_in_words(claimed)}, '
            f'which {stored:,} bytes cannot hold'
        )


def check_page(name: str, page: Any) -> None:
    """Raise `FileError` if the stored bytes of a page of a TIFF cannot hold its pixels."""
    key = page.keyframe
    stored = page.databytecounts
    # Uncompressed ones may be given as one, whatever their number.
    segments = len(stored) if key.is_contiguous else math.prod(key.chunked)
    if len(stored) < segments:
        raise FileError(
            f'{name} is damaged: it claims {segments:,} strips or tiles in a page and tells of '
            f'{len(stored):,}'
        )
    ratio = TIFF_RATIOS.get(int(key.compression))
    if ratio is None:
        return
    # Those of no bytes stand for background.
    absent = sum(count == 0 for count in stored) * _segment_size(key)
    bits = max(1, int(key.bitspersample))
    claimed = (key.nbytes - absent) * bits // (8 * key.dtype.itemsize)
    check_ratio(name, claimed, sum(stored), ratio)


def may_unpack_to_much(page: Any, stored: int) -> bool:
    """Tell whether a segment of so many bytes has to be looked at before it is unpacked as a whole.

    The codecs that tifffile has of its own unpack whatever there is; those of imagecodecs stop.
    """
    ratio, _ = _BOUNDLESS.get(int(page.keyframe.compression), (0, None))
    return stored * ratio > UNPACKED and importlib.util.find_spec('imagecodecs') is None


def check_segment(name: str, page: Any, data: bytes) -> None:
    """Raise `FileError` if a compressed segment of a page unpacks to far more than it claims."""
    _, unpack = _BOUNDLESS[int(page.keyframe.compression)]
    most = max(UNPACKED, 2 * _segment_size(page.keyframe))
    size = 0
    for part in unpack(data):
        size += len(part)
        if size > most:
            raise FileError(
                f'{name} is damaged: a strip or tile unpacks to more than {size_in_words(most)}, '
                'which its page does not claim'
            )


def _segment_size(key: Any) -> int:
    return math.prod(map(int, key.chunks)) * int(key.dtype.itemsize)


def _inflated(data: bytes) -> Iterable[bytes]:
    unpacker = zlib.decompressobj()
    while data and not unpacker.eof:
        yield unpacker.decompress(data, UNPACKED // 16)
        data = unpacker.unconsumed_tail


def _unpacked_lzma(data: bytes) -> Iterable[bytes]:
    unpacker = lzma.LZMADecompressor()
    while part := unpacker.decompress(data, UNPACKED // 16):
        yield part
        data = b''
        if unpacker.eof:
            return


_BOUNDLESS: dict[int, tuple[int, Callable[[bytes], Iterable[bytes]]]] = {
    8: (DEFLATE_RATIO, _inflated),
    32946: (DEFLATE_RATIO, _inflated),
    34925: (LZMA_RATIO, _unpacked_lzma),
}
