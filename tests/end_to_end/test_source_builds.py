"""Projects that are built: every way to name one, in real environments, by the real command."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Ran, pixi
from tests.support.projects import project, repository, sdist
from tests.support.pypi_index import FakeIndex, File, serving

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


SHOW = "import thing; print(thing.version, thing.__file__)"


@pytest.mark.parametrize("kind", ["folder", "editable", "sdist", "wheel", "url", "index", "git", "subdirectory"])
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
