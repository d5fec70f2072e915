"""Print the seconds that first and later calls take in a new process, after its large imports.

`first_call.py SIDE WORK`: `table` is Skeleton + summarize of a small image, importing the package
included; `skeletonize` a tree of 64³ voxels, the package already imported. Printed are the imports
of numpy, scipy.sparse and pandas, the first call, and the fastest of five later ones.
"""

import sys
import time

begin = time.perf_counter()
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402, F401
import scipy.sparse  # noqa: E402, F401

imports = time.perf_counter() - begin
side, work = sys.argv[1:]
if work == 'table':
    image = np.zeros((20, 20, 20), dtype=bool)
    image[10, 10, 2:18] = image[10, 2:18, 10] = image[2:18, 10, 10] = True
else:
    from skanrs import skeletonize
    from skanrs.datasets import vessel_tree

    image = vessel_tree((64, 64, 64))


def call():
    if work == 'skeletonize':
        return skeletonize(image)
    if side == 'skanrs':
        from skanrs import Skeleton, summarize
    else:
        from skan import Skeleton, summarize
    return summarize(Skeleton(image), separator='_')


def seconds():
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


first = seconds()
print(imports, first, min(seconds() for _ in range(5)))
