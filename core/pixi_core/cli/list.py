"""`pixi list`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..suggest import did_you_mean
from .arguments import environment_argument, lock_arguments, lock_mode, workspace_arguments
from .script import script_argument, workspace_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from ..ops.list_packages import Row
    from .context import Context

DEFAULT_COLUMNS = ("name", "version", "build", "size", "kind", "source")
COLUMNS = (
    *DEFAULT_COLUMNS, "build-number", "license", "license-family", "is-editable", "md5", "sha256", "arch", "platform",
    "subdir", "timestamp", "noarch", "file-name", "url", "requested-spec", "constrains", "depends", "track-features",
)  # fmt: skip
"""The fields that pixi knows; those of `--json` but for the size, which is said for people."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which packages, in which order."""
    parser.add_argument("regex", nargs="?", metavar="REGEX", help="only packages whose name matches")
    workspace_arguments(parser)
    script_argument(parser)
    environment_argument(parser)
    parser.add_argument("--platform", metavar="PLATFORM", help="another platform than this machine's")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--fields", metavar="FIELD,…", help="the columns, as in name,version,license")
    parser.add_argument("-x", "--explicit", action="store_true", help="only what the manifest names")
    parser.add_argument("--sort-by", choices=("name", "size", "kind"), default="name")
    lock_arguments(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print the table, or JSON; nothing found is exit code 1."""
    from ..ops.list_packages import list_packages

    columns = _columns(arguments.fields) if arguments.fields else DEFAULT_COLUMNS
    with workspace_of(arguments, context) as workspace:
        rows = list_packages(
            workspace,
            arguments.environment,
            pattern=arguments.regex,
            explicit=arguments.explicit,
            platform=arguments.platform,
            mode=lock_mode(arguments),
            reporter=context.reporter,
        )
    if arguments.sort_by == "size":
        rows.sort(key=lambda row: row.size_bytes or 0)
    elif arguments.sort_by == "kind":
        rows.sort(key=lambda row: (row.kind, row.name))
    context.result("list", {"packages": [row.to_json() for row in rows]})
    if context.json_lines:
        return 0
    if arguments.json:
        print(json.dumps([row.to_json() for row in rows], indent=2))
        return 0 if rows else 1
    if not rows:
        context.reporter.warning("no packages found")
        return 1
    print_table(rows, columns)
    return 0


def _columns(text: str) -> list[str]:
    """The fields of `a,b`. Raises `UsageError` with the nearest name."""
    from ..errors import UsageError

    chosen = [name.strip() for name in text.split(",")]
    for name in chosen:
        if name not in COLUMNS:
            hint = did_you_mean(name, COLUMNS, f"there are {', '.join(COLUMNS)}")
            raise UsageError(f"packages have no field '{name}'", hints=[hint])
    return chosen


def _cell(row: Row, column: str) -> str:
    """One field for people: nothing for what is not known, lists with commas."""
    from .terminal import megabytes

    if column == "size":
        return "" if row.size_bytes is None else megabytes(row.size_bytes)
    value = row.to_json().get(column.replace("-", "_"))
    if isinstance(value, list):
        return ", ".join(value)
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def print_table(rows: Sequence[Row], columns: Sequence[str] = DEFAULT_COLUMNS) -> None:
    """A line for each package and a column for each field, as wide as the widest."""
    from .terminal import safe

    table = [tuple(column.replace("-", " ").capitalize() for column in columns)]
    table += [tuple(_cell(row, column) for column in columns) for row in rows]
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    for line in table:
        print("  ".join(safe(cell).ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
