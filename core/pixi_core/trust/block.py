"""What of a workspace an approval covers, in a form that does not depend on layout, order or comments.

The rule is the safe way round: everything in a manifest counts, except the few keys listed here which neither choose
what is installed, nor where it comes from, nor what is run. A key that nobody has thought of therefore counts.

| counts | why |
|---|---|
| dependencies of both worlds, constraints, features, environments | what is installed |
| channels, index URLs, find-links, `pypi-options`, `exclude-newer`, channel priority | where it comes from |
| `[activation]` scripts (and their contents) and variables, tasks | what is run, or steers what is run |
| `.pixi/config.toml` (mirrors, indexes, TLS, link scripts) | redirects and runs, and travels with a repository |
| of folders that are installed from source: `build-system`, the backend's own table, `setup.py`, `setup.cfg` | code |
| the places from which the lock file fetches | a lock file redirects as an index does |

Not counted: names and descriptions, `platforms` and `system-requirements` (they choose among what counts), versions
and hashes in the lock file.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import ManifestError
from ..model.channel import without_credentials

if TYPE_CHECKING:
    from ..lock.model import LockFile
    from ..workspace import Workspace

CONFIG = Path(".pixi") / "config.toml"
BUILD_FILES = ("pyproject.toml", "setup.py", "setup.cfg")

_DESCRIPTIVE = frozenset(
    ["name", "version", "description", "authors", "maintainers", "license", "license-file", "license-files", "readme",
     "homepage", "repository", "documentation", "keywords", "classifiers", "urls", "platforms", "system-requirements",
     "requires-pixi"]
)  # fmt: skip
_DESCRIBED = ("workspace", "project")
"""Tables in which those keys merely describe; anywhere else (a task, a dependency called `readme`) they count."""

_BACKENDS = frozenset(
    ["flit", "hatch", "maturin", "meson-python", "pdm", "poetry", "scikit-build", "setuptools", "setuptools_scm", "uv"]
)


def canonical_block(workspace: Workspace, text: str | None = None) -> str:
    """Everything that counts, but for the lock file, as JSON with sorted keys; with `text` as if the manifest said
    that. Raises `ManifestError`.
    """
    document = _document(workspace.manifest_text if text is None else text, workspace.manifest_path)
    root = workspace.root
    block = {
        "manifest": _manifest_part(document, workspace.kind),
        "scripts": {script: file_digest(root / script) for script in scripts(document)},
        "configuration": file_digest(root / CONFIG),
        "built": {folder: _build_part(root / folder) for folder in source_folders(document, workspace.kind)},
    }
    return json.dumps(block, sort_keys=True, default=str, ensure_ascii=True)


def watched_files(workspace: Workspace) -> list[Path]:
    """The files beside manifest and lock file that the block was made from, whether they exist or not."""
    document = _document(workspace.manifest_text, workspace.manifest_path)
    root = workspace.root
    found = [root / CONFIG, *(root / script for script in scripts(document))]
    for folder in source_folders(document, workspace.kind):
        found += [root / folder / name for name in BUILD_FILES]
    return list(dict.fromkeys(found))


def file_digest(path: Path) -> str:
    """SHA-256 of a file's contents; empty where there is none that can be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


# ---------------------------------------------------------------- the manifest


def _document(text: str, path: Path) -> dict[str, Any]:
    from tomli import TOMLDecodeError, loads  # lazy: the fast path of a kernel start parses nothing

    try:
        return loads(text)
    except TOMLDecodeError as error:
        raise ManifestError(f"{path} is not valid TOML: {error}") from error


def _manifest_part(document: Mapping[str, Any], kind: str) -> Any:
    if kind != "pyproject":
        return _without_description(document)
    tool = document.get("tool")
    pixi = tool.get("pixi", {}) if isinstance(tool, dict) else {}
    return {
        "pixi": _without_description(pixi if isinstance(pixi, dict) else {}),
        "project": _plain_table(document.get("project")),
        "dependency-groups": document.get("dependency-groups"),
        "own-build": _backend_tables(document),
    }


