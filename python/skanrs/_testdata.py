"""Small skeletons for tests and examples, by the names of ``skan._testdata`` 0.13.1.

The random ones and the graphs need scikit-image and networkx, and are made when asked for.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def _picture(*rows: str) -> npt.NDArray[np.bool_]:
    """Draw an image by `rows`, ``#`` for the skeleton."""
    return np.array([[pixel == '#' for pixel in row] for row in rows])


tinycycle = _picture('.#.', '#.#', '.#.')

tinyline = _picture('.###.')[0]

skeleton0 = _picture('...#...', '...#...', '...#...', '#######')

skeleton1 = _picture('.#####.', '#.....#', '.##.##.', '#..#...', '#...###')

_blank = np.zeros_like(skeleton1)
skeleton2 = np.block([[skeleton1, _blank], [_blank[:, ::-1], skeleton1[:, ::-1]]])

skeleton3d = np.stack(
    [
        _picture('#....', '.....', '.....', '.....', '.....'),
        _picture('.....', '.#..#', '....#', '..#.#', '##.#.'),
        _picture('...#.', '.....', '..#..', '.....', '.....'),
        _picture('.....', '...#.', '.....', '.....', '.#...'),
        _picture('.....', '.....', '.#..#', '#.#.#', '....#'),
    ]
)

topograph1d = np.array([3.0, 2.0, 3.0])

skeleton4 = _picture('#....', '.####', '.#...', '.#...')

junction_first = _picture('.####', '##...', '#.#..', '#..#.', '#...#')

_LABELS = ('1100220', '0010002', '3001002', '3001000', '3000111', '0300010')
skeletonlabel = np.array([list(map(int, row)) for row in _LABELS])

# The seed and the least size of the shapes of each random skeleton.
_RANDOM = {
    'skeleton_loop1': (1, 20),
    'skeleton_loop2': (165103, 60),
    'skeleton_linear1': (13588686514, 20),
    'skeleton_linear2': (21, 20),
    'skeleton_linear3': (894632511, 20),
}


def _generate_random_skeleton(**extra_kwargs: Any) -> npt.NDArray[np.bool_]:
    """Thin scikit-image's random shapes on 128 × 128 pixels."""
    from skimage.draw import random_shapes

    from skanrs.thinning.skeletonize import skeletonize

    image, _ = random_shapes(
        image_shape=(128, 128),
        max_shapes=20,
        channel_axis=None,
        shape=None,
        allow_overlap=True,
        **extra_kwargs,
    )
    skeleton: npt.NDArray[np.bool_] = skeletonize(image != 255)
    return skeleton


@cache
def __getattr__(name: str) -> Any:
    if name in _RANDOM:
        seed, min_size = _RANDOM[name]
        return _generate_random_skeleton(rng=seed, min_size=min_size)
    if name in ('nx_graph', 'nx_graph_edges'):
        import networkx as nx

        graph = nx.Graph()
        graph.add_nodes_from([1, 2, 3])
        if name == 'nx_graph_edges':
            graph.add_edge(1, 2, path=np.asarray([[4, 4]]))
        return graph
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
