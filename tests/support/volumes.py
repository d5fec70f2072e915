"""Real volumes for tests: files NAME.npz, key `image`, in the folder that SKANRS_DATA names."""

import os
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(os.environ['SKANRS_DATA']) if os.environ.get('SKANRS_DATA') else None
VOLUMES = sorted(FOLDER.glob('*.npz')) if FOLDER else []
SKIPPED = 'set SKANRS_DATA to a folder of volumes: .npz files, key image'

# Runs a test once for each volume; its argument is named `volume`.
each_volume = pytest.mark.parametrize(
    'volume',
    [path.stem for path in VOLUMES] or [pytest.param('none', marks=pytest.mark.skip(SKIPPED))],
)


def read_volume(name):
    """Return a volume, or skip the test if it is not there."""
    for path in VOLUMES:
        if path.stem == name:
            with np.load(path) as file:
                return file['image']
    pytest.skip(SKIPPED if FOLDER is None else f'{name}.npz is not in {FOLDER}')
