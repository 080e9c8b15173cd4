"""`pixi size`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .arguments import environment_argument, lock_arguments, lock_mode, workspace_arguments

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ..ops.size import Sizes
    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of which environment."""
    workspace_arguments(parser)
    environment_argument(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    lock_arguments(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print the table, or JSON."""
    from ..ops.size import sizes
    from .terminal import safe

    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(reporter=context.reporter)
    found = sizes(workspace, arguments.environment, mode=lock_mode(arguments), reporter=context.reporter)
    drawn = list(lines(found))
    context.result("size", {**found.to_json(), "lines": drawn})
    if context.json_lines:
        return 0
    if arguments.json:
        print(json.dumps(found.to_json(), indent=2))
        return 0
    for line in drawn:
        print(safe(line))
    return 0


def lines(found: Sizes) -> Iterator[str]:
    """Name, version, own size, what would be freed and with how many others; below it the sum."""
    from .terminal import megabytes

    table = [("Name", "Version", "Size", "Would free", "With")]
    for weight in found.weights:
        sizes = ["not installed" if n is None else megabytes(n) for n in (weight.own_bytes, weight.freed_bytes)]
        others = str(len(weight.companions)) if weight.companions else ""
        table.append((weight.package.name, weight.package.version, sizes[0], sizes[1], others))
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        pairs = list(zip(row, widths, strict=True))
        cells = [c.ljust(w) for c, w in pairs[:2]] + [c.rjust(w) for c, w in pairs[2:]]
        yield "  ".join(cells).rstrip()
    count = len(found.weights)
    words = "1 package" if count == 1 else f"{count} packages"
    yield f"{words} in environment {found.environment}: {megabytes(found.total_bytes)}"
