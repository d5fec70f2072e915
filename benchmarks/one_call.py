"""Time one call on a gray image in memory: `one_call.py SIDE WORK FILE`; prints seconds as JSON.

Sides and works are those of `calls.py`, and the image is converted before the clock starts.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import calls
import numpy as np


def main():
    side, work, name = sys.argv[1:]
    threads = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        corner = Path(folder, 'corner.npy')
        np.save(corner, np.load(name, mmap_mode='r')[:64, :64, :64])
        calls.prepare(side, work, corner, threads)()
    call = calls.prepare(side, work, name, threads)
    begin = time.perf_counter()
    call()
    print(json.dumps({'seconds': {work: time.perf_counter() - begin}}))


main()
