"""`pixi run --script`: a Python file that says itself what it needs (PEP 723), in an environment kept in the cache.

The block `# /// script` holds `requires-python` and `dependencies` (PyPI), and below `[tool.pixi]` the tables
`workspace` (`channels`, `platforms` …), `dependencies`, `pypi-dependencies` and `target` of a workspace manifest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import ManifestError, SpecError, UsageError
from ..progress import SILENT, Reporter
from .exec import ExecEnvironment, cached_environment

if TYPE_CHECKING:
    from ..manifest.table import Problems
    from ..workspace import Services

_INPUT = "standard input"
_LARGEST = 16 << 20
"""Bytes of a script that is downloaded; more is no script."""

_TABLES = ("workspace", "dependencies", "pypi-dependencies", "target", "pypi-options")


def script_metadata(text: str, *, source: str) -> dict[str, Any]:
    """The table of the block `script`; empty where there is none. Raises `ManifestError` for two of them, and for a
    block that is not TOML.
    """
    import tomli

    from ..manifest.script_block import OPENING, only_block

    block = only_block(text, source=source)
    if block is None:
        return {}
    first, lines = block
    try:
        return tomli.loads("\n".join(lines) + "\n")
    except tomli.TOMLDecodeError as error:
        raise ManifestError(f"{source}:{first + error.lineno}: the block `{OPENING}`: {error.msg}") from None


def manifest_text(metadata: Mapping[str, Any], *, source: str, channels: list[str], platform: str) -> str:
    """The manifest of the workspace that a script describes. Raises `ManifestError`, `SpecError`."""
    import tomlkit

    from ..manifest.edit import ManifestEditor
    from ..model.pypi_requirement import parse_requirement

    given = metadata.get("tool", {}).get("pixi", {})
    for key in given:
        if key not in _TABLES:
            raise ManifestError(
                f"{source}: `tool.pixi.{key}` has no meaning in a script", hints=[f"known: {', '.join(_TABLES)}"]
            )
    workspace = {"name": "script", "channels": channels, "platforms": [platform], **given.get("workspace", {})}
    tables = {key: value for key, value in given.items() if key != "workspace"}
    dependencies = {"python": _python(metadata, source), **tables.pop("dependencies", {})}
    editor = ManifestEditor(tomlkit.dumps({"workspace": workspace, "dependencies": dependencies, **tables}))
    wanted = metadata.get("dependencies", [])
    if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
        raise ManifestError(f"{source}: `dependencies` must be a list of strings")
    for requirement in wanted:
        editor.add_pypi(parse_requirement(requirement))
    return editor.text


def _python(metadata: Mapping[str, Any], source: str) -> str:
    wanted = metadata.get("requires-python", "*")
    if not isinstance(wanted, str):
        raise ManifestError(f"{source}: `requires-python` must be a string")
    return wanted.replace(" ", "") or "*"


def script_environment(
    services: Services, script: Script, *, folder: Path, mode: str = "auto", reporter: Reporter = SILENT
) -> ExecEnvironment:
    """The environment of a script: one for each path or URL; for a text from standard input one for each block.

    `folder` is what relative channels are relative to where the script is in none. A lock file beside the script is
    followed, and kept up to date as `mode` says. Raises `ManifestError`, `UsageError`, and whatever locking and
    installing raise.
    """
    home, manifest = script_workspace(services, script, folder=folder)
    lock = None if script.path is None else sidecar(script.path)
    if mode != "auto" and (lock is None or not lock.is_file()):
        hint = "run `pixi lock --script FILE`" if lock is not None else "only a script in a file can have one"
        raise UsageError(f"{script.source} has no lock file", hints=[hint])
    return cached_environment(services, home, manifest, lock=lock, mode=mode, reporter=reporter)


def sidecar(script: Path) -> Path:
    """Where the lock file of a script is, if it has one."""
    return script.with_name(f"{script.name}.pixi.lock")


def script_workspace(services: Services, script: Script, *, folder: Path) -> tuple[Path, str]:
    """The cache folder in which the script's workspace is, and the manifest of it. Raises `ManifestError`."""
    from ..manifest.read import read_manifest
    from ..manifest.table import Problems
    from ..model.channel import channel as parse_channel
    from ..virtual import host_subdir

    metadata = script_metadata(script.text, source=script.source)
    problems = _problems(script)
    _check(metadata, Problems(problems.path, problems.text))
    given = metadata.get("tool", {}).get("pixi", {}).get("workspace", {})
    channels = given.get("channels", list(services.config.default_channels))
    root = folder if script.path is None else script.path.parent
    if isinstance(channels, list):  # anything else is told with its place, below
        channels = [parse_channel(one, root=root).url if isinstance(one, str) else one for one in channels]
    if given:
        given["channels"] = channels
    anchor_paths(metadata.get("tool", {}).get("pixi", {}), root)
    platform = str(host_subdir(services.environ))
    manifest = manifest_text(metadata, source=script.source, channels=channels, platform=platform)
    read_manifest(manifest, path=root / "pixi.toml", problems=problems)
    identity = manifest if script.source == _INPUT else script.source
    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return services.dirs.exec_environments / f"script-{script.name[:40]}-{digest}", manifest


