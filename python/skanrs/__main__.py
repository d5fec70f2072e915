"""`python -m skanrs` is the command `skanrs`."""

import sys

from .cli import main

sys.exit(main())
