"""Images of our own making, with known content: for demonstrations, tests and benchmarks."""

from .lungs import Lung, lung
from .trees import VesselTree, vessel_tree

__all__ = ['Lung', 'VesselTree', 'lung', 'vessel_tree']
