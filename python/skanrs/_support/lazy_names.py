"""Names of a package that are imported on first use, so that importing the package is quick."""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ['lazy_names']


def lazy_names(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` for a package.

    Parameters
    ----------
    package : str
        The name of the package.
    homes : mapping of str to str
        For each name the module below `package` that defines it; for a module, its own name.

    Returns
    -------
    find : callable
        Returns the object of a name and keeps it in the package; raises `AttributeError` for names
        that are not in `homes`.
    list_names : callable
        Returns the names in the package and those in `homes`.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f'module {package!r} has no attribute {name!r}')
        module = importlib.import_module(f'{package}.{homes[name]}')
        value = module if homes[name] == name else getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    def list_names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return find, list_names
