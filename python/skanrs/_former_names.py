"""Names that earlier versions of skan and scikit-image had and that still stand in scripts.

Where the meaning is the same, the name works and warns; otherwise the error says what to write.
"""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

_SUMMARISE = 'summarise took an image; write summarize(Skeleton(image, spacing=...), separator=...)'
_BRANCH_STATISTICS = (
    'branch_statistics gave an array of node_id_src, node_id_dst, branch_distance and branch_type; '
    "write summarize(Skeleton(image, spacing=...), separator='_') and take these columns"
)
# What changed too much to be guessed.
_GONE = {
    ('skanrs', 'summarise'): _SUMMARISE,
    ('skanrs.csr', 'summarise'): _SUMMARISE,
    ('skanrs', 'branch_statistics'): _BRANCH_STATISTICS,
    ('skanrs.csr', 'branch_statistics'): _BRANCH_STATISTICS,
}


def find(module: str, name: str) -> Any:
    """Look up a former name in a module.

    Parameters
    ----------
    module, name : str
        The module that lacks the name, and the name.

    Returns
    -------
    value : object
        What is to be used instead, if it does the same.

    Raises
    ------
    AttributeError
        If nothing does the same, with what to write if the name existed once.

    Warns
    -----
    DeprecationWarning
        If there is something that does the same.
    """
    from . import csr, thinning

    instead: tuple[str, Any] | None = {
        ('skanrs', 'skeleton_to_csgraph'): ('csr.skeleton_to_csgraph', csr.skeleton_to_csgraph),
        ('skanrs', 'skeletonize_3d'): (
            "skeletonize(image, method='lee')",
            partial(thinning.skeletonize, method='lee'),
        ),
    }.get((module, name))
    if instead is not None:
        written, value = instead
        warnings.warn(
            f'{module}.{name} is no more; write {module}.{written}',
            DeprecationWarning,
            stacklevel=3,
        )
        return value
    hint = _GONE.get((module, name))
    raise AttributeError(
        f'module {module!r} has no attribute {name!r}' + (f': {hint}' if hint else '')
    )
