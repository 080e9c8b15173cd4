"""What an approval would allow, in lines for people: what is installed, from where, what is run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..model.channel import without_credentials
from ..names import DEFAULT_FEATURE

if TYPE_CHECKING:
    from ..manifest.model import Content, Feature, WorkspaceManifest
    from ..workspace import Workspace
    from .store import Approval

SHOWN = 40
"""Names in one line; the rest is counted."""

LONGEST = 600


def describe(workspace: Workspace) -> list[str]:
    """One line for each kind of thing. Nothing is fetched or run for it. Raises `ManifestError`, `LockFileError`."""
    manifest = workspace.manifest
    lines = [*_sources(workspace, manifest), *_packages(manifest), *_code(workspace, manifest), *_around(workspace)]
    return [_printable(line) for line in lines]


def marked(lines: list[str], before: Approval | None) -> list[str]:
    """The lines, with `(new)` before each that the last approval did not show."""
    if before is None:
        return lines
    known = set(before.lines)
    return [line if line_digest(line) in known else f"(new) {line}" for line in lines]


def line_digest(line: str) -> str:
    """By which a line that was shown is recognised: it may hold a password that stands in the manifest."""
    return hashlib.sha256(line.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _printable(line: str) -> str:
    """One line, whatever a manifest puts into a name: it is shown where people decide."""
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in line)
    return shown if len(shown) <= LONGEST else shown[:LONGEST] + " …"


def _some(words: Iterable[str]) -> str:
    found = list(words)
    rest = len(found) - SHOWN
    return ", ".join(found[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


# ---------------------------------------------------------------- from where


def _sources(workspace: Workspace, manifest: WorkspaceManifest) -> list[str]:
    channels = list(manifest.channels)
    for feature in manifest.features.values():
        channels += feature.channels or ()
    urls = list(dict.fromkeys(without_credentials(entry.channel.url) for entry in channels))
    lines = [f"conda channels: {_some(urls)}"] if urls else ["Python of this machine"]
    indexes: list[str] = []
    for options in (manifest.pypi_options, *(feature.pypi_options for feature in manifest.features.values())):
        if options is not None:
            indexes += [url for url in (options.index_url, *options.extra_index_urls) if url]
            indexes += [str(link.url or link.path) for link in options.find_links]
    for feature in manifest.features.values():
        for content in feature.contents:
            indexes += [r.index for r in content.pypi_dependencies.values() if r.index]
    if indexes:
        lines.append(f"package indexes: {_some(dict.fromkeys(without_credentials(url) for url in indexes))}")
    lines += _locked(workspace)
    return lines


def _locked(workspace: Workspace) -> list[str]:
    from .block import lock_origins

    lock = workspace.lock()
    if lock is None:
        return []
    most = max((len(packages) for one in lock.environments.values() for packages in one.packages.values()), default=0)
    origins = _some(sorted(lock_origins(workspace)))
    return [f"lock file: up to {most} packages in an environment" + (f", from {origins}" if origins else "")]


# ---------------------------------------------------------------- what


def _packages(manifest: WorkspaceManifest) -> list[str]:
    lines = []
    for feature in manifest.features.values():
        for content in feature.contents:
            where = _where(feature, content)
            if content.dependencies:
                specs = (_conda_text(name, spec) for name, spec in content.dependencies.items())
                lines.append(f"conda packages{where}: {_some(specs)}")
            pypi = [r for r in content.pypi_dependencies.values() if r.is_registry]
            if pypi:
                lines.append(f"PyPI packages{where}: {_some(map(str, pypi))}")
    return lines


def _conda_text(name: str, spec: Any) -> str:
    text = str(spec)
    return text if text.startswith(name) or "::" in text else f"{name} {text}"


def _where(feature: Feature, content: Content) -> str:
    words = [] if feature.name == DEFAULT_FEATURE else [f"feature {feature.name}"]
    words += [f"on {content.selector}"] if content.selector else []
    return f" ({', '.join(words)})" if words else ""


def _code(workspace: Workspace, manifest: WorkspaceManifest) -> list[str]:
    """What would be run, and what may be run when somebody asks for it."""
    lines = []
    tasks: list[str] = []
    for feature in manifest.features.values():
        for content in feature.contents:
            where = _where(feature, content)
            direct = [r for r in content.pypi_dependencies.values() if not r.is_registry]
            lines += [f"builds or installs from source{where}: {without_credentials(str(one))}" for one in direct]
            lines += [f"builds from source{where}: {name}" for name in content.sources]
            lines += [
                f"runs when activated{where}: {script}{'' if (workspace.root / script).is_file() else ' (missing)'}"
                for script in content.activation_scripts or ()
            ]
            lines += [f"sets{where}: {name}={value}" for name, value in content.activation_env.items()]
            tasks += [name for name in content.tasks if name not in tasks]
    if tasks:
        lines.append(f"tasks, run only when you ask for them: {_some(tasks)}")
    return lines


def _around(workspace: Workspace) -> list[str]:
    """What lies beside the manifest and would be believed."""
    from .block import CONFIG

    lines = []
    path = workspace.root / CONFIG
    if path.exists():
        lines.append(f"configuration of its own in {CONFIG}: {_some(_keys(path)) or 'empty'}")
    envs = workspace.pixi_dir / "envs"
    present = sorted(entry.name for entry in envs.iterdir()) if envs.is_dir() else []
    if present:
        lines.append(f"installed already in this folder: {_some(present)}")
    return lines


def _keys(path: Any) -> list[str]:
    from tomli import TOMLDecodeError, loads

    try:
        document: Mapping[str, Any] = loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, TOMLDecodeError):
        return ["cannot be read"]
    return [f"{key} = {without_credentials(str(value))}" for key, value in document.items()]
