"""The data of the report's 3D view, which `templates/viewer.js` draws by WebGL.

Points are indices of voxels in 16 bits. They are stored as differences from the point before, low
bytes and high bytes apart, and deflated: about one byte a point.
"""

import base64
import zlib
from typing import Any

import numpy as np

from .scene import Colour, Lines

__all__ = ['MOST_SEGMENTS', 'viewer_scene']

# What usual graphics draw fluidly.
MOST_SEGMENTS = 1_000_000


def viewer_scene(lines: Lines, colours: list[Colour], *, flat: bool) -> dict[str, Any]:
    """Return what the viewer draws, for JSON.

    Parameters
    ----------
    lines : Lines
        The lines.
    colours : list of Colour
        The colours to choose from.
    flat : bool
        Whether the image is 2D.
    """
    # Where 16 bits do not hold an index, several voxels share one.
    coarse = -(-np.array(lines.shape) // (1 << 16))
    points = (lines.voxels // coarse).astype(np.uint16)
    steps = np.diff(points, axis=0, prepend=np.zeros((1, 3), np.uint16))
    data = [np.diff(lines.starts).astype('<u4').tobytes()]
    for axis in steps.T:
        data += [(axis & 0xFF).astype(np.uint8).tobytes(), (axis >> 8).astype(np.uint8).tobytes()]
    data += [colour.levels[lines.branches].tobytes() for colour in colours]
    return {
        'flat': flat,
        'lines': len(lines.branches),
        'points': len(points),
        'scale': (np.array(lines.spacing) * coarse).tolist(),
        'size': [
            -(-length // each) for length, each in zip(lines.shape, coarse.tolist(), strict=True)
        ],
        'colours': [
            {
                'name': colour.name,
                'palette': base64.b64encode(colour.palette.tobytes()).decode('ascii'),
                'legend': colour.legend,
                'isScale': colour.is_scale,
            }
            for colour in colours
        ],
        'data': base64.b64encode(zlib.compress(b''.join(data), 3)).decode('ascii'),
    }
