"""The endings of the formats that can be read and written."""

__all__ = [
    'GEOMETRY_SUFFIXES',
    'GRAPH_SUFFIXES',
    'IMAGE_SUFFIXES',
    'LABEL_SUFFIXES',
    'REPORT_SUFFIXES',
    'SOURCE_SUFFIXES',
    'TABLE_SUFFIXES',
    'TIFF_SUFFIXES',
]

TIFF_SUFFIXES = ('.tif', '.tiff')
SOURCE_SUFFIXES = ('.npy', '.npz', *TIFF_SUFFIXES, '.zarr', '.nii', '.nii.gz', '.h5', '.hdf5')

IMAGE_SUFFIXES = ('.npy', '.npz', *TIFF_SUFFIXES, '.zarr')
# Images of integers.
LABEL_SUFFIXES = (*IMAGE_SUFFIXES, '.nii', '.nii.gz')
TABLE_SUFFIXES = ('.csv', '.parquet')
REPORT_SUFFIXES = ('.html',)
# Formats that need the skeleton itself; its table is enough for GraphML.
GEOMETRY_SUFFIXES = ('.swc', '.vtp', '.precomputed')
GRAPH_SUFFIXES = ('.graphml', *GEOMETRY_SUFFIXES)
