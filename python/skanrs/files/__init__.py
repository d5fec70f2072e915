"""Files: images in, lazily or whole; skeletons, tables and graphs out, all or not at all.

One module for each format. The format's own library reads it, imported on use. What cannot be read
raises `FileError` with one sentence that names the file. Nothing is ever unpickled.
"""

from .errors import FileError, need
from .graphs import GRAPH_SUFFIXES, needs_geometry, save_skeleton, write_skeleton
from .open_image import SOURCE_SUFFIXES, ImageFile, LazyImage, open_image, open_source, read_image
from .output import (
    IMAGE_SUFFIXES,
    REPORT_SUFFIXES,
    TABLE_SUFFIXES,
    Mask,
    check_output,
    table_writer,
    write_image,
)
from .source import Source
from .together import Together, Writer, write_together

__all__ = [
    'GRAPH_SUFFIXES',
    'IMAGE_SUFFIXES',
    'REPORT_SUFFIXES',
    'SOURCE_SUFFIXES',
    'TABLE_SUFFIXES',
    'FileError',
    'ImageFile',
    'LazyImage',
    'Mask',
    'Source',
    'Together',
    'Writer',
    'check_output',
    'need',
    'needs_geometry',
    'open_image',
    'open_source',
    'read_image',
    'save_skeleton',
    'table_writer',
    'write_image',
    'write_skeleton',
    'write_together',
]
