"""Files: images in, lazily or whole; masks, skeletons, tables and graphs out, complete or absent.

`read` and `write` have one module for each format. The format's own library reads or writes it and
is imported on use. What cannot be read or written raises `FileError` with one sentence that names
the file. Nothing is ever unpickled.
"""

from .errors import FileError, FileWarning, need
from .read.open_image import (
    SOURCE_SUFFIXES,
    ImageFile,
    LazyImage,
    open_image,
    open_source,
    read_image,
)
from .read.source import Source
from .write.atomic import AtomicOutputs, Writer, write_files
from .write.check_output import (
    GRAPH_SUFFIXES,
    IMAGE_SUFFIXES,
    REPORT_SUFFIXES,
    TABLE_SUFFIXES,
    check_output,
)
from .write.images import write_image
from .write.mask import Mask
from .write.save_skeleton import check_skeleton, needs_geometry, save_skeleton, write_skeleton
from .write.tables import table_writer

__all__ = [
    'GRAPH_SUFFIXES',
    'IMAGE_SUFFIXES',
    'REPORT_SUFFIXES',
    'SOURCE_SUFFIXES',
    'TABLE_SUFFIXES',
    'AtomicOutputs',
    'FileError',
    'FileWarning',
    'ImageFile',
    'LazyImage',
    'Mask',
    'Source',
    'Writer',
    'check_output',
    'check_skeleton',
    'need',
    'needs_geometry',
    'open_image',
    'open_source',
    'read_image',
    'save_skeleton',
    'table_writer',
    'write_files',
    'write_image',
    'write_skeleton',
]
