"""Synthetic images with known content, for demonstrations, tests and benchmarks."""

from .balls import balls
from .lungs import Lung, lung
from .touching import touching_labels
from .trees import VesselTree, vessel_tree

__all__ = ['Lung', 'VesselTree', 'balls', 'lung', 'touching_labels', 'vessel_tree']
