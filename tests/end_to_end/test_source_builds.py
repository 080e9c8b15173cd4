"""Projects that are built: every way to name one, in real environments, by the real command."""

from __future__ import annotations

import hashlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pixi_core.fs import FileLock
from tests.support.command import Ran, pixi
from tests.support.projects import project, repository, sdist
from tests.support.pypi_index import FakeIndex, File, serving
from tests.support.trees import tree

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the paths here are Unix paths")


@dataclass
class World:
    """A host workspace beside some projects, an index, and what the back ends noted."""

    root: Path
    index: FakeIndex
    url: str
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def workspace(self) -> Path:
        return self.root / "workspace"

    @property
    def site(self) -> Path:
        return next((self.workspace / ".pixi/envs/default/lib").glob("python*/site-packages"))

    def manifest(self, *dependencies: str, options: str = "", python: str = ">=3.11", more: str = "") -> None:
        self.workspace.mkdir(exist_ok=True)
        lines = [
            '[workspace]\nname = "w"\nchannels = []\nplatforms = ["linux-64", "osx-arm64"]',
            f'[dependencies]\npython = "{python}"',
            f'[pypi-options]\nindex-url = "{self.url}"\n{options}',
            "[pypi-dependencies]",
            *dependencies,
            more,
        ]
        (self.workspace / "pixi.toml").write_text("\n".join(lines) + "\n")

    def pixi(self, *words: str) -> Ran:
        return pixi(*words, cwd=self.workspace, environ=self.environ)

    def python(self, code: str) -> str:
        return self.pixi("run", "python", "-c", code).succeeded().out.strip()

    def hooks(self, *hooks: str) -> list[dict[str, Any]]:
        log = Path(self.environ["TINY_BACKEND_LOG"])
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [line for line in lines if line["hook"] in hooks or not hooks]

    def offer(self, name: str, version: str, **settings: Any) -> File:
        """An sdist on the index."""
        folder = project(self.root / f"{name}-{version}", name, version, **settings)
        file = File(f"{name}-{version}.tar.gz", sdist(folder, name, version), None)
        self.index.projects.setdefault(name, []).append(file)
        return file


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    index = FakeIndex()
    index.wheel("words", "1.0")
    index.wheel("words", "2.0")
    with serving(index) as running:
        environ = {"TINY_BACKEND_LOG": str(tmp_path / "log"), "PIXI_CACHE_DIR": str(tmp_path / "cache")}
        yield World(tmp_path, index, running.url, environ)


SLOWER_KINDS = ("folder", "sdist", "wheel", "url", "git", "subdirectory")
SHOW = "import thing; print(thing.version, thing.__file__)"


