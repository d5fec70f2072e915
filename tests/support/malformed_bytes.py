"""Small changes of bytes, for files and pickles."""

from __future__ import annotations

import numpy as np


def changed(content: bytes, random: np.random.Generator) -> bytes:
    """Return the bytes after some small changes, of the kinds that parsers trip over."""
    new = bytearray(content)
    for _ in range(random.integers(1, 5)):
        if not new:
            break
        # Headers are at both ends.
        at = int(
            random.integers(len(new))
            if random.random() < 0.4
            else random.integers(0, min(len(new), 400))
        )
        if random.random() < 0.2:
            at = len(new) - 1 - int(random.integers(0, min(len(new), 200)))
        match random.integers(6):
            case 0:
                new[at] = random.integers(256)
            case 1:
                new[at] ^= 1 << int(random.integers(8))
            case 2:
                width = int(random.choice([2, 4, 8]))
                extreme = random.choice([b'\0', b'\xff', b'\x7f', b'\x80'])
                new[at : at + width] = bytes(extreme) * width
            case 3:
                del new[at : at + int(random.integers(1, 40))]
            case 4:
                new[at:at] = random.bytes(int(random.integers(1, 40)))
            case _:
                del new[at:]
    return bytes(new)
