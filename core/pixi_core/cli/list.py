"""`pixi list`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .arguments import environment_argument, lock_arguments, lock_mode, workspace_arguments

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from ..ops.list_packages import Row
    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which packages, in which order."""
    parser.add_argument("regex", nargs="?", metavar="REGEX", help="only packages whose name matches")
    workspace_arguments(parser)
    environment_argument(parser)
    parser.add_argument("--platform", metavar="PLATFORM", help="another platform than this machine's")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("-x", "--explicit", action="store_true", help="only what the manifest names")
    parser.add_argument("--sort-by", choices=("name", "size", "kind"), default="name")
    lock_arguments(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print the table, or JSON; nothing found is exit code 1."""
    from ..ops.list_packages import list_packages

    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(offline=arguments.offline, reporter=context.reporter)
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
    if context.json_lines:
        context.result("list", {"packages": [row.to_json() for row in rows]})
        return 0
    if arguments.json:
        print(json.dumps([row.to_json() for row in rows], indent=2))
        return 0
    if not rows:
        context.reporter.warning("no packages found")
        return 1
    print_table(rows)
    return 0


def print_table(rows: Sequence[Row]) -> None:
    """Name, version, build, size, kind, source; as wide as the widest."""
    from .terminal import megabytes, safe

    table = [("Name", "Version", "Build", "Size", "Kind", "Source")]
    table += [
        (
            row.name,
            row.version,
            row.build or "",
            "" if row.size_bytes is None else megabytes(row.size_bytes),
            row.kind,
            row.source or "",
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    for line in table:
        print("  ".join(safe(cell).ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
