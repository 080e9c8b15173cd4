"""`pixi history`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .arguments import environment_argument, workspace_arguments

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of which environment."""
    workspace_arguments(parser)
    environment_argument(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print the generations, oldest first, to standard output."""
    from ..ops.history import history
    from .terminal import safe

    found = history(context.workspace(arguments.manifest_path), arguments.environment)
    context.result("history", found)
    if context.json_lines:
        return 0
    if arguments.json:
        print(json.dumps(found, indent=2))
        return 0
    for row in found["generations"]:
        mark = "*" if row["number"] == found["current"] else " "
        print(safe(f"{mark} {row['number']:>3}  {row['time']}  {row['command'] or '(started by a kernel)'}"))
        for line in change_lines(row):
            print(safe(f"       {line}"))
    if not found["generations"]:
        context.reporter.message(f"nothing is recorded of the environment {found['environment']} yet")
    return 0


def change_lines(changed: Mapping[str, Any]) -> Iterator[str]:
    """`+ name 1.0`, `- name 1.0`, `~ name 1.0 -> 2.0`; of more than eight, how many there are of each."""
    lines = [f"+ {row['name']} {row['version']}" for row in changed["added"]]
    lines += [f"- {row['name']} {row['version']}" for row in changed["removed"]]
    lines += [f"~ {row['name']} {row['old_version']} -> {row['new_version']}" for row in changed["changed"]]
    if len(lines) <= 8:
        yield from lines
        return
    yield ", ".join(f"{len(changed[kind])} {kind}" for kind in ("added", "removed", "changed") if changed[kind])
