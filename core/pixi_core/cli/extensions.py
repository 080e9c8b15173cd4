"""Commands from elsewhere: entry points of installed packages (group `pixi.commands`), then `pixi-NAME` on PATH."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, cast

from ..errors import UsageError
from ..suggest import hints

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from typing import Protocol

    from ..progress import Reporter
    from .context import Context

    class ExtensionCommand(Protocol):
        """What an entry point of the group `pixi.commands` is."""

        name: str
        help: str

        def add_arguments(self, parser: argparse.ArgumentParser) -> None:
            """Declare the arguments."""

        def run(self, arguments: argparse.Namespace, reporter: Reporter) -> int:
            """Do it; the result is the exit code."""


GROUP = "pixi.commands"
_NOT_HERE = {
    "self-update": "update it by what installed it, for instance `pip install --upgrade pixi-jupyter`",
    **dict.fromkeys(("build", "publish"), "conda packages are built by pixi itself, or by rattler-build"),
    "upload": "conda packages are uploaded by pixi itself, or by rattler-build",
}
"""Commands of pixi that are none here, and what to do instead."""


class _Adapter:
    """An extension command seen as a command."""

    def __init__(self, extension: ExtensionCommand) -> None:
        self._extension = extension

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.description = self._extension.help
        self._extension.add_arguments(parser)

    def run(self, arguments: argparse.Namespace, context: Context) -> int:
        return self._extension.run(arguments, context.reporter)


def find_extension(name: str, words: Sequence[str], environ: Mapping[str, str]) -> _Adapter | int:
    """The entry point called `name`, or the exit code of `pixi-<name>`. Raises `UsageError` with what was probably
    meant.
    """
    # lazy: reading the installed distributions costs tens of milliseconds and built-in commands never need it
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP, name=name):
        return _Adapter(cast("ExtensionCommand", entry.load()))
    program = shutil.which(f"pixi-{name}", path=_search_path(environ))
    if program is not None:
        if os.name == "posix":
            os.execve(program, [program, *words], dict(environ))
        import subprocess

        return subprocess.run([program, *words], env=dict(environ), check=False).returncode
    from .commands import ALIASES, COMMANDS

    if name in _NOT_HERE:
        raise UsageError(f"`pixi {name}` does not exist here", hints=[_NOT_HERE[name]])
    nearest = hints(name, [*COMMANDS, *ALIASES, *extension_names(environ)])
    raise UsageError(f"unknown command '{name}'", hints=[*nearest, "see `pixi --help`"])


def extension_names(environ: Mapping[str, str]) -> list[str]:
    """Names of everything that could be called and is not built in."""
    from importlib.metadata import entry_points

    names = {entry.name for entry in entry_points(group=GROUP)}
    for folder in _search_path(environ).split(os.pathsep):
        try:
            found = os.listdir(folder or ".")
        except OSError:
            continue
        names |= {os.path.splitext(file)[0][5:] for file in found if file.startswith("pixi-")}
    return sorted(name for name in names if name)


def _search_path(environ: Mapping[str, str]) -> str:
    home = environ.get("PIXI_HOME") or os.path.join(environ.get("HOME", ""), ".pixi")
    return os.pathsep.join([environ.get("PATH", os.defpath), os.path.join(home, "bin")])
