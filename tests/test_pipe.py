"""Tables of files, against skan on the image that comes with skan."""

from pathlib import Path

import imageio.v2 as imageio
import numpy as np
import pandas as pd
import pytest
import skan.pipe
import skan.test

from skanrs import pipe

RETIC = Path(skan.test.__file__).parent / 'data' / 'retic.tif'
OPTIONS = (5e-8, 0.1, 0.075, 'Scan/PixelHeight')

pytestmark = [
    pytest.mark.filterwarnings('ignore::DeprecationWarning:skan'),
    # Reading the image.
    pytest.mark.filterwarnings('ignore::DeprecationWarning:tifffile'),
    pytest.mark.filterwarnings('ignore::UserWarning:tifffile'),
]


@pytest.mark.parametrize('crop', [0, 75])
def test_one_image_equals_skan(crop):
    arguments = [str(RETIC)], 'fei', *OPTIONS
    ours, (branches, summary) = pipe.process_images(*arguments, crop_radius=crop)
    theirs, (their_branches, their_summary) = skan.pipe.process_images(*arguments, crop_radius=crop)
    assert ours[0] == theirs[0]
    for mine, their in zip(ours[1:4], theirs[1:4], strict=True):
        np.testing.assert_array_equal(mine, their)
    pd.testing.assert_frame_equal(ours[4], theirs[4], check_exact=True)
    pd.testing.assert_frame_equal(branches, their_branches, check_exact=True)
    meshes = [name for name in summary if 'mesh' in name]
    pd.testing.assert_frame_equal(
        summary.drop(columns=meshes), their_summary.drop(columns=meshes), check_exact=True
    )


@pytest.mark.parametrize(('given', 'scale'), [(None, 1), (2.5, 2.5), ('0.5', 0.5), ('a/b', 4.0)])
def test_scale(given, scale):
    class Image:
        meta = {'a': {'b': '4'}}  # noqa: RUF012

    assert pipe._get_scale(Image, given) == scale


@pytest.mark.filterwarnings('ignore::RuntimeWarning')
def test_several_images_and_one_without_skeleton(tmp_path):
    lines = np.zeros((40, 40), dtype=np.uint8)
    lines[10:13, 5:35] = lines[5:35, 20:23] = 200
    imageio.imwrite(tmp_path / 'lines.png', lines)
    imageio.imwrite(tmp_path / 'flat.png', np.full_like(lines, 7))
    names = [str(tmp_path / name) for name in ('lines.png', 'flat.png')]
    *images, (branches, summary) = pipe.process_images(names, 'auto', 0, 0, 0, None, num_threads=2)
    assert {image[0] for image in images} == set(names)
    assert set(branches['filename']) == {names[0]}
    assert len(branches) >= 4
    assert summary.set_index('filename')['number of disjoint skeletons'].to_dict() == {
        names[0]: 1,
        names[1]: 0,
    }
