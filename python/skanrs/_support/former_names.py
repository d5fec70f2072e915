"""Former names of skan and scikit-image that scripts still use.

A name whose meaning is unchanged works and warns; for others the error says what to write.
"""

from __future__ import annotations

import warnings

_SUMMARISE = 'summarise took an image; write summarize(Skeleton(image, spacing=...), separator=...)'
_BRANCH_STATISTICS = (
    'branch_statistics gave an array of node_id_src, node_id_dst, branch_distance and branch_type; '
    "write summarize(Skeleton(image, spacing=...), separator='_') and take these columns"
)
# Names without an equivalent.
_GONE = {
    ('skanrs', 'summarise'): _SUMMARISE,
    ('skanrs.csr', 'summarise'): _SUMMARISE,
    ('skanrs', 'branch_statistics'): _BRANCH_STATISTICS,
    ('skanrs.csr', 'branch_statistics'): _BRANCH_STATISTICS,
}
# Names with an equivalent: what to write, and where it is defined.
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
        The name of the equivalent, for `pkgutil.resolve_name`.

    Raises
    ------
    AttributeError
        If there is no equivalent; for a former name the message says what to write.

    Warns
    -----
    DeprecationWarning
        If there is an equivalent.
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
