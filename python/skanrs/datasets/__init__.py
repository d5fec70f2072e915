"""Synthetic images with known content, for demonstrations, tests and benchmarks."""

from .balls import balls
from .fractal import FractalTree, fractal_tree
from .lungs import Lung, lung
from .touching import touching_labels
from .trees import VesselTree, vessel_tree

__all__ = [
    'FractalTree',
    'Lung',
    'VesselTree',
    'balls',
    'fractal_tree',
    'lung',
    'touching_labels',
    'vessel_tree',
]
