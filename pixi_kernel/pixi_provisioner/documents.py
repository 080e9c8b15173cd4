"""Notebook files read and written as JSON, for changes of their metadata that leave all the rest as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pixi_core.errors import NotebookError
from pixi_core.fs import atomic_write
from pixi_core.notebook import read_embedded


def read_document(notebook: Path) -> dict[str, Any]:
    """A notebook's JSON. Raises `NotebookError`."""
    read_embedded(notebook)  # says what is wrong with a file that is no notebook
    try:
        document: dict[str, Any] = json.loads(notebook.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotebookError(f"the notebook {notebook} does not exist", hints=["check the path"]) from None
    return document


def write_document(notebook: Path, document: dict[str, Any]) -> None:
    """As nbformat writes: one space of indentation, no escapes, so that nothing else of the file changes."""
    notebook.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(notebook, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
