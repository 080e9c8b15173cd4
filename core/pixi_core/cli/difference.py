"""The difference of two lock files for people: a block for each environment and platform, a line for each package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def lines(difference: Mapping[str, Any]) -> Iterator[str]:
    """`+ name 1.0 build`, `- name 1.0 build`, `~ name 1.0 -> 2.0`, indented below what they belong to."""
    for environment, platforms in difference["environment"].items():
        for platform, rows in platforms.items():
            yield f"Environment: {environment}, platform: {platform}"
            width = max(len(row["name"]) for row in rows)
            for row in rows:
                yield "  " + _line(row, width)


def _line(row: Mapping[str, Any], width: int) -> str:
    before, after, name = row["before"], row["after"], row["name"].ljust(width)
    if before is None:
        return f"+ {name} {version_of(after)}"
    if after is None:
        return f"- {name} {version_of(before)}"
    if "version" in after or "build" in after:
        return f"~ {name} {version_of(before)} -> {version_of(after)}"
    return f"~ {name} ({', '.join(after)})"


def version_of(fields: Mapping[str, Any]) -> str:
    """Version and build, as far as they are told."""
    return " ".join(str(fields[key]) for key in ("version", "build") if fields.get(key) is not None)
