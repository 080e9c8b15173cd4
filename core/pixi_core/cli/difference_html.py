"""The difference of two lock files as a page for a browser: complete in itself, no script, everything escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from .difference import version_of

_STYLE = (
    "body{font:14px sans-serif;margin:2em;color-scheme:light dark}table{border-collapse:collapse}"
    "th,td{text-align:left;padding:.2em 1em .2em 0}code{font:13px monospace}"
    ".added td:first-child{color:green}.removed td:first-child{color:firebrick}.changed td:first-child{color:peru}"
)


def page(difference: Mapping[str, Any], *, title: str) -> str:
    """An HTML document with a table for each environment and platform: package, kind, before, after."""
    tables = [
        _table(environment, platform, rows)
        for environment, platforms in difference["environment"].items()
        for platform, rows in platforms.items()
    ]
    body = "\n".join(tables) if tables else "<p>no difference</p>"
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body><h1>{escape(title)}</h1>\n{body}\n</body></html>'
    )


def _table(environment: str, platform: str, rows: list[Mapping[str, Any]]) -> str:
    heading = "<tr><th></th><th>Package</th><th>Kind</th><th>Before</th><th>After</th></tr>"
    lines = "\n".join([heading, *map(_row, rows)])
    return f"<h2>{escape(environment)}, {escape(platform)}</h2>\n<table>\n{lines}\n</table>"


def _row(row: Mapping[str, Any]) -> str:
    before, after = row["before"], row["after"]
    kind, mark = ("added", "+") if before is None else ("removed", "-") if after is None else ("changed", "~")
    cells = [mark, f"<code>{escape(row['name'])}</code>", escape(row["type"]), *_states(before, after)]
    return f'<tr class="{kind}">{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _states(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[str]:
    """Version and build on both sides, or, where these are the same, the names of the fields that differ."""
    if before is not None and after is not None and not version_of(after):
        yield from ("", escape(", ".join(after)))
        return
    for fields in (before, after):
        yield "" if fields is None else f"<code>{escape(version_of(fields))}</code>"
