"""Source trees to build: projects that bring their own back end, and sdists of them."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support import tiny_backend
from tests.support.pypi_index import File, wheel_bytes


def project(
    folder: Path,
    name: str,
    version: str | None = "1.0",
    *,
    dependencies: Sequence[str] = (),
    dynamic: Sequence[str] = (),
    requires: Sequence[str] = (),
    **settings: Any,
) -> Path:
    """A project whose module says its version, built by `tiny_backend` (`settings` steer it); `requires` are its build
    requirements. With `version=None` only the back end knows it, from the file `VERSION`.
    """
    module = folder / "src" / name.replace("-", "_")
    module.mkdir(parents=True)
    (module / "__init__.py").write_text(f"version = {version!r}\n")
    told = [] if version is None else [f"version = {json.dumps(version)}"]
    unknown = [*dynamic, *(["version"] if version is None else [])]
    (folder / "pyproject.toml").write_text(
        "\n".join(
            [
                "[build-system]",
                f"requires = {json.dumps(list(requires))}",
                'build-backend = "tiny_backend"',
                'backend-path = ["backend"]',
                "[project]",
                f"name = {json.dumps(name)}",
                *told,
                *([f"dynamic = {json.dumps(unknown)}"] if unknown else []),
                *([] if "dependencies" in unknown else [f"dependencies = {json.dumps(list(dependencies))}"]),
                "",
            ]
        )
    )
    (folder / "backend").mkdir()
    shutil.copy(str(tiny_backend.__file__), folder / "backend" / "tiny_backend.py")
    if settings:
        (folder / "backend.json").write_text(json.dumps(settings))
    return folder


def backend_wheel(name: str, version: str = "1.0") -> File:
    """A wheel with `tiny_backend` as its module `build`, for an index that has to have a back end such as hatchling."""
    source = Path(tiny_backend.__file__).read_text()
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    modules = {f"{name}/__init__.py": "", f"{name}/build.py": source}
    content = wheel_bytes(name, version, metadata, modules=modules)
    return File(f"{name}-{version}-py3-none-any.whl", content, metadata)


def sdist(folder: Path, name: str, version: str, *, final: bool = False) -> bytes:
    """The folder as a source distribution whose `PKG-INFO` promises nothing, or (`final`) to be the whole truth."""
    stem = f"{name.replace('-', '_')}-{version}"
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        archive.add(folder, arcname=stem, filter=lambda member: None if "__pycache__" in member.name else member)
        info = f"Metadata-Version: {2.2 if final else 2.1}\nName: {name}\nVersion: {version}\n\n".encode()
        member = tarfile.TarInfo(f"{stem}/PKG-INFO")
        member.size = len(info)
        archive.addfile(member, io.BytesIO(info))
    return content.getvalue()


def repository(folder: Path, tag: str | None = None) -> str:
    """Make the folder a git repository with one commit (and tag); the commit."""

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "--quiet", "--initial-branch=main")
    git("add", ".")
    git("commit", "--quiet", "-m", "all of it")
    if tag is not None:
        git("tag", tag)
    return git("rev-parse", "HEAD")