def _problems(script: Script) -> Problems:
    """For mistakes in the block, which are told at their place in the script."""
    from ..manifest.script_block import only_block
    from ..manifest.table import Problems

    first, lines = only_block(script.text, source=script.source) or (0, [])
    # blanks instead of `# ` keep lines and columns
    text = "\n" * first + "".join(f"  {line}\n" for line in lines)
    return Problems(script.path or script.source, text, prefix=("tool", "pixi"))


def _check(metadata: Mapping[str, Any], problems: Problems) -> None:
    """What a manifest would not say of the block itself. Raises `ManifestError` with every mistake."""
    from ..manifest.table import Table, suggestion
    from ..model.pypi_requirement import parse_requirement
    from ..model.version_spec import parse_version_spec

    block = Table(metadata, (), problems)
    block.allow(("requires-python", "dependencies", "tool"), where="the block of a script")
    requires = block.get("requires-python", str)
    if requires is not None:
        block.convert("requires-python", lambda: parse_version_spec(requires.replace(" ", "") or "*"))
    for position, text in enumerate(block.texts("dependencies") or ()):
        try:
            parse_requirement(text)
        except SpecError as error:
            problems.add(("dependencies", position), error.message, hint="; ".join(error.hints))
    pixi = block.table("tool").table("pixi")
    for key in pixi.data:
        if key in _TABLES:
            pixi.get(key, dict)
        else:
            hint = suggestion(key, _TABLES, what="tables")
            pixi.wrong(key, f"`tool.pixi.{key}` has no meaning in a script", hint=hint, at_key=True)
    problems.raise_any()


def anchor_paths(tables: dict[str, Any], root: Path) -> None:
    """Let relative paths of dependencies and of `find-links` start from `root`: the workspace lies elsewhere."""
    for content in (tables, *_tables(tables.get("target"))):
        for key in ("dependencies", "pypi-dependencies"):
            for spec in _tables(content.get(key)):
                _anchor(spec, root)
    options = tables.get("pypi-options")
    links = options.get("find-links") if isinstance(options, dict) else None
    for link in links if isinstance(links, list) else ():
        _anchor(link, root)


def _tables(value: Any) -> list[dict[str, Any]]:
    return [one for one in value.values() if isinstance(one, dict)] if isinstance(value, dict) else []


def _anchor(spec: Any, root: Path) -> None:
    if isinstance(spec, dict) and isinstance(spec.get("path"), str):
        spec["path"] = str(root / Path(spec["path"]).expanduser())


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text, and where it is from: a path, a URL or standard input (`source`); `path` where it is a file."""

    text: str
    source: str
    path: Path | None = None

    @property
    def name(self) -> str:
        """For people, and safe as the name of a file."""
        if self.source == _INPUT:
            return "stdin"
        stem = PurePosixPath(urlsplit(self.source).path).stem if self.path is None else self.path.stem
        return re.sub(r"[^A-Za-z0-9_.-]", "", stem).strip(".") or "script"

    def placed(self, folder: Path) -> Path:
        """A file to run: the script's own, or one in `folder`. Raises `StorageError`."""
        from ..fs import atomic_write

        if self.path is not None:
            return self.path
        path = folder / f"{self.name}.py"
        atomic_write(path, self.text)
        return path


def read_script(services: Services, name: str, folder: Path) -> Script:
    """The script of a path, of a URL, or of `-`, standard input. Raises `UsageError`, `NetworkError`."""
    import sys

    if name == "-":
        return Script(sys.stdin.read(), _INPUT)
    if not re.match(r"(?i)(https?|file)://", name):
        return script_file(folder / name)
    from ..model.channel import without_credentials

    content = services.client.get_bytes(name, max_bytes=_LARGEST).content
    source = without_credentials(name)
    try:
        return Script(content.decode("utf-8-sig"), source)
    except UnicodeDecodeError as error:
        raise UsageError(f"the script {source} cannot be read: {error}") from None


def script_file(path: Path) -> Script:
    """The script of a path. Raises `UsageError`."""
    path = path.absolute()
    try:
        return Script(path.read_text(encoding="utf-8-sig"), str(path), path)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the script {path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
