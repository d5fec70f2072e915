"""Names in the order of the numbers in them."""

from __future__ import annotations

import re

__all__ = ['by_number']


def by_number(name: str) -> list[tuple[bool, int, str]]:
    """Return a key for sorting that puts slice_9 before slice_10."""
    return [
        (part.isdecimal(), int(part) if part.isdecimal() else 0, part)
        for part in re.split(r'(\d+)', name)
    ]
