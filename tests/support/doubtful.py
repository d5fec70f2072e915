"""Files with doubtful spacing, units or axes, for tests."""

import warnings

import numpy as np
import pytest
import tifffile

import skanrs
from skanrs.files import FileWarning, open_source, read_image

MASK = np.zeros((3, 20, 30), np.uint8)
MASK[:, 9:11, 3:17] = 1
MASK[1, 5] = 2
GRAY = {'photometric': 'minisblack'}


def check(path, spacing=None, unit=None, axes='zyx', said=None, image=MASK, **options):
    """Open an image; see that its voxels are right, and that it warns of this and nothing else."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        lazy = skanrs.open_image(path, **options)
        np.testing.assert_array_equal(lazy.image.compute(), image)
    assert (lazy.spacing, lazy.unit, lazy.axes) == (spacing, unit, axes)
    texts = [str(warning.message) for warning in caught]
    assert len(texts) == (said is not None), texts
    if said is not None:
        assert caught[0].category is FileWarning
        assert caught[0].filename == __file__
        assert str(path) in texts[0]
        assert said in texts[0]
        with pytest.warns(FileWarning, match=r'.'):
            read_image(path, **options)
        assert open_source(path, **options).warnings == texts


def write_slices(folder, numbers, name='s{}.tif'):
    for number in numbers:
        tifffile.imwrite(folder / name.format(number), MASK[0], **GRAY)
    return np.stack([MASK[0]] * len(numbers))
