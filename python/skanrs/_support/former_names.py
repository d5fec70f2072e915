"""Names that earlier versions of skan and scikit-image had and that still stand in scripts.

Where the meaning is the same, the name works and warns; otherwise the error says what to write.
"""

from __future__ import annotations

import warnings

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
# What does the same: what to write, and where it is found.
_RENAMED = {
    ('skanrs', 'skeleton_to_csgraph'): (
        'csr.skeleton_to_csgraph',
        'skanrs.csr:skeleton_to_csgraph',
    ),
    ('skanrs', 'skeletonize_3d'): (
        "skeletonize(image, method='lee')",
        'skanrs.thinning:skeletonize_3d',
    ),
}


def find(module: str, name: str) -> str:
    """Look up a former name in a module.

    Parameters
    ----------
    module, name : str
        The module that lacks the name, and the name.

    Returns
    -------
    instead : str
        The name of what does the same, for `pkgutil.resolve_name`.

    Raises
    ------
    AttributeError
        If nothing does the same; the message says what to write if the name existed once.

    Warns
    -----
    DeprecationWarning
        If something does the same.
    """
    if (module, name) in _RENAMED:
        written, instead = _RENAMED[module, name]
        warnings.warn(
            f'{module}.{name} was removed; use {module}.{written}',
            DeprecationWarning,
            stacklevel=3,
        )
        return instead
    hint = _GONE.get((module, name))
    raise AttributeError(
        f'module {module!r} has no attribute {name!r}' + (f': {hint}' if hint else '')
    )
