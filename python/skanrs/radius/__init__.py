"""The radius of skeletons: how far each voxel lies from the background of the mask."""

from .radii import radii, radius_image

__all__ = ['radii', 'radius_image']
