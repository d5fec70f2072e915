"""Masks that the command makes of images that are larger than the memory for them."""

import numpy as np
import pytest

import skanrs
from skanrs import files, threshold
from skanrs._gray.parts import parts_of
from skanrs._image.packed import PackedImage
from skanrs.cli import masks
from skanrs.cli.options import Options
from skanrs.cli.parser import command_parser
from skanrs.cli.progress import Progress
from skanrs.datasets import lung

GRAY = lung('healthy', shape=(56, 34, 32), seed=3).image
CASES = {
    'otsu': (GRAY, 'otsu', None),
    'otsu of floats': (GRAY.astype(np.float32) / 7, 'otsu', None),
    'otsu of negative integers': (GRAY.astype(np.int16) - 90, 'otsu', None),
    'smoothed': (GRAY.astype(np.float64), 80.0, (0.7, 2.0, 0.1)),
    'smoothed, otsu': (GRAY, 'otsu', (1.2, 0.5, 3.0)),
    'smoothed widely': (GRAY, 'otsu', (6.0, 1.0, 1.0)),
    'smoothed mask': (GRAY > 90, 0.4, (1.0, 1.0, 1.0)),
    'no voxel': (GRAY, 1e6, (1.0, 1.0, 1.0)),
    'given': (GRAY, 99.0, None),
    'two values': (np.where(GRAY > 99, 200, 3).astype(np.uint8), None, None),
}


@pytest.mark.parametrize('memory', [0, 1 << 30])
@pytest.mark.parametrize('case', CASES)
def test_slabs_are_as_the_whole(tmp_path, monkeypatch, case, memory):
    image, wanted, sigma = CASES[case]
    np.save(tmp_path / 'i.npy', image)
    monkeypatch.setattr(masks, 'PLANES', 3)
    typed = ['analyze', 'i.npy', '-o', 't.csv']
    typed += ['--threshold', str(wanted)] if wanted else []
    typed += ['--sigma', *map(str, sigma)] if sigma else []
    parsed = command_parser().parse_args(typed)
    [parsed.image] = parsed.image
    options = Options.of(parsed).for_shape(image.shape, (1,))
    with files.open_source(tmp_path / 'i.npy') as source:
        found = masks.packed_mask(source, options, memory, Progress(False))
    smooth = threshold.smooth(image, sigma) if sigma else image
    rule = threshold.find_rule(parts_of(smooth), smooth.dtype, wanted)
    mask = rule(smooth)
    assert found.rule == rule
    assert np.array_equal(found.mask.unpack(), mask)
    assert found.mask.voxels == np.count_nonzero(mask)
    assert (found.values is None) == (case != 'no voxel')
    if case == 'no voxel':
        assert found.values == (smooth.min(), smooth.max())


@pytest.mark.parametrize('shape', [(30, 41, 70), (50, 33)])
def test_mask_is_kept_or_given_up(shape):
    mask = np.random.default_rng(5).random(shape) < 0.4
    packed = PackedImage(shape)
    packed.insert(mask, (0,) * mask.ndim)
    expected = np.flatnonzero(skanrs.skeletonize(mask, method='lee'))
    np.testing.assert_array_equal(packed.skeletonize('lee', keep=True).nodes(), expected)
    np.testing.assert_array_equal(packed.unpack(), mask)
    np.testing.assert_array_equal(packed.skeletonize('lee', keep=False).nodes(), expected)
    assert packed.voxels == 0
