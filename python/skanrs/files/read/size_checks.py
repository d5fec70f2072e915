"""Checks of the size that a file claims against its bytes, before memory is allocated.

A small file can claim an image of any size, or unpack to far more than it claims.
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
"""The largest ratio of deflate: 2 bits or more stand for 258 bytes."""
SMALL = 1 << 16
"""Sizes in bytes that need no check."""

# The largest ratio by TIFF's number of a compression. LZW: strings of up to 4096 bytes for codes of
# 9 bits or more. PackBits: 128 bytes for 2. Other compressions have no such bound.
TIFF_RATIOS = {1: 1, 5: 3641, 8: DEFLATE_RATIO, 32773: 64, 32946: DEFLATE_RATIO}
UNPACKED = 1 << 28
"""Bytes that a strip or tile may unpack to without a check."""
LZMA_RATIO = 8192


def check_ratio(name: str, claimed: int, stored: int, ratio: int) -> None:
    """Raise `FileError` if the stored bytes cannot unpack to the claimed ones."""
    if claimed > SMALL and claimed > stored * ratio:
        raise FileError(
            f'{name} is damaged: it claims to unpack to {size_in_words(claimed)}, '
            f'which {stored:,} bytes cannot hold'
        )


def check_page(name: str, page: Any) -> None:
    """Raise `FileError` if the stored bytes of a page of a TIFF cannot hold its pixels."""
    key = page.keyframe
    stored = page.databytecounts
    # Contiguous strips may be listed as one.
    segments = len(stored) if key.is_contiguous else math.prod(key.chunked)
    if len(stored) < segments:
        raise FileError(
            f'{name} is damaged: it claims {segments:,} strips or tiles in a page and lists '
            f'{len(stored):,}'
        )
    ratio = TIFF_RATIOS.get(int(key.compression))
    if ratio is None:
        return
    # Strips and tiles without bytes are background.
    absent = sum(count == 0 for count in stored) * _segment_size(key)
    bits = max(1, int(key.bitspersample))
    claimed = (key.nbytes - absent) * bits // (8 * key.dtype.itemsize)
    check_ratio(name, claimed, sum(stored), ratio)


def may_unpack_to_much(page: Any, stored: int) -> bool:
    """Return whether a segment of this many bytes needs a check before it is unpacked as a whole.

    The codecs in tifffile have no limit; those of imagecodecs have.
    """
    ratio, _ = _BOUNDLESS.get(int(page.keyframe.compression), (0, None))
    return stored * ratio > UNPACKED and importlib.util.find_spec('imagecodecs') is None


def check_segment(name: str, page: Any, data: bytes) -> None:
    """Raise `FileError` if a strip or tile of a page unpacks to far more than the page claims."""
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
