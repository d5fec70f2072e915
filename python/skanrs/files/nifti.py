"""NIfTI by nibabel: axes in nibabel's order (x, y, z), never transposed, zooms as spacing."""

import threading
from typing import Any

import numpy as np

from .errors import need
from .source import Array, Box, Source, plain_unit, usable

__all__ = ['Nifti']


class Nifti(Source):
    """A .nii or .nii.gz file.

    Any box of a .nii.gz needs what lies before it; boxes are cheap in the order of the file, and in
    any order where the package indexed_gzip is installed, which nibabel then uses.
    """

    damaged = 'is cut off, damaged or no NIfTI file'

    def _open(self) -> None:
        need('nibabel', self.path)
        import nibabel

        # What a wrong header makes nibabel say goes into our own message.
        image: Any = nibabel.load(self.path, keep_file_open=True)
        self._proxy = image.dataobj
        self._lock = threading.Lock()
        self.shape = tuple(map(int, image.shape))
        one = self._proxy[(slice(0, 1),) * len(self.shape)]
        self.dtype = np.asarray(one).dtype
        self.axes = 'xyztc'[: len(self.shape)]
        self.pieces = (*self.shape[:2], *(1 for _ in self.shape[2:]))
        zooms = image.header.get_zooms()
        # In single precision: 0.7 is meant, not 0.699999988.
        self.spacing = usable([float(str(np.float32(zoom))) for zoom in zooms[:3]])
        if self.spacing is not None:
            self.spacing += (1.0,) * (len(self.shape) - len(self.spacing))
        self.unit = plain_unit(image.header.get_xyzt_units()[0])

    def _read(self, box: Box) -> Array:
        with self._lock:
            return np.asarray(self._proxy[box])
