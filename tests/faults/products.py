"""Workspaces in which whole commands are disturbed: where they start, what they must end in."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pixi_core.cli.main import main
from pixi_core.install.history import FOLDER as HISTORY
from pixi_core.names import WRITING
from pixi_core.ops.notes import FOLDER as NOTES
from tests.support.packages import tree
from tests.support.projects import project, repository, sdist

from .engine import in_child, kill, reset

Words = tuple[str, ...]


@dataclass(frozen=True)
class Scenario:
    """The dependencies of a manifest, the commands that come first, and the one that is killed.

    `kind` says where packages come from: `conda` the small channel, `pypi` an index (in the host kind), `mixed` both,
    `built` a project among the desk's `sources`, which needs a wheel of the index to be built.
    """

    name: str
    kind: str
    dependencies: str
    before: tuple[Words, ...]
    command: Words
    edited: tuple[str, str] = ("", "")
    """An edit of the manifest, by hand, before the command that is killed."""


NATIVE = 'native-library = "1.*"\nprefix-text = "*"\n'
WORDS = 'words = "==1.0"\n'
SCENARIOS = [
    Scenario("conda-first", "conda", NATIVE, (), ("install",)),
    Scenario("conda-add", "conda", NATIVE, (("install",),), ("add", "native-library=2.0", "links")),
    Scenario("conda-remove", "conda", NATIVE, (("install",),), ("remove", "native-library")),
    Scenario("conda-lock", "conda", NATIVE, (("install",),), ("lock",), edited=("1.*", "2.*")),
    Scenario("conda-rollback", "conda", NATIVE, (("install",), ("add", "native-library=2.0")), ("rollback", "1")),
    Scenario("pypi-first", "pypi", 'greeting = "==1.0"\n', (), ("install",)),
    Scenario("pypi-add", "pypi", 'greeting = "==1.0"\n', (("install",),), ("add", "greeting==1.1")),
    Scenario("pypi-remove", "pypi", 'greeting = "*"\n', (("install",),), ("remove", "greeting")),
    Scenario(
        "pypi-rollback", "pypi", 'greeting = "==1.0"\n', (("install",), ("remove", "greeting")), ("rollback", "1")
    ),
    Scenario("mixed-rollback", "mixed", WORDS, (("install",), ("add", "--pypi", "greeting==1.0")), ("rollback", "1")),
    Scenario("built-path", "built", 'thing = {{ path = "{sources}/thing" }}\n', (), ("install",)),
    Scenario("built-editable", "built", 'thing = {{ path = "{sources}/thing", editable = true }}\n', (), ("install",)),
    Scenario("built-sdist", "built", 'thing = {{ path = "{sources}/thing-1.0.tar.gz" }}\n', (), ("install",)),
    Scenario("built-git", "built", 'thing = {{ git = "file://{sources}/thing", tag = "v1" }}\n', (), ("install",)),
    Scenario("mixed-first", "mixed", WORDS, (), ("install",)),
    Scenario("mixed-add", "mixed", WORDS, (("install",),), ("add", "--pypi", "greeting==1.0")),
    Scenario("mixed-remove", "mixed", WORDS, (("install",),), ("remove", "--pypi", "words")),
]
BY_NAME = {one.name: one for one in SCENARIOS}


@dataclass
class Desk:
    """A workspace and the caches of the commands that run in it."""

    root: Path
    scenario: Scenario
    channel: str
    index: str
    place: Path
    """What is put back before each fault: the workspace and the caches."""
    changes: int = 0
    golden: dict[str, str] = field(default_factory=dict)

    @property
    def workspace(self) -> Path:
        return self.place / "workspace"

    @property
    def cache(self) -> Path:
        return self.place / "cache"

    @property
    def temporary(self) -> Path:
        return self.place / "temporary"

    @property
    def sources(self) -> Path:
        return self.root / "sources"

    def pixi(self, *words: str) -> None:
        """The command in this process; any exit code but 0 is an error."""
        code, told = self.outcome(*words)
        if code:
            raise AssertionError(f"pixi {' '.join(words)} ended with {code}: {told}")

    def outcome(self, *words: str) -> tuple[int, str]:
        """The exit code of a command in this process, and its standard error."""
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            told = io.StringIO()
            with contextlib.redirect_stderr(told):
                return main(["-m", str(self.workspace), *words]), told.getvalue()

    def set_up(self) -> None:
        """Come to the state before the command, and see what it does when nobody disturbs it."""
        self.workspace.mkdir(parents=True)
        self.temporary.mkdir()
        if self.scenario.kind == "built":
            folder = project(self.sources / "thing", "thing", dynamic=["dependencies"], requires=["words>=2"])
            (self.sources / "thing-1.0.tar.gz").write_bytes(sdist(folder, "thing", "1.0"))
            repository(folder, "v1")
        self.begin()
        reset(self.root / "start", self.place)
        self.pixi(*self.scenario.command)  # in this process first: what it imports, its children need not
        self.back()
        status, self.changes = in_child(lambda: self.pixi(*self.scenario.command))
        assert status == 0
        self.golden = self.state()

    def begin(self) -> None:
        """Write the manifest into the workspace's folder and do what comes before the command."""
        manifest = self.workspace / "pixi.toml"
        manifest.write_text(self._manifest(), encoding="utf-8")
        for words in self.scenario.before:
            self.pixi(*words)
        if self.scenario.edited != ("", ""):
            manifest.write_text(manifest.read_text().replace(*self.scenario.edited), encoding="utf-8")

    def _manifest(self) -> str:
        kind = self.scenario.kind
        channels = [] if kind in ("pypi", "built") else [self.channel]
        head = f'[workspace]\nname = "demo"\nplatforms = ["linux-64"]\nchannels = {channels}\n\n'
        if kind == "conda":
            return f"{head}[dependencies]\n{self.scenario.dependencies}"
        head += f'[pypi-options]\nindex-url = "{self.index}"\n\n'
        if kind == "mixed":
            head += '[dependencies]\npython = "*"\npure-tool = "*"\n\n'
        dependencies = self.scenario.dependencies
        if kind == "built":
            dependencies = dependencies.format(sources=self.sources)
        return f"{head}[pypi-dependencies]\n{dependencies}"

    def back(self) -> None:
        """The workspace and the caches as they were before the command."""
        reset(self.place, self.root / "start")

    def strike(self, at: int) -> int:
        """The command, killed at its change number `at`."""
        self.back()
        return in_child(lambda: self.pixi(*self.scenario.command), at=at, fault=kill)[0]

    def state(self) -> dict[str, str]:
        """Everything in the workspace, and what is unfinished in the caches. (What is finished there may be more than
        an undisturbed command fetches: metadata is fetched ahead.)
        """
        found = comparable(self.workspace)
        for name in found:
            if name.startswith(f".pixi/{NOTES}/") and name.endswith(".json"):
                found[name] = "a note"  # with times of files in it
            elif name.startswith(f".pixi/{HISTORY}/") and name.endswith(".json"):
                rows = json.loads((self.workspace / name).read_bytes())["generations"]
                found[name] = repr([{**row, "at": "then"} for row in rows])
        for path in (self.cache).rglob("*"):
            if path.name.startswith((".tmp-", ".download-", ".work-")) or path.parent.name == WRITING:
                found[f"cache:{path}"] = ""
        for path in self.temporary.iterdir():
            found[f"temporary:{path.name}"] = ""
        return found


