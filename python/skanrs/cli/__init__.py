"""The command `skanrs`: arguments, one module for each subcommand, reports."""

from .main import main

__all__ = ['main']
