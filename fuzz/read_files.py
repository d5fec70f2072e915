"""Drive the readers of image files by atheris: `python fuzz/read_files.py NAME [options]`.

NAME is one of the files that `tests/support/malformed_files.py` makes, such as plain.npz; the first
file of the corpus is that valid one. atheris stops unless reading returns an image or raises
`FileError` with one line.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=['skanrs.files', 'tifffile', 'nibabel', 'zipfile']):
    sys.path.insert(0, str(Path(__file__).parents[1] / 'tests' / 'support'))
    import malformed_files


def main() -> None:
    """Fuzz one format."""
    name = sys.argv.pop(1)
    folder = Path(tempfile.mkdtemp())
    (folder / 'corpus').mkdir()
    (folder / 'corpus' / name).write_bytes(malformed_files.valid_files()[name])
    path = folder / name
    atheris.Setup(
        [*sys.argv, str(folder / 'corpus')], lambda data: malformed_files.outcome(path, data)
    )
    atheris.Fuzz()


if __name__ == '__main__':
    main()
