"""What notebooks show of an object: a caption and a small table."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def html_table(caption: str, rows: Iterable[tuple[str, str]]) -> str:
    """Return a table with a row for each name and what is said of it."""
    lines = (f'<tr><th>{escape(name)}</th><td>{escape(what)}</td></tr>' for name, what in rows)
    return f'<table><caption>{escape(caption)}</caption><tbody>{"".join(lines)}</tbody></table>'