def _without_description(document: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in document.items() if key != "system-requirements"}
    for name in _DESCRIBED:
        if name in kept:
            kept[name] = _plain_table(kept[name])
    features = kept.get("feature")
    if isinstance(features, dict):
        kept["feature"] = {
            name: {key: value for key, value in table.items() if key not in ("platforms", "system-requirements")}
            if isinstance(table, dict)
            else table
            for name, table in features.items()
        }
    return kept


def _plain_table(table: Any) -> Any:
    if not isinstance(table, dict):
        return table
    return {key: value for key, value in table.items() if key not in _DESCRIPTIVE}


def scripts(document: Mapping[str, Any]) -> list[str]:
    """Every activation script that is named anywhere."""
    found: list[str] = []
    for key, table in _tables(document):
        listed = table.get("scripts") if key == "activation" else None
        if isinstance(listed, list):
            found += [script for script in listed if isinstance(script, str)]
    return sorted(set(found))


def source_folders(document: Mapping[str, Any], kind: str) -> list[str]:
    """Every folder that something may be built from: whatever a table calls `path`, and PEP 508's `@ ./folder`."""
    found = {str(table["path"]) for _, table in _tables(document) if isinstance(table.get("path"), str)}
    project = document.get("project") if kind == "pyproject" else None
    if isinstance(project, dict):
        for requirement in project.get("dependencies") or ():
            name, at, place = str(requirement).partition("@")
            if at and name.strip() and "://" not in place:
                found.add(place.partition(";")[0].strip())
            elif place.strip().startswith("file:"):
                found.add(urlsplit(place.partition(";")[0].strip()).path)
    return sorted(found)


def _tables(value: Any, key: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every table of a document with the key it stands under."""
    if isinstance(value, dict):
        yield key, value
        for name, inner in value.items():
            yield from _tables(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _tables(inner, key)


def _build_part(folder: Path) -> dict[str, Any]:
    """What decides which code runs when a folder is built."""
    part: dict[str, Any] = {name: file_digest(folder / name) for name in BUILD_FILES[1:]}
    try:
        text = (folder / BUILD_FILES[0]).read_text(encoding="utf-8")
        part["pyproject"] = _backend_tables(_document(text, folder / BUILD_FILES[0]))
    except (OSError, UnicodeDecodeError, ManifestError):
        part["pyproject"] = file_digest(folder / BUILD_FILES[0])
    return part


def _backend_tables(document: Mapping[str, Any]) -> dict[str, Any]:
    tool = document.get("tool")
    project = document.get("project")
    return {
        "build-system": document.get("build-system"),
        "dependencies": project.get("dependencies") if isinstance(project, dict) else None,
        "tool": {key: value for key, value in tool.items() if key in _BACKENDS} if isinstance(tool, dict) else None,
    }


# ---------------------------------------------------------------- the lock file


def lock_origins(workspace: Workspace) -> frozenset[str]:
    """Where the lock file of a workspace fetches from; nothing where there is none. Raises `LockFileError`."""
    lock = workspace.lock()
    return frozenset() if lock is None else origins_of(lock)


def origins_of(lock: LockFile) -> frozenset[str]:
    """Where a lock file fetches from: channels whole, of PyPI files the server, repositories and folders whole."""
    from ..model.record import PypiRecord, RepoDataRecord

    found: set[str] = set()
    records: list[Any] = list(lock.extra_packages)
    for environment in lock.environments.values():
        found.update(_place(url) for url in (*environment.channels, *environment.indexes))
        found.update(_place(where) for _, where in environment.find_links)
        for packages in environment.packages.values():
            records += packages
    for record in records:
        if isinstance(record, RepoDataRecord):
            found.add(_place(record.url.rsplit("/", 2)[0] if record.url.count("/") > 3 else record.url))
        elif isinstance(record, PypiRecord) and record.is_registry:
            found.add(_server(record.location))
        else:
            found.add(_place(record.location.partition("#")[0]))
    return frozenset(found)


def _place(url: str) -> str:
    return without_credentials(url).rstrip("/") if "://" in url else os.path.normpath(url)


def _server(url: str) -> str:
    parts = urlsplit(without_credentials(url))
    return f"{parts.scheme}://{parts.netloc}"
