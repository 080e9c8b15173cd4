"""`pixi notebook …`, found by the `pixi` command through the entry point group `pixi.commands`."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from pixi_core.errors import UsageError
from pixi_core.progress import Reporter
from pixi_core.workspace import Workspace

_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class NotebookCommand:
    """The command group for notebooks."""

    name = "notebook"
    help = "Run notebooks in their environments, and carry environments in notebooks"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """One sub-command each."""
        commands = parser.add_subparsers(dest="notebook_command", metavar="COMMAND", required=True)
        run = commands.add_parser("run", help="execute a notebook; exit code 1 when a cell fails")
        run.add_argument("file", metavar="FILE", type=Path, help="the notebook")
        run.add_argument("-o", "--output", metavar="OUT", type=Path, help="write the notebook with its outputs")
        run.add_argument("--kernel", default="pixi", metavar="NAME", help="the kernel spec (default: pixi)")
        run.add_argument("--timeout", type=int, metavar="SECONDS", help="for each cell (default: none)")
        run.add_argument(
            "--require-trust",
            action="store_true",
            help="do not take this command for an approval: refuse what you have not approved",
        )
        _edit_arguments(commands)
        embed = commands.add_parser("embed", help="put the workspace's manifest and lock file into the notebook")
        embed.add_argument("file", metavar="FILE", type=Path, help="the notebook")
        extract = commands.add_parser("extract", help="take the manifest and lock file out of the notebook")
        extract.add_argument("file", metavar="FILE", type=Path, help="the notebook")
        extract.add_argument("folder", metavar="FOLDER", type=Path, help="where the workspace is to be")
        verify = commands.add_parser(
            "verify", help="exit code 1 unless the outputs were made with the present lock file"
        )
        verify.add_argument("file", metavar="FILE", type=Path, help="the notebook")
        for name, text in (("register", "offer environments as kernels"), ("unregister", "take that back")):
            command = commands.add_parser(name, help=f"{text}, in programs that no Jupyter Server tells about them")
            command.add_argument("-e", "--environment", metavar="NAME", help="only this one (default: all)")
            command.add_argument("-m", "--manifest-path", metavar="PATH", type=Path, help="the workspace's manifest")

    def run(self, arguments: argparse.Namespace, reporter: Reporter) -> int:
        """Do what was asked; the result is the exit code. Raises `PixiError`."""
        return _COMMANDS[arguments.notebook_command](arguments, reporter)


def _edit_arguments(commands: Any) -> None:
    """Of the commands that change what a notebook carries."""
    init = commands.add_parser("init", help="give a notebook a manifest of its own; a file that is not there is made")
    init.add_argument("file", metavar="FILE", type=Path, help="the notebook")
    init.add_argument("-c", "--channel", action="append", default=[], metavar="CHANNEL", help="conda channel; repeat")
    init.add_argument("--from-script", metavar="SCRIPT", type=Path, help="cells and packages of a script (PEP 723)")
    for name, what in (("add", "add packages to"), ("remove", "remove packages from")):
        command = commands.add_parser(name, help=f"{what} the manifest that a notebook carries")
        command.add_argument("file", metavar="FILE", type=Path, help="the notebook")
        command.add_argument("specs", metavar="SPEC", nargs="+", help="the packages")
        command.add_argument("--pypi", action="store_true", help="they are PyPI packages")
    lock = commands.add_parser("lock", help="bring the lock file that a notebook carries up to date")
    lock.add_argument("file", metavar="FILE", type=Path, help="the notebook")
    export = commands.add_parser("export-script", help="write a notebook as a script that says what it needs (PEP 723)")
    export.add_argument("file", metavar="FILE", type=Path, help="the notebook")
    export.add_argument("script", metavar="SCRIPT", type=Path, help="the script to write")


def _init(arguments: argparse.Namespace, reporter: Reporter) -> int:
    from .notebook_edit import init_from_script, init_notebook

    if arguments.from_script is not None:
        if arguments.channel:
            raise UsageError("--channel and --from-script exclude each other", hints=["the script names its channels"])
        init_from_script(arguments.file, arguments.from_script)
    else:
        init_notebook(arguments.file, channels=arguments.channel)
    reporter.message(f"✔ {arguments.file} has a manifest of its own")
    return 0


def _add(arguments: argparse.Namespace, reporter: Reporter) -> int:
    from pixi_core.ops.change import requirement_line

    from .notebook_edit import add_to_notebook

    done = add_to_notebook(arguments.file, arguments.specs, pypi=arguments.pypi, reporter=reporter)
    for name, spec in {**done.specs, **done.already}.items():
        reporter.message(f"✔ {'Added' if name in done.specs else 'Already there:'} {requirement_line(spec)}")
    return 0


def _remove(arguments: argparse.Namespace, reporter: Reporter) -> int:
    from .notebook_edit import remove_from_notebook

    for name in remove_from_notebook(arguments.file, arguments.specs, pypi=arguments.pypi, reporter=reporter).removed:
        reporter.message(f"✔ Removed {name}")
    return 0


def _lock(arguments: argparse.Namespace, reporter: Reporter) -> int:
    from .notebook_edit import lock_notebook

    changed = lock_notebook(arguments.file, reporter=reporter).changed
    reporter.message(f"✔ The lock file in {arguments.file} {'was updated' if changed else 'is up to date'}")
    return 0


def _export_script(arguments: argparse.Namespace, reporter: Reporter) -> int:
    from .notebook_edit import export_script

    export_script(arguments.file, arguments.script)
    reporter.message(f"✔ Created {arguments.script}")
    return 0


def _run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    # lazy: nbclient is needed to run, not to print help
    from .notebook_run import run_notebook

    done = run_notebook(
        arguments.file,
        arguments.output,
        kernel_name=arguments.kernel,
        timeout=arguments.timeout,
        consent=not arguments.require_trust,
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


def _embed(arguments: argparse.Namespace, reporter: Reporter) -> int:
    from .notebook_files import embed_workspace

    workspace = embed_workspace(arguments.file)
    reporter.message(f"✔ {arguments.file} carries the workspace {workspace.name}")
    return 0


def _extract(arguments: argparse.Namespace, reporter: Reporter) -> int:
    from .notebook_files import extract_workspace

    for path in extract_workspace(arguments.file, arguments.folder):
        reporter.message(f"✔ Created {path}")
    return 0


def _verify(arguments: argparse.Namespace, reporter: Reporter) -> int:
    from .notebook_files import verify

    found = verify(arguments.file)
    reporter.message(f"{'✔' if found.agrees else '✗'} {arguments.file}: {found.reason}")
    return 0 if found.agrees else 1


def _register(arguments: argparse.Namespace, reporter: Reporter) -> int:
    from .registration import register, user_kernels

    for entry in register(_workspace(arguments), arguments.environment):
        reporter.message(f"✔ Created {user_kernels() / entry.name}: {entry.display_name}")
    return 0


def _unregister(arguments: argparse.Namespace, reporter: Reporter) -> int:
    from .registration import unregister

    for name in unregister(_workspace(arguments), arguments.environment):
        reporter.message(f"✔ Removed {name}")
    return 0


def _workspace(arguments: argparse.Namespace) -> Workspace:
    return Workspace.discover(Path.cwd(), manifest_path=arguments.manifest_path)


_COMMANDS: dict[str, Callable[[argparse.Namespace, Reporter], int]] = {
    "init": _init,
    "add": _add,
    "remove": _remove,
    "lock": _lock,
    "export-script": _export_script,
    "run": _run,
    "embed": _embed,
    "extract": _extract,
    "verify": _verify,
    "register": _register,
    "unregister": _unregister,
}


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
