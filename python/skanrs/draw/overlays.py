"""Pictures of skeletons over their images, with matplotlib.

Matplotlib, networkx and scikit-image are imported by the functions that need them. Reproduces
``skan.draw`` 0.13.1. Unlike skan it accepts tables with either separator and values that
are all equal (see docs/differences.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skanrs._image.array_types import takes_images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Circle

    from skanrs.graph.skeleton import Skeleton

    Cmap = str | Colormap

__all__ = [
    'overlay_euclidean_skeleton_2d',
    'overlay_skeleton_2d',
    'overlay_skeleton_2d_class',
    'overlay_skeleton_networkx',
    'pipeline_plot',
    'pixel_perfect_figsize',
    'sholl_shells',
]


def axes_or_new(axes: Axes | None) -> Axes:
    if axes is not None:
        return axes
    import matplotlib.pyplot as plt

    new: Axes = plt.subplots()[1]
    return new


def _normalise_image(
    image: npt.NDArray[Any], *, image_cmap: Cmap | None = None
) -> npt.NDArray[np.floating[Any]]:
    """Return a new RGB image of floats; a colormap applies to grey images only."""
    from skimage.util import img_as_float

    image = img_as_float(image, force_copy=True)
    if image.ndim != 2:
        return image
    if image_cmap is None:
        return np.repeat(image[..., np.newaxis], 3, axis=-1)
    import matplotlib.pyplot as plt

    return np.asarray(plt.get_cmap(image_cmap)(image)[..., :3])


def _colour_scale(
    values: npt.NDArray[Any], colormap: Cmap, vmin: float | None = None, vmax: float | None = None
) -> ScalarMappable:
    """Map values to colours, with one colour for each distinct value, at most 256.

    If `vmin` and `vmax` are equal, all values get the lowest colour.
    """
    import matplotlib.pyplot as plt
    from matplotlib.cm import ScalarMappable

    cmap = plt.get_cmap(colormap, max(1, min(len(np.unique(values)), 256)))
    if len(values):
        vmin = np.min(values) if vmin is None else vmin
        vmax = np.max(values) if vmax is None else vmax
    mappable = ScalarMappable(plt.Normalize(vmin, vmax), cmap)
    mappable.set_array(values)
    return mappable


def pixel_perfect_figsize(image: npt.NDArray[Any], dpi: float = 80) -> tuple[float, float]:
    """Return the size of a figure that shows an image pixel by pixel.

    Parameters
    ----------
    image : array, shape (M, N[, 3])
        The image.
    dpi : int, optional
        Resolution of the figure, in dots per inch.

    Returns
    -------
    figsize : tuple of float
        Width and height, in inches.

    Examples
    --------
    >>> import numpy as np
    >>> from skanrs.draw import pixel_perfect_figsize
    >>> pixel_perfect_figsize(np.empty((768, 1024)))
    (12.8, 9.6)
    """
    height, width = image.shape[:2]
    return width / dpi, height / dpi


@takes_images('image', 'skeleton', spacing=False, whole=True)
def overlay_skeleton_2d(
    image: npt.NDArray[Any],
    skeleton: npt.NDArray[Any],
    *,
    image_cmap: Cmap | None = None,
    color: tuple[float, float, float] = (1, 0, 0),
    alpha: float = 1,
    dilate: int = 0,
    axes: Axes | None = None,
) -> Axes:
    """Draw the pixels of a skeleton over an image.

    Parameters
    ----------
    image : array, shape (M, N[, 3])
        The image, grey or RGB. It is not changed.
    skeleton : array, shape (M, N)
        The skeleton; every nonzero pixel belongs to it.
    image_cmap : colormap or its name, optional
        How to colour a grey image; grey by default.
    color : tuple of float, optional
        RGB colour of the skeleton, each component in [0, 1].
    alpha : float, optional
        Opacity of the skeleton.
    dilate : int, optional
        Radius in pixels by which to widen the skeleton, so that it stays visible in a large image.
    axes : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.

    Returns
    -------
    axes : matplotlib.axes.Axes
        Where it was drawn.

    Examples
    --------
    >>> from skanrs import _testdata, draw
    >>> image = _testdata.skeleton1
    >>> axes = draw.overlay_skeleton_2d(image, image)  # doctest: +SKIP
    """
    picture = _normalise_image(image, image_cmap=image_cmap)
    selected = skeleton.astype(bool)
    if dilate > 0:
        from scipy import ndimage

        from skanrs.pre import hyperball

        selected = ndimage.binary_dilation(selected, hyperball(2, dilate))
    axes = axes_or_new(axes)
    picture[selected] = alpha * np.array(color) + (1 - alpha) * picture[selected]
    axes.imshow(picture)
    axes.axis('off')
    return axes


@takes_images('image', spacing=False, whole=True)
def overlay_euclidean_skeleton_2d(
    image: npt.NDArray[Any],
    stats: pd.DataFrame,
    *,
    image_cmap: Cmap | None = None,
    skeleton_color_source: str = 'branch_type',
    skeleton_colormap: Cmap = 'viridis',
    axes: Axes | None = None,
) -> Axes:
    """Draw each branch over an image as the straight line between its ends.

    Parameters
    ----------
    image : array, shape (M, N[, 3])
        The image, grey or RGB.
    stats : pandas.DataFrame
        The branch table of :func:`skanrs.summarize`, with any separator.
    image_cmap : colormap or its name, optional
        How to colour a grey image; grey by default.
    skeleton_color_source : str, optional
        The column whose value colours the line, with any separator: for instance ``skeleton_id``,
        ``branch_type``, ``branch_distance`` or ``euclidean_distance``.
    skeleton_colormap : colormap or its name, optional
        The colours, from the lowest to the highest value.
    axes : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.

    Returns
    -------
    axes : matplotlib.axes.Axes
        Where it was drawn.

    Raises
    ------
    KeyError
        If the table lacks the coordinates of the ends.
    ValueError
        If it lacks the column that colours the lines.

    Examples
    --------
    >>> from skanrs import Skeleton, _testdata, draw, summarize
    >>> image = _testdata.skeleton1
    >>> stats = summarize(Skeleton(image), separator='_')
    >>> axes = draw.overlay_euclidean_skeleton_2d(image, stats)  # doctest: +SKIP
    """
    from matplotlib.collections import LineCollection

    from skanrs.branches.read_column import read_column, read_numbers

    picture = _normalise_image(image, image_cmap=image_cmap)
    # Matplotlib takes x before y.
    names = [f'image_coord_{end}_{axis}' for end in ('src', 'dst') for axis in (1, 0)]
    ends = np.stack([read_column(stats, name) for name in names], axis=-1)
    axes = axes_or_new(axes)
    axes.imshow(picture)
    axes.axis('off')
    values = read_numbers(stats, skeleton_color_source, 'skeleton_color_source')
    colours = _colour_scale(values, skeleton_colormap).to_rgba(values)
    axes.add_collection(LineCollection([*ends.reshape(-1, 2, 2)], colors=colours))
    return axes


def overlay_skeleton_2d_class(
    skeleton: Skeleton,
    *,
    image_cmap: Cmap = 'gray',
    skeleton_color_source: str | Callable[[Skeleton], npt.ArrayLike] = 'path_means',
    skeleton_colormap: Cmap = 'viridis',
    vmin: float | None = None,
    vmax: float | None = None,
    axes: Axes | None = None,
) -> tuple[Axes, ScalarMappable]:
    """Draw the paths of a skeleton over its source image.

    Parameters
    ----------
    skeleton : Skeleton
        The skeleton. Its source image is drawn if it has one.
    image_cmap : colormap or its name, optional
        How to colour a grey source image.
    skeleton_color_source : str or callable, optional
        What colours the paths: a method of the skeleton (``'path_means'``, ``'path_lengths'``,
        ``'path_stdev'``), or a function that takes the skeleton; either gives a value for each
        path.
    skeleton_colormap : colormap or its name, optional
        The colours, from `vmin` to `vmax`.
    vmin, vmax : float, optional
        The values that get the first and the last colour; by default the lowest and the highest.
    axes : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.

    Returns
    -------
    axes : matplotlib.axes.Axes
        Where it was drawn.
    mappable : matplotlib.cm.ScalarMappable
        The values and their colours, for a colour bar.

    Raises
    ------
    ValueError
        If `skeleton_color_source` is neither callable nor an attribute of the skeleton.

    Examples
    --------
    >>> from skanrs import Skeleton, _testdata, draw
    >>> skeleton = Skeleton(_testdata.skeleton1)
    >>> axes, mappable = draw.overlay_skeleton_2d_class(skeleton)  # doctest: +SKIP
    """
    from matplotlib.collections import LineCollection

    axes = axes_or_new(axes)
    if skeleton.source_image is not None:
        axes.imshow(skeleton.source_image, cmap=image_cmap)
    if callable(skeleton_color_source):
        values = np.asarray(skeleton_color_source(skeleton))
    elif hasattr(skeleton, skeleton_color_source):
        values = np.asarray(getattr(skeleton, skeleton_color_source)())
    else:
        raise ValueError(
            'skeleton_color_source: expected a method of skanrs.Skeleton or a function of the'
            f' skeleton, got {skeleton_color_source!r}'
        )
    mappable = _colour_scale(values, skeleton_colormap, vmin, vmax)
    points = skeleton.coordinates[skeleton.paths.indices][:, ::-1]
    lines = np.split(points, skeleton.paths.indptr[1:-1]) if skeleton.n_paths else []
    axes.add_collection(LineCollection(lines, colors=mappable.to_rgba(values)))
    return axes, mappable


def sholl_shells(
    center: npt.ArrayLike,
    radii: Iterable[float],
    *,
    axes: Axes | None = None,
    **kwargs: Any,
) -> tuple[Axes, list[Circle]]:
    """Draw the shells of a Sholl analysis as circles.

    Parameters
    ----------
    center : array of float, shape (2,)
        Row and column of the centre.
    radii : array of float, shape (N,)
        Radii of the shells, in the units of `center`.
    axes : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.
    **kwargs
        Passed to :class:`matplotlib.patches.Circle`: ``edgecolor``, ``linestyle``, ``linewidth`` …

    Returns
    -------
    axes : matplotlib.axes.Axes
        Where it was drawn.
    patches : list of matplotlib.patches.Circle
        The circles.

    Examples
    --------
    >>> from skanrs import draw
    >>> axes, circles = draw.sholl_shells((10, 10), [1, 2, 3])  # doctest: +SKIP
    """
    from matplotlib.patches import Circle

    row, column = np.asarray(center)
    edgecolor = kwargs.pop('edgecolor', 'cornflowerblue')
    circles = [
        Circle((column, row), radius=radius, fill=False, edgecolor=edgecolor, **kwargs)
        for radius in radii
    ]
    axes = axes_or_new(axes)
    for circle in circles:
        axes.add_patch(circle)
    return axes, circles


@takes_images('image', 'thresholded', 'skeleton', spacing=False, whole=True)
def pipeline_plot(
    image: npt.NDArray[Any],
    thresholded: npt.NDArray[Any],
    skeleton: npt.NDArray[Any],
    stats: pd.DataFrame,
    *,
    figure: Figure | None = None,
    axes: Any = None,
    figsize: tuple[float, float] = (9, 9),
) -> tuple[Figure, npt.NDArray[Any]]:
    """Draw an image, its thresholded version, its skeleton and its branches, side by side.

    Parameters
    ----------
    image : array, shape (M, N[, 3])
        The image.
    thresholded : array, shape (M, N)
        The thresholded image.
    skeleton : array, shape (M, N)
        The skeleton.
    stats : pandas.DataFrame
        The branch table, with any separator.
    figure : matplotlib.figure.Figure, optional
        Where to draw; a new figure, or that of `axes`, by default.
    axes : array of matplotlib.axes.Axes, optional
        The four axes to draw on; new ones by default.
    figsize : tuple of float, optional
        Width and height of a new figure, in inches.

    Returns
    -------
    fig : matplotlib.figure.Figure
        The figure.
    axes : array of matplotlib.axes.Axes, shape (4,)
        Where the four pictures were drawn.

    Examples
    --------
    >>> from skanrs import Skeleton, _testdata, draw, summarize
    >>> image = _testdata.skeleton1
    >>> stats = summarize(Skeleton(image), separator='_')
    >>> figure, axes = draw.pipeline_plot(image, image, image, stats)  # doctest: +SKIP
    """
    if axes is None:
        if figure is None:
            import matplotlib.pyplot as plt

            figure = plt.figure(figsize=figsize)
        axes = figure.subplots(2, 2, sharex=True, sharey=True)
    axes = np.ravel(axes)
    if figure is None:
        figure = axes[0].figure
    for panel, binary in zip(axes, (image, thresholded), strict=False):
        panel.imshow(binary, cmap='gray')
        panel.axis('off')
    overlay_skeleton_2d(image, skeleton, axes=axes[2])
    overlay_euclidean_skeleton_2d(image, stats, axes=axes[3])
    figure.subplots_adjust(0, 0, 1, 1, 0, 0)
    return figure, axes


def overlay_skeleton_networkx(
    csr_graph: Any,
    coordinates: npt.NDArray[Any],
    *,
    axis: Axes | None = None,
    image: npt.NDArray[Any] | None = None,
    cmap: Cmap | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw the pixel graph of a skeleton with networkx.

    For small skeletons: each pixel and each edge is one matplotlib artist.

    Parameters
    ----------
    csr_graph : scipy.sparse array or matrix, shape (N, N)
        The pixel graph.
    coordinates : array, shape (N, 2)
        Row and column of each pixel. Rows beyond N are ignored.
    axis : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.
    image : array, shape (M, N[, 3]), optional
        An image to draw below.
    cmap : colormap or its name, optional
        How to colour a grey image; grey by default.
    **kwargs
        Passed to :func:`networkx.draw_networkx`: ``node_size``, ``font_size`` …

    Returns
    -------
    axis : matplotlib.axes.Axes
        Where it was drawn.

    Examples
    --------
    >>> from skanrs import Skeleton, _testdata, draw
    >>> skeleton = Skeleton(_testdata.skeleton1)
    >>> draw.overlay_skeleton_networkx(skeleton.graph, skeleton.coordinates)  # doctest: +SKIP
    """
    import networkx as nx

    axis = axes_or_new(axis)
    if image is not None:
        axis.imshow(image, cmap=cmap or 'gray')
    graph = nx.from_scipy_sparse_array(csr_graph)
    graph.remove_nodes_from(list(nx.isolates(graph)))
    positions = {node: coordinates[node, ::-1] for node in graph}
    nx.draw_networkx(graph, pos=positions, ax=axis, **kwargs)
    return axis
