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
    """Return content as valid JSON, which has no word for numbers that are not finite.

    Unknown ones, NaN, are null; infinite ones are texts that Python and JavaScript convert.
    """
    return json.dumps(_with_words(content), indent=2, allow_nan=False)


def _with_words(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _with_words(value) for name, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_with_words(value) for value in content]
    if not isinstance(content, float) or math.isfinite(content):
        return content
    return None if math.isnan(content) else 'Infinity' if content > 0 else '-Infinity'
