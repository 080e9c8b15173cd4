"""Executes a notebook in its environment, without a server."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pixi_core.errors import Issue, Location, NotebookError, PixiError
from pixi_core.progress import SILENT, Reporter

from .provisioner import KernelNotStarted
from .resolve import SESSION_VARIABLE, Choice, Place, find_target, known_target

IN_MEMORY_HISTORY = "--HistoryManager.hist_file=:memory:"
"""Cells of a batch run are not what the user typed: they stay out of IPython's history file."""

PROVENANCE_KEY = "pixi_provenance"
PROVISIONER = "pixi-provisioner"

OnCell = Callable[[int, Mapping[str, Any]], None]
"""Called after each code cell with its number (from 1, all cells counted) and the cell, outputs included."""


@dataclass(frozen=True, slots=True)
class FailedCell:
    """The cell that stopped the run."""

    number: int
    source: str
    error_name: str
    error_value: str
    traceback: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotebookRun:
    """What came of a run: how many code cells were executed, the one that failed (None: all went well), and the
    notebook with its outputs.
    """

    path: Path
    executed: int
    failed_cell: FailedCell | None
    notebook: Any

    @property
    def succeeded(self) -> bool:
        """Whether every cell went well."""
        return self.failed_cell is None


def run_notebook(
    path: Path,
    output: Path | None = None,
    *,
    kernel_name: str = "pixi",
    timeout: int | None = None,
    consent: bool = False,
    reporter: Reporter = SILENT,
    on_cell: OnCell | None = None,
) -> NotebookRun:
    """Run all cells of the notebook at `path` in a fresh kernel, until one fails.

    The kernel's working folder is the notebook's. `output` receives the notebook with its outputs, also when a cell
    failed; the input is never written. `timeout` is in seconds for each cell. `consent` says that the user asked for
    just this notebook by hand, which approves its environment. Raises `NotebookError` for a file that
    is no notebook or a kernel that died, and whatever keeps the environment from being made.
    """
    # lazy: a command that only prints help needs none of these
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    real = Path(os.path.abspath(path))
    notebook = read_notebook(real)
    if consent:
        approve_environment(real, kernel_name)
    watch = _Watch(on_cell)
    client = NotebookClient(
        notebook,
        kernel_name=kernel_name,
        timeout=timeout,
        resources={"metadata": {"path": str(real.parent)}},
        extra_arguments=[IN_MEMORY_HISTORY],
        on_cell_start=watch.started,
        on_cell_executed=watch.executed,
    )
    try:
        with reporter.phase("kernel", detail=real.name):
            manager = client.create_kernel_manager()
            if manager.has_trait("transport_encryption"):
                # both ends are ours, so they encrypt where both can (jupyter_client 8.10, ipykernel 7.4)
                manager.transport_encryption = "auto"
        client.execute(env={**os.environ, SESSION_VARIABLE: str(real)})
    except CellExecutionError as error:
        watch.fail(error.ename, error.evalue, error.traceback)
    except CellTimeoutError as error:
        watch.fail("CellTimeoutError", f"the cell ran for more than {timeout} seconds", str(error))
    except DeadKernelError as error:
        raise NotebookError(f"the kernel of {real} died at cell {watch.last}") from error
    except KernelNotStarted as error:
        raise _cause(error) from None
    finally:
        if output is not None:
            _write(real, output, notebook)
    return NotebookRun(real, watch.count, watch.failed, notebook)


def approve_environment(notebook: Path, kernel_name: str) -> None:
    """Approve the workspace in which a notebook would run, as it is now; nothing for kernels that are not ours.

    Raises `PixiError` where there is no such workspace, or approvals cannot be stored.
    """
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    from pixi_core import trust

    try:
        metadata = KernelSpecManager().get_kernel_spec(kernel_name).metadata or {}
    except NoSuchKernel:
        return  # the client says so
    if (metadata.get("kernel_provisioner") or {}).get("provisioner_name") != PROVISIONER:
        return
    environ = {**os.environ, SESSION_VARIABLE: str(notebook)}
    workspace = find_target(Place(notebook.parent, notebook), Choice.of_spec(metadata), environ).workspace
    if not trust.is_trusted(workspace) and trust.policy(environ) != "always":
        trust.approve(workspace, by="pixi notebook run")


def _cause(error: KernelNotStarted) -> PixiError:
    return error.__cause__ if isinstance(error.__cause__, PixiError) else NotebookError(str(error))


class _Watch:
    """Follows the cells."""

    def __init__(self, on_cell: OnCell | None) -> None:
        self._on_cell = on_cell
        self._cell: Mapping[str, Any] = {}
        self.count = 0
        self.last = 0
        self.failed: FailedCell | None = None

    def started(self, cell: Mapping[str, Any], cell_index: int, **_: object) -> None:
        """A cell comes next."""
        self.last = cell_index + 1
        self._cell = cell

    def executed(self, cell: Mapping[str, Any], **_: object) -> None:
        """A code cell ended, well or not."""
        self.count += 1
        if self._on_cell is not None:
            self._on_cell(self.last, cell)

    def fail(self, name: str, value: str, traceback: str) -> None:
        """The cell that started last is the one that failed."""
        source = str(self._cell.get("source", ""))
        self.failed = FailedCell(self.last, source, name, value, tuple(traceback.splitlines()))


def read_notebook(path: Path) -> Any:
    """The notebook, in nbformat 4. Raises `NotebookError`."""
    import nbformat

    try:
        text = path.read_text(encoding="utf-8")
        json.loads(text)
        document = nbformat.reads(text, as_version=4)
        nbformat.validate(document)
    except FileNotFoundError:
        raise NotebookError(f"the notebook {path} does not exist", hints=["check the path"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise NotebookError(f"cannot read {path}: {error}") from error
    except json.JSONDecodeError as error:
        issue = Issue(error.msg, Location(path, error.lineno, error.colno))
        raise NotebookError(f"{path} is not a notebook: it is not valid JSON", issues=[issue]) from error
    except (ValueError, AttributeError, KeyError, TypeError, nbformat.ValidationError) as error:
        # what nbformat raises depends on where it stumbles
        reason = str(error).strip().splitlines()
        raise NotebookError(f"{path} is not a notebook", details=reason[:3]) from error
    return document


def _write(path: Path, output: Path, notebook: Any) -> None:
    """The notebook with outputs, and with what they were made with."""
    import nbformat

    from pixi_core.fs import atomic_write

    stamp = provenance(path)
    if stamp:
        notebook.metadata[PROVENANCE_KEY] = stamp
    output.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(output, nbformat.writes(notebook) + "\n")


def provenance(path: Path) -> dict[str, str]:
    """Which lock file and platform the outputs of a notebook were made with; empty where there is no lock file."""
    from pixi_core.virtual import host_subdir

    try:
        target = known_target(Place(path.parent, path), Choice(), os.environ)
        lock = "" if target is None else target.workspace.pair.digests()[1]
    except PixiError:
        return {}
    if target is None or not lock:
        return {}
    return {"lock_sha256": lock, "environment": target.environment, "platform": str(host_subdir())}
