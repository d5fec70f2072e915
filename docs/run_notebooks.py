"""Run the notebooks and keep their outputs, without the times of execution; `make notebooks`."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / 'notebooks'


def main(names):
    for path in sorted(NOTEBOOKS.glob('*.ipynb')):
        if names and path.stem not in names:
            continue
        notebook = nbformat.read(path, as_version=4)
        where = {'metadata': {'path': str(NOTEBOOKS)}}
        # `jupyter execute` ignores this option and records times.
        client = NotebookClient(
            notebook, record_timing=False, coalesce_streams=True, resources=where
        )
        client.execute()
        nbformat.write(notebook, path)
        print(path)


main(sys.argv[1:])
