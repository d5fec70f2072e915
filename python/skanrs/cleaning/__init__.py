"""Cleaning of masks before they are thinned: closing, cavities, small objects, largest objects."""
