"""Blocks of arrays: dask tasks, iteration, and reading."""
