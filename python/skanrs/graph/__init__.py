"""Graphs of pixels and of branches."""
