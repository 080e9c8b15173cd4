"""The text of a new manifest."""

from __future__ import annotations

from collections.abc import Sequence

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
) -> str:
    """A manifest with empty tables to fill. `python` is a version spec for the first dependency; without channels it
    is what is asked of the machine's interpreter.
    """
    if kind == "pyproject":
        return _pyproject(name, channels, platforms, authors, python, version)
    lines = ["[workspace]"]
    if authors:
        lines.append(f"authors = {_list(authors)}")
    lines += [
        f"channels = {_list(channels)}",
        f"name = {_text(name)}",
        f"platforms = {_list(platforms)}",
        f"version = {_text(version)}",
        "",
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
        "",
        "[tool.pixi.pypi-dependencies]",
        f'{_key(distribution)} = {{ path = ".", editable = true }}',
        "",
        "[tool.pixi.tasks]",
        "",
    ]
    return "\n".join(lines)


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
