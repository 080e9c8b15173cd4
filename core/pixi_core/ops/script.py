"""`pixi run --script`: a Python file that says itself what it needs (PEP 723), in an environment kept in the cache.

The block `# /// script` holds `requires-python` and `dependencies` (PyPI), and below `[tool.pixi]` the tables
`workspace` (`channels`, `platforms` …), `dependencies`, `pypi-dependencies` and `target` of a workspace manifest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ManifestError, UsageError
from ..progress import SILENT, Reporter
from .exec import ExecEnvironment, cached_environment

if TYPE_CHECKING:
    from ..workspace import Services

_OPENING = "# /// script"
_CLOSING = "# ///"
_TABLES = ("workspace", "dependencies", "pypi-dependencies", "target", "pypi-options")


def script_metadata(text: str, *, source: str) -> dict[str, Any]:
    """The table of the block `script`; empty where there is none. Raises `ManifestError` for two of them, and for a
    block that is not TOML.
    """
    import tomli

    blocks = list(_blocks(text.splitlines()))
    if len(blocks) > 1:
        raise ManifestError(f"{source} has {len(blocks)} blocks `{_OPENING}`, one is allowed")
    if not blocks:
        return {}
    first, lines = blocks[0]
    try:
        return tomli.loads("\n".join(lines) + "\n")
    except tomli.TOMLDecodeError as error:
        raise ManifestError(f"{source}:{first + error.lineno}: the block `{_OPENING}`: {error.msg}") from None


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """For each block the number of its opening line (from 1) and what stands in it. It reaches to the last closing line
    before something that is no comment of the form `#` or `# …`; one that is not closed is none.
    """
    number = 0
    while number < len(lines):
        number += 1
        if lines[number - 1] != _OPENING:
            continue
        comments = list(takewhile(lambda line: line == "#" or line.startswith("# "), lines[number:]))
        if _CLOSING in comments:
            length = len(comments) - 1 - comments[::-1].index(_CLOSING)
            yield number, [line[2:] for line in comments[:length]]
            number += length + 1


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
    services: Services, text: str, *, path: Path | None, folder: Path, reporter: Reporter = SILENT
) -> ExecEnvironment:
    """The environment of a script: one for each path; for a text from standard input (`path` None) one for each block.

    `folder` is what relative channels are relative to. Raises `ManifestError`, and whatever locking and installing
    raise.
    """
    from ..model.channel import channel as parse_channel
    from ..virtual import host_subdir

    source = str(path or "standard input")
    metadata = script_metadata(text, source=source)
    given = metadata.get("tool", {}).get("pixi", {}).get("workspace", {})
    channels = given.get("channels", list(services.config.default_channels))
    root = folder if path is None else path.parent
    absolute = [parse_channel(one, root=root).url if isinstance(one, str) else one for one in channels]
    if given:
        given["channels"] = absolute
    manifest = manifest_text(metadata, source=source, channels=absolute, platform=str(host_subdir(services.environ)))
    identity = manifest if path is None else str(path)
    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    name = "stdin" if path is None else re.sub(r"[^A-Za-z0-9_.-]", "", path.stem)[:40]
    home = services.dirs.exec_environments / f"script-{name}-{digest}"
    return cached_environment(services, home, manifest, reporter=reporter)


def read_script(name: str, folder: Path) -> tuple[Path | None, str]:
    """The path of a script and its text; no path for `-`, standard input. Raises `UsageError`."""
    import sys

    if name == "-":
        return None, sys.stdin.read()
    if "://" in name:
        raise UsageError(f"'{name}' is not on this machine", hints=["download it first: only files are run, and `-`"])
    path = (folder / name).absolute()
    try:
        return path, path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the script {name} cannot be read: {getattr(error, 'strerror', None) or error}") from None
