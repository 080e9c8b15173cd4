"""What every command receives: the environment it runs in, where to print, whom to tell."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PixiError, UsageError
from ..names import DEFAULT_MANIFEST_VARIABLE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from ..ops.own_copy import OwnCopy
    from ..progress import Reporter
    from ..workspace import Workspace
    from .activation_change import ActivationChange

SIGNED = frozenset(
    [
        "add",
        "install",
        "lock",
        "reinstall",
        "remove",
        "rollback",
        "run",
        "shell",
        "shell-hook",
        "task",
        "update",
        "upgrade",
    ]
)
"""Commands by which the user shows that this workspace is trusted: they install, run or change what it says."""

EDITING = frozenset(["import", "workspace"])
"""Commands that may change a manifest without showing what else is in it: an approval is kept up, none is given."""

_TRUE = ("1", "true", "yes", "on")


class Globals:
    """Options that stand before the command, and those of them that stand behind it (`take_from`)."""

    def __init__(self) -> None:
        self.verbosity = 0
        self.color = ""
        self.no_progress = False
        self.json_lines = False
        self.manifest_path: str | None = None
        self.version = False
        self.help = False
        self.list_commands = False

    def take(self, words: list[str]) -> list[str]:
        """Consume the leading options; the rest starts with the command. Raises `UsageError`."""
        position = 0
        while position < len(words) and words[position].startswith("-"):
            word, _, value = words[position].partition("=")
            position += 1
            if word in ("-V", "--version"):
                self.version = True
            elif word in ("-h", "--help"):
                self.help = True
            elif word == "--list":
                self.list_commands = True
            elif word == "--verbose" or (word.startswith("-v") and set(word[1:]) == {"v"}):
                self.verbosity += 1 if word == "--verbose" else len(word) - 1
            elif word == "--quiet" or (word.startswith("-q") and set(word[1:]) == {"q"}):
                self.verbosity -= 1 if word == "--quiet" else len(word) - 1
            elif word == "--no-progress":
                self.no_progress = True
            elif word == "--json-lines":
                self.json_lines = True
            elif word in ("--color", "-m", "--manifest-path"):
                if not value:
                    if position >= len(words):
                        raise UsageError(f"the option {word} needs a value")
                    value = words[position]
                    position += 1
                if word == "--color":
                    self.color = value
                else:
                    self.manifest_path = value
            else:
                raise UsageError(f"unknown option {word}", hints=["see `pixi --help`"])
        if self.color not in ("", "auto", "always", "never"):
            raise UsageError(f"--color takes auto, always or never, not '{self.color}'")
        return words[position:]

    def take_from(self, arguments: argparse.Namespace) -> bool:
        """Take over what stood behind the command; whether something did."""
        from .parser import COLOR, NO_PROGRESS, QUIET, VERBOSE

        said = {name: value for name, value in vars(arguments).items() if name in (COLOR, NO_PROGRESS, QUIET, VERBOSE)}
        self.verbosity += said.get(VERBOSE, 0) - said.get(QUIET, 0)
        self.color = said.get(COLOR, self.color)
        self.no_progress = said.get(NO_PROGRESS, self.no_progress)
        return bool(said)


class Context:
    """The surroundings of one command."""

    def __init__(
        self, options: Globals, environ: Mapping[str, str], cwd: Path, reporter: Reporter, color: bool
    ) -> None:
        self.globals = options
        self.environ = environ
        self.cwd = cwd
        self.reporter = reporter
        self.color = color
        self.command = ""
        self.words: tuple[str, ...] = ()
        self._workspace: Workspace | None = None
        self._was_trusted = False
        self._copy: OwnCopy | None = None
        self._activation: ActivationChange | None = None

    @classmethod
    def create(cls, options: Globals) -> Context:
        """Read the surroundings of this process."""
        color = _use_color(options.color, os.environ)
        return cls(options, os.environ, Path.cwd(), _reporter(options, color), color)

    def hear(self, arguments: argparse.Namespace) -> None:
        """Take over global options that stand behind the command."""
        if self.globals.take_from(arguments):
            self.color = _use_color(self.globals.color, self.environ)
            self.reporter = _reporter(self.globals, self.color)

    @property
    def json_lines(self) -> bool:
        """Whether standard output is the wire stream for a kernel."""
        return self.globals.json_lines

    def workspace(self, manifest_path: str | None = None) -> Workspace:
        """The workspace of the current folder, or of `--manifest-path`. Raises `NoWorkspace`, `ManifestError`."""
        if self._workspace is None:
            from ..workspace import Workspace

            chosen = manifest_path or self.globals.manifest_path
            path = None if chosen is None else Path(chosen)
            self._workspace = self._changeable(Workspace.discover(self.cwd, manifest_path=path, environ=self.environ))
            self._workspace.command = " ".join(("pixi", self.command, *self.words))
            for warning in self._workspace.warnings:
                self.reporter.warning(warning)
            if chosen is None:
                self._compare_with_shell(self._workspace.manifest_path)
            self._look_at_trust(self._workspace)
        return self._workspace

    def _compare_with_shell(self, manifest_path: Path) -> None:
        """Say so where the nearest manifest is another than that of the pixi shell in which this runs."""
        active = self.environ.get("PIXI_PROJECT_MANIFEST")
        if active and self.environ.get("PIXI_IN_SHELL") and os.path.realpath(active) != os.path.realpath(manifest_path):
            self.reporter.warning(f"{manifest_path} is used, which is nearer than {active} of the active pixi shell")

    def _changeable(self, workspace: Workspace) -> Workspace:
        """For a command that changes a workspace which belongs to somebody else: that of the notebook alone."""
        if not self.environ.get(DEFAULT_MANIFEST_VARIABLE):
            return workspace
        from ..ops.own_copy import COMMANDS, notebook_that_needs_one, own_copy
        from .terminal import megabytes

        notebook = notebook_that_needs_one(workspace, self.environ) if self.command in COMMANDS else None
        if notebook is None:
            return workspace
        found = own_copy(workspace, notebook)
        self._copy = found
        room = f", which takes about {megabytes(found.size)} of your space" if found.size else ""
        self.reporter.message(
            f"{workspace.name} is shared and stays as it is: this notebook gets an environment of its own{room}"
        )
        return found.workspace

    def _look_at_trust(self, workspace: Workspace) -> None:
        """Before a command works: what came along with a folder that this user never approved is not believed."""
        workspace.looks_only = self.command not in SIGNED
        if self.command not in SIGNED and self.command not in EDITING:
            return
        from .. import trust

        if self.command in EDITING:
            with suppress(PixiError):
                self._was_trusted = trust.is_trusted(workspace)
            return
        if trust.find_approval(workspace) is None:
            trust.forget_foreign_caches(workspace)
        elif self.json_lines:
            from .activation_change import ActivationChange

            self._activation = ActivationChange(workspace, self.environ)

    def give_up(self) -> None:
        """After a command that failed: the notebook has no workspace of its own for what did not come."""
        if self._copy is not None:
            from ..ops.own_copy import give_back

            with suppress(PixiError):
                give_back(self._copy)

    def sign(self) -> None:
        """After a command that went well: what it worked on is approved, as it is now."""
        if self._workspace is None or not (self.command in SIGNED or self._was_trusted):
            return
        from .. import trust

        try:
            fresh = self._workspace.reload()
        except PixiError:
            return
        trust.sign(fresh, by=f"pixi {self.command}")

    def result(self, command: str, data: dict[str, Any]) -> None:
        """The outcome, for whoever reads the wire stream; people are told by messages."""
        if self.globals.json_lines:
            from .json_lines import JsonLinesReporter

            assert isinstance(self.reporter, JsonLinesReporter)
            if self._activation is not None and "transaction" in data:
                data = {**data, "variables": self._activation.variables(str(data["environment"]))}
            if self._copy is not None and "transaction" in data:
                data = {**data, "moved": True}
            self.reporter.result(command, data)

    def report(self, error: PixiError) -> int:
        """Show an error on standard error (and on the wire) and return its exit code."""
        if self.globals.json_lines:
            from .json_lines import JsonLinesReporter

            assert isinstance(self.reporter, JsonLinesReporter)
            self.reporter.error(error)
        else:
            from .terminal import TerminalReporter

            assert isinstance(self.reporter, TerminalReporter)
            self.reporter.error(error)
        return error.exit_code

    def close(self) -> None:
        """Release connections and finish the progress line."""
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None


def _reporter(options: Globals, color: bool) -> Reporter:
    if options.json_lines:
        from .json_lines import JsonLinesReporter

        return JsonLinesReporter(sys.stdout)
    from .terminal import TerminalReporter

    return TerminalReporter(
        sys.stderr,
        progress=not options.no_progress and not _is_true(os.environ.get("PIXI_NO_PROGRESS")),
        color=color,
        verbosity=options.verbosity,
    )


def _is_true(text: str | None) -> bool:
    return (text or "").lower() in _TRUE


def _use_color(option: str, environ: Mapping[str, str]) -> bool:
    """`NO_COLOR` and `FORCE_COLOR` beat the option, as pixi has it."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR") or environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    option = option or environ.get("PIXI_COLOR", "auto")
    if option in ("always", "never"):
        return option == "always"
    return sys.stderr.isatty() and environ.get("TERM") != "dumb"
