"""The napari widget for the whole way from an image to the table of its branches."""
