"""Print the seconds that the first table of a small image takes in a new process.

`first_call.py skanrs|skan`; importing numpy, scipy.sparse and pandas is not counted, importing the
package itself is.
"""

import sys
import time

import numpy as np
import pandas as pd  # noqa: F401
import scipy.sparse  # noqa: F401

image = np.zeros((20, 20, 20), dtype=bool)
image[10, 10, 2:18] = image[10, 2:18, 10] = image[2:18, 10, 10] = True

begin = time.perf_counter()
if sys.argv[1] == 'skanrs':
    from skanrs import Skeleton, summarize
else:
    from skan import Skeleton, summarize
summarize(Skeleton(image), separator='_')
print(time.perf_counter() - begin)