@pytest.mark.parametrize(
    "kind",
    ["editable", "index", *(pytest.param(kind, marks=pytest.mark.slow) for kind in SLOWER_KINDS)],
)
def test_every_way_to_name_a_project(world: World, kind: str) -> None:
    source = project(world.root / "thing", "thing", "1.5", dependencies=["words>=2"])
    archive = sdist(source, "thing", "1.5")
    digest = hashlib.sha256(archive).hexdigest()
    (world.root / "thing-1.5.tar.gz").write_bytes(archive)
    file = File("thing-1.5.tar.gz", archive, None)
    world.index.projects["thing"] = [file]
    commit = ""
    if kind in ("git", "subdirectory"):
        top = world.root / "repository"
        shutil.move(source, top if kind == "git" else top / "packages" / "thing")
        commit = repository(top, "v1")
    if kind == "wheel":
        hook = "import tiny_backend; print(tiny_backend.build_wheel('..'))"
        subprocess.run(
            [sys.executable, "-c", hook], cwd=source, check=True, env={**os.environ, "PYTHONPATH": "backend"}
        )
    base = world.url.removesuffix("/simple")
    spec, location, origin = {
        "folder": ('{ path = "../thing" }', "../thing", {"url": f"file://{source}", "dir_info": {}}),
        "editable": (
            '{ path = "../thing", editable = true }',
            "../thing",
            {"url": f"file://{source}", "dir_info": {"editable": True}},
        ),
        "sdist": ('{ path = "../thing-1.5.tar.gz" }', "../thing-1.5.tar.gz", None),
        "wheel": ('{ path = "../thing-1.5-py3-none-any.whl" }', "../thing-1.5-py3-none-any.whl", None),
        "url": (
            f'{{ url = "{base}/files/thing/thing-1.5.tar.gz#sha256={digest}" }}',
            f"direct+{base}/files/thing/thing-1.5.tar.gz",
            None,
        ),
        "index": ('">=1"', f"{base}/files/thing/thing-1.5.tar.gz", None),
        "git": (
            f'{{ git = "file://{world.root}/repository", tag = "v1" }}',
            f"git+file://{world.root}/repository?tag=v1#{commit}",
            {
                "url": f"file://{world.root}/repository",
                "vcs_info": {"vcs": "git", "requested_revision": "v1", "commit_id": commit},
            },
        ),
        "subdirectory": (
            f'{{ git = "file://{world.root}/repository", branch = "main", subdirectory = "packages/thing" }}',
            f"git+file://{world.root}/repository?branch=main&subdirectory=packages/thing#{commit}",
            {
                "url": f"file://{world.root}/repository",
                "vcs_info": {"vcs": "git", "requested_revision": "main", "commit_id": commit},
                "subdirectory": "packages/thing",
            },
        ),
    }[kind]
    world.manifest(f"thing = {spec}")
    world.pixi("install").succeeded()
    lock = (world.workspace / "pixi.lock").read_text()
    assert f"- pypi: {location}\n  name: thing\n" in lock
    version, module = world.python(SHOW).split()
    assert version == "1.5"
    expected = source if kind == "editable" else world.workspace
    assert Path(module).is_relative_to(expected)
    assert (world.site / "words.py").exists() or (world.site / "words").exists()
    told = world.site / "thing-1.5.dist-info" / "direct_url.json"
    if kind == "index":
        assert not told.exists()
    elif origin is not None:
        assert json.loads(told.read_text()) == origin
    else:
        assert json.loads(told.read_text())["archive_info"]["hashes"]["sha256"] in lock
    world.pixi("install", "--locked").succeeded()
    assert len(world.hooks("wheel", "editable")) == (0 if kind == "wheel" else 1)


def test_a_failing_build_shows_its_own_last_lines_and_changes_nothing(world: World) -> None:
    world.manifest('words = "*"')
    world.pixi("install").succeeded()
    project(world.root / "broken", "broken", fail="no such compiler: foc")
    manifest = world.workspace / "pixi.toml"
    manifest.write_text(manifest.read_text() + 'broken = { path = "../broken" }\n')
    before = tree(world.workspace)
    ran = world.pixi("install").failed()
    for said in ("/broken could not be built", "compiling part 39", "no such compiler: foc"):
        assert said in ran.err, ran.err
    assert "compiling part 5\n" not in ran.err
    log = Path(ran.err.partition("the whole output is in ")[2].split("\n", 1)[0])
    assert "compiling part 5\n" in log.read_text()
    after = tree(world.workspace)
    # the lock file is right as it is now: only a build failed
    assert {name for name in {*before, *after} if before.get(name) != after.get(name)} <= {"pixi.lock"}


@pytest.mark.slow
def test_add_of_what_cannot_be_built_leaves_manifest_lock_and_environment(world: World) -> None:
    world.manifest('words = "*"')
    world.pixi("install").succeeded()
    project(world.root / "broken", "broken", fail="no such compiler: foc")
    before = tree(world.workspace)
    assert "no such compiler" in world.pixi("add", "--pypi", f"broken @ file://{world.root}/broken").failed().err
    assert tree(world.workspace) == before


@pytest.mark.slow
def test_a_folder_is_built_again_when_it_changed_and_an_editable_one_when_its_rules_did(world: World) -> None:
    thing, other = (project(world.root / name, name) for name in ("thing", "other"))
    world.manifest('thing = { path = "../thing" }', 'other = { path = "../other", editable = true }')
    world.pixi("install").succeeded()
    for folder in (thing, other):
        module = folder / "src" / folder.name / "__init__.py"
        module.write_text('version = "changed"\n')
    assert world.python("import thing, other; print(thing.version, other.version)") == "changed changed"
    world.pixi("install").succeeded()
    assert sorted(line["project"] for line in world.hooks("wheel", "editable")) == ["other", "thing", "thing"]
    rules = other / "pyproject.toml"
    rules.write_text(rules.read_text().replace('version = "1.0"', 'version = "1.1"'))
    world.pixi("install").succeeded()
    assert [line["project"] for line in world.hooks("editable")] == ["other", "other"]
    assert (world.site / "other-1.1.dist-info").is_dir()
    assert not (world.site / "other-1.0.dist-info").exists()


