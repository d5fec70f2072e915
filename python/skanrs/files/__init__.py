"""Files: images in, lazily or whole; masks, skeletons, tables and graphs out, complete or absent.

`read` and `write` have one module for each format. The format's own library reads or writes it and
is imported on use. What cannot be read or written raises `FileError` with one sentence that names
the file. Nothing is ever unpickled.
"""

from typing import TYPE_CHECKING

from skanrs._support.lazy_names import lazy_names

from .suffixes import (
    GRAPH_SUFFIXES,
    IMAGE_SUFFIXES,
    LABEL_SUFFIXES,
    REPORT_SUFFIXES,
    SOURCE_SUFFIXES,
    TABLE_SUFFIXES,
)

if TYPE_CHECKING:
    from .errors import FileError, FileWarning, need
    from .read.open_image import ImageFile, LazyImage, open_image, open_source, read_image
    from .read.source import Source
    from .write.atomic import AtomicOutputs, Writer, write_files
    from .write.check_output import check_output
    from .write.image import WritableImage
    from .write.images import write_image
    from .write.save_skeleton import check_skeleton, needs_geometry, save_skeleton, write_skeleton
    from .write.tables import parts_writer, table_writer

__all__ = [
    'GRAPH_SUFFIXES',
    'IMAGE_SUFFIXES',
    'LABEL_SUFFIXES',
    'REPORT_SUFFIXES',
    'SOURCE_SUFFIXES',
    'TABLE_SUFFIXES',
    'AtomicOutputs',
    'FileError',
    'FileWarning',
    'ImageFile',
    'LazyImage',
    'Source',
    'WritableImage',
    'Writer',
    'check_output',
    'check_skeleton',
    'need',
    'needs_geometry',
    'open_image',
    'open_source',
    'parts_writer',
    'read_image',
    'save_skeleton',
    'table_writer',
    'write_files',
    'write_image',
    'write_skeleton',
]

_HOMES = {
    'AtomicOutputs': 'write.atomic',
    'FileError': 'errors',
    'FileWarning': 'errors',
    'ImageFile': 'read.open_image',
    'LazyImage': 'read.open_image',
    'Source': 'read.source',
    'WritableImage': 'write.image',
    'Writer': 'write.atomic',
    'check_output': 'write.check_output',
    'check_skeleton': 'write.save_skeleton',
    'need': 'errors',
    'needs_geometry': 'write.save_skeleton',
    'open_image': 'read.open_image',
    'open_source': 'read.open_image',
    'read_image': 'read.open_image',
    'save_skeleton': 'write.save_skeleton',
    'parts_writer': 'write.tables',
    'table_writer': 'write.tables',
    'write_files': 'write.atomic',
    'write_image': 'write.images',
    'write_skeleton': 'write.save_skeleton',
}
__getattr__, __dir__ = lazy_names(__name__, _HOMES)
