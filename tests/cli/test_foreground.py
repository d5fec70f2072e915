"""Which value of a mask is foreground, and masks in which it is most of the image."""

import json

import numpy as np
import pytest

from skanrs.cli import main

MASK = np.zeros((20, 30), dtype=np.uint8)
MASK[9:12, 3:27] = 1


def analyze(folder, image, capsys):
    np.save(folder / 'image.npy', image)
    assert main(['analyze', str(folder / 'image.npy'), '-o', str(folder / 't.csv'), '--json']) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ('image', 'words'),
    [
        (MASK, 'all nonzero values'),
        (MASK + 1, 'values equal to 2'),
        (255 * MASK, 'all nonzero values'),
    ],
)
def test_the_foreground_of_a_mask_is_named(image, words, tmp_path, capsys):
    report = analyze(tmp_path, image, capsys)
    assert words in report['threshold_from']
    assert report['warnings'] == []


@pytest.mark.parametrize('image', [1 - MASK, 2 - MASK, ~(MASK > 0)])
def test_a_mask_that_may_be_inverted_is_a_warning(image, tmp_path, capsys):
    [warning] = analyze(tmp_path, image, capsys)['warnings']
    assert 'more than half of the image (88%) is foreground' in warning
    assert 'invert' in warning
