"""Plumbing without images: types, memory, progress, reprs, former names."""
