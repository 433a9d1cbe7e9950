"""Executes the notebooks of this folder and stores their outputs: `python demo_notebooks/execute.py [NAME...]`.

Widget state and times are left out, so that a second run changes nothing but what really changed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent


def execute(path: Path, timeout: int = 300) -> nbformat.NotebookNode:
    """The notebook at `path`, freshly executed."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=timeout, store_widget_state=False, record_timing=False,
                   resources={"metadata": {"path": str(path.parent)}}).execute()
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                         "language_info": {"name": "python"}}
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        cell.metadata.pop("execution", None)
    return notebook


if __name__ == "__main__":
    for found in [HERE / name for name in sys.argv[1:]] or sorted(HERE.glob("*.ipynb")):
        nbformat.write(execute(found), found)
        print(found.name)
