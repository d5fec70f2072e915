"""Thinning with each vector width of the processor equals scikit-image in every voxel."""

import os
import subprocess
import sys
from pathlib import Path

import answers
import pytest

from skanrs import _core

TESTS = Path(__file__).parents[1]
WIDTHS = ['word', 'neon'] if _core.vectors() == 'neon' else ['word', 'avx2', 'avx512']
# Those that this process may use, so that the environment of the tests can narrow them too.
OFFERED = WIDTHS[: WIDTHS.index(_core.vectors()) + 1]
NARROWER = OFFERED[:-1]


def run(width, *command):
    """Run Python in a process with these vectors and return its output."""
    done = subprocess.run(
        [sys.executable, *command],
        env=os.environ | {'SKANRS_VECTORS': width},
        cwd=TESTS,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize('width', OFFERED)
def test_requested_width_is_used(width):
    assert run(width, '-c', 'from skanrs import _core; print(_core.vectors())') == f'{width}\n'


@pytest.mark.parametrize(
    'width',
    [pytest.param(width, marks=[pytest.mark.slow] * (width != 'word')) for width in NARROWER],
)
def test_equals_scikit_image(width):
    """scikit-image's images, its pictures, all neighbourhoods of Zhang's, random images."""
    wanted = 'test_skimage or neighbourhoods or random'
    files = ['parity/test_skimage.py', 'thinning/test_skeletonize.py']
    options = ['-p', 'no:cacheprovider', '-k', wanted]
    said = run(width, '-m', 'pytest', *options, *files)
    assert f'vectors {width},' in said
    assert ' passed' in said


@pytest.mark.parametrize('width', NARROWER)
def test_every_kernel_answers_the_same(width):
    count = 6
    expected = [f'{seed} {line}' for seed in range(count) for line in lines(seed)]
    assert run(width, answers.__file__, str(count)).splitlines() == expected


def lines(seed):
    return [f'{name} {answers.digest(answer)}' for name, answer in answers.answers(seed)]


def test_digest_depends_on_one_voxel():
    name, skeleton = next(answers.answers(0))
    other = skeleton.copy()
    other.flat[7] ^= True
    assert name == 'lee'
    assert answers.digest(other) != answers.digest(skeleton)
