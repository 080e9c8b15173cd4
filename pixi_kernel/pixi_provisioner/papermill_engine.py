"""The papermill engine `pixi`: `papermill --engine pixi in.ipynb out.ipynb` runs `in.ipynb` in its own environment.

Papermill's own engine does not tell anybody which notebook runs; this one does, so that the notebook's own manifest, or
the one above it, is found from wherever papermill was called. The output's metadata say which lock file it was made
with.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine
from papermill.log import logger

from .notebook_run import PROVENANCE_KEY, provenance
from .resolve import SESSION_VARIABLE


class PixiEngine(NBClientEngine):  # type: ignore[misc]  # papermill has no type information
    """Papermill's engine with the notebook's place made known."""

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """The kernel: the one asked for, else a pixi kernel that the notebook names, else `pixi`."""
        if name:
            return name
        named = str(nb.metadata.get("kernelspec", {}).get("name", ""))
        return named if named == "pixi" or named.startswith("pixi-") else "pixi"

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        log_output: bool = False,
        stdout_file: Any = None,
        stderr_file: Any = None,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        **options: Any,
    ) -> None:
        """Run it. `input_path` is among papermill's options; a notebook from elsewhere than a file has no place."""
        source = options.pop("input_path", None) or nb_man.nb.metadata.get("papermill", {}).get("input_path")
        start: dict[str, Any] = {}
        path = Path(os.path.abspath(str(source))) if source else None
        if path is not None and path.is_file():
            start = {"env": {**os.environ, SESSION_VARIABLE: str(path)}}
        client = PapermillNotebookClient(
            nb_man,
            timeout=execution_timeout or options.get("timeout"),
            startup_timeout=start_timeout,
            kernel_name=kernel_name,
            log=logger,
            log_output=log_output,
            stdout_file=stdout_file,
            stderr_file=stderr_file,
        )
        client.execute(**start)
        stamp = provenance(path) if path is not None else {}
        if stamp:
            nb_man.nb.metadata[PROVENANCE_KEY] = stamp
