"""Readers of images, one module for each format."""
