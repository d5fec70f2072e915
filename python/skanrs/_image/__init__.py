"""Checks of arguments: elements, masks, spacing, foreground, position."""