@pytest.mark.slow
def test_new_dependencies_of_a_folder_are_locked(world: World) -> None:
    thing = project(world.root / "thing", "thing", dependencies=["words<2"])
    world.manifest('thing = { path = "../thing" }')
    world.pixi("install").succeeded()
    rules = thing / "pyproject.toml"
    rules.write_text(rules.read_text().replace("words<2", "words>=2"))
    assert "the dependencies of ../thing have changed" in world.pixi("install", "--locked").failed().err
    world.pixi("install").succeeded()
    assert "words-2.0" in (world.workspace / "pixi.lock").read_text()


@pytest.mark.slow
def test_what_only_a_build_can_tell_is_asked_of_the_back_end_once(world: World) -> None:
    thing = project(world.root / "thing", "thing", None, dynamic=["dependencies"], needs=["words<2"])
    (thing / "VERSION").write_text("3.5\n")
    user = project(world.root / "user", "user", dependencies=["thing>=3.5"])
    world.manifest('thing = { path = "../thing" }', 'user = { path = "../user" }')
    world.pixi("lock").succeeded()
    assert "words-1.0" in (world.workspace / "pixi.lock").read_text()
    assert len(world.hooks("metadata")) == 1, "two platforms, one question"
    world.pixi("lock", "--check").succeeded()
    rules = user / "pyproject.toml"
    rules.write_text(rules.read_text().replace("thing>=3.5", "thing>=4"))
    assert "user 1.0 needs thing>=4" in world.pixi("lock").failed().err


@pytest.mark.slow
def test_a_back_end_without_the_hook_for_metadata_builds_a_wheel_that_is_used(world: World) -> None:
    world.offer(
        "thing",
        "1.0",
        dependencies=["words<2"],
        dynamic=["dependencies"],
        needs=["words<2"],
        without=["prepare_metadata_for_build_wheel", "get_requires_for_build_wheel"],
    )
    world.manifest('thing = "*"')
    world.pixi("install").succeeded()
    assert [line["hook"] for line in world.hooks()] == ["wheel"]
    assert (world.site / "words-1.0.dist-info").is_dir()


@pytest.mark.slow
def test_build_requirements_are_installed_in_an_environment_of_their_own(world: World) -> None:
    world.offer("tool", "1.0")
    project(world.root / "thing", "thing", requires=["words>=2"], more=["tool"], module="tool")
    world.environ |= {"MARK": "seen", "PIP_INDEX_URL": "https://user:secret@pypi.example/simple"}
    world.manifest('thing = { path = "../thing" }')
    world.pixi("install").succeeded()
    built = next(line for line in world.hooks("wheel") if line["project"] == "thing")
    assert Path(built["prefix"]).is_relative_to(world.root / "cache")
    assert (built["MARK"], built["PIP_INDEX_URL"]) == ("seen", None)
    assert not list(world.site.glob("tool*"))
    assert not list(world.site.glob("words*"))
    assert not list((world.root / "thing").rglob("__pycache__/tool*"))


@pytest.mark.slow
def test_without_isolation_builds_see_the_environment_in_the_given_order(world: World) -> None:
    project(world.root / "first", "first", module="words")
    project(world.root / "second", "second", module="first")
    world.manifest(
        'second = { path = "../second" }',
        'first = { path = "../first" }',
        'words = "*"',
        options='no-build-isolation = ["first", "second"]',
    )
    world.pixi("install").succeeded()
    assert [line["project"] for line in world.hooks("wheel")] == ["first", "second"]
    assert world.python("import first, second; print('both')") == "both"


@pytest.mark.parametrize("editable", [False, True])
@pytest.mark.slow
def test_no_build_is_obeyed(world: World, editable: bool) -> None:
    project(world.root / "thing", "thing")
    more = ", editable = true" if editable else ""
    world.manifest(f'thing = {{ path = "../thing"{more} }}', options="no-build = true")
    ran = world.pixi("install")
    if editable:
        ran.succeeded()
    else:
        assert "`no-build` forbids" in ran.failed().err