def comparable(folder: Path) -> dict[str, str]:
    """The tree of a folder. `purls` are left out of records: a lock file tells them from the first PyPI package on to
    the last, and packages that are there already keep the record that they came with.
    """
    found = tree(folder)
    for name in found:
        if "conda-meta/" in name and name.endswith(".json"):
            with contextlib.suppress(ValueError):
                record = json.loads((folder / name).read_bytes())
                found[name] = json.dumps({key: value for key, value in record.items() if key != "purls"})
    return found


def history(state: Mapping[str, str]) -> dict[str, str]:
    """What remembers the states before this one."""
    return {path: what for path, what in state.items() if path.startswith(f".pixi/{HISTORY}")}


def without_memories(state: Mapping[str, str]) -> dict[str, str]:
    """A state without that, and without the notes that spare the next command a look."""
    memories = (f".pixi/{HISTORY}", f".pixi/{NOTES}")
    return {path: what for path, what in state.items() if not path.startswith(memories)}


def pair(workspace: Path) -> tuple[bytes, bytes]:
    """Manifest and lock file."""
    return (workspace / "pixi.toml").read_bytes(), (workspace / "pixi.lock").read_bytes()


def before_and_after(made: Desk) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
    """Manifest and lock file before the command that the desk has run, to which it goes back, and after it."""
    new = pair(made.workspace)
    made.back()
    old = pair(made.workspace)
    assert old[0] != new[0]
    return old, new
