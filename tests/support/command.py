"""The command `skanrs` on a small vessel tree, for tests."""

import numpy as np
import pandas as pd
import tifffile

from skanrs.cli import main
from skanrs.datasets import vessel_tree

MASK = vessel_tree((40, 44, 48), seed=2)
SPACING = (2.0, 1.0, 0.5)


def run(*arguments):
    """Run the command in this process; its exit code is 0."""
    assert main([str(argument) for argument in arguments]) == 0


def write_tif(path):
    """Write MASK with SPACING in micrometres."""
    tifffile.imwrite(
        path, MASK.view('u1') * np.uint8(255), imagej=True, resolution=(1 / 0.5, 1),
        metadata={'axes': 'ZYX', 'spacing': 2.0, 'unit': 'um'},
    )  # fmt: skip


def assert_same_csv(path, table):
    """Compare a written table with one in memory; CSV keeps no index and no integer widths."""
    pd.testing.assert_frame_equal(
        pd.read_csv(path), table.reset_index(drop=True), check_exact=True, check_dtype=False
    )