@pytest.mark.slow
def test_a_branch_stays_at_its_locked_commit_until_it_is_updated(world: World) -> None:
    thing = project(world.root / "thing", "thing")
    first = repository(thing)
    world.manifest(f'thing = {{ git = "file://{thing}", branch = "main" }}')
    world.pixi("lock").succeeded()
    (thing / "more").write_text("")
    second = repository(thing)
    manifest = world.workspace / "pixi.toml"
    manifest.write_text(manifest.read_text() + 'words = "*"\n')
    world.pixi("lock").succeeded()
    assert f"#{first}" in (world.workspace / "pixi.lock").read_text()
    world.pixi("update", "thing", "--no-install").succeeded()
    assert f"#{second}" in (world.workspace / "pixi.lock").read_text()


def started(world: World, workspace: Path) -> subprocess.Popen[str]:
    """`pixi install` in a workspace, not waited for."""
    return subprocess.Popen(
        [sys.executable, "-m", "pixi_core.cli.main", "install"],
        cwd=workspace,
        env={**os.environ, **world.environ},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def waiting_project(world: World, name: str, **settings: Any) -> Path:
    """A project whose build never ends; the FIFO that tells the process which builds."""
    fifo = world.root / "fifo"
    os.mkfifo(fifo)
    project(world.root / name, name, wait=str(fifo), **settings)
    (world.root / "temporary").mkdir()
    world.environ["TMPDIR"] = str(world.root / "temporary")
    return fifo


def left_by_builds(world: World) -> list[Path]:
    """What unfinished builds left in the cache and among temporary files."""
    found = (world.root / "cache").rglob(".work-*")
    return [*found, *(world.root / "temporary").iterdir()]


@pytest.mark.slow
def test_an_interrupt_ends_the_build(world: World) -> None:
    fifo = waiting_project(world, "slow")
    world.manifest('slow = { path = "../slow" }')
    child = started(world, world.workspace)
    builder = int(fifo.read_text())
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130, said
    assert "Traceback" not in said
    with pytest.raises(ProcessLookupError):
        os.kill(builder, 0)
    assert not (world.workspace / ".pixi" / "envs" / "default" / "lib").exists()
    assert left_by_builds(world) == []


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for the end of a process that is not our child")
def test_a_build_ends_with_whoever_asked_for_it_and_the_next_one_clears_up(world: World) -> None:
    fifo = waiting_project(world, "slow")
    project(world.root / "other", "other")
    world.manifest('slow = { path = "../slow" }')
    child = started(world, world.workspace)
    watched = os.pidfd_open(int(fifo.read_text()))
    try:
        child.kill()
        child.communicate()
        waiting = select.poll()  # `select` knows no descriptors above 1,024
        waiting.register(watched, select.POLLIN)
        assert waiting.poll(20_000), "the build went on"
    finally:
        os.close(watched)
    assert len(left_by_builds(world)) == 1
    world.manifest('other = { path = "../other" }')
    world.pixi("install").succeeded()
    assert left_by_builds(world) == []


@pytest.mark.slow
def test_no_build_is_locked_while_what_it_needs_is_built(world: World) -> None:
    """Else two processes whose sources need each other would wait for ever."""
    fifo = waiting_project(world, "inner")
    project(world.root / "outer", "outer", requires=[f"inner @ file://{world.root}/inner"])
    world.manifest('outer = { path = "../outer" }')
    child = started(world, world.workspace)
    fifo.read_text()
    try:
        locks = [FileLock(path) for path in (world.root / "cache" / "built-wheels-v1" / ".locks").iterdir()]
        free = [lock.acquire(wait=False) for lock in locks]
        for lock in locks:
            lock.release()
        assert len(free) > 1
        assert free.count(False) == 1, "only what is being built"
    finally:
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)


@pytest.mark.slow
def test_processes_whose_sources_need_each_other_are_told(world: World) -> None:
    for name, other in (("first", "second"), ("second", "first")):
        world.offer(name, "1.0", requires=[other], dynamic=["dependencies"])
    children = []
    for number in range(4):
        world.manifest(f'{("first", "second")[number % 2]} = "*"')
        workspace = world.workspace.rename(world.root / f"workspace-{number}")
        children.append(started(world, workspace))
    for child in children:
        _, said = child.communicate(timeout=120)
        assert child.returncode == 1, said
        assert "needs itself to be built: " in said
        assert "Traceback" not in said


