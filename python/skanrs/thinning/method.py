"""Methods of thinning by the names of the kernels."""

from __future__ import annotations

_METHODS = ('lee', 'zhang')


def method_of(method: str | None, preserve_topology: bool, ndim: int) -> str:
    """Say how the kernels thin images of `ndim` dimensions.

    Parameters
    ----------
    method : {'lee', 'zhang'} or None
        The argument of the caller.
    preserve_topology : bool
        Whether nothing may vanish.
    ndim : int
        The number of dimensions of the image, 2 or 3.

    Returns
    -------
    str
        'lee', 'lee-preserving' or 'zhang'.

    Raises
    ------
    ValueError
        If there is no such method, or it does not work for such images.
    """
    if method not in (None, *_METHODS):
        raise ValueError(f"method: expected 'lee', 'zhang' or None, got {method!r}")
    if ndim == 3 and method == 'zhang':
        raise ValueError("method: expected 'lee' or None for a 3D image, got 'zhang'")
    if preserve_topology:
        if method == 'zhang':
            raise ValueError("preserve_topology: expected method 'lee' or None, got 'zhang'")
        return 'lee-preserving'
    return 'zhang' if ndim == 2 and method != 'lee' else 'lee'
