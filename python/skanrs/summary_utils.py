"""Main branches, by the names of ``skan.summary_utils`` 0.13.1."""

from skanrs.branches.main_branches import find_main_branch_nx, find_main_branches

__all__ = ['find_main_branch_nx', 'find_main_branches']
