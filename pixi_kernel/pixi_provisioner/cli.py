"""`pixi notebook …`, found by the `pixi` command through the entry point group `pixi.commands`."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from pixi_core.progress import Reporter

_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class NotebookCommand:
    """The command group for notebooks."""

    name = "notebook"
    help = "Run notebooks in their environments"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """One sub-command each."""
        commands = parser.add_subparsers(dest="notebook_command", metavar="COMMAND", required=True)
        run = commands.add_parser("run", help="execute a notebook; exit code 1 when a cell fails")
        run.add_argument("file", metavar="FILE", type=Path, help="the notebook")
        run.add_argument("-o", "--output", metavar="OUT", type=Path, help="write the notebook with its outputs")
        run.add_argument("--kernel", default="pixi", metavar="NAME", help="the kernel spec (default: pixi)")
        run.add_argument("--timeout", type=int, metavar="SECONDS", help="for each cell (default: none)")

    def run(self, arguments: argparse.Namespace, reporter: Reporter) -> int:
        """Do what was asked; the result is the exit code. Raises `PixiError`."""
        # lazy: nbclient is needed to run, not to print help
        from .notebook_run import run_notebook

        done = run_notebook(
            arguments.file,
            arguments.output,
            kernel_name=arguments.kernel,
            timeout=arguments.timeout,
            reporter=reporter,
            on_cell=lambda _, cell: print_outputs(cell, sys.stdout),
        )
        if done.failed_cell is None:
            reporter.message(f"✔ {done.path.name}: {done.executed} cells")
            return 0
        failed = done.failed_cell
        rows = [f"✗ {done.path.name}: cell {failed.number} failed"]
        rows += [f"  {line}" for line in failed.source.splitlines()]
        rows.append(f"{failed.error_name}: {failed.error_value}")
        sys.stderr.write(plain("\n".join(rows)) + "\n")
        return 1


def print_outputs(cell: Mapping[str, Any], stream: TextIO) -> None:
    """The outputs of a cell as text, errors left to whoever reports the failure."""
    for output in cell.get("outputs", ()):
        text = output_text(output)
        if text:
            stream.write(plain(text if text.endswith("\n") else text + "\n"))
    stream.flush()


def output_text(output: Mapping[str, Any]) -> str:
    """The text of one output: what was printed, the plain form of what was shown, the trace of an error."""
    kind = output.get("output_type")
    if kind == "stream":
        return str(output.get("text", ""))
    if kind == "error":
        return "\n".join(str(line) for line in output.get("traceback", ()))
    return str(output.get("data", {}).get("text/plain", ""))


def plain(text: str) -> str:
    """Without terminal escapes: a notebook's outputs must not steer the terminal of whoever runs it."""
    return "".join(c for c in _ESCAPES.sub("", text) if c in "\n\t" or (c.isprintable() and c != "\x1b") or c == " ")


COMMAND = NotebookCommand()
