"""NIfTI by nibabel: axes in nibabel's order (x, y, z), never transposed.

The spacing is the voxel size of the affine (sform), else pixdim.
"""

import gzip
import math
import threading
from io import BufferedIOBase
from typing import Any

import numpy as np

from skanrs._support.reprs import by_axis

from ..errors import FileError, need
from ..units import plain_unit
from .size_checks import DEFLATE_RATIO, check_ratio
from .source import Array, Box, Source

__all__ = ['Nifti']

# Bytes of the header of NIfTI-2.
LONGEST_HEADER = 540


class Nifti(Source):
    """A .nii or .nii.gz file.

    To read a box of a .nii.gz, everything before it is unpacked: boxes are cheap in the order of
    the file. With the package indexed_gzip, which nibabel uses, they are cheap in any order.
    """

    damaged = 'is cut off, damaged or no NIfTI file'

    def _open(self) -> None:
        need('nibabel', self.name)
        import nibabel

        self._packed = self.path.suffix.lower() == '.gz'
        header = self._header(nibabel)
        self.shape = tuple(map(int, header.get_data_shape()))
        self._check_length(header)
        # Extensions of the header can claim any length; they are not read.
        self._proxy = nibabel.arrayproxy.ArrayProxy(str(self.path), header, keep_file_open=True)
        self._lock = threading.Lock()
        voxel = self._proxy[(slice(0, 1),) * len(self.shape)]
        self.dtype = np.asarray(voxel).dtype
        self.axes = 'xyztc??'[: len(self.shape)]
        self.pieces = (*self.shape[:2], *(1 for _ in self.shape[2:]))
        spacing = self._zooms(header)
        self.spacing = (*spacing, *(1.0,) * (len(self.shape) - len(spacing)))
        try:
            self.unit = plain_unit(header.get_xyzt_units()[0])
        except KeyError:
            code = int(header['xyzt_units'])
            self._warn(f'its code of units, {code}, is unknown; the unit is unknown')

    def _zooms(self, header: Any) -> tuple[float, ...]:
        """Return the size of a voxel: that of the affine, as viewers show it, if they differ."""
        # The shortest decimals in single precision: 0.7, not 0.699999988.
        zooms = tuple(float(str(np.float32(zoom))) for zoom in self._pixdim[: len(self.shape)])
        if not int(header['sform_code']) > 0:
            # The affine of the quaternion (qform) has the sizes of pixdim.
            return zooms
        steps = np.sqrt(np.sum(np.square(header.get_sform()[:3, :3]), axis=0))[: len(zooms)]
        if not (np.isfinite(steps) & (steps > 0)).all() or np.allclose(steps, zooms, 1e-4, 0):
            return zooms
        sizes = tuple(float(str(np.float32(step))) for step in steps)
        self._warn(
            f'its affine (sform) has voxels of {by_axis(sizes)}, its pixdim of {by_axis(zooms)}; '
            'the affine is used, as viewers use it'
        )
        return sizes

    def _header(self, nibabel: Any) -> Any:
        with self._unpacked() as file:
            block = file.read(LONGEST_HEADER)
        for kind in (nibabel.Nifti1Header, nibabel.Nifti2Header):
            if kind.may_contain_header(block):
                header = kind(block[: kind.template_dtype.itemsize])
                # Unchecked, because nibabel changes 0 to 1.
                stored = kind(block[: kind.template_dtype.itemsize], check=False)['pixdim']
                self._pixdim = np.abs(stored[1:4])
                if header.get_data_offset() < len(header.binaryblock):
                    raise FileError(f'{self.name} is a header only; an image in one file is needed')
                return header
        raise FileError(f'{self.name} {self.damaged}')

    def _unpacked(self) -> BufferedIOBase:
        return gzip.open(self.path) if self._packed else self.path.open('rb')

    def _check_length(self, header: Any) -> None:
        values = math.prod(self.shape) * header.get_data_dtype().itemsize
        needed = header.get_data_offset() + values
        stored = self.path.stat().st_size
        if self._packed:
            check_ratio(self.name, needed, stored, DEFLATE_RATIO)
        elif stored < needed:
            raise FileError(f'{self.name} is cut off or damaged')

    def _read(self, box: Box) -> Array:
        with self._lock:
            return np.asarray(self._proxy[box])
