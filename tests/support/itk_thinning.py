"""Thin images by ITK: run by the interpreter that has it, see `parity/test_itk.py`.

Usage: python itk_thinning.py IMAGES.npz SKELETONS.npz
"""

import sys

import itk
import numpy as np


def thin(image: np.ndarray) -> np.ndarray:
    """Return the skeleton by BinaryThinningImageFilter3D."""
    source = itk.image_from_array(image.astype(np.uint8))
    thinning = itk.BinaryThinningImageFilter3D[type(source), type(source)].New(Input=source)
    thinning.Update()
    # ITK drops axes of length one at the end.
    return np.asarray(itk.array_from_image(thinning.GetOutput())).reshape(image.shape) != 0


if __name__ == '__main__':
    with np.load(sys.argv[1]) as images:
        np.savez(sys.argv[2], **{name: thin(images[name]) for name in images})
