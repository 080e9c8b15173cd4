"""How every change of global tools becomes true: the manifest says it first, then environments and launchers follow.

All that can fail for a reason of the user's (a conflict, a name that is taken, no network) is done before the manifest
is written. From then on a kill leaves a note of what was under way, and the next command finishes it; an error puts
the manifest back.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import EnvironmentUnavailable, InstallError, PixiError
from ..fs import FileLock, atomic_write, os_errors, remove_tree
from ..global_tools import completions, launchers, shortcuts
from ..global_tools.capture import capture, variables_for
from ..global_tools.executables import find_program
from ..global_tools.home import GlobalHome
from ..global_tools.manifest import EMPTY, GlobalEditor, GlobalEnvironment, GlobalManifest, read_global
from ..global_tools.trampoline import master
from ..names import safe_component
from ..progress import Reporter
from ..workspace import Services
from .global_environment import (
    PreparedTool,
    install_tool,
    installed_executables,
    prepare_tool,
    refuse_unknown_programs,
)


def read_manifest(home: GlobalHome) -> tuple[str, GlobalManifest]:
    """The text of the global manifest and what it says; an empty one where there is none. Raises `ManifestError`."""
    try:
        text = home.manifest.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = EMPTY
    return text, read_global(text, path=home.manifest)


@dataclass(slots=True)
class GlobalSession:
    """Global tools, held for a change."""

    home: GlobalHome
    services: Services
    reporter: Reporter
    text: str
    manifest: GlobalManifest
    pending: set[str]
    """Environments that an interrupted command left half changed, and that could not be finished yet."""

    def editor(self) -> GlobalEditor:
        """For the next manifest."""
        return GlobalEditor(self.text)

    def read(self, editor: GlobalEditor) -> GlobalManifest:
        """What an edited manifest says. Raises `ManifestError`."""
        return read_global(editor.text, path=self.home.manifest)

    def prepare(self, environment: GlobalEnvironment, *, keep: bool = True, reinstall: bool = False) -> PreparedTool:
        """Solve and fetch. Raises whatever that raises."""
        return prepare_tool(
            self.services,
            environment,
            self.home.prefix(environment.name),
            keep=keep,
            reinstall=reinstall,
            reporter=self.reporter,
        )

    def settle(self, environment: GlobalEnvironment) -> PreparedTool:
        """What makes an environment what the manifest says. One that exposes a program which it does not have was to
        be updated: there is no lock file that would remember to what.
        """
        prepared = self.prepare(environment)
        try:
            refuse_unknown_programs(prepared)
        except EnvironmentUnavailable:
            return self.prepare(environment, keep=False)
        return prepared

    def commit(self, editor: GlobalEditor, prepared: Mapping[str, PreparedTool], names: Collection[str]) -> None:
        """Make the edited manifest true for the environments `names`; those it does not have any more are removed.

        Raises `PixiError`; the manifest is then what it was.
        """
        after = self.read(editor)
        self._refuse_taken(after, names)
        for one in prepared.values():
            refuse_unknown_programs(one)
        before = self.text
        self.pending.update(names)
        self._note()
        if editor.text != before:
            atomic_write(self.home.manifest, editor.text)
        try:
            for name in names:
                self._realize(after, name, prepared.get(name))
        except PixiError:
            if editor.text != before:
                atomic_write(self.home.manifest, before)
                with suppress(PixiError):  # where it cannot be put right now, the note makes the next command do it
                    self._finish(names)
            raise
        self.text, self.manifest = editor.text, after
        self.pending.difference_update(names)
        self._note()

    def _note(self) -> None:
        """Say on disk what is under way."""
        if self.pending:
            atomic_write(self.home.unfinished, json.dumps(sorted(self.pending)) + "\n")
            return
        with os_errors(self.home.unfinished):
            self.home.unfinished.unlink(missing_ok=True)

    def _refuse_taken(self, after: GlobalManifest, names: Collection[str]) -> None:
        for name in names:
            if name in after.environments:
                for exposed in after.environments[name].exposed:
                    launchers.refuse_foreign(self.home, exposed)

    def _realize(self, manifest: GlobalManifest, name: str, prepared: PreparedTool | None) -> None:
        environment = manifest.environments.get(name)
        if environment is None:
            self._remove(manifest, name)
            return
        if prepared is not None:
            install_tool(prepared, self.home.manifest, reporter=self.reporter)
        self._launchers(manifest, environment)
        prefix = self.home.prefix(name)
        completions.link_completions(self.home, prefix, environment.exposed)
        shortcuts.write_shortcuts(self.home, environment, self.services.environ, reporter=self.reporter)

    def _launchers(self, manifest: GlobalManifest, environment: GlobalEnvironment) -> None:
        """Write those of the environment, and take away those it does not expose any more."""
        owners = manifest.owners()
        for exposed, owner in launchers.read_launchers(self.home).items():
            if owner == environment.name and owners.get(exposed) != environment.name:
                launchers.remove_launcher(self.home, exposed)
        if not environment.exposed:
            return
        prefix = self.home.prefix(environment.name)
        captured = capture(prefix, self.services.environ, reporter=self.reporter)
        executables = installed_executables(prefix)
        program_of_all = master(self.home.configurations, self.services.environ)
        for exposed, program in environment.exposed.items():
            path = prefix / (find_program(executables, program) or program)
            if not path.exists():
                raise InstallError(f"the environment '{environment.name}' has no '{program}' to expose as '{exposed}'")
            launcher = launchers.Launcher(
                name=exposed,
                program=path,
                path_diff=captured.path_diff,
                env=variables_for(captured, prefix, path),
            )
            launchers.write_launcher(self.home, launcher, program_of_all)

    def _remove(self, manifest: GlobalManifest, name: str) -> None:
        owners = manifest.owners()
        for exposed, owner in launchers.read_launchers(self.home).items():
            if owner == name and exposed not in owners:
                launchers.remove_launcher(self.home, exposed)
        prefix = self.home.prefix(name)
        completions.link_completions(self.home, prefix, {})
        shortcuts.remove_shortcuts(self.home, name)
        remove_tree(prefix)

    def _finish(self, names: Collection[str]) -> None:
        """Make the manifest on disk true for these environments."""
        self.text, self.manifest = read_manifest(self.home)
        known = [name for name in names if name in self.manifest.environments]
        prepared = {name: self.settle(self.manifest.environments[name]) for name in known}
        self.commit(self.editor(), prepared, names)

    def heal(self) -> None:
        """Finish what an interrupted command left; where that cannot be, say so and keep the note."""
        names = sorted(self.pending)
        if not names:
            return
        self.reporter.message(f"finishing an interrupted change of {', '.join(names)}")
        try:
            self._finish(names)
        except PixiError as error:
            self.reporter.warning(f"it could not be finished: {error.message}; run `pixi global sync`")


def refuse_collisions(manifest: GlobalManifest, environment: str, exposed: Collection[str]) -> None:
    """Raise `InstallError` where a name belongs to another environment already."""
    owners = manifest.owners()
    for name in exposed:
        owner = owners.get(name, environment)
        if owner != environment:
            raise InstallError(
                f"'{name}' of the environment '{environment}' is already exposed by the environment '{owner}'",
                hints=[
                    f"expose it by another name: --expose NAME={name}",
                    f"or take it from the other: `pixi global expose remove {name}`",
                ],
            )


def everything(home: GlobalHome, manifest: GlobalManifest) -> list[str]:
    """Every environment that is declared, has a prefix, or has launchers."""
    names = dict.fromkeys(manifest.environments)
    with suppress(FileNotFoundError):
        names |= dict.fromkeys(path.name for path in sorted(home.environments.iterdir()) if _is_prefix(path))
    return list(names | dict.fromkeys(owner for owner in launchers.read_launchers(home).values() if owner))


def _interrupted(home: GlobalHome, manifest: GlobalManifest) -> set[str]:
    """What a command was changing when it was killed; all there is where its note cannot be read."""
    try:
        return {str(safe_component(name)) for name in json.loads(home.unfinished.read_bytes())}
    except FileNotFoundError:
        return set()
    except (OSError, ValueError, TypeError, PixiError):
        return set(everything(home, manifest))


def _is_prefix(path: Path) -> bool:
    return (path / "conda-meta").is_dir()


@contextmanager
def changing(services: Services, reporter: Reporter, *, heal: bool = True) -> Iterator[GlobalSession]:
    """Hold the global tools, after finishing what an interrupted command left. Raises `ManifestError`."""
    home = GlobalHome.of(services.environ)
    with FileLock(home.lock, on_wait=lambda who: reporter.message(f"waiting for {who}")):
        text, manifest = read_manifest(home)
        session = GlobalSession(home, services, reporter, text, manifest, _interrupted(home, manifest))
        if heal:
            session.heal()
        yield session
