"""The text of a new manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import ManifestError
from ..names import DEFAULT_FEATURE
from ..value import EMPTY, Value
from .model import ManifestKind


def new_manifest(
    *,
    name: str,
    channels: Sequence[str],
    platforms: Sequence[str],
    kind: ManifestKind = "pixi",
    authors: Sequence[str] = (),
    python: str | None = None,
    version: str = "0.1.0",
    settings: Settings | None = None,
) -> str:
    """A manifest with empty tables to fill. `python` is a version spec for the first dependency; without channels it
    is what is asked of the machine's interpreter.
    """
    settings = settings or Settings()
    if kind == "pyproject":
        return _pyproject(name, channels, platforms, authors, python, version, settings)
    lines = ["[workspace]"]
    if authors:
        lines.append(f"authors = {_list(authors)}")
    lines += [
        f"channels = {_list(channels)}",
        f"name = {_text(name)}",
        f"platforms = {_list(platforms)}",
        f"version = {_text(version)}",
        *settings.workspace_lines(),
        "",
        *settings.options_table("pypi-options"),
        "[tasks]",
        "",
        "[dependencies]",
    ]
    if python is not None:
        lines.append(f"python = {_text(python)}")
    return "\n".join([*lines, ""])


def _pyproject(
    name: str,
    channels: Sequence[str],
    platforms: Sequence[str],
    authors: Sequence[str],
    python: str | None,
    version: str,
    settings: Settings,
) -> str:
    distribution = project_name(name)
    lines = ["[project]"]
    if authors:
        lines.append(f"authors = [{', '.join(_author(author) for author in authors)}]")
    lines += [
        "dependencies = []",
        f"name = {_text(distribution)}",
        f"requires-python = {_text(python or '>=3.11')}",
        f"version = {_text(version)}",
        "",
        "[build-system]",
        'build-backend = "hatchling.build"',
        'requires = ["hatchling"]',
        "",
        "[tool.pixi.workspace]",
        f"channels = {_list(channels)}",
        f"platforms = {_list(platforms)}",
        *settings.workspace_lines(),
        "",
        *settings.options_table("tool.pixi.pypi-options"),
        "[tool.pixi.pypi-dependencies]",
        f'{_key(distribution)} = {{ path = ".", editable = true }}',
        "",
        "[tool.pixi.tasks]",
        "",
    ]
    return "\n".join(lines)


def extended_pyproject(
    text: str, *, channels: Sequence[str], platforms: Sequence[str], settings: Settings | None = None
) -> str:
    """The `pyproject.toml` of a project, with what makes it a workspace at its end: the project itself as an editable
    dependency, and an environment for each of its optional dependencies and dependency groups. Raises `ManifestError`.
    """
    import tomli

    try:
        data = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise ManifestError(f"pyproject.toml:{error.lineno}:{error.colno}: {error.msg}") from None
    project, groups = _table(data, "project"), _table(data, "dependency-groups")
    settings = settings or Settings()
    lines = ["", "[tool.pixi.workspace]", f"channels = {_list(channels)}", f"platforms = {_list(platforms)}"]
    if not isinstance(project.get("name"), str):
        lines.append('name = "workspace"')
    lines += [*settings.workspace_lines(), "", *settings.options_table("tool.pixi.pypi-options")]
    if "requires-python" not in project:
        lines += ["[tool.pixi.dependencies]", 'python = "*"', ""]
    if isinstance(project.get("name"), str):
        lines += [
            "[tool.pixi.pypi-dependencies]",
            f'{_key(project["name"])} = {{ path = ".", editable = true }}',
            "",
        ]
    features = dict.fromkeys((*_table(project, "optional-dependencies"), *groups))
    named = {environment_name(feature): feature for feature in features if feature != DEFAULT_FEATURE}
    if named:
        lines += ["[tool.pixi.environments]", 'default = { solve-group = "default" }']
        lines += [
            f'{name} = {{ features = {_list([feature])}, solve-group = "default" }}' for name, feature in named.items()
        ]
        lines.append("")
    lines += ["[tool.pixi.tasks]", ""]
    return text + ("" if text.endswith("\n") or not text else "\n") + "\n".join(lines)


def environment_name(feature: str) -> str:
    """The name of an environment for a feature: small letters, digits and hyphens."""
    return "".join(c if c.isascii() and (c.isdigit() or c.islower()) else "-" for c in feature.lower())


def _table(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key)
    return found if isinstance(found, dict) else {}


class Settings(Value, kw_only=True):
    """What a new manifest says beyond the usual: `conda_pypi_map` (channel → location), and the indexes of PyPI."""

    conda_pypi_map: Mapping[str, str] = EMPTY
    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()

    def workspace_lines(self) -> list[str]:
        """What stands in the workspace's table."""
        if not self.conda_pypi_map:
            return []
        pairs = ", ".join(f"{_key(channel)} = {_text(place)}" for channel, place in self.conda_pypi_map.items())
        return [f"conda-pypi-map = {{ {pairs} }}"]

    def options_table(self, name: str) -> list[str]:
        """A table of its own, and an empty line after it; nothing where there is nothing to say."""
        lines = [f"index-url = {_text(self.index_url)}"] if self.index_url else []
        if self.extra_index_urls:
            lines.append(f"extra-index-urls = {_list(self.extra_index_urls)}")
        return [f"[{name}]", *lines, ""] if lines else []


def _key(name: str) -> str:
    """A TOML key: bare where that is possible."""
    return name if name.replace("-", "").replace("_", "").isalnum() else _text(name)


def project_name(text: str) -> str:
    """A name that a Python project may have, as near to `text` as possible."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in text).strip("-._")
    return kept.lower() or "project"


def _author(author: str) -> str:
    name, _, mail = author.partition(" <")
    fields = [f"name = {_text(name)}"] + ([f"email = {_text(mail.rstrip('>'))}"] if mail else [])
    return "{ " + ", ".join(fields) + " }"


def _list(items: Sequence[str]) -> str:
    return f"[{', '.join(_text(item) for item in items)}]"


def _text(text: str) -> str:
    """A TOML basic string."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    shown = "".join(escapes.get(c) or (c if ord(c) >= 0x20 and ord(c) != 0x7F else f"\\u{ord(c):04x}") for c in text)
    return f'"{shown}"'
