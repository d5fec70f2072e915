"""Numbers and JSON as the command prints them."""

import json
import math
from collections.abc import Sequence
from typing import Any

__all__ = ['numbers', 'to_json']


def numbers(values: Sequence[float]) -> str:
    """Return numbers as text, such as 1 x 1 x 2."""
    return ' x '.join(f'{value:g}' for value in values)


def to_json(content: Any) -> str:
    """Return content as valid JSON, which has no word for numbers that are not finite: null."""
    return json.dumps(_only_finite(content), indent=2, allow_nan=False)


def _only_finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _only_finite(value) for name, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_only_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