@pytest.mark.slow
def test_many_processes_build_a_source_once(world: World) -> None:
    world.offer("thing", "1.0", requires=["words>=2"], dynamic=["dependencies"])
    children = []
    for number in range(8):
        world.manifest('thing = "*"')
        children.append(started(world, world.workspace.rename(world.root / f"workspace-{number}")))
    for child in children:
        _, said = child.communicate(timeout=120)
        assert child.returncode == 0, said
    assert [line["hook"] for line in world.hooks("metadata", "wheel")] == ["metadata", "wheel"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
def test_large_files_get_into_the_wheel_once_they_are_asked_for(world: World) -> None:
    thing = project(world.root / "thing", "thing")
    for words in (
        ["init", "--quiet", "--initial-branch=main"],
        ["lfs", "install", "--local"],
        ["lfs", "track", "*.py"],
    ):
        subprocess.run(["git", *words], cwd=thing, check=True, capture_output=True)
    (thing / "backend" / ".gitattributes").write_text("*.py -filter\n")
    repository(thing)
    spec = f'git = "file://{thing}", branch = "main"'
    module = "thing/__init__.py"
    world.manifest(f"thing = {{ {spec} }}")
    world.pixi("install").succeeded()
    assert (world.site / module).read_text().startswith("version https://git-lfs")
    world.manifest(f"thing = {{ {spec}, lfs = true }}")
    world.pixi("install").succeeded()
    assert (world.site / module).read_text() == "version = '1.0'\n"
    assert "?branch=main&lfs=true#" in (world.workspace / "pixi.lock").read_text()


@pytest.mark.slow
def test_add_says_where_a_package_is_built_from(world: World) -> None:
    project(world.workspace / "libs" / "here", "here")
    elsewhere = project(world.root / "elsewhere", "elsewhere")
    commit = repository(elsewhere, "v2")
    world.manifest()
    (world.workspace / "folder").mkdir()
    below = world.workspace / "folder"
    pixi("add", "here", "--path", "../libs/here", "--editable", cwd=below, environ=world.environ).succeeded()
    world.pixi("add", "elsewhere", "--git", f"file://{elsewhere}", "--tag", "v2").succeeded()
    manifest = (world.workspace / "pixi.toml").read_text()
    assert 'here = {path = "libs/here", editable = true}' in manifest
    assert f'elsewhere = {{git = "file://{elsewhere}", tag = "v2"}}' in manifest
    for option, value in (("--branch", "main"), ("--rev", commit)):
        world.pixi("add", "elsewhere", "--git", f"file://{elsewhere}", option, value, "--no-install").succeeded()
        written = f'elsewhere = {{git = "file://{elsewhere}", {option[2:]} = "{value}"}}'
        assert written in (world.workspace / "pixi.toml").read_text()
        assert f"?{option[2:]}={value}#{commit}\n" in (world.workspace / "pixi.lock").read_text()
    assert "- pypi: ./libs/here\n" in (world.workspace / "pixi.lock").read_text()
    assert world.python("import here, elsewhere; print(here.version)") == "1.0"
    for words in (["--git", "x", "--path", "y"], ["--tag", "v2"], ["--subdirectory", "x"], ["--editable"]):
        world.pixi("add", "other", *words).failed(2)


@pytest.mark.slow
def test_a_wheel_that_is_not_what_was_locked_is_refused(world: World) -> None:
    archive = sdist(project(world.root / "thing", "thing", "9.9"), "thing", "1.0", final=True)
    world.index.projects["thing"] = [File("thing-1.0.tar.gz", archive, None)]
    world.manifest('thing = "*"')
    ran = world.pixi("install").failed()
    assert "thing 1.0 was built, but the wheel says that it is thing 9.9" in ran.err
    assert not (world.workspace / ".pixi" / "envs").exists()


@pytest.mark.slow
def test_no_binary_takes_the_sdist_beside_a_wheel(world: World) -> None:
    world.offer("thing", "1.0")
    world.index.wheel("thing", "1.0")
    world.manifest('thing = "*"', options='no-binary = ["thing"]')
    world.pixi("install").succeeded()
    assert "thing-1.0.tar.gz" in (world.workspace / "pixi.lock").read_text()
    assert len(world.hooks("wheel")) == 1
    world.pixi("install", "--locked").succeeded()
    assert len(world.hooks("wheel")) == 1
