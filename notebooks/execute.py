"""Runs the notebooks of this folder on the data in FORETELL_DATA, and keeps them without outputs."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def main() -> int:
    folder = Path(__file__).parent
    notebooks = sorted(folder.glob("*.ipynb"))
    if not notebooks:
        print(f"no notebooks in {folder}", file=sys.stderr)
        return 1
    for path in notebooks:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        for cell in notebook.cells:
            if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None):
                print(f"{path.name} has outputs: clear them before committing", file=sys.stderr)
                return 1
        NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
        shown = sum(len(cell.get("outputs", [])) for cell in notebook.cells)
        print(f"{path.name}: ran, {shown} outputs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
